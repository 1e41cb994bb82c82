//! A take: one result, and what made it.
//!
//! Apart from the document because layout and kept steps name takes too.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{fingerprint::Fingerprint, recipe::Recipe};

/// The id of a take, unique within its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TakeId(pub u64);

/// The longest name of a take, in letters.
const MOST_LETTERS: usize = 200;

/// The longest render time of a take: a year.
const MOST_SECONDS: f32 = 3.2e7;

/// One result.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Take {
    pub id: TakeId,
    /// The take whose recipe was changed into this one's.
    pub parent: Option<TakeId>,
    pub name: String,
    pub starred: bool,
    pub recipe: Recipe,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// Render time in seconds.
    pub seconds: f32,
    /// A small picture, PNG in base64; see [`super::thumbnail`].
    pub thumbnail: Option<String>,
    /// The run's [`Fingerprint`] as RON, as a picture carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Take {
    /// Brings its recipe, its name and its time within limits. Returns a few words for each that was changed.
    pub(super) fn bring_within_limits(&mut self) -> Vec<String> {
        let mut adjusted = self.recipe.bring_within_limits();
        if !(0.0..=MOST_SECONDS).contains(&self.seconds) {
            adjusted.push(format!("render time {} s, now not known", self.seconds));
            self.seconds = 0.0;
        }
        if let Some((end, _)) = self.name.char_indices().nth(MOST_LETTERS) {
            adjusted.push(format!("name of {} bytes, now its first {MOST_LETTERS} letters", self.name.len()));
            self.name.truncate(end);
        }
        adjusted
    }

    /// The run's fingerprint, if it can be read.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        ron::from_str(self.run.as_deref()?).ok()
    }

    /// Sets the run's fingerprint.
    pub fn set_fingerprint(&mut self, run: Option<&Fingerprint>) {
        // A fingerprint is plain data, which serialises without errors.
        self.run = run.and_then(|run| ron::to_string(run).ok());
    }
}

/// Checks that takes have ids of their own, and parents that are there and are not their own descendants.
///
/// # Errors
/// The take that does not fit, and in a few words why.
pub(super) fn check_tree(takes: &[Take]) -> Result<(), (TakeId, String)> {
    let mut parents = HashMap::new();
    for take in takes {
        if parents.insert(take.id, take.parent).is_some() {
            return Err((take.id, "is there twice".to_owned()));
        }
    }
    let mut sound = HashSet::new();
    for take in takes {
        let mut line = Vec::new();
        let mut next = Some(take.id);
        while let Some(id) = next.filter(|id| !sound.contains(id)) {
            if line.len() > takes.len() {
                return Err((take.id, "is among its own descendants".to_owned()));
            }
            line.push(id);
            next = *parents.get(&id).ok_or_else(|| {
                (line[line.len().saturating_sub(2)], format!("has the parent {}, which is not there", id.0))
            })?;
        }
        sound.extend(line);
    }
    Ok(())
}

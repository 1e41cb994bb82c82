//! The session document, `*.sextant.ron`: recipes, takes and layout as readable text.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use ron::ser::PrettyConfig;
use serde::{Deserialize, Serialize};

use super::{KeptSteps, Layout, SessionError, error::one_line, files::write_whole};
use crate::{
    files::{NotText, decode_text},
    fingerprint::Fingerprint,
    recipe::Recipe,
};

/// The version that this program writes; it reads this one and all before it.
///
/// Version 2 may carry the steps of takes. A program that knows version 1 alone would drop them when it saves.
pub const VERSION: u32 = 2;

/// What every session says it is.
pub(super) const FORMAT: &str = "sextant-session";

/// Larger files are refused before they are read.
const MAX_BYTES: u64 = 1 << 29;

/// Names a take within its session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TakeId(pub u64);

/// A session as it is kept on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    format: String,
    version: u32,
    /// The program version that wrote the file.
    #[serde(default)]
    app: String,
    /// What the studio's controls are set to.
    #[serde(default)]
    pub recipe: Recipe,
    /// The models that the recipes name.
    #[serde(default)]
    pub models: Vec<ModelUse>,
    /// Results, oldest first.
    #[serde(default)]
    pub takes: Vec<Take>,
    #[serde(default)]
    pub layout: Layout,
    /// In a recovery file: the session file that the work belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<PathBuf>,
    /// The steps of takes, where they are kept. Last, so that what people read stands before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<KeptSteps>,
}

/// A model that a session used, so that another one in its place is noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUse {
    /// As in the recipe.
    pub name: String,
    /// SHA-256 of the weights, in hex.
    pub content_hash: Option<String>,
}

/// One result and what made it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Take {
    pub id: TakeId,
    /// The take it was made from.
    pub parent: Option<TakeId>,
    pub name: String,
    pub starred: bool,
    pub recipe: Recipe,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// How long it took to make.
    pub seconds: f32,
    /// A small picture, PNG in base64; see [`super::thumbnail`].
    pub thumbnail: Option<String>,
    /// How its run went, as a picture carries it: a [`Fingerprint`] as RON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Take {
    /// How its run went, if that can be read.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        ron::from_str(self.run.as_deref()?).ok()
    }

    /// Notes how its run went.
    pub fn set_fingerprint(&mut self, run: Option<&Fingerprint>) {
        // A fingerprint is plain data, which always has a text.
        self.run = run.and_then(|run| ron::to_string(run).ok());
    }
}

/// What every version of the format begins with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Header {
    format: String,
    version: u32,
}

impl Default for Document {
    fn default() -> Self {
        Self::new(Recipe::default())
    }
}

impl Document {
    /// A session with one recipe and no takes.
    pub fn new(recipe: Recipe) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            app: env!("CARGO_PKG_VERSION").to_owned(),
            recipe,
            models: Vec::new(),
            takes: Vec::new(),
            layout: Layout::default(),
            original: None,
            steps: Vec::new(),
        }
    }

    /// Reads a session; one of an older version is brought up to date.
    ///
    /// # Errors
    /// One sentence with the file, and line and column where they are known: a file that cannot be read, is no
    /// session, is newer than this program, is broken off or damaged, or whose takes do not fit together.
    pub fn load(path: &Path) -> Result<Self, SessionError> {
        let unreadable = |source| SessionError::Read { path: path.to_owned(), source };
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(SessionError::TooLarge { path: path.to_owned(), bytes });
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        let text = decode_text(&bytes).map_err(|NotText { line, column }| SessionError::Damaged {
            path: path.to_owned(),
            line,
            column,
            what: "this is not text".to_owned(),
        })?;
        Self::from_text(&text, path)
    }

    /// Reads the text of a session; `path` is for error messages.
    ///
    /// # Errors
    /// As [`Document::load`].
    pub fn from_text(text: &str, path: &Path) -> Result<Self, SessionError> {
        let damaged = |error: ron::error::SpannedError| SessionError::Damaged {
            path: path.to_owned(),
            line: error.span.start.line,
            column: error.span.start.col,
            what: one_line(error.code),
        };
        let header: Header = ron::from_str(text).map_err(|error| {
            if text.contains(FORMAT) { damaged(error) } else { SessionError::NotASession { path: path.to_owned() } }
        })?;
        if header.format != FORMAT {
            return Err(SessionError::NotASession { path: path.to_owned() });
        }
        if header.version > VERSION {
            return Err(SessionError::Newer { path: path.to_owned(), found: header.version, known: VERSION });
        }
        let read: Self = ron::from_str(text).map_err(damaged)?;
        read.check_takes(path)?;
        // Whatever version was read, it now is what this program writes.
        Ok(Self { format: FORMAT.to_owned(), version: VERSION, app: env!("CARGO_PKG_VERSION").to_owned(), ..read })
    }

    /// Writes the session, whole or not at all.
    ///
    /// # Errors
    /// [`SessionError::Write`]; the file that was there is then as it was.
    pub fn save(&self, path: &Path) -> Result<(), SessionError> {
        write_whole(path, self.to_text()?.as_bytes())
    }

    /// The session as readable RON.
    ///
    /// # Errors
    /// None that a session made by this program can cause.
    pub fn to_text(&self) -> Result<String, SessionError> {
        let style = PrettyConfig::new().new_line("\n").indentor("  ");
        let text = ron::ser::to_string_pretty(self, style).map_err(|e| SessionError::Unwritable(one_line(e)))?;
        Ok(text + "\n")
    }

    /// Takes over the steps that `saved`, an earlier state of this session, keeps of takes that both have.
    pub fn adopt_steps(&mut self, saved: &Self) {
        let same = |a: &Take, b: &Take| (a.created, &a.recipe) == (b.created, &b.recipe);
        for take in &self.takes {
            let before = saved.takes.iter().find(|before| same(before, take));
            let kept = before.and_then(|before| saved.steps.iter().find(|kept| kept.take == before.id));
            if let Some(kept) = kept.filter(|_| self.steps.iter().all(|own| own.take != take.id)) {
                self.steps.push(KeptSteps { take: take.id, steps: kept.steps.clone() });
            }
        }
    }

    /// Takes must have ids of their own, and parents that are there and are not their own descendants.
    fn check_takes(&self, path: &Path) -> Result<(), SessionError> {
        let wrong =
            |take: TakeId, what: String| SessionError::Inconsistent { path: path.to_owned(), take: take.0, what };
        let mut parents = HashMap::new();
        for take in &self.takes {
            if parents.insert(take.id, take.parent).is_some() {
                return Err(wrong(take.id, "is there twice".to_owned()));
            }
        }
        let mut sound = HashSet::new();
        for take in &self.takes {
            let mut line = Vec::new();
            let mut next = Some(take.id);
            while let Some(id) = next.filter(|id| !sound.contains(id)) {
                if line.len() > self.takes.len() {
                    return Err(wrong(take.id, "is among its own descendants".to_owned()));
                }
                line.push(id);
                next = *parents.get(&id).ok_or_else(|| {
                    wrong(line[line.len().saturating_sub(2)], format!("has the parent {}, which is not there", id.0))
                })?;
            }
            sound.extend(line);
        }
        Ok(())
    }
}

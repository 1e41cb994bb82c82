//! SEGA concepts (Brack et al., NeurIPS 2023) and their shared momentum, as plain data.
//!
//! Apart from the recipe because concepts carry an identity of their own, which outlives edits, reordering and removal.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::keys::{self, Key};
use crate::files::charged_list;

/// Names a concept within its recipe, independent of its row and its text.
///
/// The default, 0, is no identity yet; [`assign_concept_ids`](super::Recipe::assign_concept_ids) and
/// [`add_concept`](super::Recipe::add_concept) give one, from 1 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConceptId(pub u32);

impl ConceptId {
    /// The default: no identity yet.
    pub const UNASSIGNED: Self = Self(0);

    /// The id after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One SEGA concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredConcept")]
pub struct Concept {
    /// Unique within the recipe; takes no part in the picture.
    pub id: ConceptId,
    pub text: String,
    /// Edit guidance scale, signed: a negative one steers away from the text.
    pub strength: f32,
    /// How the strength changes over the steps; see [`keys`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Quantile in 0..=1: only elements at or above it are touched.
    pub threshold: f32,
    /// First step index at which the concept acts.
    pub warmup: usize,
    /// First step index at which it no longer acts.
    pub cooldown: Option<usize>,
    pub weight: f32,
    /// A muted concept is kept but not computed.
    pub enabled: bool,
    /// Token positions of the regions that the concept is confined to; empty: it may act everywhere.
    pub lock: Vec<usize>,
}

impl Default for Concept {
    fn default() -> Self {
        Self {
            id: ConceptId::UNASSIGNED,
            text: String::new(),
            strength: 5.0,
            keys: Vec::new(),
            threshold: 0.9,
            warmup: 10,
            cooldown: None,
            weight: 1.0,
            enabled: true,
            lock: Vec::new(),
        }
    }
}

/// A concept as any version of the program has written it: before version 3 of the sessions without an id, and with an
/// unsigned or signed `scale` that `reverse` turns around.
#[derive(Deserialize)]
#[serde(default)]
struct StoredConcept {
    id: ConceptId,
    text: String,
    #[serde(alias = "scale")]
    strength: f32,
    keys: Vec<Key>,
    threshold: f32,
    warmup: usize,
    cooldown: Option<usize>,
    weight: f32,
    reverse: bool,
    enabled: bool,
    lock: Vec<usize>,
}

impl Default for StoredConcept {
    fn default() -> Self {
        let Concept { id, text, strength, keys, threshold, warmup, cooldown, weight, enabled, lock } =
            Concept::default();
        Self { id, text, strength, keys, threshold, warmup, cooldown, weight, reverse: false, enabled, lock }
    }
}

impl From<StoredConcept> for Concept {
    fn from(stored: StoredConcept) -> Self {
        let StoredConcept { id, text, strength, keys, threshold, warmup, cooldown, weight, reverse, enabled, lock } =
            stored;
        let strength = if reverse { -strength } else { strength };
        Self { id, text, strength, keys, threshold, warmup, cooldown, weight, enabled, lock }
    }
}

/// SEGA momentum, shared by all concepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Momentum {
    pub scale: f32,
    pub beta: f32,
}

impl Default for Momentum {
    fn default() -> Self {
        Self { scale: 0.1, beta: 0.4 }
    }
}

impl Concept {
    /// The strength with its key factor at a step.
    pub fn strength_at(&self, step: usize) -> f32 {
        self.strength * keys::factor_at(&self.keys, step)
    }

    /// Past its warm-up.
    pub fn is_warm(&self, step: usize) -> bool {
        step >= self.warmup
    }

    /// Past its cool-down.
    pub fn is_cooled(&self, step: usize) -> bool {
        self.cooldown.is_some_and(|end| step >= end)
    }

    /// Whether it is computed: enabled and with a text.
    pub fn is_active(&self) -> bool {
        self.enabled && !self.text.trim().is_empty()
    }

    /// Whether two concepts have equal settings, apart from their ids.
    pub fn same_settings(&self, other: &Self) -> bool {
        *self == Self { id: self.id, ..other.clone() }
    }
}

/// Larger ids, which only a file made by hand has, are given anew, so that there is always a next one.
const MAX_ID: ConceptId = ConceptId(u32::MAX / 2);

/// Fresh ids are above all that are there, in the order of the rows: a recipe without ids gets 1, 2, 3, ...
pub(super) fn assign_ids(concepts: &mut [Concept]) {
    concepts.iter_mut().filter(|concept| concept.id > MAX_ID).for_each(|concept| concept.id = ConceptId::UNASSIGNED);
    let mut last = concepts.iter().map(|concept| concept.id).max().unwrap_or_default();
    let mut seen = HashSet::from([ConceptId::UNASSIGNED]);
    for concept in concepts {
        if !seen.insert(concept.id) {
            last = last.next();
            concept.id = last;
        }
    }
}

/// Reads concepts of any version of the program, so that each has an id of its own.
pub(super) fn read_concepts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Concept>, D::Error> {
    let mut concepts = charged_list(deserializer)?;
    assign_ids(&mut concepts);
    Ok(concepts)
}

//! Which recipes ask for the same picture: the part of a recipe that the engine computes from.
//!
//! Apart from the data because it is what decides whether a changed recipe has to be rendered at all.

use super::{
    concept::{Concept, ConceptId},
    fusion::Fusion,
    recipe::Recipe,
    scfg::Scfg,
};

impl Recipe {
    /// The recipe without what changes no picture: what is switched off, settings that the fusion's rule does not use,
    /// names of regions and ids of concepts. Two recipes with equal canonical forms give the same picture.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let nameless = |concept: &Concept| Concept { id: ConceptId::UNASSIGNED, ..concept.clone() };
        let mut part = self.clone();
        part.concepts = self.active_concepts().map(nameless).collect();
        part.fusion = self.active_fusion().map(Fusion::normalized);
        part.groups.iter_mut().for_each(|group| group.name.clear());
        part.groups.retain(|group| group.positions.len() > 1);
        if !part.scfg.enabled {
            part.scfg = Scfg::default();
        }
        part
    }

    /// Whether two recipes have equal settings, apart from the ids of their concepts.
    pub fn same_settings(&self, other: &Self) -> bool {
        let differs = self.concepts.len() != other.concepts.len() || self.seed != other.seed;
        if differs || self.steps != other.steps || self.prompt != other.prompt {
            return false;
        }
        let mut renamed = other.clone();
        renamed.concepts.iter_mut().zip(&self.concepts).for_each(|(theirs, own)| theirs.id = own.id);
        *self == renamed
    }
}

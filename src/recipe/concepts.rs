//! The concepts of a recipe: finding, adding and removing them by their ids.
//!
//! Apart from the concept itself because it works on the whole list.

use super::{
    concept::{Concept, ConceptId, assign_ids},
    recipe::Recipe,
};

impl Recipe {
    /// Concepts that are computed, in order: enabled and with a text.
    pub fn active_concepts(&self) -> impl Iterator<Item = &Concept> {
        self.concepts.iter().filter(|concept| concept.is_active())
    }

    /// The concept of an id.
    pub fn concept(&self, id: ConceptId) -> Option<&Concept> {
        self.concepts.iter().find(|concept| concept.id == id)
    }

    /// The concept of an id, to be changed.
    pub fn concept_mut(&mut self, id: ConceptId) -> Option<&mut Concept> {
        self.concepts.iter_mut().find(|concept| concept.id == id)
    }

    /// The row that a concept stands in.
    pub fn concept_row(&self, id: ConceptId) -> Option<usize> {
        self.concepts.iter().position(|concept| concept.id == id)
    }

    /// The largest id in use; [`ConceptId::UNASSIGNED`] without any.
    pub fn last_concept_id(&self) -> ConceptId {
        self.concepts.iter().map(|concept| concept.id).max().unwrap_or_default()
    }

    /// Adds a concept under an id that no other concept of the recipe has, and returns the id.
    pub fn add_concept(&mut self, concept: Concept) -> ConceptId {
        let id = self.last_concept_id().next();
        self.concepts.push(Concept { id, ..concept });
        id
    }

    /// Takes a concept out of the recipe. All others keep their ids.
    pub fn remove_concept(&mut self, id: ConceptId) -> Option<Concept> {
        self.concept_row(id).map(|row| self.concepts.remove(row))
    }

    /// Gives an id to every concept that has none or repeats an earlier one; ids that are unique stay.
    pub fn assign_concept_ids(&mut self) {
        assign_ids(&mut self.concepts);
    }

    /// The recipe after [`Recipe::assign_concept_ids`].
    #[must_use]
    pub fn with_concept_ids(mut self) -> Self {
        self.assign_concept_ids();
        self
    }
}

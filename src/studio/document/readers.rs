//! How the models that were used last read texts, as the engine has handed it over.
//!
//! Apart from the engine's status, which is compared from frame to frame.

use std::sync::Arc;

use crate::{model::TextReader, recipe::ModelRef};

/// The reader of each model.
#[derive(Clone, Debug, Default)]
pub struct Readers(Vec<ReaderOf>);

type ReaderOf = (ModelRef, Arc<dyn TextReader>);

/// Readers are the same only where they are one object.
impl PartialEq for Readers {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&ReaderOf, &ReaderOf)| a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1);
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(same)
    }
}

impl Readers {
    /// Models that are kept: a general model, an expert, and those just before.
    const MOST: usize = 4;

    pub fn of(&self, model: &ModelRef) -> Option<&Arc<dyn TextReader>> {
        self.0.iter().find(|(known, _)| known == model).map(|(_, reader)| reader)
    }

    pub(super) fn put(&mut self, model: ModelRef, reader: Arc<dyn TextReader>) {
        self.0.retain(|(known, _)| *known != model);
        self.0.push((model, reader));
        let old = self.0.len().saturating_sub(Self::MOST);
        self.0.drain(..old);
    }
}

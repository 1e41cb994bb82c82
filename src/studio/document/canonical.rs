//! Which recipes give the same picture.

use crate::recipe::{Fusion, Recipe, Scfg};

/// The recipe without what is switched off: changing that changes no picture.
pub fn canonical(recipe: &Recipe) -> Recipe {
    let mut part = recipe.clone();
    part.concepts = recipe.active_concepts().cloned().collect();
    part.fusion = recipe.active_fusion().map(Fusion::normalized);
    part.groups.iter_mut().for_each(|group| group.name.clear());
    part.groups.retain(|group| group.positions.len() > 1);
    if !part.scfg.enabled {
        part.scfg = Scfg::default();
    }
    part
}

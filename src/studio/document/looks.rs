//! A look: every setting of a recipe but what the picture is of, its seed and its size.
//!
//! Apart from the library on disk, which keeps looks as whole recipes.

use crate::recipe::Recipe;

/// `recipe` in the look of another one. Words, model, LoRA, seed, size, and what belongs to the words of the prompt stay; locks
/// of concepts belong to words of another prompt, and are left out.
pub fn with_look(recipe: &Recipe, look: &Recipe) -> Recipe {
    let same_words = recipe.prompt == look.prompt;
    let mut changed = Recipe {
        prompt: recipe.prompt.clone(),
        negative: recipe.negative.clone(),
        model: recipe.model.clone(),
        loras: recipe.loras.clone(),
        seed: recipe.seed,
        width: recipe.width,
        height: recipe.height,
        regions: recipe.regions.clone(),
        groups: recipe.groups.clone(),
        painted: recipe.painted.clone(),
        painted_factor: recipe.painted_factor.clone(),
        ..look.clone()
    };
    if !same_words {
        changed.concepts.iter_mut().for_each(|concept| concept.lock.clear());
        changed.fusion.iter_mut().for_each(|fusion| fusion.owners.clear());
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Concept, RegionFactor};

    #[test]
    fn a_look_changes_settings_and_not_what_the_picture_is_of() {
        let night = Concept { text: "night".into(), lock: vec![2], ..Concept::default() };
        let look =
            Recipe { prompt: "a dog".into(), cfg: 9.0, steps: 7, seed: 1, concepts: vec![night], ..Recipe::default() };
        let regions = vec![RegionFactor { position: 2, factor: 2.0 }];
        let own = Recipe { prompt: "a cat".into(), seed: 5, width: 256, regions: regions.clone(), ..Recipe::default() };
        let changed = with_look(&own, &look);
        assert_eq!((changed.prompt.as_str(), changed.seed, changed.width), ("a cat", 5, 256));
        assert_eq!((changed.cfg, changed.steps, changed.concepts[0].text.as_str()), (9.0, 7, "night"));
        assert_eq!((changed.regions, changed.concepts[0].lock.len()), (regions, 0));
        let same = Recipe { prompt: "a dog".into(), ..own };
        assert_eq!(with_look(&same, &look).concepts[0].lock, [2]);
    }
}

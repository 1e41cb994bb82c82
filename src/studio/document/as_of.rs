//! The document as it was when a take was made, for panels that show that take's settings.
//!
//! Apart from the document itself: nothing edits what this returns.

use super::{
    regions::prompt::RegionPrompt,
    state::{Document, RecipeContext},
    takes::TakeId,
};

impl Document {
    /// The document with the recipe, words and steps of one take, and without the others; `None` for a take that is gone.
    pub fn as_of(&self, id: TakeId) -> Option<Self> {
        let track = &self.take(id)?.track;
        let mut regions = RegionPrompt::new(track.recipe.prompt.clone());
        regions.known.learn(&track.recipe.prompt, &track.tokens);
        let context = RecipeContext { regions, ..RecipeContext::default() };
        Some(Self {
            recipe: track.recipe.clone(),
            takes: self.takes.only(id),
            context,
            file: self.file.clone(),
            engine: self.engine.clone(),
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recipe::Recipe,
        studio::document::{edit::Edit, track::Track},
    };

    #[test]
    fn a_take_is_seen_with_its_own_settings_whatever_is_edited_since() {
        let mut document = Document::new(Recipe { cfg: 3.0, ..Recipe::default() });
        let track = Track::new(document.recipe().clone());
        let ids: Vec<TakeId> =
            (0..2).map(|_| document.takes.add("take".into(), track.clone(), Default::default(), 0)).collect();
        document.edit(Edit::Recipe(Box::new(Recipe { cfg: 9.0, ..document.recipe().clone() })), 0);
        let then = document.as_of(ids[0]).expect("a take");
        assert_eq!((then.recipe().cfg, document.recipe().cfg), (3.0, 9.0));
        assert!(then.take(ids[0]).is_some() && then.take(ids[1]).is_none());
        assert!(document.as_of(TakeId(99)).is_none());
    }
}

//! What the user does to takes, and taking over a recipe that was rendered before.
//!
//! Apart from the other edits because these change the list of takes, and not single settings.

use super::{
    baselines::ModelRole,
    render_status::RenderStatus,
    state::Document,
    takes::{TakeId, TakeLabel},
    track::Track,
};
use crate::recipe::Recipe;

impl Document {
    pub(super) fn restore_cell(&mut self, at: usize) {
        if let Some(recipe) = self.background.grid.cells.get(at).map(|cell| cell.recipe.clone()) {
            self.replace_recipe(recipe);
        }
    }

    /// Puts a recipe that was rendered before in the place of this one, whose own change is settled first.
    fn replace_recipe(&mut self, recipe: Recipe) {
        self.settle();
        self.context.regions.prompt.clone_from(&recipe.prompt);
        self.recipe = recipe;
        self.show_take_of_recipe();
    }

    pub(super) fn label_take(&mut self, id: TakeId, change: impl FnOnce(&mut TakeLabel)) {
        let Some(take) = self.takes.get(id) else { return };
        let mut label = TakeLabel { name: take.name.clone(), starred: take.starred };
        change(&mut label);
        self.settle();
        if let Some(before) = self.takes.relabel(id, label.clone()) {
            self.history.labelled(id, before, &label);
            self.file.touch();
        }
    }

    pub(super) fn toggle_pin(&mut self, side: usize, take: TakeId) {
        self.takes.toggle_pin(side, take);
        self.file.touch();
    }

    pub(super) fn change_take(&mut self, id: TakeId, change: impl FnOnce(&mut super::takes::Take)) {
        if let Some(take) = self.takes.get_mut(id) {
            change(take);
            self.file.touch();
        }
    }

    pub(super) fn restore(&mut self, id: TakeId) {
        if let Some(recipe) = self.takes.get(id).map(|take| take.track.recipe.clone()) {
            self.replace_recipe(recipe);
            self.takes.set_base(Some(id));
        }
    }

    pub(super) fn remove_take(&mut self, id: TakeId) {
        self.settle();
        if let Some(removed) = self.takes.remove(id) {
            self.history.removed(removed);
            self.file.touch();
        }
    }

    /// The take with the result of one model alone, made if there is none yet; `None` while it is not rendered.
    fn baseline_take(&mut self, role: ModelRole, now: u64) -> Option<TakeId> {
        let RenderStatus::Done(done) = self.background.baselines.status(&self.recipe, role)?.clone() else {
            return None;
        };
        // The picture was rendered for what decides it; all else is as it stands now.
        let recipe = role.alone(&self.recipe)?;
        let key = recipe.canonical();
        if let Some(known) = self.takes.list().iter().find(|take| take.track.recipe.canonical() == key) {
            return Some(known.id);
        }
        let track = Track { recipe, ..Track::finished(&done.result, done.tokens) };
        let id = self.takes.add(role.name().to_owned(), track, done.result.elapsed, now);
        let parent = self.takes.base();
        self.change_take(id, |take| take.parent = parent);
        Some(id)
    }

    pub(super) fn pin_baseline(&mut self, role: ModelRole, now: u64) {
        if let Some(id) = self.baseline_take(role, now) {
            self.toggle_pin(0, id);
        }
    }
}

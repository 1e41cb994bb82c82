//! The document: what is wanted, what came back, and where it is saved.
//!
//! It names nothing of the window, reads no clock and holds no channel: the same edits and events give the same
//! document. [`super::edit`] changes it for the user, [`super::event`] for the engine.

use std::path::PathBuf;

use super::{
    background_work::BackgroundWork,
    baselines::Baselines,
    cost,
    engine_status::{EngineStatus, MemoryUse},
    file::FileState,
    grid::Grid,
    history::{History, Snapshot},
    live_run::{LiveRun, Phase},
    notice::{Notice, Notices, Topic},
    queue::Queue,
    regions::prompt::RegionPrompt,
    takes::{Take, TakeId, Takes},
    track::Track,
};
use crate::{
    engine::{Compatibility, ModelPair, Preference},
    recipe::{ConceptId, Recipe},
};

/// What the recipe refers to beyond itself: the words of its positions, and concepts that it had or mutes.
#[derive(Clone, Debug, Default)]
pub struct RecipeContext {
    /// What the positions of its regions are positions of.
    pub(super) regions: RegionPrompt,
    /// The concepts that were muted together.
    pub(super) muted: Vec<ConceptId>,
    /// The largest id of a concept that was added to this document or removed from it.
    pub(super) last_concept: ConceptId,
}

/// Everything that an edit or an event can change.
#[derive(Clone, Debug, Default)]
pub struct Document {
    pub(super) recipe: Recipe,
    pub(super) takes: Takes,
    pub(super) run: Option<LiveRun>,
    pub(super) history: History,
    pub(super) background: BackgroundWork,
    pub(super) context: RecipeContext,
    pub(super) file: FileState,
    pub(super) engine: EngineStatus,
    pub(super) notices: Notices,
}

impl Document {
    pub fn new(recipe: Recipe) -> Self {
        let recipe = recipe.with_concept_ids();
        let regions = RegionPrompt::new(recipe.prompt.clone());
        let context = RecipeContext { regions, last_concept: recipe.last_concept_id(), ..RecipeContext::default() };
        Self { recipe, context, ..Self::default() }
    }

    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    pub fn takes(&self) -> &Takes {
        &self.takes
    }

    pub fn take(&self, id: TakeId) -> Option<&Take> {
        self.takes.get(id)
    }

    pub fn run(&self) -> Option<&LiveRun> {
        self.run.as_ref()
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    pub fn grid(&self) -> &Grid {
        &self.background.grid
    }

    pub fn baselines(&self) -> &Baselines {
        &self.background.baselines
    }

    pub fn queue(&self) -> &Queue {
        &self.background.queue
    }

    pub fn file(&self) -> &FileState {
        &self.file
    }

    pub fn engine(&self) -> &EngineStatus {
        &self.engine
    }

    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Shows a notice in the place of the one before.
    pub fn notify(&mut self, notice: Notice) {
        self.notices.shown = Some(notice);
    }

    /// Takes the notice before away once the same thing has succeeded.
    pub fn succeeded(&mut self, topic: Topic) {
        self.notices.shown = self.notices.shown.take().filter(|notice| notice.topic != topic);
    }

    pub fn is_unsaved(&self) -> bool {
        self.file.is_unsaved()
    }

    pub fn is_busy(&self) -> bool {
        self.run.as_ref().is_some_and(LiveRun::is_busy)
    }

    /// Says which device the user prefers, and which of several graphics cards.
    pub fn set_preference(&mut self, preference: Preference, card: Option<String>) {
        (self.engine.preference, self.engine.chosen_card) = (preference, card);
    }

    /// Notes which files were opened or saved lately.
    pub fn set_recent(&mut self, recent: &[PathBuf]) {
        if self.file.recent != recent {
            self.file.recent = recent.to_vec();
        }
    }

    /// Notes how many bytes the engine has cached.
    pub fn set_memory(&mut self, memory: MemoryUse) {
        self.engine.memory = memory;
    }

    /// The two models of the recipe, when it names two.
    pub fn model_pair(&self) -> Option<ModelPair> {
        let expert = self.recipe.fusion.as_ref()?.expert.clone();
        Some(ModelPair { general: self.recipe.model.clone(), expert })
    }

    /// Whether the models of the recipe can be fused, as far as the engine has said.
    pub fn compatibility(&self) -> Option<&Compatibility> {
        let known = self.engine.compatibility.as_ref();
        known.filter(|known| self.model_pair().as_ref() == Some(&known.partners))
    }

    /// Whether a gesture has changed the recipe and not ended yet.
    pub fn is_moving(&self) -> bool {
        self.history.is_moving(&self.recipe)
    }

    /// Looks at the recipe once a frame, after all edits. `moving` is whether a gesture (a drag, typing) still goes on;
    /// with its end the change becomes one entry of the history. `timesteps` are those of the recipe's steps (see
    /// [`cost::timesteps`]); they price the change.
    pub fn watch_recipe(&mut self, moving: bool, timesteps: &[f32]) {
        if self.is_moving() {
            let before = self.history.settled();
            self.history.cost = before.and_then(|before| cost::of_edit(&before.recipe, &self.recipe, timesteps));
        }
        if self.history.settled().is_none() || !moving {
            self.settle();
        }
    }

    /// Ends the gesture that goes on: its change becomes one entry of the history, and a finished picture of it a take.
    pub fn settle(&mut self) {
        if self.history.settled().is_some() && !self.is_moving() {
            return;
        }
        if self.history.settle(self.snapshot()) {
            self.file.touch();
        }
        self.keep_settled();
    }

    /// Takes back what the gesture that goes on has changed, and shows the picture from before it.
    pub fn cancel_gesture(&mut self) {
        let before = self.history.settled().filter(|settled| settled.recipe != self.recipe).cloned();
        before.into_iter().for_each(|before| self.arrive(before));
    }

    pub fn undo(&mut self) {
        self.settle();
        if self.history.can_undo() {
            self.travel(History::undo);
        }
    }

    pub fn redo(&mut self) {
        self.settle();
        if self.history.can_redo() {
            self.travel(History::redo);
        }
    }

    fn travel(&mut self, go: fn(&mut History, Snapshot, &mut Takes) -> Option<Snapshot>) {
        let now = self.snapshot();
        if let Some(state) = go(&mut self.history, now, &mut self.takes) {
            self.history.travelled = true;
            self.arrive(state);
        } else if let Some(known) = self.takes.of_picture(&self.recipe) {
            // A take of the recipe that came back is what it stands on again.
            self.takes.set_base(Some(known));
        }
        self.file.edits += 1;
        self.file.touch();
    }

    /// The recipe as it stands, for the history.
    pub(super) fn snapshot(&self) -> Snapshot {
        let positions_of = self.context.regions.prompt.clone();
        Snapshot { recipe: self.recipe.clone(), positions_of, base: self.takes.base() }
    }

    /// Goes to a state of the history: to its take, if there is one.
    fn arrive(&mut self, state: Snapshot) {
        let Snapshot { recipe, positions_of, base } = state;
        (self.recipe, self.context.regions.prompt) = (recipe, positions_of);
        self.follow_prompt();
        let known = self.takes.of_picture(&self.recipe);
        let before = base.filter(|id| self.takes.get(*id).is_some());
        self.takes.set_base(known.or(before));
        self.history.amend(self.snapshot());
        self.show_take_of_recipe();
    }

    /// Has the picture of a recipe that undo or redo has led to become a take, if it is none.
    pub fn keep_undone(&mut self) {
        self.history.travelled = false;
        self.keep_settled();
    }

    /// Whether the picture of the recipe is there with all of its steps: rendering it again would change nothing.
    pub fn is_rendered(&self) -> bool {
        let Some(LiveRun { track, phase: Phase::Done, .. }) = &self.run else { return false };
        let whole = track.kept.is_none() && track.picture.is_some() && track.has_steps();
        whole && track.recipe.canonical() == self.recipe.canonical()
    }

    /// Drops the steps of old takes while all steps take too much memory; `shown` keeps its own.
    pub fn trim_steps(&mut self, shown: Option<TakeId>) {
        self.takes.trim_steps(shown);
    }

    /// The run that has something to show: the newest job once it has a step of its own, else what was shown before it.
    pub fn live_track(&self) -> Option<&Track> {
        let run = self.run.as_ref()?;
        let before = run.before.as_deref();
        // A finished picture that is being rendered again stays until its successor is there.
        let again = before.filter(|before| before.picture.is_some() && before.recipe.same_settings(&run.track.recipe));
        if again.is_some() {
            return again;
        }
        let has_more = if run.dragged && before.is_some() { run.is_formed() } else { run.track.has_steps() };
        if has_more || run.track.picture.is_some() { Some(&run.track) } else { before }
    }

    /// What was shown before the newest job.
    pub fn previous_track(&self) -> Option<&Track> {
        self.run.as_ref().and_then(|run| run.before.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::document::edit::Edit;

    const NOW: u64 = 0;

    /// Changes the recipe; `moving` is whether the gesture goes on.
    fn change(document: &mut Document, change: impl FnOnce(&mut Recipe), moving: bool) {
        let mut recipe = document.recipe().clone();
        change(&mut recipe);
        document.edit(Edit::Recipe(Box::new(recipe)), NOW);
        document.watch_recipe(moving, &[]);
    }

    #[test]
    fn a_drag_is_one_entry_and_undo_and_redo_mirror_each_other() {
        let mut document = Document::default();
        document.watch_recipe(false, &[]);
        for cfg in [6.0, 7.0, 8.0] {
            change(&mut document, |recipe| recipe.cfg = cfg, true);
        }
        assert!(document.is_moving() && !document.is_unsaved(), "the gesture goes on");
        document.watch_recipe(false, &[]);
        assert!(document.is_unsaved());
        document.undo();
        assert_eq!(document.recipe().cfg, 5.0);
        assert!(!document.history().can_undo());
        document.watch_recipe(false, &[]);
        document.redo();
        assert_eq!(document.recipe().cfg, 8.0);
        assert!(document.history().can_undo() && !document.history().can_redo());
    }

    #[test]
    fn a_new_change_forgets_what_was_undone() {
        let mut document = Document::default();
        document.watch_recipe(false, &[]);
        change(&mut document, |recipe| recipe.seed = 1, false);
        document.undo();
        change(&mut document, |recipe| recipe.seed = 2, false);
        assert!(!document.history().can_redo());
    }

    #[test]
    fn a_removed_take_comes_back_to_its_place_with_its_children() {
        let mut document = Document::default();
        let add =
            |document: &mut Document| document.takes.add("take".into(), Track::default(), Default::default(), NOW);
        let ids: Vec<TakeId> = (0..3).map(|_| add(&mut document)).collect();
        for (child, parent) in [(1, 0), (2, 1)] {
            if let Some(take) = document.takes.get_mut(ids[child]) {
                take.parent = Some(ids[parent]);
            }
        }
        document.edit(Edit::TogglePin { side: 1, take: ids[1] }, NOW);
        document.edit(Edit::RemoveTake(ids[1]), NOW);
        let takes = document.takes();
        assert_eq!((takes.list().len(), takes.list()[1].parent, takes.pins()[1]), (2, Some(ids[0]), None));
        document.undo();
        let takes = document.takes();
        let order: Vec<TakeId> = takes.list().iter().map(|take| take.id).collect();
        assert_eq!((order, takes.list()[2].parent, takes.pins()[1]), (ids.clone(), Some(ids[1]), Some(ids[1])));
        document.redo();
        assert_eq!(document.takes().list().len(), 2);
        document.undo();
        assert_eq!(document.takes().list().len(), 3);
    }
}

//! Sends recipes to the engine: when, and in which order.
//!
//! Apart from the window so that what is sent follows from the document and the clock alone.

use egui::Context;

use super::{
    document::{Document, cost, engine_status::MemoryUse, notice::Notice, track::Playhead},
    submit::{Decision, Submitter},
    view::View,
};
use crate::engine::{EngineHandle, Event, ModelPair, Preference};

/// The window's end of the engine.
pub struct Rendering {
    engine: EngineHandle,
    submitter: Submitter,
    /// Counts gestures; see [`super::document::takes::Take::gesture`].
    gesture: u64,
    pointer_down: bool,
    /// The models of which the engine was asked whether they fit together.
    asked: Option<ModelPair>,
}

impl Rendering {
    pub fn new(engine: EngineHandle) -> Self {
        Self { engine, submitter: Submitter::default(), gesture: 0, pointer_down: false, asked: None }
    }

    /// The engine's next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        self.engine.poll()
    }

    pub fn memory(&self) -> MemoryUse {
        let budget = self.engine.memory();
        MemoryUse { used: budget.used(), budget: budget.budget() }
    }

    /// Returns the preference's name for the settings.
    pub fn prefer(&self, preference: Preference) -> String {
        self.engine.prefer(preference);
        preference.name().to_owned()
    }

    /// Which device is to compute, and which of several graphics cards.
    pub fn preference(&self) -> (Preference, Option<String>) {
        (self.engine.preference(), self.engine.wanted_card())
    }

    /// Returns the card's name for the settings.
    pub fn choose_card(&self, name: String) -> String {
        self.engine.choose_card(Some(name.clone()));
        name
    }

    pub fn retry_card(&self) {
        self.engine.retry_card();
    }

    pub fn set_memory(&self, bytes: usize) {
        self.engine.set_memory(bytes);
    }

    /// With another session, nothing of the one before goes on.
    pub fn session_changed(&mut self) {
        self.submitter = Submitter::default();
        self.asked = None;
    }

    /// A new press of the pointer begins a new gesture.
    pub fn watch_pointer(&mut self, ctx: &Context) {
        let down = ctx.input(|i| i.pointer.any_down());
        self.gesture += u64::from(down && !self.pointer_down);
        self.pointer_down = down;
    }

    /// Renders the recipe as it stands, whether it has changed or not.
    pub fn generate(&mut self, document: &mut Document, view: &mut View) {
        self.gesture += 1;
        view.playhead = Playhead::Newest;
        self.submit(document, view);
    }

    pub fn stop(&mut self, document: &mut Document) {
        document.stop();
        self.engine.stop();
    }

    /// Sends the recipe when it has changed: the newest wins, at most one a frame.
    pub fn submit_changes(&mut self, ctx: &Context, document: &mut Document, view: &mut View) {
        let typing = ctx.text_edit_focused();
        let timesteps = cost::timesteps(view.shown_track(document), document.recipe());
        document.watch_recipe(typing || self.pointer_down, &timesteps);
        let now = ctx.input(|i| i.time);
        match self.submitter.decide(document.recipe(), now, typing) {
            Decision::Nothing => self.render_when_idle(document),
            Decision::Later(pause) => ctx.request_repaint_after(pause),
            Decision::Send => {
                self.gesture += u64::from(!self.pointer_down);
                self.submit(document, view);
            }
        }
    }

    /// Sends the next cell of the grid, or one of the two models alone, when nothing else is wanted.
    fn render_when_idle(&mut self, document: &mut Document) {
        if self.pointer_down || document.is_busy() {
            return;
        }
        if let Some((background, recipe)) = document.next_background() {
            let job = self.engine.submit(recipe);
            document.background_sent(background, job);
        }
    }

    /// Asks the engine about two models as soon as the recipe names them.
    pub fn ask_compatibility(&mut self, document: &Document) {
        let pair = document.model_pair();
        if self.asked != pair {
            self.asked = pair;
            self.asked.iter().for_each(|pair| self.engine.compare(pair.clone()));
        }
    }

    fn submit(&mut self, document: &mut Document, view: &mut View) {
        let recipe = document.recipe().clone();
        self.submitter.settle(&recipe);
        match recipe.validate() {
            Ok(()) => {
                document.clear_error();
                let job = self.engine.submit(recipe.clone());
                document.begin(job, recipe, self.gesture);
                view.show_live();
            }
            Err(error) => document.notify(Notice::error(error.to_string())),
        }
    }
}

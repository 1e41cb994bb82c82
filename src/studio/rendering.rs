//! Sends recipes to the engine: when, and in which order.
//!
//! Apart from the window so that what is sent follows from the document and the clock alone.

use std::time::Duration;

use egui::{Context, Key};

use super::{
    document::{
        Document, cost,
        engine_status::MemoryUse,
        notice::{Notice, Topic},
        track::Playhead,
    },
    submit::{Decision, Gesture, Submitter},
    view::View,
};
use crate::engine::{EngineHandle, Event, ModelPair, Preference};

/// So many seconds after the user has last wanted something filmstrips are rendered; longer while the previews of the picture
/// are still being decoded, which another job ends.
const FILM_PAUSE: f64 = 0.5;
const REFINING_PAUSE: f64 = 6.0;

/// The window's end of the engine.
pub struct Rendering {
    engine: EngineHandle,
    submitter: Submitter,
    gesture: Gesture,
    pointer_down: bool,
    /// The drag was taken back: until the pointer is let go, it changes nothing.
    press_cancelled: bool,
    /// When something was last wanted of the engine by the user, in seconds.
    stirred: f64,
    /// The models of which the engine was asked whether they fit together.
    asked: Option<ModelPair>,
}

impl Rendering {
    pub fn new(engine: EngineHandle) -> Self {
        let (submitter, gesture) = (Submitter::default(), Gesture::default());
        Self { engine, submitter, gesture, pointer_down: false, press_cancelled: false, stirred: 0.0, asked: None }
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
        (self.engine.preference(), self.engine.chosen_card())
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

    pub fn watch_pointer(&mut self, ctx: &Context) {
        self.pointer_down = ctx.input(|i| i.pointer.any_down());
        // The frame in which it is let go may still bring an edit of the drag.
        self.press_cancelled &= self.pointer_down || ctx.input(|i| i.pointer.any_released());
    }

    pub fn is_pointer_down(&self) -> bool {
        self.pointer_down
    }

    pub fn is_press_cancelled(&self) -> bool {
        self.press_cancelled
    }

    /// Has the drag that goes on change nothing more.
    pub fn cancel_press(&mut self) {
        self.press_cancelled = self.pointer_down;
    }

    /// Looks at the recipe anew although it may be the one that was sent last: another run is shown meanwhile.
    pub fn look_again(&mut self) {
        self.submitter = Submitter::default();
    }

    /// Renders nothing before the recipe changes, or is asked for.
    pub fn hold(&mut self, document: &Document) {
        self.submitter.settle(document.recipe());
    }

    /// Renders the recipe as it stands, whether it has changed or not.
    pub fn generate(&mut self, document: &mut Document, view: &mut View) {
        view.playhead = Playhead::Newest;
        self.submit(document, view);
    }

    pub fn stop(&mut self, document: &mut Document) {
        document.stop();
        self.engine.stop();
    }

    /// Gives up what is rendered in the background and is no longer wanted; the newest job goes on.
    pub fn give_up_background(&self) {
        self.engine.stop();
    }

    /// Sends the recipe when it has changed: the newest wins, at most one a frame.
    pub fn submit_changes(&mut self, ctx: &Context, document: &mut Document, view: &mut View) {
        let typing = ctx.text_edit_focused();
        let timesteps = cost::timesteps(view.shown_track(document), document.recipe());
        let (now, enter) = ctx.input(|i| (i.time, i.key_pressed(Key::Enter)));
        let left = self.gesture.time_left(document.recipe(), now, typing && !enter);
        document.watch_recipe(left.is_some() || self.pointer_down, &timesteps);
        if let Some(left) = left.filter(|_| document.is_moving()) {
            ctx.request_repaint_after(left);
        }
        let decision = self.submitter.decide(document.recipe(), now, typing);
        if decision != Decision::Nothing || typing || self.pointer_down || document.is_busy() {
            self.stirred = now;
        }
        match decision {
            Decision::Nothing => self.render_when_idle(ctx, document, view),
            Decision::Later(pause) => ctx.request_repaint_after(pause),
            // An undone change, or a take that was restored: the picture is there with its steps.
            Decision::Send if document.is_rendered() => {
                self.submitter.settle(document.recipe());
                document.overtaken();
                self.engine.stop();
            }
            Decision::Send => self.submit(document, view),
        }
    }

    /// Sends what waits in the background when nothing else is wanted, filmstrips last of all.
    fn render_when_idle(&mut self, ctx: &Context, document: &mut Document, view: &View) {
        if self.pointer_down || document.is_busy() {
            return;
        }
        if let Some((background, recipe)) = document.next_background() {
            let job = self.engine.submit(recipe);
            return document.background_sent(background, job);
        }
        let Some(of) = view.selection.slider.filter(|_| view.appearance.films) else { return };
        let pause = if document.is_refining() { REFINING_PAUSE } else { FILM_PAUSE };
        let left = self.stirred + pause - ctx.input(|i| i.time);
        if left > 0.0 {
            return ctx.request_repaint_after(Duration::from_secs_f64(left));
        }
        if let Some(recipe) = document.next_film(of) {
            let job = self.engine.submit(recipe.clone());
            document.film_sent(&recipe, job);
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
                document.succeeded(Topic::Rendering);
                let job = self.engine.submit(recipe.clone());
                document.begin(job, recipe);
                view.show_live();
            }
            Err(error) => document.notify(Notice::error(Topic::Rendering, error.to_string())),
        }
    }
}

//! The window. It owns an [`EngineHandle`], takes its events every frame and never waits for it.
//!
//! Panels read and change one [`Studio`] document; what they cannot do themselves they ask for as [`Action`]s.
//! Whenever the recipe in the document has changed, the newest one is sent to the engine.

mod apply;
pub mod autosave;
pub mod baselines;
pub mod brush;
pub mod canvas;
mod colormap;
mod concepts;
mod confirm;
mod cost;
pub mod demo;
mod difference;
pub mod exports;
pub mod figure;
pub mod files;
mod fit;
mod fusion;
pub mod grid;
mod guidance;
mod hints;
mod history;
pub mod imported;
mod keys;
mod layout;
pub mod log;
mod look;
mod memory;
mod models;
mod naming;
mod notices;
mod opening;
mod palette;
mod prompt;
mod regions;
mod sampling;
pub mod state;
pub mod steps;
pub mod store;
mod submit;
mod takes;
mod textures;
pub mod theme;
mod timeline;
mod toolbar;
pub mod track;
mod widgets;

use std::{sync::Arc, time::Instant};

use eframe::egui_wgpu::wgpu;
use egui::{CentralPanel, Context, Frame, Margin, Panel, ScrollArea, Ui};

pub use self::opening::{Opening, StudioError, run};
use self::{
    autosave::Autosave,
    files::{Files, SavedSession, Store},
    history::History,
    state::{Action, MemoryUse, Studio},
    submit::{Decision, Submitter},
    textures::Textures,
    theme::{Theme, size},
};
use crate::{
    engine::{EngineHandle, ModelPair},
    recipe::Recipe,
    session::Settings,
};

/// Everything the window holds.
pub struct App {
    engine: EngineHandle,
    studio: Studio,
    files: Files,
    submitter: Submitter,
    history: History,
    pictures: Textures,
    format: wgpu::TextureFormat,
    /// Counts gestures; see [`state::Take::gesture`].
    gesture: u64,
    pointer_down: bool,
    /// The models of which the engine was asked whether they fit together.
    asked: Option<ModelPair>,
    autosave: Option<Autosave>,
    /// The settings as they were last kept.
    settings_kept: Option<Settings>,
    /// When the program was started, until there is a picture.
    begun: Option<Instant>,
}

impl App {
    /// A window over `engine` that opens with `recipe`. `format` is the texture format that the window draws to.
    /// [`theme::install`] must have been called on the window's context before its first frame.
    pub fn new(engine: EngineHandle, store: Arc<dyn Store>, recipe: Recipe, format: wgpu::TextureFormat) -> Self {
        Self {
            engine,
            studio: Studio::new(recipe),
            files: Files::new(store),
            submitter: Submitter::default(),
            history: History::default(),
            pictures: Textures::default(),
            format,
            gesture: 0,
            pointer_down: false,
            asked: None,
            autosave: None,
            settings_kept: None,
            begun: None,
        }
    }

    /// Keeps what is not saved through `autosave` from now on.
    pub fn with_autosave(mut self, autosave: Autosave) -> Self {
        self.autosave = Some(autosave);
        self
    }

    /// Opens on a session that was read before instead of a recipe alone.
    pub fn with_session(mut self, session: SavedSession) -> Self {
        files::adopt(&mut self.studio, None, session);
        self
    }

    /// The document, for tests and for what opens the window.
    pub fn studio(&self) -> &Studio {
        &self.studio
    }

    pub fn studio_mut(&mut self) -> &mut Studio {
        &mut self.studio
    }

    /// Takes what the engine and the dialogs have said. Cheap, also while the window is hidden.
    pub fn update(&mut self) {
        while let Some(event) = self.engine.poll() {
            self.studio.apply(event);
        }
        let gauge = self.engine.memory();
        self.studio.memory = MemoryUse { used: gauge.used(), budget: gauge.budget() };
        if std::mem::take(&mut self.studio.amended) {
            self.history.amend(&self.studio.recipe);
        }
        self.files.poll(&mut self.studio);
        self.follow_reopening();
    }

    /// With another session, nothing of the one before goes on.
    fn follow_reopening(&mut self) {
        if std::mem::take(&mut self.studio.reopened) {
            self.submitter = Submitter::default();
            self.history = History::default();
            self.asked = None;
        }
    }

    /// Draws the whole window and carries out what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        ui.ctx().set_theme(if self.studio.look.dark { egui::Theme::Dark } else { egui::Theme::Light });
        layout::follow_scale(ui.ctx(), &mut self.studio.look.scale);
        keys::read(ui.ctx(), &mut self.studio);
        self.watch_closing(ui.ctx());
        self.watch_pointer(ui.ctx());
        self.panels(ui);
        confirm::show(ui, &mut self.studio);
        palette::show(ui, &mut self.studio);
        notices::log_window(ui, &mut self.studio);
        imported::window(ui, &mut self.studio);
        notices::drop_hint(ui);
        let dropped = ui.input(|i| i.raw.dropped_files.first().map(|file| file.path().to_owned()));
        self.studio.actions.extend(dropped.map(Action::OpenFile));
        for action in std::mem::take(&mut self.studio.actions) {
            self.carry_out(ui.ctx(), &action);
            ui.ctx().request_repaint();
        }
        self.follow_reopening();
        self.submit_changes(ui.ctx());
        self.ask_for_fit();
        if let Some(autosave) = &mut self.autosave {
            autosave.watch(ui.ctx(), &self.studio, self.history.is_moving(&self.studio.recipe));
        }
        self.remember_settings();
        self.tell_first_picture();
    }

    /// What was set in the window is there again at the next start.
    fn remember_settings(&mut self) {
        let look = &self.studio.look;
        let (theme, scale) = (layout::theme_name(look).to_owned(), Some(look.scale));
        let settings = Settings { theme, scale, ..self.studio.settings.clone() };
        if settings != self.studio.settings {
            self.studio.settings = settings;
        }
        let now = &self.studio.settings;
        // As they are in the first frame they were found, and need no writing.
        let kept = self.settings_kept.get_or_insert_with(|| now.clone());
        if let Some(autosave) = self.autosave.as_ref().filter(|_| kept != now) {
            autosave.keep_settings(now);
            *kept = now.clone();
        }
    }

    /// Logs how long the window took to come alive.
    fn tell_first_picture(&mut self) {
        if self.studio.shown_frame().is_some()
            && let Some(begun) = self.begun.take()
        {
            ::log::info!(
                "the first frame with a picture was laid out {:.3} s after the start",
                begun.elapsed().as_secs_f32()
            );
        }
    }

    fn panels(&mut self, ui: &mut Ui) {
        let theme = Theme::of(ui);
        let (studio, pictures) = (&mut self.studio, &mut self.pictures);
        let bare = |fill| Frame::new().fill(fill);
        Panel::top("toolbar").exact_size(size::TOOLBAR).resizable(false).frame(bare(theme.panel)).show(ui, |ui| {
            toolbar::show(ui, studio);
        });
        Panel::bottom("takes").exact_size(size::TAKES).resizable(false).frame(bare(theme.strip)).show(ui, |ui| {
            takes::show(ui, studio, pictures);
        });
        let height = timeline::height(studio, ui.ctx().content_rect().height());
        Panel::bottom("timeline").exact_size(height).resizable(false).frame(bare(theme.panel)).show(ui, |ui| {
            timeline::show(ui, studio, pictures);
        });
        let [left, right] = studio.look.columns;
        Panel::left("left").exact_size(left).resizable(false).frame(bare(theme.panel)).show(ui, |ui| {
            column(ui, "left column", |ui| {
                prompt::show(ui, studio);
                regions::show(ui, studio);
                widgets::row::divider(ui);
                prompt::negative(ui, studio);
                widgets::row::divider(ui);
                models::show(ui, studio);
                widgets::row::divider(ui);
                sampling::show(ui, studio);
            });
        });
        Panel::right("right").exact_size(right).resizable(false).frame(bare(theme.panel)).show(ui, |ui| {
            column(ui, "right column", |ui| {
                guidance::show(ui, studio);
                widgets::row::divider(ui);
                concepts::show(ui, studio, pictures);
                widgets::row::divider(ui);
                fusion::show(ui, studio, pictures);
            });
        });
        CentralPanel::no_frame().show(ui, |ui| {
            toolbar::banner(ui, studio);
            let rest = ui.available_rect_before_wrap();
            layout::borders(ui, &mut studio.look.columns, rest);
            let mut canvas = ui.new_child(egui::UiBuilder::new().id_salt("canvas").max_rect(rest));
            canvas.set_clip_rect(rest.intersect(ui.clip_rect()));
            canvas::show(&mut canvas, studio, pictures, self.format);
            hints::show(&mut canvas, studio, rest);
        });
    }

    /// A new press of the pointer begins a new gesture.
    fn watch_pointer(&mut self, ctx: &Context) {
        let down = ctx.input(|i| i.pointer.any_down());
        self.gesture += u64::from(down && !self.pointer_down);
        self.pointer_down = down;
    }

    /// A window that is closed with unsaved work asks first.
    fn watch_closing(&mut self, ctx: &Context) {
        if ctx.input(|i| i.viewport().close_requested()) && confirm::needed(&self.studio, &Action::Quit) {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.studio.ask(Action::Quit);
        }
    }

    fn carry_out(&mut self, ctx: &Context, action: &Action) {
        match action {
            Action::Generate => {
                self.gesture += 1;
                self.studio.playhead = track::Playhead::Newest;
                self.submit();
            }
            Action::ShowLeftovers => imported::open(&mut self.studio),
            Action::Stop => {
                self.studio.grid.stop();
                self.studio.baselines.stop();
                self.engine.stop();
            }
            Action::Undo | Action::Redo => self.go_back_or_forth(*action == Action::Undo),
            action if confirm::needed(&self.studio, action) => self.studio.confirm = Some(action.clone()),
            Action::RemoveTake(id) => self.history.remove(&mut self.studio, *id),
            Action::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Action::SetMemory(bytes) => {
                self.engine.set_memory(*bytes);
                self.studio.settings.memory_mib = Some(bytes >> 20);
            }
            Action::KeepSteps(keep) => {
                (self.studio.keep_steps, self.studio.settings.keep_steps) = (*keep, *keep);
                self.studio.touch();
            }
            action => self.files.begin(ctx, &mut self.studio, action),
        }
    }

    fn go_back_or_forth(&mut self, back: bool) {
        if back {
            self.history.undo(&mut self.studio)
        } else {
            self.history.redo(&mut self.studio)
        }
        // What it says of regions names places in its own prompt.
        self.studio.words_of = self.studio.words_of.take().filter(|(prompt, _)| *prompt == self.studio.recipe.prompt);
        self.studio.touch();
    }

    /// Sends the recipe when it has changed: the newest wins, at most one a frame.
    fn submit_changes(&mut self, ctx: &Context) {
        let typing = ctx.text_edit_focused();
        if self.history.is_moving(&self.studio.recipe) {
            self.studio.edit = self.history.settled().and_then(|before| cost::of_edit(&self.studio, before));
        }
        if self.history.watch(&self.studio.recipe, typing || self.pointer_down) {
            self.studio.touch();
        }
        self.studio.can_undo = self.history.can_undo();
        self.studio.can_redo = self.history.can_redo();
        let now = ctx.input(|i| i.time);
        match self.submitter.decide(&self.studio.recipe, now, typing) {
            Decision::Nothing => self.render_at_leisure(),
            Decision::Later(pause) => ctx.request_repaint_after(pause),
            Decision::Send => {
                self.gesture += u64::from(!self.pointer_down);
                self.submit();
            }
        }
    }

    /// Sends the next cell of the grid, or one of the two models alone, when nothing else is wanted.
    fn render_at_leisure(&mut self) {
        if self.pointer_down || self.studio.is_busy() {
            return;
        }
        if let Some((at, recipe)) = self.studio.grid.next_cell() {
            let job = self.engine.submit(recipe);
            self.studio.grid.sent(at, job);
        } else if !self.studio.grid.running
            && let Some((at, recipe)) = self.studio.baselines.next(&self.studio.recipe)
        {
            let job = self.engine.submit(recipe);
            self.studio.baselines.sent(at, job);
        }
    }

    /// Asks the engine about two models as soon as the recipe names them.
    fn ask_for_fit(&mut self) {
        let partners = self.studio.partners();
        if self.asked != partners {
            self.asked = partners;
            self.asked.iter().for_each(|partners| self.engine.compare(partners.clone()));
        }
    }

    fn submit(&mut self) {
        let recipe = self.studio.recipe.clone();
        self.submitter.settle(&recipe);
        match recipe.validate() {
            Ok(()) => {
                self.studio.banner = self.studio.banner.take().filter(|banner| !banner.bad);
                self.studio.grid.overtaken();
                self.studio.baselines.overtaken();
                let job = self.engine.submit(recipe.clone());
                self.studio.begin(job, recipe, self.gesture);
            }
            Err(error) => self.studio.complain(error.to_string()),
        }
    }
}

/// A column of settings that scrolls when it is too long.
fn column(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(name).auto_shrink(false).show(ui, |ui| {
        Frame::new().inner_margin(Margin::symmetric(size::MARGIN as i8, 10)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            contents(ui);
        });
    });
}

impl eframe::App for App {
    fn logic(&mut self, _: &Context, _: &mut eframe::Frame) {
        self.update();
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }

    fn on_exit(&mut self) {
        self.autosave = None;
    }
}

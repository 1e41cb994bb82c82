//! The window's contents: it owns the document, the view, the panels and the engine's other end, and carries out every
//! command at one place.
//!
//! Whenever the recipe in the document has changed, the newest one is sent to the engine; the window never waits for it.

use std::{path::PathBuf, sync::Arc, time::Instant};

use eframe::egui_wgpu::wgpu;
use egui::{Context, Ui};

use super::{
    clock,
    command::{Command, Commands},
    document::{Document, demo, edit::Edit, notice::Notice, track::Playhead},
    io::{
        autosave::{Autosave, Recovered},
        files::Files,
        store::Store,
        tasks::Outcome,
    },
    panels::{columns, confirm, context::PanelContext, panel_set::PanelSet},
    rendering::Rendering,
    requests,
    settings::KeptSettings,
    view::{View, layout},
    widgets::textures::Textures,
};
use crate::{engine::EngineHandle, recipe::Recipe, session::Settings, studio::document::saved::SavedSession};

/// Everything that the window holds.
pub struct App {
    document: Document,
    view: View,
    commands: Commands,
    rendering: Rendering,
    files: Files,
    textures: Textures,
    panels: PanelSet,
    autosave: Option<Autosave>,
    settings: KeptSettings,
    /// What goes on once the session is saved.
    after_save: Option<Command>,
    /// When the program was started, until there is a picture.
    begun: Option<Instant>,
}

impl App {
    /// A window over `engine` that opens with `recipe`. `format` is the texture format that the window draws to.
    /// [`super::view::style::install`] must have been called on the window's context before its first frame.
    pub fn new(engine: EngineHandle, store: Arc<dyn Store>, recipe: Recipe, format: wgpu::TextureFormat) -> Self {
        Self {
            document: Document::new(recipe),
            view: View::default(),
            commands: Commands::default(),
            rendering: Rendering::new(engine),
            files: Files::new(store),
            textures: Textures::default(),
            panels: PanelSet::new(format),
            autosave: None,
            settings: KeptSettings::default(),
            after_save: None,
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
        self.adopt(None, session);
        self
    }

    /// Opens as the user has set the window up before. `begun` is when the program was started.
    pub(super) fn with_settings(mut self, settings: Settings, begun: Option<Instant>) -> Self {
        layout::apply_settings(&mut self.view, &settings);
        self.document.set_keep_steps(settings.keep_steps);
        (self.settings, self.begun) = (KeptSettings::new(settings), begun);
        self
    }

    /// Shows what to try first.
    pub fn with_hints(mut self) -> Self {
        self.panels.hints.start();
        self
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The document, for what is not a command: its own methods keep it whole.
    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.document
    }

    pub fn view(&self) -> &View {
        &self.view
    }

    pub fn view_mut(&mut self) -> &mut View {
        &mut self.view
    }

    pub fn settings(&self) -> &Settings {
        &self.settings.current
    }

    /// Has a command carried out at the end of the next frame.
    pub fn send(&mut self, command: Command) {
        self.commands.send(command);
    }

    /// Opens what an earlier window left behind, and shows a notice.
    pub fn recover(&mut self, recovered: Recovered) {
        let Recovered { session, path, notice } = recovered;
        self.adopt(path, session);
        self.document.mark_unsaved();
        self.document.notify(notice);
    }

    /// Takes what the engine and the dialogs have said. Cheap, also while the window is hidden.
    pub fn update(&mut self) {
        let Self { document, view, .. } = self;
        while let Some(event) = self.rendering.poll() {
            if let Some(finished) = document.apply(event, clock::now()) {
                document.trim_steps(view.shown_take());
                view.run_finished(finished);
            }
        }
        document.set_memory(self.rendering.memory());
        document.set_preference(self.rendering.preference());
        if let Some(outcome) = self.files.poll() {
            self.files_done(outcome);
        }
    }

    fn files_done(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Cancelled => self.after_save = None,
            Outcome::Exported => {}
            Outcome::Opened(path, session) => self.opened(path, *session),
            Outcome::Saved(path, version) => {
                self.document.saved(path, version);
                self.after_save.take().into_iter().for_each(|command| self.commands.send(command));
            }
            Outcome::Lora(path) => self.edit(Edit::AddLora(path)),
            Outcome::Model(role, model) => self.edit(Edit::model(role, model)),
            Outcome::Mask(mask) => self.edit(Edit::FusionMask(mask)),
            Outcome::Failed(message) => {
                self.after_save = None;
                self.document.notify(Notice::error(message));
            }
        }
    }

    fn opened(&mut self, path: PathBuf, session: SavedSession) {
        // A picture's recipe is taken over, but the picture is not where the session is saved.
        match session.origin.clone() {
            Some(origin) => {
                self.adopt(None, session);
                self.document.tell_origin(&path, origin);
            }
            None => self.adopt(Some(path), session),
        }
    }

    /// Puts a session that was read in the place of the one that was open; `path` is where it is saved.
    fn adopt(&mut self, path: Option<PathBuf>, session: SavedSession) {
        let layout = session.layout.clone();
        let is_session = path.is_some() || !session.takes.is_empty();
        self.document.adopt(path, session, self.settings.current.keep_steps);
        self.session_changed();
        let Self { document, view, .. } = self;
        if is_session {
            layout::restore(view, &layout);
        }
        view.require_pins(document);
        if document.takes().base().is_some() {
            view.playhead = layout.step.map_or(Playhead::Newest, Playhead::At);
        }
    }

    fn start_over(&mut self) {
        self.document.start_over(demo::recipe(), self.settings.current.keep_steps);
        self.session_changed();
    }

    /// With another session, nothing of the one before goes on.
    fn session_changed(&mut self) {
        self.view.start_over();
        self.panels.session_changed();
        self.rendering.session_changed();
        self.after_save = None;
    }

    /// Draws the whole window and carries out what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        let Self { document, view, commands, panels, textures, rendering, .. } = self;
        ui.ctx().set_theme(if view.appearance.dark { egui::Theme::Dark } else { egui::Theme::Light });
        columns::follow_scale(ui.ctx(), &mut view.appearance.scale);
        panels.read_keys(ui.ctx(), document, view, commands);
        watch_closing(ui.ctx(), document, commands);
        rendering.watch_pointer(ui.ctx());
        panels.ui(ui, &mut PanelContext { document, view, commands, textures });
        panels.windows(ui, document, view, commands);
        if let Some(file) = ui.input(|i| i.raw.dropped_files.first().map(|file| file.path().to_owned())) {
            self.send(Command::OpenFile(file));
        }
        for command in self.commands.take() {
            self.handle(ui.ctx(), command);
            ui.ctx().request_repaint();
        }
        let Self { document, view, .. } = self;
        self.rendering.submit_changes(ui.ctx(), document, view);
        self.rendering.ask_compatibility(document);
        if let Some(autosave) = &mut self.autosave {
            autosave.watch(ui.ctx(), document, layout::of(view));
        }
        self.settings.follow(&self.view.appearance, self.autosave.as_ref());
        self.log_first_picture();
    }

    /// Logs how long the window took from its start to its first picture.
    fn log_first_picture(&mut self) {
        if self.view.shown_frame(&self.document).is_some()
            && let Some(begun) = self.begun.take()
        {
            ::log::info!(
                "the first frame with a picture was laid out {:.3} s after the start",
                begun.elapsed().as_secs_f32()
            );
        }
    }

    /// Carries out one command.
    fn handle(&mut self, ctx: &Context, command: Command) {
        let Self { document, view, .. } = self;
        match command {
            Command::Edit(edit) => self.edit(edit),
            Command::Undo => self.travel(Document::undo),
            Command::Redo => self.travel(Document::redo),
            Command::Generate => self.rendering.generate(document, view),
            Command::Stop => self.rendering.stop(document),
            Command::SetMemory(bytes) => {
                self.rendering.set_memory(bytes);
                self.settings.current.memory_mib = Some(bytes >> 20);
            }
            Command::PreferDevice(preference) => self.settings.current.device = self.rendering.prefer(preference),
            Command::RetryCard => self.rendering.retry_card(),
            Command::ShowLeftovers => self.panels.leftovers.open(),
            Command::TogglePalette => self.panels.palette.toggle(),
            Command::ShowLog => self.panels.log.open(),
            Command::ToggleLog => self.panels.log.toggle(),
            Command::GoToStep => self.panels.timeline.go_to_step(),
            Command::SaveThen(next) => {
                self.after_save = Some(*next);
                self.files_task(ctx, &Command::SaveSession);
            }
            Command::Discard(next) => {
                document.discard_changes();
                self.handle(ctx, *next);
            }
            command if confirm::is_needed(document, &command) => self.panels.confirm.ask(command),
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::NewSession => self.start_over(),
            Command::DiscardRecovered => self.discard_recovered(ctx),
            command => self.files_task(ctx, &command),
        }
    }

    /// Applies an edit, and has the view follow where takes or pins have changed.
    fn edit(&mut self, edit: Edit) {
        let Self { document, view, .. } = self;
        let pins = document.takes().pins();
        let follow: fn(&mut View, &Document) = match &edit {
            Edit::RemoveTake(_) => View::take_removed,
            Edit::TogglePin { .. } => View::pins_changed,
            Edit::PinBaseline(_) => View::baseline_pinned,
            _ => |_, _| {},
        };
        if let Edit::KeepSteps(keep) = edit {
            self.settings.current.keep_steps = keep;
        }
        let baseline = matches!(edit, Edit::PinBaseline(_));
        document.edit(edit, clock::now());
        // A baseline that is not rendered yet is not pinned.
        if !baseline || document.takes().pins() != pins {
            follow(view, document);
        }
    }

    /// Undoes or redoes, and has the view follow where that removed a take.
    fn travel(&mut self, go: fn(&mut Document)) {
        let Self { document, view, .. } = self;
        let takes = document.takes().list().len();
        go(document);
        if document.takes().list().len() < takes {
            view.take_removed(document);
        }
    }

    /// Back to the session as it was last saved, or to none.
    fn discard_recovered(&mut self, ctx: &Context) {
        match self.document.file().path.clone().filter(|path| path.exists()) {
            Some(path) => self.files_task(ctx, &Command::OpenFile(path)),
            None => self.start_over(),
        }
    }

    /// Begins what a command asks for of files; its outcome comes through [`Self::update`].
    fn files_task(&mut self, ctx: &Context, command: &Command) {
        let Self { document, view, .. } = self;
        let started = match requests::request(command, document, view) {
            Ok(Some((task, path))) => self.files.start(ctx, task, path),
            Ok(None) => Ok(()),
            Err(reason) => Err(reason.to_owned()),
        };
        if let Err(reason) = started {
            document.notify(Notice::error(reason));
        }
    }
}

/// A window that is closed with unsaved work asks first.
fn watch_closing(ctx: &Context, document: &Document, commands: &mut Commands) {
    if ctx.input(|i| i.viewport().close_requested()) && confirm::is_needed(document, &Command::Quit) {
        ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
        commands.send(Command::Quit);
    }
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

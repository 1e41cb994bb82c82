//! The window's contents: it owns the document, the view, the panels and the engine's other end, and carries out every
//! command at one place.
//!
//! Whenever the recipe in the document has changed, the newest one is sent to the engine; the window never waits for it.

use std::{path::PathBuf, sync::Arc, time::Instant};

use eframe::egui_wgpu::wgpu;
use egui::{Context, Ui};

mod files;
mod generating;
mod pasting;

use super::{
    clipboard, clock,
    command::{Command, Commands},
    document::{
        Document,
        edit::Edit,
        notice::{Notice, Topic},
        queue::{Batch, COUNTS},
        saved::SavedSession,
    },
    first_picture,
    io::{
        autosave::{Autosave, Recovered},
        browser::Browser,
        files::Files,
        output::Output,
        store::Store,
    },
    panels::{columns, confirm, context::PanelContext, keys, panel_set::PanelSet},
    renderer,
    rendering::Rendering,
    settings::KeptSettings,
    view::{View, layout},
    widgets::textures::Textures,
};
use crate::{engine::EngineHandle, recipe::Recipe, session::Settings};

/// Everything that the window holds.
pub struct App {
    document: Document,
    view: View,
    commands: Commands,
    rendering: Rendering,
    files: Files,
    output: Output,
    textures: Textures,
    panels: PanelSet,
    autosave: Option<Autosave>,
    settings: KeptSettings,
    browser: Browser,
    /// What goes on once the session is saved.
    after_save: Option<Command>,
    /// How many edits there were when the user gave up what is not saved, until another session is there.
    discarded: Option<u64>,
    /// A picture's recipe whose size is asked about.
    pending_import: Option<(PathBuf, SavedSession)>,
    /// The window may close: whoever had to be asked was asked.
    quitting: bool,
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
            files: Files::new(store.clone()),
            output: Output::new(store),
            textures: Textures::default(),
            panels: PanelSet::new(format),
            autosave: None,
            settings: KeptSettings::default(),
            browser: Browser::default(),
            after_save: None,
            discarded: None,
            pending_import: None,
            quitting: false,
            begun: None,
        }
    }

    /// Keeps what is not saved through `autosave` from now on.
    pub fn with_autosave(mut self, autosave: Autosave) -> Self {
        self.autosave = Some(autosave);
        self
    }

    /// Keeps files in `store` instead.
    pub fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        (self.files, self.output) = (Files::new(store.clone()), Output::new(store));
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
        let count = settings.batch.clamp(*COUNTS.start(), *COUNTS.end());
        self.document.set_batch(Batch { count, random_seed: settings.random_seed });
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
                let prompt = document.takes().newest().map(|take| take.track.recipe.prompt.as_str());
                self.settings.current.library.used_prompt(prompt.unwrap_or_default());
            }
        }
        document.set_memory(self.rendering.memory());
        let (preference, card) = self.rendering.preference();
        document.set_preference(preference, card);
        document.set_recent(&self.settings.current.recent);
        self.poll_files();
    }

    /// Draws the whole window and carries out what was asked for in it.
    pub fn show(&mut self, ui: &mut Ui) {
        let Self { document, view, commands, panels, textures, rendering, settings, .. } = self;
        ui.ctx().set_theme(if view.appearance.dark { egui::Theme::Dark } else { egui::Theme::Light });
        columns::follow_scale(ui.ctx(), &mut view.appearance.scale);
        panels.read_keys(ui.ctx(), document, view, commands);
        keys::watch_closing(ui.ctx(), document, commands, self.quitting);
        rendering.watch_pointer(ui.ctx());
        let mut context = PanelContext { document, view, commands, textures };
        panels.ui(ui, &mut context);
        panels.windows(ui, &mut context, &settings.current);
        if let Some(file) = ui.input(|i| i.raw.dropped_files.first().map(|file| file.path().to_owned())) {
            self.send(Command::OpenFile(file));
        }
        for command in self.commands.take() {
            if !(self.rendering.is_press_cancelled() && matches!(command, Command::Edit(_))) {
                self.handle(ui.ctx(), command);
            }
            ui.ctx().request_repaint();
        }
        let Self { document, view, .. } = self;
        self.rendering.submit_changes(ui.ctx(), document, view);
        self.rendering.ask_compatibility(document);
        if let Some(autosave) = &mut self.autosave {
            autosave.watch(ui.ctx(), document, layout::of(view));
            if let Some(notice) = autosave.news() {
                document.notify(notice);
            }
        }
        if let Some(failed) = self.output.follow(ui.ctx(), &self.document, &self.settings.current.output) {
            self.document.notify(Notice::error(Topic::Exporting, failed));
        }
        if let Some(failed) = renderer::take_failure() {
            self.document.notify(Notice::error(Topic::Other, failed));
        }
        self.settings.follow(&self.view.appearance, self.autosave.as_ref());
        first_picture::log(&mut self.begun, &self.document, &self.view);
    }

    /// Carries out one command.
    fn handle(&mut self, ctx: &Context, command: Command) {
        let document = &mut self.document;
        if needs_settled(&command) {
            document.settle();
        }
        if self.panels.open(&command, &self.settings.current) {
            return;
        }
        match command {
            Command::Edit(edit) => self.edit(edit),
            Command::Undo if self.rendering.is_pointer_down() && document.is_moving() => self.cancel_gesture(),
            Command::CancelGesture => self.cancel_gesture(),
            Command::Undo => self.travel(Document::undo),
            Command::Redo => self.travel(Document::redo),
            Command::Generate => self.generate(),
            Command::Stop => self.rendering.stop(document),
            Command::Enqueue => self.enqueue(),
            Command::Queue(edit) => self.change_queue(edit),
            Command::SetBatch(batch) => self.set_batch(batch),
            Command::SetMemory(bytes) => {
                self.rendering.set_memory(bytes);
                self.settings.current.memory_mib = Some(bytes >> 20);
            }
            Command::PreferDevice(preference) => self.settings.current.device = self.rendering.prefer(preference),
            Command::ChooseCard(name) => self.settings.current.card = self.rendering.choose_card(name),
            Command::RetryCard => self.rendering.retry_card(),
            Command::SetOutput(output) => self.settings.current.output = output,
            Command::SetLibrary(library) => self.settings.current.library = *library,
            Command::Paste(pasted) => self.paste(ctx, pasted),
            Command::CopyPicture => clipboard::copy_picture(ctx, document, &self.view),
            Command::CopySettings => clipboard::copy_settings(ctx, document, &self.view),
            Command::SaveThen(next) => {
                self.after_save = Some(*next);
                self.files_task(ctx, &Command::SaveSession);
            }
            Command::SaveOver(next) => {
                self.files_task(ctx, &Command::SaveOver(None));
                self.after_save = next.map(|next| *next);
            }
            Command::Discard(next) => self.discard(ctx, *next),
            Command::AnswerFileDialog(path) => self.file_dialog_answered(ctx, path),
            Command::Browse(what) => self.browse(ctx, what),
            Command::ShowFile(path) => self.show_file(ctx, path),
            Command::ImportSized(size) => self.import_sized(size),
            command if confirm::is_needed(document, &command) => self.panels.confirm.ask(command),
            command => self.leave(ctx, command),
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
            Edit::RestoreTake(_) | Edit::RestoreCell(_) => |view, _| view.show_live(),
            _ => |_, _| {},
        };
        if let Edit::KeepSteps(keep) = edit {
            self.settings.current.keep_steps = keep;
        }
        if matches!(edit, Edit::RestoreTake(_) | Edit::RestoreCell(_)) {
            self.rendering.look_again();
        }
        let baseline = matches!(edit, Edit::PinBaseline(_));
        document.edit(edit, clock::now());
        // A baseline that is not rendered yet is not pinned.
        if !baseline || document.takes().pins() != pins {
            follow(view, document);
        }
    }

    /// Undoes or redoes, and has the view follow the recipe, or where that removed a take.
    fn travel(&mut self, go: fn(&mut Document)) {
        let Self { document, view, .. } = self;
        let (takes, before) = (document.takes().list().len(), document.recipe().clone());
        go(document);
        if *document.recipe() != before {
            view.show_live();
            self.rendering.look_again();
        }
        if document.takes().list().len() < takes {
            view.take_removed(document);
        }
    }
}

/// Whether a command is about the recipe as it stands, so that a half-typed text counts.
fn needs_settled(command: &Command) -> bool {
    use Command::{Discard, Enqueue, Generate, SaveOver, SaveSession, SaveSessionAs, SaveThen};
    confirm::leaves(command)
        || matches!(command, Generate | Enqueue | SaveSession | SaveSessionAs | SaveOver(_) | SaveThen(_) | Discard(_))
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

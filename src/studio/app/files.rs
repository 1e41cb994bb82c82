//! What the window does with files, and with another session in the place of the one that was open.
//!
//! Apart from the other commands because outcomes come later than what asked for them: what happens meanwhile must not be
//! lost.

use std::path::{Path, PathBuf};

use egui::Context;

use super::App;
use crate::{
    recipe::{Recipe, SIDE_STEP},
    studio::{
        command::{Browse, Command},
        document::{
            demo,
            edit::Edit,
            notice::{Notice, Topic},
            saved::SavedSession,
            track::Playhead,
        },
        io::{
            files::From,
            tasks::{Outcome, Task},
        },
        panels::import_size::Sizes,
        requests,
        view::layout,
    },
};

/// A picture of more than so many times the area that its model was trained on, or less, is far from it.
const FAR: f32 = 2.0;

impl App {
    /// Takes what the threads for files have to say. Never waits.
    pub(super) fn poll_files(&mut self) {
        if let Some((outcome, is_current)) = self.files.poll() {
            self.files_done(outcome, is_current);
        }
        while let Some(reply) = self.browser.poll() {
            self.panels.file_dialog.reply(reply, &mut self.commands);
        }
    }

    /// `is_current` is whether the session is still open for which the task was begun.
    fn files_done(&mut self, outcome: Outcome, is_current: bool) {
        match outcome {
            Outcome::Cancelled => self.given_up(),
            Outcome::Shown => {}
            Outcome::Verified(said) => self.document.notify(Notice::info(said)),
            Outcome::Ask(question) => {
                let recent = &self.settings.current.folders;
                self.panels.file_dialog.ask(*question, recent, &mut self.commands);
            }
            Outcome::Exported(path) => self.written(Topic::Exporting, &path),
            Outcome::Saved(path, version) => {
                self.written(Topic::Saving, &path);
                self.settings.used_file(&path);
                if is_current {
                    self.document.saved(path, version);
                    self.after_save.take().into_iter().for_each(|command| self.commands.send(command));
                }
            }
            Outcome::ChangedOutside(path) => {
                let next = self.after_save.take();
                self.given_up();
                self.panels.changed.ask(path, next);
            }
            Outcome::Failed(topic, message) => {
                self.given_up();
                self.document.notify(Notice::error(topic, message));
            }
            Outcome::Opened(path, session) if is_current => self.opened(path, *session),
            Outcome::Lora(path) if is_current => self.chosen(Edit::AddLora(path)),
            Outcome::Model(role, model) if is_current => self.chosen(Edit::model(role, model)),
            Outcome::Mask(mask) if is_current => self.chosen(Edit::FusionMask(mask)),
            Outcome::Opened(..) | Outcome::Lora(_) | Outcome::Model(..) | Outcome::Mask(_) => {}
        }
    }

    /// Nothing came of a task: what was to follow it does not, and changes that were to be lost are kept.
    fn given_up(&mut self) {
        (self.after_save, self.discarded) = (None, None);
    }

    fn written(&mut self, topic: Topic, path: &Path) {
        self.settings.used_folder(path.parent().unwrap_or(path));
        self.document.notify(Notice::written(topic, path));
    }

    fn chosen(&mut self, edit: Edit) {
        self.document.succeeded(Topic::Choosing);
        self.edit(edit);
    }

    /// A session or a recipe was read. It takes the place of the open one only if nothing is lost by that which the user has
    /// not given up.
    fn opened(&mut self, path: PathBuf, session: SavedSession) {
        self.document.settle();
        let given_up = self.discarded.take() == Some(self.document.file().edits);
        if self.document.is_unsaved() && !given_up {
            return self.panels.confirm.ask(Command::OpenFile(path));
        }
        self.settings.used_folder(path.parent().unwrap_or(&path));
        self.settings.used_file(&path);
        match far_size(&path, &session) {
            Some(sizes) => {
                self.panels.import_size.ask(sizes);
                self.pending_import = Some((path, session));
            }
            None => self.take_over(path, session),
        }
    }

    /// The question about the size of a picture was answered.
    pub(super) fn import_sized(&mut self, size: Option<[usize; 2]>) {
        let pending = self.pending_import.take();
        if let (Some((path, mut session)), Some([width, height])) = (pending, size) {
            (session.recipe.width, session.recipe.height) = (width, height);
            self.take_over(path, session);
        }
    }

    fn take_over(&mut self, path: PathBuf, session: SavedSession) {
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
    pub(super) fn adopt(&mut self, path: Option<PathBuf>, session: SavedSession) {
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

    fn start_over(&mut self, recipe: Recipe) {
        self.document.start_over(recipe, self.settings.current.keep_steps);
        self.session_changed();
    }

    /// With another session, nothing of the one before goes on.
    fn session_changed(&mut self) {
        self.view.start_over();
        self.panels.session_changed();
        self.rendering.session_changed();
        self.files.session_changed();
        self.output.session_changed(&self.document, &self.settings.current.output);
        self.given_up();
        self.pending_import = None;
    }

    /// Carries out a command that the user has agreed to, or that loses nothing.
    pub(super) fn leave(&mut self, ctx: &Context, command: Command) {
        match command {
            Command::Quit => {
                self.quitting = true;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            Command::NewSession => self.start_over(demo::recipe()),
            Command::NewEmptySession => {
                self.start_over(Recipe::default());
                self.rendering.hold(&self.document);
            }
            Command::DiscardRecovered => self.discard_recovered(ctx),
            command => self.files_task(ctx, &command),
        }
    }

    /// As [`Self::leave`], although changes are lost by it. They count as lost only once another session is there.
    pub(super) fn discard(&mut self, ctx: &Context, command: Command) {
        self.discarded = Some(self.document.file().edits);
        self.leave(ctx, command);
    }

    /// Back to the session as it was last saved, or to none.
    fn discard_recovered(&mut self, ctx: &Context) {
        self.discarded = Some(self.document.file().edits);
        match self.document.file().path.clone().filter(|path| path.exists()) {
            Some(path) => self.files_task(ctx, &Command::OpenFile(path)),
            None => self.start_over(demo::recipe()),
        }
    }

    /// Begins what a command asks for of files; its outcome comes later.
    pub(super) fn files_task(&mut self, ctx: &Context, command: &Command) {
        let from = |path: Option<PathBuf>| match path {
            Some(path) => From::Path(path),
            None if self.view.appearance.own_dialogs || *command == Command::BrowseFiles => {
                From::OwnDialog(self.first_folder())
            }
            None => From::Dialog(self.first_folder()),
        };
        match requests::request(command, &self.document, &self.view) {
            Ok(Some((task, path))) => {
                let from = from(path);
                self.start_task(ctx, task, from);
            }
            Ok(None) => {}
            Err(reason) => self.refuse(reason.to_owned()),
        }
    }

    fn start_task(&mut self, ctx: &Context, task: Task, from: From) {
        match self.files.start(ctx, task, from) {
            Ok(Some(question)) => self.files_done(Outcome::Ask(Box::new(question)), true),
            Ok(None) => {}
            Err(reason) => self.refuse(reason),
        }
    }

    fn refuse(&mut self, reason: String) {
        self.given_up();
        self.document.notify(Notice::error(Topic::Other, reason));
    }

    /// The folder that a dialog begins in: the session's, else the one that was used last.
    fn first_folder(&self) -> PathBuf {
        let own = self.document.file().path.as_ref().and_then(|path| path.parent()).map(Path::to_owned);
        let own = own.filter(|folder| !folder.as_os_str().is_empty());
        let home = || std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
        let folder = own.or_else(|| self.settings.current.folders.first().cloned()).or_else(home);
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// The window's own dialog was answered.
    pub(super) fn file_dialog_answered(&mut self, ctx: &Context, path: Option<PathBuf>) {
        match self.files.answer(ctx, path) {
            Ok(outcome) => outcome.into_iter().for_each(|outcome| self.files_done(outcome, true)),
            Err(reason) => self.refuse(reason),
        }
    }

    /// Reads what the window's own dialog needs.
    pub(super) fn browse(&mut self, ctx: &Context, what: Browse) {
        match what {
            Browse::Folder(folder) => self.browser.list(ctx, folder),
            Browse::NewFolder(folder) => self.browser.make_folder(ctx, folder),
            Browse::Preview(path) => self.browser.preview(ctx, path),
            Browse::LookUp(path) => self.browser.look_up(ctx, path),
        }
    }

    pub(super) fn show_file(&mut self, ctx: &Context, path: PathBuf) {
        self.start_task(ctx, Task::Show, From::Path(path));
    }
}

/// The sizes to choose between, where a picture's own is far from what its model was trained on.
fn far_size(path: &Path, session: &SavedSession) -> Option<Sizes> {
    let model = session.origin.as_ref()?.native_side?;
    let own = [session.recipe.width, session.recipe.height];
    let times = (own[0] * own[1]) as f32 / (model * model) as f32;
    if (1.0 / FAR..=FAR).contains(&times) {
        return None;
    }
    let side = |pixels: usize| ((pixels as f32 / times.sqrt() / SIDE_STEP as f32).round() as usize).max(1) * SIDE_STEP;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Some(Sizes { name, own, fitting: own.map(side), model })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::Source, studio::document::notice::Origin};

    #[test]
    fn only_a_size_far_from_the_models_is_asked_about() {
        let fitting = |width, height, native_side| {
            let origin = Origin { found: Source::Parameters, not_restored: Vec::new(), native_side };
            let recipe = Recipe { width, height, ..Recipe::default() };
            let session = SavedSession { recipe, origin: Some(origin), ..SavedSession::default() };
            far_size(Path::new("a/cat.png"), &session).map(|sizes| sizes.fitting)
        };
        assert_eq!(fitting(512, 512, Some(192)), Some([192, 192]));
        assert_eq!(fitting(1216, 832, Some(192)), Some([232, 160]), "the shape stays");
        assert_eq!(fitting(64, 64, Some(192)), Some([192, 192]));
        assert_eq!(fitting(256, 192, Some(192)), None);
        assert_eq!(fitting(512, 512, None), None);
    }
}

//! Sessions, pictures and model folders: dialogs in threads of their own, and what is done with the chosen paths.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    time::Duration,
};

use egui::Context;

use super::{
    state::{Action, ModelSlot, Shown, Studio, TakeId},
    track::Track,
};
use crate::{
    field::Picture,
    recipe::{ModelRef, Recipe},
};

const EXTENSION: &str = "sextant.ron";

/// What a session keeps of a take.
#[derive(Clone, Debug)]
pub struct SavedTake {
    pub name: String,
    pub recipe: Recipe,
    pub picture: Arc<Picture>,
    pub elapsed: Duration,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
}

/// What a session keeps of the window.
#[derive(Clone, Debug, Default)]
pub struct SavedSession {
    pub recipe: Recipe,
    pub takes: Vec<SavedTake>,
}

/// Reads and writes files for the window. Errors are sentences for people.
pub trait Store {
    fn load(&self, path: &Path) -> Result<SavedSession, String>;
    fn save(&self, path: &Path, session: &SavedSession) -> Result<(), String>;
    fn export_png(&self, path: &Path, picture: &Picture, recipe: &Recipe) -> Result<(), String>;
}

/// What a dialog was opened for.
#[derive(Clone, Debug)]
enum Purpose {
    Open,
    SaveAs,
    Export(Option<TakeId>),
    Model(ModelSlot),
}

/// The window's side of files: at most one dialog is open at a time.
pub struct Files {
    store: Box<dyn Store>,
    dialog: Option<(Purpose, Receiver<Option<PathBuf>>)>,
}

impl Files {
    pub fn new(store: Box<dyn Store>) -> Self {
        Self { store, dialog: None }
    }

    /// Begins what `action` asks for; dialogs answer later, through [`Self::poll`].
    pub fn begin(&mut self, ctx: &Context, studio: &mut Studio, action: &Action) {
        match action {
            Action::NewSession => {
                let device = studio.device.take();
                *studio = Studio { device, ..Studio::new(super::demo::recipe()) };
            }
            Action::OpenSession => self.ask(ctx, studio, Purpose::Open),
            Action::SaveSession => match studio.path.clone() {
                Some(path) => self.save(studio, path),
                None => self.ask(ctx, studio, Purpose::SaveAs),
            },
            Action::SaveSessionAs => self.ask(ctx, studio, Purpose::SaveAs),
            Action::ExportPng(take) => self.ask(ctx, studio, Purpose::Export(*take)),
            Action::PickModel(slot) => self.ask(ctx, studio, Purpose::Model(*slot)),
            Action::Generate | Action::Stop | Action::Undo | Action::Redo => {}
        }
    }

    fn ask(&mut self, ctx: &Context, studio: &mut Studio, purpose: Purpose) {
        if self.dialog.is_some() {
            return;
        }
        let (answer, answers) = sync_channel(1);
        let (ctx, asked) = (ctx.clone(), purpose.clone());
        let thread = std::thread::Builder::new().name("dialog".into());
        match thread.spawn(move || show(&ctx, &asked, &answer)) {
            Ok(_) => self.dialog = Some((purpose, answers)),
            Err(error) => studio.complain(format!("The file dialog could not be opened: {error}. Try again.")),
        }
    }

    /// Carries on when a dialog has answered. Never waits.
    pub fn poll(&mut self, studio: &mut Studio) {
        let Some((purpose, answers)) = &self.dialog else { return };
        let (purpose, answer) = match answers.try_recv() {
            Ok(answer) => (purpose.clone(), answer),
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => (purpose.clone(), None),
        };
        self.dialog = None;
        let Some(path) = answer else { return };
        match purpose {
            Purpose::Open => self.open(studio, path),
            Purpose::SaveAs => self.save(studio, with_extension(path, EXTENSION)),
            Purpose::Export(take) => self.export(studio, take, &with_extension(path, "png")),
            Purpose::Model(ModelSlot::General) => studio.recipe.model = ModelRef::Folder(path),
            Purpose::Model(ModelSlot::Expert) => {
                studio.recipe.fusion.get_or_insert_with(super::demo::snowman).expert = ModelRef::Folder(path);
            }
        }
    }

    /// Opens a session, or says why it cannot be opened and leaves everything as it was.
    pub fn open(&self, studio: &mut Studio, path: PathBuf) {
        match self.store.load(&path) {
            Ok(session) => {
                let device = studio.device.take();
                *studio = Studio { device, path: Some(path), ..Studio::new(session.recipe) };
                for take in session.takes {
                    let track = Track { picture: Some(take.picture), ..Track::new(take.recipe) };
                    studio.add_take(take.name, track, take.elapsed, take.created);
                }
            }
            Err(message) => studio.complain(message),
        }
    }

    /// Saves the session to `path`, which becomes its path from then on.
    pub fn save(&self, studio: &mut Studio, path: PathBuf) {
        let takes = studio.takes.iter().filter_map(|take| {
            let picture = take.track.picture.clone()?;
            Some(SavedTake {
                name: take.name.clone(),
                recipe: take.track.recipe.clone(),
                picture,
                elapsed: take.elapsed,
                created: take.created,
            })
        });
        let session = SavedSession { recipe: studio.recipe.clone(), takes: takes.collect() };
        match self.store.save(&path, &session) {
            Ok(()) => (studio.path, studio.unsaved) = (Some(path), false),
            Err(message) => studio.complain(message),
        }
    }

    /// Writes the picture of a take, or of what is shown, with its recipe.
    pub fn export(&self, studio: &mut Studio, take: Option<TakeId>, path: &Path) {
        let track = match take.or(if let Shown::Take(id) = studio.shown { Some(id) } else { None }) {
            Some(id) => studio.take(id).map(|take| &take.track),
            None => studio.shown_track(),
        };
        let finished = track.and_then(|track| Some((track.picture.clone()?, track.recipe.clone())));
        let result = match finished {
            Some((picture, recipe)) => self.store.export_png(path, &picture, &recipe),
            None => Err("There is no finished picture to export yet: wait for it, or press Generate.".into()),
        };
        if let Err(message) = result {
            studio.complain(message);
        }
    }
}

/// Runs in the dialog's own thread, so that the window goes on.
fn show(ctx: &Context, purpose: &Purpose, answer: &SyncSender<Option<PathBuf>>) {
    let dialog = rfd::FileDialog::new();
    let path = match purpose {
        Purpose::Open => {
            let dialog = dialog.set_title("Open a session").add_filter("Sextant session", &["ron"]);
            dialog.add_filter("All files", &["*"]).pick_file()
        }
        Purpose::SaveAs => {
            let dialog = dialog.set_title("Save the session").add_filter("Sextant session", &["ron"]);
            dialog.set_file_name(format!("untitled.{EXTENSION}")).save_file()
        }
        Purpose::Export(_) => {
            let dialog = dialog.set_title("Export the picture").add_filter("PNG picture", &["png"]);
            dialog.set_file_name("sextant.png").save_file()
        }
        Purpose::Model(_) => dialog.set_title("Choose a diffusers model folder").pick_folder(),
    };
    // The window may be gone by now; then nobody wants the answer.
    let _ = answer.send(path);
    ctx.request_repaint();
}

fn with_extension(path: PathBuf, extension: &str) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let last = extension.rsplit('.').next().unwrap_or(extension);
    if name.ends_with(&format!(".{last}")) {
        return path;
    }
    let mut whole = path.into_os_string();
    whole.push(".");
    whole.push(extension);
    PathBuf::from(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_added_once() {
        let with = |name: &str, e: &str| with_extension(PathBuf::from(name), e).display().to_string();
        assert_eq!(with("beach", EXTENSION), "beach.sextant.ron");
        assert_eq!(with("beach.ron", EXTENSION), "beach.ron");
        assert_eq!(with("v1.2", "png"), "v1.2.png");
        assert_eq!(with("a.PNG", "png"), "a.PNG");
    }
}

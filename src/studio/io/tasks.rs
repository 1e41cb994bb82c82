//! What is done with files: what a dialog asks for each task, and the reading and writing.
//!
//! Apart from the thread that does it: each task can be read in one place.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    exports::{self, GreyMaps, Layer},
    figure::Figure,
    file_names, steps,
    store::Store,
    verify::verify,
};
use crate::{
    fingerprint::Fingerprint,
    recipe::{Paint, Recipe},
    session,
    studio::{
        document::{baselines::ModelRole, file::OPENED, notice::Topic, saved::SavedSession, track::Track},
        view::file_dialog::{Question, Wanted},
    },
    tensor::Picture,
};

const EXTENSION: &str = "sextant.ron";

/// What a thread is to do with the path that it was given or asked for.
pub enum Task {
    Open,
    /// With the version that is written.
    Save(Box<SavedSession>, u64),
    /// The same, although another program has changed the file.
    SaveOver(Box<SavedSession>, u64),
    Export(Box<ExportResult>),
    /// Named pictures, into a folder.
    Maps(Vec<(String, Picture)>),
    /// The maps of a step, into a folder.
    GreyMaps(Box<GreyMaps>),
    /// All steps, into one file.
    Steps(Box<Track>),
    /// The run, and what lies over its pictures: the frames are made in the thread.
    Animation(Box<Track>, Option<Box<Layer>>),
    Figure(Box<Figure>),
    Mask,
    Model(ModelRole),
    Checkpoint(ModelRole),
    Lora,
    /// Show a file where it lies.
    Show,
    /// Render a picture again and compare; it is written to the path for as long.
    Verify(Box<ExportResult>),
}

pub enum Outcome {
    Cancelled,
    Opened(PathBuf, Box<SavedSession>),
    Saved(PathBuf, u64),
    /// Nothing was saved: another program has changed the file.
    ChangedOutside(PathBuf),
    Exported(PathBuf),
    Mask(Paint),
    Model(ModelRole, PathBuf),
    Lora(PathBuf),
    Shown,
    /// What came of rendering a picture again: a sentence.
    Verified(String),
    /// What failed, and why: a sentence for the user.
    Failed(Topic, String),
    /// The window's own dialog has to ask for the path.
    Ask(Box<Question>),
}

/// A picture and what it carries.
pub struct ExportResult {
    pub picture: Arc<Picture>,
    pub recipe: Recipe,
    pub run: Option<Arc<Fingerprint>>,
}

/// What a dialog asks for a task, beginning in `folder`.
pub fn question(task: &Task, folder: PathBuf) -> Question {
    let ask = |wanted, title: &str, kind, endings: &[&'static str], name: String| {
        let extension = match endings {
            ["ron"] => EXTENSION,
            [first, ..] if wanted == Wanted::Name => first,
            _ => "",
        };
        let endings = endings.to_vec();
        Question { title: title.to_owned(), wanted, kind, endings, folder: folder.clone(), name, extension }
    };
    let file = |title, kind, endings| ask(Wanted::File, title, kind, endings, String::new());
    let folder = |title| ask(Wanted::Folder, title, "Folders", &[], String::new());
    let save = |title, kind, ending, name| ask(Wanted::Name, title, kind, &[ending], name);
    match task {
        Task::Open | Task::Show | Task::Verify(_) => {
            file("Open a session or a picture", "Sessions and pictures", &OPENED)
        }
        Task::Save(session, _) | Task::SaveOver(session, _) => {
            save("Save the session", "Sessions", "ron", file_names::session(&session.recipe))
        }
        Task::Export(finished) => {
            save("Export the picture", "PNG pictures", "png", file_names::picture(&finished.recipe))
        }
        Task::Maps(_) | Task::GreyMaps(_) => folder("Choose a folder for the maps"),
        Task::Steps(track) => {
            let name = file_names::named(&track.recipe, "maps", "safetensors");
            save("Export all maps", "Arrays", "safetensors", name)
        }
        Task::Animation(track, _) => {
            let name = file_names::named(&track.recipe, "forming", "png");
            ask(Wanted::Name, "Export the animation", "Animated PNG, GIF, WebP", &session::ANIMATIONS, name)
        }
        Task::Figure(figure) => {
            let name = file_names::figure(figure.recipe(), &figure.file_name());
            save("Export the figure", "PNG pictures", "png", name)
        }
        Task::Mask => file("Choose a mask: the expert draws what is bright", "PNG pictures", &["png"]),
        Task::Model(_) => folder("Choose a diffusers model folder"),
        Task::Lora => file("Choose a LoRA for the general model", "LoRA", &["safetensors"]),
        Task::Checkpoint(_) => file("Choose a Stable Diffusion 1.x or 2.x checkpoint", "Checkpoints", &["safetensors"]),
    }
}

impl Task {
    /// What a notice about the task is about.
    pub fn topic(&self) -> Topic {
        match self {
            Self::Open | Self::Show => Topic::Opening,
            Self::Save(..) | Self::SaveOver(..) => Topic::Saving,
            Self::Mask | Self::Model(_) | Self::Checkpoint(_) | Self::Lora => Topic::Choosing,
            _ => Topic::Exporting,
        }
    }
}

/// Writes the picture to `path`, has it verified, and removes it.
fn verified(store: &dyn Store, finished: ExportResult, path: &Path) -> Result<Outcome, String> {
    let ExportResult { picture, recipe, run } = finished;
    store.export_png(path, &picture, &recipe, run.as_deref())?;
    let program = std::env::current_exe().map_err(|error| format!("This program is not found: {error}."));
    let said = program.and_then(|program| verify(&program, path));
    if let Err(error) = std::fs::remove_file(path) {
        log::warn!("{}: {error}", path.display());
    }
    said.map(Outcome::Verified)
}

/// Does what the task says with `path`.
pub fn carry_out(store: &dyn Store, task: Task, path: PathBuf) -> Outcome {
    let topic = task.topic();
    let exported = |path: PathBuf| move |()| Outcome::Exported(path);
    let done = match task {
        Task::Open => store.load(&path).map(|session| Outcome::Opened(path, Box::new(session))),
        Task::Save(..) if store.is_changed_outside(&path) => Ok(Outcome::ChangedOutside(path)),
        Task::Save(session, version) | Task::SaveOver(session, version) => {
            store.save(&path, &session).map(|()| Outcome::Saved(path, version))
        }
        Task::Export(finished) => {
            let ExportResult { picture, recipe, run } = *finished;
            store.export_png(&path, &picture, &recipe, run.as_deref()).map(exported(path))
        }
        Task::Maps(maps) => store.export_maps(&path, &maps).map(exported(path)),
        Task::GreyMaps(maps) => maps.files().and_then(|files| store.export_files(&path, &files)).map(exported(path)),
        Task::Steps(track) => {
            let file =
                steps::exact(&track).to_safetensors().map_err(|e| format!("The maps cannot be put together: {e}."));
            let (folder, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
            let name = name.to_string_lossy().into_owned();
            file.and_then(|file| store.export_files(folder, &[(name, file)])).map(exported(path))
        }
        Task::Animation(track, layer) => {
            let frames = exports::frames(&track, layer.as_deref());
            store.export_animation(&path, &frames).map(exported(path))
        }
        Task::Model(slot) | Task::Checkpoint(slot) => Ok(Outcome::Model(slot, path)),
        Task::Lora => Ok(Outcome::Lora(path)),
        Task::Show => Ok(Outcome::Shown),
        Task::Verify(finished) => verified(store, *finished, &path),
        Task::Figure(figure) => store.export_png(&path, &figure.draw(), figure.recipe(), None).map(exported(path)),
        Task::Mask => session::read_mask(&path).map(Outcome::Mask).map_err(|e| e.to_string()),
    };
    done.unwrap_or_else(|reason| Outcome::Failed(topic, reason))
}

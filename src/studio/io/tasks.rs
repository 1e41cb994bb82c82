//! What is done with files: the dialog that asks where, and the reading and writing.
//!
//! Apart from the thread that does it: each task can be read in one place.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    exports::{self, GreyMaps, Layer},
    figure::Figure,
    steps,
    store::Store,
};
use crate::{
    fingerprint::Fingerprint,
    recipe::{Paint, Recipe},
    session,
    studio::document::{baselines::ModelRole, file::OPENED, saved::SavedSession, track::Track},
    tensor::Picture,
};

const EXTENSION: &str = "sextant.ron";

/// What a thread is to do with the path that it was given or asked for.
pub enum Task {
    Open,
    /// With the version that is written.
    Save(Box<SavedSession>, u64),
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
}

pub enum Outcome {
    Cancelled,
    Opened(PathBuf, Box<SavedSession>),
    Saved(PathBuf, u64),
    Exported,
    Mask(Paint),
    Model(ModelRole, PathBuf),
    Lora(PathBuf),
    Failed(String),
}

/// A picture and what it carries.
pub struct ExportResult {
    pub picture: Arc<Picture>,
    pub recipe: Recipe,
    pub run: Option<Arc<Fingerprint>>,
}

/// Shows the dialog for a task and waits for its answer.
pub fn ask(task: &Task) -> Option<PathBuf> {
    let dialog = rfd::FileDialog::new();
    match task {
        Task::Open => {
            let dialog = dialog.set_title("Open a session or a picture");
            dialog.add_filter("Sessions and pictures", &OPENED).add_filter("All files", &["*"]).pick_file()
        }
        Task::Save(..) => {
            let dialog = dialog.set_title("Save the session").add_filter("Sextant session", &["ron"]);
            let path = dialog.set_file_name(format!("untitled.{EXTENSION}")).save_file();
            path.map(|path| with_extension(path, EXTENSION))
        }
        Task::Export(..) => {
            let dialog = dialog.set_title("Export the picture").add_filter("PNG picture", &["png"]);
            dialog.set_file_name("sextant.png").save_file().map(|path| with_extension(path, "png"))
        }
        Task::Maps(_) | Task::GreyMaps(_) => dialog.set_title("Choose a folder for the maps").pick_folder(),
        Task::Steps(_) => {
            let dialog = dialog.set_title("Export all maps").add_filter("Arrays", &["safetensors"]);
            let path = dialog.set_file_name("maps.safetensors").save_file();
            path.map(|path| with_extension(path, "safetensors"))
        }
        Task::Animation(..) => {
            let dialog = dialog.set_title("Export the animation").add_filter("Animated PNG", &["png"]);
            dialog.set_file_name("forming.png").save_file().map(|path| with_extension(path, "png"))
        }
        Task::Figure(figure) => {
            let dialog = dialog.set_title("Export the figure").add_filter("PNG picture", &["png"]);
            dialog.set_file_name(figure.file_name()).save_file().map(|path| with_extension(path, "png"))
        }
        Task::Mask => {
            let dialog = dialog.set_title("Choose a mask: the expert draws what is bright");
            dialog.add_filter("PNG picture", &["png"]).pick_file()
        }
        Task::Model(_) => dialog.set_title("Choose a diffusers model folder").pick_folder(),
        Task::Lora => {
            let dialog = dialog.set_title("Choose a LoRA for the general model");
            dialog.add_filter("LoRA", &["safetensors"]).pick_file()
        }
        Task::Checkpoint(_) => {
            let dialog = dialog.set_title("Choose a Stable Diffusion 1.x or 2.x checkpoint");
            dialog.add_filter("Checkpoint", &["safetensors"]).pick_file()
        }
    }
}

pub fn carry_out(store: &dyn Store, task: Task, path: PathBuf) -> Outcome {
    let done = match task {
        Task::Open => store.load(&path).map(|session| Outcome::Opened(path, Box::new(session))),
        Task::Save(session, version) => store.save(&path, &session).map(|()| Outcome::Saved(path, version)),
        Task::Export(finished) => {
            let ExportResult { picture, recipe, run } = *finished;
            store.export_png(&path, &picture, &recipe, run.as_deref()).map(|()| Outcome::Exported)
        }
        Task::Maps(maps) => store.export_maps(&path, &maps).map(|()| Outcome::Exported),
        Task::GreyMaps(maps) => {
            let written = maps.files().and_then(|files| store.export_files(&path, &files));
            written.map(|()| Outcome::Exported)
        }
        Task::Steps(track) => {
            let file =
                steps::exact(&track).to_safetensors().map_err(|e| format!("The maps cannot be put together: {e}."));
            let (folder, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
            let name = name.to_string_lossy().into_owned();
            let written = file.and_then(|file| store.export_files(folder, &[(name, file)]));
            written.map(|()| Outcome::Exported)
        }
        Task::Animation(track, layer) => {
            let frames = exports::frames(&track, layer.as_deref());
            store.export_animation(&path, &frames).map(|()| Outcome::Exported)
        }
        Task::Model(slot) | Task::Checkpoint(slot) => Ok(Outcome::Model(slot, path)),
        Task::Lora => Ok(Outcome::Lora(path)),
        Task::Figure(figure) => {
            store.export_png(&path, &figure.draw(), figure.recipe(), None).map(|()| Outcome::Exported)
        }
        Task::Mask => session::read_mask(&path).map(Outcome::Mask).map_err(|e| e.to_string()),
    };
    done.unwrap_or_else(Outcome::Failed)
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

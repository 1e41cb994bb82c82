//! Sessions, pictures and model folders: dialogs, reading and writing happen in a thread of their own.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    time::Duration,
};

use egui::Context;

use super::{
    exports,
    figure::{self, Figure},
    imported::{self, Origin},
    layout,
    state::{Action, Look, ModelSlot, Shown, Studio, TakeId},
    track::Track,
};
use crate::{
    field::Picture,
    recipe::{FusionRule, Lora, ModelRef, Paint, Recipe},
    session::{self, Layout},
};

const EXTENSION: &str = "sextant.ron";

/// Endings of the names of files that can be opened.
const OPENED: [&str; 7] = ["ron", "png", "jpg", "jpeg", "webp", "gif", "txt"];

/// Whether a file can be opened, as far as its name tells.
pub fn is_known(path: &Path) -> bool {
    path.extension().is_some_and(|ending| OPENED.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// Whether the name is one that a session is saved under.
pub fn is_session(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ron"))
}

/// What a session keeps of a take.
#[derive(Clone, Debug)]
pub struct SavedTake {
    pub name: String,
    pub recipe: Recipe,
    pub picture: Arc<Picture>,
    pub elapsed: Duration,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The place in the session's list of the take it was made from.
    pub parent: Option<usize>,
    pub starred: bool,
}

/// What a session keeps of the window.
#[derive(Clone, Debug, Default)]
pub struct SavedSession {
    pub recipe: Recipe,
    pub takes: Vec<SavedTake>,
    pub layout: Layout,
    /// Where the recipe comes from, if not from a session.
    pub origin: Option<Origin>,
}

/// Reads and writes files for the window, from a thread that may wait. Errors are sentences for people.
pub trait Store: Send + Sync {
    /// Reads a session, or the recipe that a picture or a text of settings carries.
    fn load(&self, path: &Path) -> Result<SavedSession, String>;
    fn save(&self, path: &Path, session: &SavedSession) -> Result<(), String>;
    fn export_png(&self, path: &Path, picture: &Picture, recipe: &Recipe) -> Result<(), String>;
    /// Writes named pictures into a folder.
    fn export_maps(&self, folder: &Path, maps: &[(String, Picture)]) -> Result<(), String>;
    /// Writes an animated PNG of pictures of one size.
    fn export_animation(&self, path: &Path, frames: &[Arc<Picture>]) -> Result<(), String>;
}

/// What a thread is to do with the path that it was given or asked for.
enum Task {
    Open,
    /// With the version that is written.
    Save(SavedSession, u64),
    Export(Arc<Picture>, Recipe),
    /// Named pictures, into a folder.
    Maps(Vec<(String, Picture)>),
    Animation(Vec<Arc<Picture>>),
    Figure(Box<Figure>),
    Mask,
    Model(ModelSlot),
    Checkpoint(ModelSlot),
    Lora,
}

enum Outcome {
    Cancelled,
    Opened(PathBuf, Box<SavedSession>),
    Saved(PathBuf, u64),
    Exported,
    Mask(Paint),
    Model(ModelSlot, PathBuf),
    Lora(PathBuf),
    Failed(String),
}

/// The window's side of files: at most one task is under way.
pub struct Files {
    store: Arc<dyn Store>,
    under_way: Option<Receiver<Outcome>>,
}

impl Files {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, under_way: None }
    }

    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Begins what `action` asks for; its outcome comes through [`Self::poll`].
    pub fn begin(&mut self, ctx: &Context, studio: &mut Studio, action: &Action) {
        match action {
            Action::NewSession => start_over(studio, super::demo::recipe()),
            Action::OpenSession => self.start(ctx, studio, Task::Open, None),
            Action::OpenFile(path) => self.start(ctx, studio, Task::Open, Some(path.clone())),
            Action::SaveSession => {
                self.start(ctx, studio, Task::Save(session(studio), studio.version), studio.path.clone())
            }
            Action::SaveSessionAs => self.start(ctx, studio, Task::Save(session(studio), studio.version), None),
            Action::ExportPng(take) => match finished(studio, *take) {
                Some((picture, recipe)) => self.start(ctx, studio, Task::Export(picture, recipe), None),
                None => studio.complain("There is no finished picture to export yet: wait for it, or press Generate."),
            },
            Action::ExportMaps => match exports::maps(studio) {
                maps if maps.is_empty() => studio.complain("This step has no maps: its steps were not kept."),
                maps => self.start(ctx, studio, Task::Maps(maps), None),
            },
            Action::ExportAnimation => match exports::frames(studio) {
                frames if frames.is_empty() => studio.complain("The steps of this picture were not kept."),
                frames => self.start(ctx, studio, Task::Animation(frames), None),
            },
            Action::ExportFigure => self.export_figure(ctx, studio, figure::steps),
            Action::ExportGrid => self.export_figure(ctx, studio, figure::grid),
            Action::PickMask => self.start(ctx, studio, Task::Mask, None),
            Action::PickModel(slot) => self.start(ctx, studio, Task::Model(*slot), None),
            Action::PickLora => self.start(ctx, studio, Task::Lora, None),
            Action::PickCheckpoint(slot) => self.start(ctx, studio, Task::Checkpoint(*slot), None),
            Action::DiscardRecovered => self.discard(ctx, studio),
            Action::Generate
            | Action::Stop
            | Action::Undo
            | Action::Redo
            | Action::RemoveTake(_)
            | Action::ShowLeftovers
            | Action::Quit => {}
        }
    }

    fn export_figure(&mut self, ctx: &Context, studio: &mut Studio, of: fn(&Studio) -> Result<Figure, &'static str>) {
        match of(studio) {
            Ok(figure) => self.start(ctx, studio, Task::Figure(Box::new(figure)), None),
            Err(reason) => studio.complain(reason),
        }
    }

    /// Back to the session as it was last saved, or to none.
    fn discard(&mut self, ctx: &Context, studio: &mut Studio) {
        match studio.path.clone().filter(|path| path.exists()) {
            Some(path) => self.start(ctx, studio, Task::Open, Some(path)),
            None => start_over(studio, super::demo::recipe()),
        }
    }

    /// Runs a task; without a `path` its thread asks for one.
    fn start(&mut self, ctx: &Context, studio: &mut Studio, task: Task, path: Option<PathBuf>) {
        if self.is_busy() {
            return;
        }
        let (sender, outcome) = sync_channel(1);
        let (ctx, store) = (ctx.clone(), self.store.clone());
        let body = move || {
            let outcome = match path.or_else(|| ask(&task)) {
                Some(path) => carry_out(store.as_ref(), task, path),
                None => Outcome::Cancelled,
            };
            // The window may be gone by now; then nobody wants to know.
            let _ = sender.send(outcome);
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("files".into()).spawn(body) {
            Ok(_) => self.under_way = Some(outcome),
            Err(error) => {
                studio.complain(format!("No thread could be started for the file dialog: {error}. Try again."))
            }
        }
    }

    /// Takes the outcome of a task, when there is one. Never waits.
    pub fn poll(&mut self, studio: &mut Studio) {
        let Some(receiver) = &self.under_way else { return };
        let outcome = match receiver.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Outcome::Failed("The file dialog broke off: try again.".into()),
        };
        self.under_way = None;
        match outcome {
            Outcome::Cancelled => studio.after_save = None,
            Outcome::Exported => {}
            Outcome::Opened(path, session) => opened(studio, path, *session),
            // What was changed while the file was written is not in it, and stays unsaved.
            Outcome::Saved(path, version) => {
                (studio.path, studio.saved) = (Some(path), version);
                studio.actions.extend(studio.after_save.take());
            }
            Outcome::Lora(path) => studio.recipe.loras.push(Lora { path, weight: 1.0 }),
            Outcome::Model(ModelSlot::General, path) => studio.recipe.model = ModelRef::Folder(path),
            Outcome::Model(ModelSlot::Expert, path) => {
                studio.recipe.fusion.get_or_insert_with(super::demo::snowman).expert = ModelRef::Folder(path);
            }
            Outcome::Mask(mask) => {
                let fusion = studio.recipe.fusion.get_or_insert_with(super::demo::snowman);
                (fusion.rule, fusion.mask) = (FusionRule::Mask, Some(mask));
            }
            Outcome::Failed(message) => {
                studio.after_save = None;
                studio.complain(message);
            }
        }
    }
}

/// An empty session with `recipe`; only the device and the face of the window stay.
fn start_over(studio: &mut Studio, recipe: Recipe) {
    let device = studio.device.take();
    let look =
        Look { dark: studio.look.dark, scale: studio.look.scale, columns: studio.look.columns, ..Look::default() };
    *studio = Studio { device, look, reopened: true, ..Studio::new(recipe) };
}

fn opened(studio: &mut Studio, path: PathBuf, session: SavedSession) {
    // A picture's recipe is taken over, but the picture is not where the session is saved.
    match session.origin.clone() {
        Some(origin) => {
            adopt(studio, None, session);
            imported::tell(studio, &path, origin);
        }
        None => adopt(studio, Some(path), session),
    }
}

/// Puts a session that was read in the place of the one that was open; `path` is where it is saved.
pub(super) fn adopt(studio: &mut Studio, path: Option<PathBuf>, session: SavedSession) {
    start_over(studio, session.recipe);
    let is_session = path.is_some() || !session.takes.is_empty();
    studio.path = path;
    if is_session {
        layout::restore(&mut studio.look, &session.layout);
    }
    let parents: Vec<(Option<usize>, bool)> = session.takes.iter().map(|take| (take.parent, take.starred)).collect();
    let ids: Vec<TakeId> = session
        .takes
        .into_iter()
        .map(|take| {
            let track = Track { picture: Some(take.picture), ..Track::new(take.recipe) };
            studio.add_take(take.name, track, take.elapsed, take.created)
        })
        .collect();
    for (take, (parent, starred)) in studio.takes.iter_mut().zip(parents) {
        take.parent = parent.and_then(|at| ids.get(at)).copied();
        take.starred = starred;
    }
    let recipe = &studio.recipe;
    studio.base = studio.takes.iter().rev().find(|take| take.track.recipe == *recipe).map(|take| take.id);
}

/// What would be saved now.
pub(super) fn session(studio: &Studio) -> SavedSession {
    let kept: Vec<_> = studio.takes.iter().filter_map(|take| Some((take, take.track.picture.clone()?))).collect();
    let place = |id: TakeId| kept.iter().position(|(take, _)| take.id == id);
    let takes = kept.iter().map(|(take, picture)| SavedTake {
        name: take.name.clone(),
        recipe: take.track.recipe.clone(),
        picture: picture.clone(),
        elapsed: take.elapsed,
        created: take.created,
        parent: take.parent.and_then(place),
        starred: take.starred,
    });
    let (recipe, layout) = (studio.recipe.clone(), layout::of(&studio.look));
    SavedSession { recipe, takes: takes.collect(), layout, origin: None }
}

/// The picture and recipe of a take, or of what is shown.
fn finished(studio: &Studio, take: Option<TakeId>) -> Option<(Arc<Picture>, Recipe)> {
    let shown = if let Shown::Take(id) = studio.shown { Some(id) } else { None };
    let track = match take.or(shown) {
        Some(id) => &studio.take(id)?.track,
        None => studio.shown_track()?,
    };
    Some((track.picture.clone()?, track.recipe.clone()))
}

/// Shows the dialog for a task and waits for its answer.
fn ask(task: &Task) -> Option<PathBuf> {
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
        Task::Maps(_) => dialog.set_title("Choose a folder for the maps").pick_folder(),
        Task::Animation(_) => {
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

fn carry_out(store: &dyn Store, task: Task, path: PathBuf) -> Outcome {
    let done = match task {
        Task::Open => store.load(&path).map(|session| Outcome::Opened(path, Box::new(session))),
        Task::Save(session, version) => store.save(&path, &session).map(|()| Outcome::Saved(path, version)),
        Task::Export(picture, recipe) => store.export_png(&path, &picture, &recipe).map(|()| Outcome::Exported),
        Task::Maps(maps) => store.export_maps(&path, &maps).map(|()| Outcome::Exported),
        Task::Animation(frames) => store.export_animation(&path, &frames).map(|()| Outcome::Exported),
        Task::Model(slot) | Task::Checkpoint(slot) => Ok(Outcome::Model(slot, path)),
        Task::Lora => Ok(Outcome::Lora(path)),
        Task::Figure(figure) => store.export_png(&path, &figure.draw(), figure.recipe()).map(|()| Outcome::Exported),
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
    use crate::session::Source;

    #[test]
    fn extensions_are_added_once() {
        let with = |name: &str, e: &str| with_extension(PathBuf::from(name), e).display().to_string();
        assert_eq!(with("beach", EXTENSION), "beach.sextant.ron");
        assert_eq!(with("beach.ron", EXTENSION), "beach.ron");
        assert_eq!(with("v1.2", "png"), "v1.2.png");
        assert_eq!(with("a.PNG", "png"), "a.PNG");
    }

    #[test]
    fn a_picture_gives_its_recipe_but_not_its_path() {
        let mut studio = Studio { device: Some("CPU".into()), ..Studio::default() };
        let recipe = Recipe { seed: 9, ..Recipe::default() };
        let origin = Origin { found: Source::Parameters, not_restored: vec!["Model: x".into()] };
        let picture = SavedSession { recipe: recipe.clone(), origin: Some(origin), ..SavedSession::default() };
        opened(&mut studio, "a.png".into(), picture);
        assert!(studio.leftovers.is_some() && studio.banner.as_ref().is_some_and(|banner| !banner.bad));
        assert_eq!((studio.recipe.seed, studio.path.clone(), studio.reopened), (9, None, true));
        opened(&mut studio, "a.sextant.ron".into(), SavedSession { recipe, ..SavedSession::default() });
        assert_eq!(studio.path, Some("a.sextant.ron".into()));
        assert_eq!(studio.device.as_deref(), Some("CPU"));
        assert!(studio.leftovers.is_none() && studio.banner.is_none(), "nothing is left of what was open before");
    }
}

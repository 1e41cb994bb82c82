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
    exports::{self, GreyMaps},
    figure::{self, Figure},
    imported::{self, Origin},
    layout,
    state::{Action, Banner, Compare, Look, MapFormat, ModelSlot, Shown, Studio, TakeId},
    steps,
    track::{Playhead, Track},
};
use crate::{
    fingerprint::Fingerprint,
    recipe::{FusionRule, Lora, ModelRef, Paint, Recipe},
    session::{self, Layout},
    tensor::Picture,
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
    pub track: Track,
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
    /// Places in the list of the takes pinned as A and B.
    pub pins: [Option<usize>; 2],
    pub layout: Layout,
    /// Whether the steps of the takes are kept with it.
    pub keep_steps: bool,
    /// What could not be read of it: a sentence for people.
    pub notice: Option<String>,
    /// Where the recipe comes from, if not from a session.
    pub origin: Option<Origin>,
}

/// Reads and writes files for the window, from a thread that may wait. Errors are sentences for people.
pub trait Store: Send + Sync {
    /// Reads a session, or the recipe that a picture or a text of settings carries.
    fn load(&self, path: &Path) -> Result<SavedSession, String>;
    fn save(&self, path: &Path, session: &SavedSession) -> Result<(), String>;
    /// With how its run went, if that is known.
    fn export_png(
        &self,
        path: &Path,
        picture: &Picture,
        recipe: &Recipe,
        run: Option<&Fingerprint>,
    ) -> Result<(), String>;
    /// Writes files into a folder.
    fn export_files(&self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), String>;
    /// Writes named pictures into a folder.
    fn export_maps(&self, folder: &Path, maps: &[(String, Picture)]) -> Result<(), String>;
    /// Writes an animated PNG of pictures of one size.
    fn export_animation(&self, path: &Path, frames: &[Arc<Picture>]) -> Result<(), String>;
}

/// What a thread is to do with the path that it was given or asked for.
enum Task {
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
    /// The run, what lies over its pictures, and how: the frames are made in the thread.
    Animation(Box<Track>, Option<Box<Look>>),
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
                self.start(ctx, studio, Task::Save(Box::new(session(studio)), studio.version), studio.path.clone())
            }
            Action::SaveSessionAs => {
                self.start(ctx, studio, Task::Save(Box::new(session(studio)), studio.version), None)
            }
            Action::ExportPng(take) => match finished(studio, *take) {
                Some(finished) => self.start(ctx, studio, Task::Export(Box::new(finished)), None),
                None => studio.complain("There is no finished picture to export yet: wait for it, or press Generate."),
            },
            Action::ExportMaps(format) => match maps(studio, *format) {
                Some(task) => self.start(ctx, studio, task, None),
                None => studio.complain("There are no maps to export: the steps of this picture were not kept."),
            },
            Action::ExportAnimation { overlay } => match studio.shown_track().filter(|track| track.has_steps()) {
                Some(track) => {
                    let look = overlay.then(|| Box::new(studio.look.clone()));
                    let task = Task::Animation(Box::new(track.clone()), look);
                    self.start(ctx, studio, task, None);
                }
                None => studio.complain("The steps of this picture were not kept: render it again to animate it."),
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
            | Action::SetMemory(_)
            | Action::KeepSteps(_)
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

/// An empty session with `recipe`; only the engine, the settings and the face of the window stay.
fn start_over(studio: &mut Studio, recipe: Recipe) {
    let (device, memory, settings) = (studio.device.take(), studio.memory, std::mem::take(&mut studio.settings));
    let look =
        Look { dark: studio.look.dark, scale: studio.look.scale, columns: studio.look.columns, ..Look::default() };
    let keep_steps = settings.keep_steps;
    *studio = Studio { device, memory, settings, keep_steps, look, reopened: true, ..Studio::new(recipe) };
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
    let [a, b] = session.pins;
    studio.keep_steps |= session.keep_steps;
    // The session is rendered by itself, which must not take the notice away.
    studio.banner = session.notice.map(|message| Banner { message, bad: false, remedy: None });
    let step = session.layout.step;
    let ids = add_takes(studio, session.takes);
    studio.pins = [a, b].map(|place| ids.get(place?).copied());
    if studio.pins[0].is_none() && studio.look.compare.pairs() {
        studio.look.compare = Compare::Single;
    }
    let recipe = &studio.recipe;
    studio.base = studio.takes.iter().rev().find(|take| take.track.recipe.same_settings(recipe)).map(|take| take.id);
    if let Some(id) = studio.base {
        studio.show_kept(id);
        studio.playhead = step.map_or(Playhead::Newest, Playhead::At);
    }
}

fn add_takes(studio: &mut Studio, takes: Vec<SavedTake>) -> Vec<TakeId> {
    let hung: Vec<(Option<usize>, bool)> = takes.iter().map(|take| (take.parent, take.starred)).collect();
    let add = |take: SavedTake| studio.add_take(take.name, take.track, take.elapsed, take.created);
    let ids: Vec<TakeId> = takes.into_iter().map(add).collect();
    for (take, (parent, starred)) in studio.takes.iter_mut().zip(hung) {
        take.parent = parent.and_then(|at| ids.get(at)).copied();
        take.starred = starred;
    }
    ids
}

/// What would be saved now.
pub(super) fn session(studio: &Studio) -> SavedSession {
    let kept: Vec<_> = studio.takes.iter().filter(|take| take.track.picture.is_some()).collect();
    let place = |id: TakeId| kept.iter().position(|take| take.id == id);
    let takes = kept.iter().map(|take| SavedTake {
        name: take.name.clone(),
        track: take.track.clone(),
        elapsed: take.elapsed,
        created: take.created,
        parent: take.parent.and_then(place),
        starred: take.starred,
    });
    let step = if let Playhead::At(step) = studio.playhead { Some(step) } else { None };
    SavedSession {
        recipe: studio.recipe.clone(),
        takes: takes.collect(),
        pins: studio.pins.map(|pin| pin.and_then(place)),
        layout: Layout { step, ..layout::of(&studio.look) },
        keep_steps: studio.keep_steps,
        notice: None,
        origin: None,
    }
}

/// A picture and what it carries.
struct ExportResult {
    picture: Arc<Picture>,
    recipe: Recipe,
    run: Option<Arc<Fingerprint>>,
}

/// The picture and recipe of a take, or of what is shown.
fn finished(studio: &Studio, take: Option<TakeId>) -> Option<ExportResult> {
    let shown = if let Shown::Take(id) = studio.shown { Some(id) } else { None };
    let track = match take.or(shown) {
        Some(id) => &studio.take(id)?.track,
        None => studio.shown_track()?,
    };
    Some(ExportResult { picture: track.picture.clone()?, recipe: track.recipe.clone(), run: track.fingerprint.clone() })
}

/// What writes the maps in a format; `None` without maps.
fn maps(studio: &Studio, format: MapFormat) -> Option<Task> {
    match format {
        MapFormat::Colours => Some(exports::maps(studio)).filter(|maps| !maps.is_empty()).map(Task::Maps),
        MapFormat::Grey16 => {
            let (track, report) = (studio.shown_track()?, studio.shown_frame()?.report?);
            Some(Task::GreyMaps(Box::new(GreyMaps::new(track, report))))
        }
        MapFormat::Safetensors => {
            studio.shown_track().filter(|track| track.has_steps()).map(|track| Task::Steps(Box::new(track.clone())))
        }
    }
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

fn carry_out(store: &dyn Store, task: Task, path: PathBuf) -> Outcome {
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
        Task::Animation(track, look) => {
            let frames = exports::frames(&track, look.as_deref());
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

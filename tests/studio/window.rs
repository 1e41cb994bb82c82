//! The window and the other end of its line, for every test of the window.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use egui::{Rect, vec2};
use egui_kittest::{Harness, HarnessBuilder, kittest::Queryable};
use sextant::{
    engine::{
        Event,
        handle::{Request, WorkerEnd, connect},
    },
    fingerprint::Fingerprint,
    recipe::Recipe,
    studio::{
        App,
        command::Command,
        document::{
            Document, demo,
            edit::Edit,
            live_run::{LiveRun, Progress},
            saved::SavedSession,
            takes::Take,
            track::{Frame, Track},
        },
        io::{session_store::SessionStore, store::Store},
        panels::canvas,
        view::{View, style},
    },
    tensor::Picture,
};

use crate::synthetic;

/// Keeps sessions in memory.
#[derive(Clone, Default)]
pub struct Drawer(pub Arc<Mutex<Vec<(PathBuf, SavedSession)>>>);

impl Store for Drawer {
    fn load(&self, path: &Path) -> Result<SavedSession, String> {
        let drawer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = drawer.iter().rev().find(|(at, _)| at == path).map(|(_, session)| session.clone());
        if found.is_none() && path.is_file() {
            return SessionStore::default().load(path);
        }
        // As a file that keeps no steps.
        let found = found.map(|mut session| {
            session.takes.iter_mut().for_each(|take| take.track.reports.clear());
            session
        });
        found.ok_or_else(|| format!("There is no session at {}: choose another file.", path.display()))
    }

    fn save(&self, path: &Path, session: &SavedSession) -> Result<(), String> {
        if path.to_string_lossy().contains("full") {
            return Err("The disk is full: free some space, or save to another place.".into());
        }
        let mut drawer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drawer.push((path.to_owned(), session.clone()));
        Ok(())
    }

    fn export_png(&self, _: &Path, _: &Picture, _: &Recipe, _: Option<&Fingerprint>) -> Result<(), String> {
        Err("The disk is full: free some space and export again.".into())
    }

    fn export_files(&self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), String> {
        SessionStore::default().export_files(folder, files)
    }

    fn export_maps(&self, folder: &Path, maps: &[(String, Picture)]) -> Result<(), String> {
        SessionStore::default().export_maps(folder, maps)
    }

    fn export_animation(&self, path: &Path, frames: &[Arc<Picture>]) -> Result<(), String> {
        SessionStore::default().export_animation(path, frames)
    }
}

/// The window and the other end of its line.
pub struct Window {
    pub harness: Harness<'static, App>,
    pub worker: WorkerEnd,
}

impl Window {
    /// Opens with the demo and takes the request that it makes by itself.
    pub fn open() -> (Self, Request) {
        Self::open_on(Harness::builder())
    }

    pub fn open_on(builder: HarnessBuilder<App>) -> (Self, Request) {
        Self::open_with(builder, |app| app)
    }

    /// `prepare` gets the app before its first frame.
    pub fn open_with(builder: HarnessBuilder<App>, prepare: impl FnOnce(App) -> App) -> (Self, Request) {
        let (handle, worker) = connect(|| {});
        let format = eframe::egui_wgpu::wgpu::TextureFormat::Rgba8Unorm;
        let app = prepare(App::new(handle, Arc::new(Drawer::default()), demo::recipe(), format));
        let harness = builder
            .with_size([1296.0, 816.0])
            .with_context_setup(style::install)
            .with_max_steps(60)
            .with_step_dt(0.1)
            .build_ui_state(
                |ui, app: &mut App| {
                    app.update();
                    app.show(ui);
                },
                app,
            );
        let mut window = Self { harness, worker };
        // A spinner turns until there is a picture, so the window does not come to rest by itself here.
        window.harness.run_steps(3);
        let request = window.request();
        (window, request)
    }

    /// The window with the demo rendered.
    pub fn rendered() -> Self {
        let (mut window, request) = Self::open();
        window.play(&request);
        window
    }

    /// The newest request; there must be one.
    pub fn request(&mut self) -> Request {
        self.harness.run_steps(2);
        self.worker.next().expect("the window is open")
    }

    /// Carries a request out.
    pub fn play(&mut self, request: &Request) {
        let (job, recipe) = (request.job, &request.recipe);
        let done = synthetic::finished(recipe);
        let tokens = synthetic::tokens(&recipe.prompt);
        self.worker.send(Event::Started { job, calls: recipe.steps, tokens });
        for report in &done.reports {
            self.worker.send(Event::Step { job, report: report.clone() });
        }
        self.worker.send(Event::Done { job, take: done });
        self.harness.run_ok();
    }

    pub fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.harness.run_ok();
    }

    /// Runs frames until `done`; files are handled in a thread of their own.
    pub fn until(&mut self, what: &str, done: impl Fn(&Document) -> bool) {
        for _ in 0..200 {
            self.harness.step();
            if done(self.document()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("never {what}");
    }

    /// Where a place of the picture, given as shares of its sides, is on the screen.
    pub fn place(&self, u: f32, v: f32) -> egui::Pos2 {
        self.place_above(u, v, 0.0)
    }

    /// As [`Self::place`], where a line of this height stands below the picture.
    pub fn place_above(&self, u: f32, v: f32, line: f32) -> egui::Pos2 {
        let whole = self.harness.get_by_label("Canvas").rect();
        let below = vec2(0.0, canvas::BOTTOM + line);
        let area = Rect::from_min_max(whole.min + vec2(0.0, canvas::TOP), whole.max - below);
        let frame = self.shown_frame().expect("a picture");
        let placed = self.view().zoom.place(area, [frame.picture.width, frame.picture.height]);
        placed.min + placed.size() * vec2(u, v)
    }

    pub fn document(&self) -> &Document {
        self.harness.state().document()
    }

    pub fn view(&self) -> &View {
        self.harness.state().view()
    }

    pub fn recipe(&self) -> &Recipe {
        self.document().recipe()
    }

    pub fn takes(&self) -> &[Take] {
        self.document().takes().list()
    }

    pub fn shown_track(&self) -> Option<&Track> {
        self.view().shown_track(self.document())
    }

    pub fn shown_frame(&self) -> Option<Frame> {
        self.view().shown_frame(self.document())
    }

    pub fn progress(&self) -> Option<Progress> {
        self.document().run().and_then(LiveRun::progress)
    }

    /// Has a command carried out.
    pub fn send(&mut self, command: Command) {
        self.harness.state_mut().send(command);
        self.harness.run_ok();
    }

    /// Changes the recipe as a panel does.
    pub fn edit(&mut self, change: impl FnOnce(&mut Recipe)) {
        self.edit_without_frames(change);
        self.harness.run_ok();
    }

    /// As [`Self::edit`], without running a frame yet.
    pub fn edit_without_frames(&mut self, change: impl FnOnce(&mut Recipe)) {
        let mut recipe = self.recipe().clone();
        change(&mut recipe);
        self.harness.state_mut().send(Command::Edit(Edit::Recipe(Box::new(recipe))));
    }

    /// Whether the newest frame shows a widget with a text in its name.
    pub fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// Types a name or path into the window's own file dialog and presses Enter.
    pub fn answer(&mut self, path: &str) {
        self.harness.run_steps(3);
        let field = self.harness.get_by_label("File name or path");
        field.focus();
        self.harness.run_steps(2);
        self.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        self.harness.event(egui::Event::Text(path.into()));
        self.harness.run_steps(2);
        self.harness.key_press(egui::Key::Enter);
        self.harness.run_steps(2);
    }

    /// Runs frames until the window's own file dialog is closed.
    pub fn until_answered(&mut self) {
        for _ in 0..200 {
            self.harness.step();
            if self.harness.query_by_label("File name or path").is_none() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the file dialog is still open");
    }

    /// What the notice above the canvas says.
    pub fn notice(&self) -> String {
        self.document().notices().shown.as_ref().map(|notice| notice.message.clone()).unwrap_or_default()
    }

    /// Changes what is looked at.
    pub fn look(&mut self, change: impl FnOnce(&mut View)) {
        change(self.harness.state_mut().view_mut());
        self.harness.run_ok();
    }

    /// Pins two takes, by their places in the list, as A and B.
    pub fn pin(&mut self, places: [usize; 2]) {
        for (side, place) in places.into_iter().enumerate() {
            let take = self.takes()[place].id;
            self.send(Command::Edit(Edit::TogglePin { side, take }));
        }
    }

    pub fn set_path(&mut self, path: PathBuf) {
        self.harness.state_mut().document_mut().set_path(Some(path));
    }

    /// Counts the session as saved.
    pub fn discard_changes(&mut self) {
        let version = self.document().file().version;
        self.harness.state_mut().document_mut().saved("elsewhere/kept.sextant.ron".into(), version);
        self.harness.run_ok();
    }

    /// Presses on a widget at `from`, moves along `path` (shares of its width) and lets go.
    pub fn drag(&mut self, label: &str, path: &[f32]) {
        let rect = self.harness.get_by_label(label).rect();
        let at = |t: f32| egui::pos2(rect.left() + t * rect.width(), rect.center().y);
        self.harness.drag_at(at(path[0]));
        self.harness.step();
        for &t in &path[1..] {
            self.harness.hover_at(at(t));
            self.harness.step();
        }
        self.harness.drop_at(at(path[path.len() - 1]));
        self.harness.step();
    }
}

//! The program's window: how it is opened, and on what.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use eframe::egui_wgpu::wgpu;

use super::{
    app::App,
    command::Command,
    document::{
        Document, demo, file,
        notice::{Notice, Remedy, Topic},
    },
    io::{
        autosave::{self, Autosave},
        demo_session,
        session_store::SessionStore,
    },
    renderer,
    view::style,
};
use crate::{
    engine::{EngineHandle, Preference},
    files::{folders::state_folder, remove_stale},
    session::{Recovery, Settings, crash, first_start},
};

/// The window could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    #[error(
        "the window could not be opened: {0}; check that a display and a graphics driver are there, or use `sextant render`"
    )]
    Window(#[from] eframe::Error),
}

/// How the window is opened.
#[derive(Debug, Default)]
pub struct Opening {
    /// The session to open.
    pub session: Option<PathBuf>,
    /// What the user has set before.
    pub settings: Settings,
    /// When the program was started.
    pub begun: Option<Instant>,
}

/// Opens the window and runs until it is closed. `engine` starts the worker; it is given what wakes the window.
pub fn run(
    engine: impl FnOnce(Box<dyn Fn() + Send + Sync>) -> std::io::Result<EngineHandle> + 'static,
    opening: Opening,
) -> Result<(), StudioError> {
    if let Some(folder) = state_folder() {
        crash::keep_reports(folder);
    }
    let viewport = egui::ViewportBuilder::default()
        .with_title("Sextant")
        .with_app_id("sextant")
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([1000.0, 700.0]);
    let options = eframe::NativeOptions { viewport, renderer: eframe::Renderer::Wgpu, ..Default::default() };
    eframe::run_native(
        "Sextant",
        options,
        Box::new(move |cc| {
            let format = cc.wgpu_render_state.as_ref().map(|state| state.target_format);
            let format = format.ok_or("the window was opened without a GPU renderer")?;
            if let Some(state) = &cc.wgpu_render_state {
                let ctx = cc.egui_ctx.clone();
                renderer::watch(&state.device, move || ctx.request_repaint());
            }
            let (ctx, pause) = (cc.egui_ctx.clone(), pause_before_repaint(cc));
            let handle = engine(Box::new(move || ctx.request_repaint_after(pause)))?;
            style::install(&cc.egui_ctx);
            Ok(Box::new(open(handle, opening, format)))
        }),
    )?;
    Ok(())
}

/// How long the window waits for more news from the engine before it shows them. Never zero, for which egui paints
/// twice. A software rasteriser paints with the cores that the engine samples with, and more slowly than there are
/// steps: it is asked less often, and still at once by the pointer and by keys.
fn pause_before_repaint(cc: &eframe::CreationContext<'_>) -> Duration {
    let software = cc
        .wgpu_render_state
        .as_ref()
        .is_some_and(|state| state.adapter.get_info().device_type == wgpu::DeviceType::Cpu);
    Duration::from_millis(if software { 400 } else { 1 })
}

/// The window's contents: a session that an earlier window left behind, else the wanted one, else the demo.
fn open(engine: EngineHandle, opening: Opening, format: wgpu::TextureFormat) -> App {
    let Opening { session, settings, begun } = opening;
    clear_up(session.as_ref(), &settings);
    // A device that was named on the command line is not what was chosen in an earlier window.
    if let Some(preference) = Preference::named(&settings.device).filter(|_| engine.preference() == Preference::Fastest)
    {
        engine.prefer(preference);
    }
    if !settings.card.is_empty() && engine.chosen_card().is_none() {
        engine.choose_card(Some(settings.card.clone()));
    }
    let locks = state_folder().map(|folder| folder.join("open"));
    let store = Arc::new(locks.map_or_else(SessionStore::default, SessionStore::with_locks));
    let mut app = App::new(engine, store.clone(), demo::recipe(), format).with_settings(settings, begun);
    let folder = state_folder();
    let hints = folder.as_deref().is_some_and(first_start);
    let folder = folder.ok_or_else(|| std::io::Error::other("no folder for recovery files is known"));
    let opened = folder.and_then(|folder| Recovery::open(&folder, session.as_deref()));
    let kept = opened.and_then(|(recovery, left)| {
        let notes = recovery.notes().join(" ");
        Ok((Autosave::start(recovery, store)?, left, notes))
    });
    let (left, notes) = match kept {
        Ok((autosave, left, notes)) => {
            app = app.with_autosave(autosave);
            (left, notes)
        }
        Err(error) => (None, format!("Unsaved work is not kept against a crash: {error}. Save often.")),
    };
    match (left, session) {
        (Some(document), _) => app.recover(autosave::recovered(document)),
        // A missing file of another kind is reported when it is opened.
        (None, Some(path)) if path.exists() || (file::is_known(&path) && !file::is_session(&path)) => {
            app.send(Command::OpenFile(path));
        }
        // A name that is not taken yet: a new session, to be saved there.
        (None, path) => {
            app = app.with_session(demo_session::session());
            app.document_mut().set_path(path);
        }
    }
    say_after(app.document_mut(), &notes);
    offer_report(app.document_mut());
    if hints { app.with_hints() } else { app }
}

/// Adds a sentence to what is said already, and makes it an error.
fn say_after(document: &mut Document, sentence: &str) {
    if sentence.is_empty() {
        return;
    }
    let mut notice = Notice::error(Topic::Keeping, sentence);
    if let Some(shown) = &document.notices().shown {
        notice = Notice { message: format!("{} {sentence}", shown.message), is_error: true, ..shown.clone() };
    }
    document.notify(notice);
}

/// Tells of a crash that has left a report, unless there is more important news.
fn offer_report(document: &mut Document) {
    let Some(report) = state_folder().and_then(|folder| crash::take_report(&folder)) else { return };
    ::log::warn!("Sextant ended unexpectedly before; its report is {}", report.display());
    if document.notices().shown.is_none() {
        let message = "Sextant ended unexpectedly the last time. It has kept a report, without any of your work.";
        document.notify(Notice { remedy: Some(Remedy::ShowFile(report)), ..Notice::info(message) });
    }
}

/// Removes what earlier writes have left half done where this window will write: in the background, for a folder may be on
/// a slow disk.
fn clear_up(session: Option<&PathBuf>, settings: &Settings) {
    let beside = session.and_then(|path| path.parent()).map(PathBuf::from);
    let folders: Vec<PathBuf> = beside.into_iter().chain(settings.output.folder.clone()).collect();
    let work = move || folders.iter().for_each(|folder| remove_stale(folder));
    if let Err(error) = std::thread::Builder::new().name("clear-up".into()).spawn(work) {
        ::log::warn!("no thread could be started to clear up: {error}");
    }
}

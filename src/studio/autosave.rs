//! What is not saved yet is kept all the same: written by a thread of its own, at most a second after a change.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use egui::Context;

use super::{
    files::{self, SavedSession},
    state::{Action, Banner, Studio},
    store::{SessionStore, saved_session},
};
use crate::{
    recipe::Recipe,
    session::{Document, Layout, Recovery, Settings},
};

/// Between two writings at least this long; the rest of the second is for writing.
const PAUSE: Duration = Duration::from_millis(500);

/// What the thread is to do next; a newer errand replaces one that was not begun.
enum SaveRequest {
    Keep(Box<SavedSession>, Option<PathBuf>),
    Clear,
}

#[derive(Default)]
struct Mailbox {
    next: Option<SaveRequest>,
    /// Settings to be written; newer ones replace them.
    settings: Option<Settings>,
    closing: bool,
}

/// What tells whether a session is still the one that was handed over last.
#[derive(PartialEq)]
struct SessionKey {
    version: u64,
    recipe: Recipe,
    layout: Layout,
}

/// The window's end. Dropping it in an orderly end removes the recovery file; in a panic the file stays.
pub struct Autosave {
    desk: Arc<(Mutex<Mailbox>, Condvar)>,
    thread: Option<JoinHandle<()>>,
    handed: Option<SessionKey>,
    /// Whether there may be a recovery file.
    kept: bool,
    at: Instant,
}

impl Autosave {
    /// Starts the thread that writes to `recovery`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(recovery: Recovery, store: Arc<SessionStore>) -> std::io::Result<Self> {
        let desk: Arc<(Mutex<Mailbox>, Condvar)> = Arc::default();
        let own = desk.clone();
        let thread = std::thread::Builder::new().name("autosave".into()).spawn(move || work(recovery, &store, &own))?;
        Ok(Self { desk, thread: Some(thread), handed: None, kept: true, at: Instant::now() })
    }

    /// Looks at the session once a frame and hands it over when it has changed, not more often than it can be written.
    /// `moving` is whether a gesture is changing the recipe: its version comes with its end.
    pub fn watch(&mut self, ctx: &Context, studio: &Studio, moving: bool) {
        if !studio.is_unsaved() && !moving {
            if std::mem::take(&mut self.kept) {
                self.handed = None;
                self.hand(SaveRequest::Clear);
            }
            return;
        }
        let mark = mark(studio);
        if self.handed.as_ref() == Some(&mark) {
            return;
        }
        let since = self.at.elapsed();
        if since < PAUSE {
            return ctx.request_repaint_after(PAUSE - since);
        }
        self.hand(SaveRequest::Keep(Box::new(files::session(studio)), studio.path.clone()));
        (self.handed, self.kept, self.at) = (Some(mark), true, Instant::now());
    }

    /// Has the settings written soon.
    pub fn keep_settings(&self, settings: &Settings) {
        let (desk, called) = &*self.desk;
        desk.lock().unwrap_or_else(PoisonError::into_inner).settings = Some(settings.clone());
        called.notify_one();
    }

    fn hand(&self, errand: SaveRequest) {
        let (desk, called) = &*self.desk;
        desk.lock().unwrap_or_else(PoisonError::into_inner).next = Some(errand);
        called.notify_one();
    }
}

fn mark(studio: &Studio) -> SessionKey {
    SessionKey { version: studio.version, recipe: studio.recipe.clone(), layout: super::layout::of(&studio.look) }
}

impl Drop for Autosave {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (desk, called) = &*self.desk;
        desk.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        called.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::warn!("the autosave thread broke off; its recovery file may be left behind");
        }
    }
}

fn work(recovery: Recovery, store: &SessionStore, (desk, called): &(Mutex<Mailbox>, Condvar)) {
    loop {
        let mut open = desk.lock().unwrap_or_else(PoisonError::into_inner);
        while open.next.is_none() && open.settings.is_none() && !open.closing {
            open = called.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        let written = open.settings.take().map(|settings| settings.save(recovery.folder()));
        if let Some(Err(error)) = written {
            log::warn!("the settings could not be kept: {error}");
        }
        if open.closing {
            return recovery.finish();
        }
        let errand = open.next.take();
        drop(open);
        match errand {
            Some(SaveRequest::Keep(session, original)) => {
                let kept = store.document(&session).and_then(|mut document| {
                    document.original = original.map(|path| std::path::absolute(&path).unwrap_or(path));
                    recovery.keep(&document)
                });
                if let Err(error) = kept {
                    log::warn!("the session could not be kept for recovery: {error}");
                }
            }
            Some(SaveRequest::Clear) => recovery.clear(),
            None => {}
        }
    }
}

/// Opens what an earlier window left behind, and says so.
pub fn recover(studio: &mut Studio, mut document: Document) {
    let original = document.original.take();
    // Steps are not kept for recovery, but those of the saved session are still there.
    if let Some(saved) = original.as_ref().and_then(|path| Document::load(path).ok()) {
        document.adopt_steps(&saved);
    }
    let name = original.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let what = name.map_or_else(|| "an unsaved session".to_owned(), |name| format!("the session \"{name}\""));
    files::adopt(studio, original, saved_session(document));
    studio.touch();
    studio.banner = Some(Banner {
        message: format!("Recovered {what}: Sextant ended before it was saved."),
        bad: false,
        remedy: Some(("Discard", Action::DiscardRecovered)),
    });
}

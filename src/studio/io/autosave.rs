//! What is not saved yet is kept all the same: written by a thread of its own, at most a second after a change.
//!
//! Apart from saving on request, because nothing waits for it: the window only puts requests into a mailbox.

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use egui::Context;

use super::session_store::{SessionStore, saved_session};
use crate::{
    recipe::Recipe,
    session::{Document as SessionDocument, Layout, Recovery, SessionError, Settings},
    studio::document::{
        Document,
        notice::{Notice, Remedy, Topic},
        saved::SavedSession,
    },
};

/// The shortest time between two writes; the rest of the second is for writing.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the window has to run before a recovered session counts as one that does not end it.
const SETTLED: Duration = Duration::from_secs(3);

/// Where the thread writes to.
trait Target: Send {
    /// Keeps a session against a crash; `original` is where it was last saved.
    fn keep(&self, session: &SavedSession, original: Option<PathBuf>) -> Result<(), SessionError>;
    /// Forgets what was kept.
    fn clear(&self);
    /// The window has run for a while.
    fn settled(&self) {}
    fn keep_settings(&self, settings: &Settings) -> Result<(), SessionError>;
    /// Leaves nothing behind: the window was closed in an orderly way.
    fn finish(self: Box<Self>);
}

/// The recovery file of this window, beside the settings.
struct RecoveryFile {
    recovery: Recovery,
    store: Arc<SessionStore>,
}

impl Target for RecoveryFile {
    fn keep(&self, session: &SavedSession, original: Option<PathBuf>) -> Result<(), SessionError> {
        let mut document = self.store.document(session)?;
        document.original = original.map(|path| std::path::absolute(&path).unwrap_or(path));
        self.recovery.keep(&document)
    }

    fn clear(&self) {
        self.recovery.clear();
    }

    fn settled(&self) {
        self.recovery.settled();
    }

    fn keep_settings(&self, settings: &Settings) -> Result<(), SessionError> {
        settings.save(self.recovery.folder())
    }

    fn finish(self: Box<Self>) {
        self.recovery.finish();
    }
}

/// What is to be done with the recovery file.
enum SaveRequest {
    Keep(Box<SavedSession>, Option<PathBuf>),
    Clear,
}

/// What the thread is to do next; a newer request replaces one that was not begun.
#[derive(Default)]
struct Requests {
    session: Option<SaveRequest>,
    settings: Option<Settings>,
    settled: bool,
    closing: bool,
}

/// The requests, and what wakes the thread that takes them. The lock is held only to put requests in or take them out,
/// never while anything is written.
#[derive(Default)]
struct Mailbox {
    requests: Mutex<Requests>,
    arrived: Condvar,
    /// What came of keeping, where the window has to be told: a failure, or that it is over.
    news: Mutex<Option<Result<(), String>>>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, put: impl FnOnce(&mut Requests)) {
        put(&mut self.lock());
        self.arrived.notify_one();
    }

    fn tell(&self, news: Result<(), String>) {
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(news);
    }

    /// Waits for requests and takes them all.
    fn take(&self) -> Requests {
        let mut requests = self.lock();
        while requests.session.is_none() && requests.settings.is_none() && !requests.settled && !requests.closing {
            requests = self.arrived.wait(requests).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut requests)
    }
}

/// What identifies the session that was handed over last.
#[derive(PartialEq)]
struct SessionKey {
    version: u64,
    recipe: Recipe,
    layout: Layout,
}

/// The window's end. Dropping it in an orderly end removes the recovery file; in a panic the file stays.
pub struct Autosave {
    mailbox: Arc<Mailbox>,
    thread: Option<JoinHandle<()>>,
    /// What was handed over last.
    handed: Option<SessionKey>,
    /// Whether there may be a recovery file.
    may_exist: bool,
    handed_at: Instant,
    /// When it began; none once the window has settled.
    begun: Option<Instant>,
}

impl Autosave {
    /// Starts the thread that writes to `recovery`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(recovery: Recovery, store: Arc<SessionStore>) -> std::io::Result<Self> {
        Self::start_on(Box::new(RecoveryFile { recovery, store }))
    }

    fn start_on(target: Box<dyn Target>) -> std::io::Result<Self> {
        let mailbox: Arc<Mailbox> = Arc::default();
        let own = mailbox.clone();
        let thread = std::thread::Builder::new().name("autosave".into()).spawn(move || work(target, &own))?;
        Ok(Self {
            mailbox,
            thread: Some(thread),
            handed: None,
            may_exist: true,
            handed_at: Instant::now(),
            begun: Some(Instant::now()),
        })
    }

    /// Looks at the session once a frame and hands it over when it has changed, not more often than it can be written.
    /// Never waits for a disk.
    pub fn watch(&mut self, ctx: &Context, document: &Document, layout: Layout) {
        if self.begun.take_if(|begun| begun.elapsed() > SETTLED).is_some() {
            self.mailbox.put(|requests| requests.settled = true);
        }
        if !document.is_unsaved() && !document.is_moving() {
            if std::mem::take(&mut self.may_exist) {
                self.handed = None;
                self.mailbox.put(|requests| requests.session = Some(SaveRequest::Clear));
            }
            return;
        }
        let version = document.file().version;
        let key = SessionKey { version, recipe: document.recipe().clone(), layout: layout.clone() };
        if self.handed.as_ref() == Some(&key) {
            return;
        }
        let since = self.handed_at.elapsed();
        if since < PAUSE {
            return ctx.request_repaint_after(PAUSE - since);
        }
        let request = SaveRequest::Keep(Box::new(document.saved_session(layout)), document.file().path.clone());
        self.mailbox.put(|requests| requests.session = Some(request));
        (self.handed, self.may_exist, self.handed_at) = (Some(key), true, Instant::now());
    }

    /// A failure to keep unsaved work, or that it is over. Never waits for a disk.
    pub fn news(&self) -> Option<Notice> {
        let news = self.mailbox.news.try_lock().ok()?.take()?;
        Some(match news {
            Ok(()) => Notice { topic: Topic::Keeping, ..Notice::info("Unsaved work is kept against a crash again.") },
            Err(why) => {
                let sentence = format!("Unsaved work is not kept against a crash: {why}. Save the session to be safe.");
                Notice::error(Topic::Keeping, sentence)
            }
        })
    }

    /// Has the settings written soon.
    pub fn keep_settings(&self, settings: &Settings) {
        self.mailbox.put(|requests| requests.settings = Some(settings.clone()));
    }
}

impl Drop for Autosave {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.mailbox.put(|requests| requests.closing = true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::warn!("the autosave thread broke off; its recovery file may be left behind");
        }
    }
}

fn work(target: Box<dyn Target>, mailbox: &Mailbox) {
    let mut failed = false;
    loop {
        let Requests { session, settings, settled, closing } = mailbox.take();
        if settled {
            target.settled();
        }
        if let Some(Err(error)) = settings.map(|settings| target.keep_settings(&settings)) {
            log::warn!("the settings could not be kept: {error}");
        }
        if closing {
            return target.finish();
        }
        match session {
            Some(SaveRequest::Keep(session, original)) => {
                let kept = target.keep(&session, original).map_err(|error| error.to_string());
                if let Err(why) = &kept {
                    log::warn!("the session could not be kept for recovery: {why}");
                }
                if kept.is_err() || failed {
                    failed = kept.is_err();
                    mailbox.tell(kept);
                }
            }
            Some(SaveRequest::Clear) => target.clear(),
            None => {}
        }
    }
}

/// A session that an earlier window left behind.
pub struct Recovered {
    pub session: SavedSession,
    /// Where it was last saved.
    pub path: Option<PathBuf>,
    /// Says so, and offers to discard it.
    pub notice: Notice,
}

/// Reads what an earlier window left behind.
pub fn recovered(mut document: SessionDocument) -> Recovered {
    let path = document.original.take();
    // Steps are not kept for recovery, but those of the saved session are still there.
    if let Some(saved) = path.as_ref().and_then(|path| SessionDocument::load(path).ok()) {
        document.adopt_steps(&saved);
    }
    let name = path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let what = name.map_or_else(|| "an unsaved session".to_owned(), |name| format!("the session \"{name}\""));
    let message = format!("Recovered {what}: Sextant ended before it was saved.");
    let notice = Notice { remedy: Some(Remedy::DiscardRecovered), ..Notice::info(message) };
    Recovered { session: saved_session(document), path, notice }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A disk that says when it begins to write, and writes until it is told to end.
    struct SlowDisk {
        begun: Sender<()>,
        end: Receiver<()>,
    }

    impl SlowDisk {
        fn write(&self) {
            // Both ends live as long as the test.
            let _ = self.begun.send(());
            let _ = self.end.recv();
        }
    }

    impl Target for SlowDisk {
        fn keep(&self, _: &SavedSession, _: Option<PathBuf>) -> Result<(), SessionError> {
            self.write();
            Ok(())
        }

        fn clear(&self) {}

        fn keep_settings(&self, _: &Settings) -> Result<(), SessionError> {
            self.write();
            Ok(())
        }

        fn finish(self: Box<Self>) {}
    }

    /// The window does not wait for a disk that is writing settings or a session.
    #[test]
    fn watching_and_keeping_settings_do_not_wait_for_the_disk() {
        const LONG: Duration = Duration::from_secs(20);
        let ((begun, started), (finish, end)) = (channel(), channel());
        let mut autosave = Autosave::start_on(Box::new(SlowDisk { begun, end })).expect("a thread");
        autosave.keep_settings(&Settings::default());
        started.recv_timeout(LONG).expect("it writes settings");
        // The disk is writing now and will not end before it is told to.
        let (done, told) = channel();
        let window = std::thread::spawn(move || {
            let mut document = Document::new(Recipe::default());
            document.mark_unsaved();
            autosave.handed_at -= PAUSE;
            autosave.keep_settings(&Settings::default());
            autosave.watch(&Context::default(), &document, Layout::default());
            done.send(autosave.handed.is_some()).expect("the test waits");
            autosave
        });
        let handed = told.recv_timeout(LONG);
        // Everything that waits is let go before the verdict, so that a failure is no dead end.
        drop(finish);
        drop(window.join().expect("the window's thread"));
        assert_eq!(handed, Ok(true), "the window waited for the disk");
    }
}

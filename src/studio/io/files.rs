//! Files for the window: dialogs, reading and writing happen in a thread of their own.
//!
//! Apart from the tasks so that the window never waits: it starts one and later takes its outcome.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread,
};

use egui::Context;

use super::{
    reveal::reveal,
    store::Store,
    system_dialog::{self, Answer},
    tasks::{self, Outcome, Task},
};
use crate::studio::{document::notice::Topic, view::file_dialog::Question};

/// Where the path of a task comes from.
pub enum From {
    Path(PathBuf),
    /// A dialog that begins in this folder.
    Dialog(PathBuf),
    /// The window's own dialog, whatever the system has.
    OwnDialog(PathBuf),
}

/// The window's side of files: at most one task is under way.
pub struct Files {
    store: Arc<dyn Store>,
    under_way: Option<UnderWay>,
    /// The task whose path the window's own dialog asks for.
    asking: Option<Task>,
    /// Whether the system has shown that it has no dialog.
    no_system_dialog: bool,
    /// Counts the sessions of this window.
    session: u64,
}

struct UnderWay {
    end: Receiver<End>,
    topic: Topic,
    /// The session that it was begun in.
    session: u64,
}

/// What the thread sends.
enum End {
    Outcome(Outcome),
    /// The path has to be asked for in the window: for a task, beginning with a question. `missing` is whether the system
    /// has no dialog.
    Ask {
        task: Task,
        question: Question,
        missing: bool,
    },
}

impl Files {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, under_way: None, asking: None, no_system_dialog: false, session: 0 }
    }

    pub fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// With another session, what was begun in the one before concerns this one no more.
    pub fn session_changed(&mut self) {
        self.session += 1;
        self.asking = None;
    }

    /// Runs a task. Returns the question of the window's own dialog where that has to ask for the path.
    ///
    /// # Errors
    /// A sentence for the user: another task is under way, or the system gives no thread.
    pub fn start(&mut self, ctx: &Context, task: Task, from: From) -> Result<Option<Question>, String> {
        if self.is_busy() {
            let other = "Another file is being chosen, read or written: answer its dialog, or wait for it.";
            return Err(other.into());
        }
        match from {
            From::OwnDialog(folder) => Ok(Some(self.ask(task, &folder))),
            From::Dialog(folder) if self.no_system_dialog => Ok(Some(self.ask(task, &folder))),
            From::Dialog(folder) => self.spawn(ctx, task, Place::Dialog(folder)).map(|()| None),
            From::Path(path) => self.spawn(ctx, task, Place::Path(path)).map(|()| None),
        }
    }

    fn ask(&mut self, task: Task, folder: &Path) -> Question {
        let question = tasks::question(&task, folder.to_owned());
        self.asking = Some(task);
        question
    }

    /// Takes what the window's own dialog was answered; `None` where it was cancelled.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn answer(&mut self, ctx: &Context, path: Option<PathBuf>) -> Result<Option<Outcome>, String> {
        let Some(task) = self.asking.take() else { return Ok(None) };
        match path {
            Some(path) => self.spawn(ctx, task, Place::Path(path)).map(|()| None),
            None => Ok(Some(Outcome::Cancelled)),
        }
    }

    fn spawn(&mut self, ctx: &Context, task: Task, place: Place) -> Result<(), String> {
        let topic = task.topic();
        let (sender, end) = sync_channel(1);
        let (ctx, store) = (ctx.clone(), self.store.clone());
        let body = move || {
            // The window may be closed by now; then nothing receives the end.
            let _ = sender.send(run(store.as_ref(), task, place));
            ctx.request_repaint();
        };
        let thread = thread::Builder::new().name("files".into()).spawn(body);
        thread.map_err(|error| format!("No thread could be started for files: {error}. Try again."))?;
        self.under_way = Some(UnderWay { end, topic, session: self.session });
        Ok(())
    }

    /// The outcome of the task, when there is one, and whether its session is still open. Never waits.
    pub fn poll(&mut self) -> Option<(Outcome, bool)> {
        let under_way = self.under_way.as_ref()?;
        let is_current = under_way.session == self.session;
        let end = match under_way.end.try_recv() {
            Ok(end) => end,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                let reason = "The work on the file broke off, and what was there before is as it was: try again.";
                End::Outcome(Outcome::Failed(under_way.topic, reason.into()))
            }
        };
        self.under_way = None;
        Some((self.ended(end, is_current), is_current))
    }

    fn ended(&mut self, end: End, is_current: bool) -> Outcome {
        match end {
            End::Outcome(outcome) => outcome,
            End::Ask { task, question, missing } => {
                self.no_system_dialog |= missing;
                self.asking = is_current.then_some(task);
                if is_current { Outcome::Ask(Box::new(question)) } else { Outcome::Cancelled }
            }
        }
    }
}

enum Place {
    Path(PathBuf),
    Dialog(PathBuf),
}

/// Shows a file in the system's file manager, else in the window's own dialog.
fn show(path: &Path) -> End {
    if reveal(path) {
        return End::Outcome(Outcome::Shown);
    }
    let (folder, name) = parts(path);
    let question = Question { name, ..tasks::question(&Task::Open, folder) };
    End::Ask { task: Task::Open, question, missing: false }
}

/// The folder of a path, and its name.
fn parts(path: &Path) -> (PathBuf, String) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (path.parent().map(Path::to_owned).unwrap_or_default(), name)
}

/// Asks the system for the path, where it is not known, and carries the task out.
fn run(store: &dyn Store, task: Task, place: Place) -> End {
    let folder = match place {
        Place::Path(path) if matches!(task, Task::Show) => return show(&path),
        Place::Path(path) => return End::Outcome(tasks::carry_out(store, task, path)),
        Place::Dialog(folder) => folder,
    };
    let question = tasks::question(&task, folder);
    match system_dialog::ask(&question) {
        Answer::Cancelled => End::Outcome(Outcome::Cancelled),
        Answer::Missing => End::Ask { task, question, missing: true },
        Answer::Path(path) => {
            let whole = question.with_extension(path.clone());
            // The system has asked about the name as it was typed only.
            if whole != path && whole.exists() {
                let (folder, name) = parts(&whole);
                let question = Question { folder, name, ..question };
                return End::Ask { task, question, missing: false };
            }
            End::Outcome(tasks::carry_out(store, task, whole))
        }
    }
}

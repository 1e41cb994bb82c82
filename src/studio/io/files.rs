//! Files for the window: dialogs, reading and writing happen in a thread of their own.
//!
//! Apart from the tasks so that the window never waits: it starts one and later takes its outcome.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
};

use egui::Context;

use super::{
    store::Store,
    tasks::{self, Outcome, Task},
};

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

    /// Runs a task; without a `path` its thread asks for one. While another is under way nothing happens.
    ///
    /// # Errors
    /// A sentence for the user, when the system gives no thread.
    pub fn start(&mut self, ctx: &Context, task: Task, path: Option<PathBuf>) -> Result<(), String> {
        if self.is_busy() {
            return Ok(());
        }
        let (sender, outcome) = sync_channel(1);
        let (ctx, store) = (ctx.clone(), self.store.clone());
        let body = move || {
            let outcome = match path.or_else(|| tasks::ask(&task)) {
                Some(path) => tasks::carry_out(store.as_ref(), task, path),
                None => Outcome::Cancelled,
            };
            // The window may be closed by now; then nothing receives the outcome.
            let _ = sender.send(outcome);
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("files".into()).spawn(body) {
            Ok(_) => self.under_way = Some(outcome),
            Err(error) => {
                return Err(format!("No thread could be started for the file dialog: {error}. Try again."));
            }
        }
        Ok(())
    }

    /// The outcome of the task, when there is one. Never waits.
    pub fn poll(&mut self) -> Option<Outcome> {
        let outcome = match self.under_way.as_ref()?.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Outcome::Failed("The file dialog broke off: try again.".into()),
        };
        self.under_way = None;
        Some(outcome)
    }
}

//! Takes are written into a folder of the user's as they settle, without being asked for each.
//!
//! Apart from exports on request: nothing here opens a dialog, and a thread of its own writes, so that neither the window nor a
//! save waits for it.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use egui::Context;

use super::{store::Store, tasks::ExportResult};
use crate::{
    session::{OutputRule, OutputSettings},
    studio::document::{
        Document,
        output_name::file_name,
        takes::{Take, TakeId},
    },
};

/// So many names are tried before a picture is given up.
const TRIES: usize = 10_000;

/// A picture for the folder.
struct Written {
    path: PathBuf,
    result: ExportResult,
}

/// The window's side: what was handed over, and what failed.
pub struct Output {
    store: Arc<dyn Store>,
    /// The takes that were handed over: each is written once, also where it is rendered again.
    handed: HashSet<TakeId>,
    thread: Option<(Sender<Written>, Receiver<String>)>,
}

impl Output {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, handed: HashSet::new(), thread: None }
    }

    /// With another session: what it holds already was written when it was made, or was not wanted.
    pub fn session_changed(&mut self, document: &Document, settings: &OutputSettings) {
        let takes = document.takes().list().iter().filter(|take| is_wanted(take, settings.rule));
        self.handed = takes.map(|take| take.id).collect();
    }

    /// Hands over the takes that have settled and are not written yet. Call it once a frame. Returns what failed, as a
    /// sentence.
    pub fn follow(&mut self, ctx: &Context, document: &Document, settings: &OutputSettings) -> Option<String> {
        let settled = !document.is_moving() && !document.is_busy();
        if let Some(folder) = settings.folder.as_ref().filter(|_| settled && settings.rule != OutputRule::Off) {
            for take in document.takes().list().iter().filter(|take| is_wanted(take, settings.rule)) {
                self.hand_over(ctx, take, folder, &settings.pattern);
            }
        }
        self.thread.as_ref()?.1.try_recv().ok()
    }

    fn hand_over(&mut self, ctx: &Context, take: &Take, folder: &Path, pattern: &str) {
        let Some(picture) = &take.track.picture else { return };
        if !self.handed.insert(take.id) {
            return;
        }
        let result = ExportResult {
            picture: picture.clone(),
            recipe: take.track.recipe.clone(),
            run: take.track.fingerprint.clone(),
        };
        let path = folder.join(file_name(pattern, take));
        let (sender, _) = self.thread.get_or_insert_with(|| start(ctx.clone(), self.store.clone()));
        if sender.send(Written { path, result }).is_err() {
            // The thread is gone: another one is started with the next take.
            self.thread = None;
            self.handed.remove(&take.id);
        }
    }
}

fn is_wanted(take: &Take, rule: OutputRule) -> bool {
    match rule {
        OutputRule::Off => false,
        OutputRule::Starred => take.starred,
        OutputRule::All => true,
    }
}

fn start(ctx: Context, store: Arc<dyn Store>) -> (Sender<Written>, Receiver<String>) {
    let (sender, pictures) = channel::<Written>();
    let (failures, failed) = channel();
    let body = move || {
        for picture in pictures {
            if let Err(reason) = write(store.as_ref(), picture) {
                // Nobody is left to be told.
                drop(failures.send(reason));
                ctx.request_repaint();
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("output".into()).spawn(body) {
        log::warn!("the thread for the output folder could not be started: {error}");
    }
    (sender, failed)
}

fn write(store: &dyn Store, Written { path, result }: Written) -> Result<(), String> {
    let failed = |reason: String| format!("A take was not written to the output folder: {reason}");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| failed(format!("{}: {error}.", folder.display())))?;
    }
    let path = free(&path).ok_or_else(|| failed(format!("no name like {} is free.", path.display())))?;
    store.export_png(&path, &result.picture, &result.recipe, result.run.as_deref()).map_err(failed)
}

/// The path, or one with a number where there is such a file: nothing is ever replaced.
fn free(path: &Path) -> Option<PathBuf> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let numbered = (2..TRIES).map(|n| path.with_file_name(format!("{stem}-{n}.png")));
    std::iter::once(path.to_owned()).chain(numbered).find(|path| !path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.b.png");
        assert_eq!(free(&path), Some(path.clone()));
        std::fs::write(&path, "mine")?;
        std::fs::write(folder.path().join("a.b-2.png"), "mine")?;
        assert_eq!(free(&path), Some(folder.path().join("a.b-3.png")));
        Ok(())
    }
}

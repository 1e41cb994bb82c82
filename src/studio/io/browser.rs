//! Reads folders and previews for the window's own file dialog, in threads of their own.
//!
//! Apart from the tasks because many are asked for while one dialog is open, and the newest counts.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
};

use egui::Context;

use super::preview;
use crate::studio::view::file_dialog::{Entry, Found, Listing, Reply};

/// So many entries of a folder are shown.
const MOST: usize = 5000;

/// The window's end.
pub struct Browser {
    replies: Receiver<Reply>,
    sender: Sender<Reply>,
    /// The thread that makes previews, once there is one.
    previews: Option<Sender<PathBuf>>,
}

impl Default for Browser {
    fn default() -> Self {
        let (sender, replies) = channel();
        Self { replies, sender, previews: None }
    }
}

impl Browser {
    /// What has been read since the last call. Never waits.
    pub fn poll(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }

    /// Reads a folder. A folder of its own thread: a network that does not answer holds nothing else up.
    pub fn list(&self, ctx: &Context, folder: PathBuf) {
        let lost = Listing { folder: folder.clone(), entries: Err("No thread could be started to read it.".into()) };
        self.spawn(ctx, Reply::Listing(lost), move || Reply::Listing(read(folder)));
    }

    /// Makes a folder and reads it.
    pub fn make_folder(&self, ctx: &Context, folder: PathBuf) {
        let lost = Listing { folder: folder.clone(), entries: Err("No thread could be started to make it.".into()) };
        self.spawn(ctx, Reply::Listing(lost), move || match fs::create_dir(&folder) {
            Ok(()) => Reply::Listing(read(folder)),
            Err(error) => Reply::Listing(Listing { entries: Err(format!("It cannot be made: {error}.")), folder }),
        });
    }

    /// Finds out what a path is.
    pub fn look_up(&self, ctx: &Context, path: PathBuf) {
        self.spawn(ctx, Reply::Found(path.clone(), Found::NoFolder), move || Reply::Found(path.clone(), kind(&path)));
    }

    /// Makes the preview of a file; one that is overtaken by the next is left out.
    pub fn preview(&mut self, ctx: &Context, path: PathBuf) {
        let made = self.previews.get_or_insert_with(|| previews(ctx.clone(), self.sender.clone()));
        // Without its thread there are no previews, which is no loss of anything else.
        let _ = made.send(path);
    }

    fn spawn(&self, ctx: &Context, lost: Reply, work: impl FnOnce() -> Reply + Send + 'static) {
        let (ctx, sender) = (ctx.clone(), self.sender.clone());
        let body = move || {
            // The window may be closed by now.
            let _ = sender.send(work());
            ctx.request_repaint();
        };
        if std::thread::Builder::new().name("folders".into()).spawn(body).is_err() {
            let _ = self.sender.send(lost);
        }
    }
}

fn previews(ctx: Context, sender: Sender<Reply>) -> Sender<PathBuf> {
    let (requests, paths) = channel::<PathBuf>();
    let body = move || {
        while let Ok(mut path) = paths.recv() {
            while let Ok(newer) = paths.try_recv() {
                path = newer;
            }
            if sender.send(Reply::Preview(preview::of(path))).is_err() {
                return;
            }
            ctx.request_repaint();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("previews".into()).spawn(body) {
        log::warn!("no thread could be started for previews: {error}");
    }
    requests
}

fn kind(path: &Path) -> Found {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Found::Folder,
        Ok(_) => Found::File,
        Err(_) if path.parent().is_some_and(Path::is_dir) => Found::Nothing,
        Err(_) => Found::NoFolder,
    }
}

/// Reads a folder: folders first, each in the order of their names. Hidden names are left out.
fn read(folder: PathBuf) -> Listing {
    let read = fs::read_dir(&folder).map_err(|error| format!("It cannot be read: {error}."));
    let entries = read.map(|found| {
        let mut entries: Vec<Entry> = found.flatten().filter_map(|entry| entry_of(&entry)).take(MOST).collect();
        entries.sort_by_cached_key(|entry| (!entry.is_folder, entry.name.to_lowercase()));
        entries
    });
    Listing { folder, entries }
}

fn entry_of(entry: &fs::DirEntry) -> Option<Entry> {
    let name = entry.file_name().to_string_lossy().into_owned();
    // Through links, whose own metadata says nothing of a folder.
    let found = fs::metadata(entry.path()).ok()?;
    (!name.starts_with('.')).then(|| Entry { name, is_folder: found.is_dir(), bytes: found.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_folders_first_and_without_hidden_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.png", "A.ron", ".hidden"] {
            fs::write(folder.path().join(name), "1234").expect("a file");
        }
        fs::create_dir(folder.path().join("zoo")).expect("a folder");
        let entries = read(folder.path().to_owned()).entries.expect("readable");
        let names: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.is_folder)).collect();
        assert_eq!(names, [("zoo", true), ("A.ron", false), ("b.png", false)]);
        assert_eq!(entries[1].bytes, 4);
        let missing = read(folder.path().join("nowhere")).entries.expect_err("it is not there");
        assert!(missing.starts_with("It cannot be read: "), "{missing}");
        let at = |name: &str| kind(&folder.path().join(name));
        assert_eq!(
            ["zoo", "b.png", "new", "no/new"].map(at),
            [Found::Folder, Found::File, Found::Nothing, Found::NoFolder]
        );
    }
}

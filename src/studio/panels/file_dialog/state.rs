//! What the file dialog knows, and what Enter, a click and a reply do to it.
//!
//! Apart from drawing so that it can be tried without a window.

use std::path::{Path, PathBuf};

use crate::studio::{
    command::Browse,
    view::file_dialog::{Entry, Found, Listing, Preview, Question, Reply, Wanted},
};

/// What the folder holds, as far as it is known.
#[derive(Clone, Debug)]
pub enum Contents {
    Reading,
    Failed(String),
    There(Vec<Entry>),
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Stay,
    Read(Browse),
    /// The dialog is done.
    Answer(PathBuf),
}

/// One open dialog.
#[derive(Clone, Debug)]
pub struct State {
    pub question: Question,
    pub folder: PathBuf,
    pub contents: Contents,
    /// A name, or a path.
    pub typed: String,
    /// The whole name is selected in the field, so that typing replaces it.
    pub select_all: bool,
    /// Among those that are shown.
    pub selected: Option<usize>,
    pub preview: Option<Preview>,
    /// Would be overwritten.
    pub replaces: Option<PathBuf>,
    /// The name of the folder that is being made.
    pub new_folder: Option<String>,
    making: Option<PathBuf>,
    pub complaint: Option<String>,
    /// Files that do not fit are shown too.
    pub show_all: bool,
}

impl State {
    /// A dialog for a question, and what it has to read first.
    pub fn new(question: Question) -> (Self, Browse) {
        let (folder, typed) = (question.folder.clone(), question.name.clone());
        let state = Self {
            question,
            folder: folder.clone(),
            contents: Contents::Reading,
            typed,
            select_all: true,
            selected: None,
            preview: None,
            replaces: None,
            new_folder: None,
            making: None,
            complaint: None,
            show_all: false,
        };
        (state, Browse::Folder(folder))
    }

    /// The entries that are shown: folders, and files that fit.
    pub fn shown(&self) -> Vec<&Entry> {
        let Contents::There(entries) = &self.contents else { return Vec::new() };
        let fits = |entry: &&Entry| {
            entry.is_folder
                || (self.question.wanted != Wanted::Folder && (self.show_all || self.question.fits(&entry.name)))
        };
        entries.iter().filter(fits).collect()
    }

    /// Goes to another folder.
    pub fn go(&mut self, folder: PathBuf) -> Step {
        (self.folder, self.contents) = (folder.clone(), Contents::Reading);
        (self.selected, self.preview, self.complaint) = (None, None, None);
        (self.new_folder, self.making) = (None, None);
        // A name to write to goes along; anything else was of the folder before.
        if self.question.wanted != Wanted::Name {
            self.typed.clear();
        }
        Step::Read(Browse::Folder(folder))
    }

    /// Goes to the folder above.
    pub fn up(&mut self) -> Step {
        match self.folder.parent().map(Path::to_owned) {
            Some(parent) => self.go(parent),
            None => Step::Stay,
        }
    }

    /// Moves the choice by so many entries.
    pub fn move_by(&mut self, steps: isize) -> Step {
        let count = self.shown().len();
        if count == 0 || steps == 0 {
            return Step::Stay;
        }
        let at = self.selected.map_or(if steps > 0 { -1 } else { count as isize }, |at| at as isize);
        self.choose((at + steps).clamp(0, count as isize - 1) as usize)
    }

    /// Chooses an entry: its name goes into the field, and a file is looked into.
    pub fn choose(&mut self, at: usize) -> Step {
        let Some(entry) = self.shown().get(at).map(|entry| (*entry).clone()) else { return Step::Stay };
        (self.selected, self.preview, self.complaint) = (Some(at), None, None);
        if entry.is_folder {
            // The name of a file that is to be written stays.
            if self.question.wanted == Wanted::File {
                self.typed.clear();
            }
            return Step::Stay;
        }
        self.typed.clone_from(&entry.name);
        self.select_all = true;
        Step::Read(Browse::Preview(self.folder.join(&entry.name)))
    }

    /// Goes into the chosen folder, or takes the chosen file.
    pub fn open_chosen(&mut self) -> Step {
        let chosen = self.selected.and_then(|at| self.shown().get(at).map(|entry| (*entry).clone()));
        match chosen {
            Some(entry) if entry.is_folder => self.go(self.folder.join(entry.name)),
            Some(_) => self.accept(),
            None => Step::Stay,
        }
    }

    /// The key Enter: goes into a chosen folder, else takes what stands in the field.
    pub fn enter(&mut self) -> Step {
        let chosen = self.selected.and_then(|at| self.shown().get(at).map(|entry| entry.is_folder));
        if chosen == Some(true) { self.open_chosen() } else { self.accept() }
    }

    /// Takes what stands in the field; where a folder is wanted, without that the chosen one, or this one.
    pub fn accept(&mut self) -> Step {
        self.complaint = None;
        let typed = self.typed.trim();
        if !typed.is_empty() {
            return Step::Read(Browse::LookUp(full_path(&self.folder, typed)));
        }
        if self.question.wanted != Wanted::Folder {
            return self.complain("Type a name, or choose a file.");
        }
        let chosen = self.selected.and_then(|at| self.shown().get(at).map(|entry| entry.name.clone()));
        Step::Answer(chosen.map_or_else(|| self.folder.clone(), |name| self.folder.join(name)))
    }

    fn complain(&mut self, why: &str) -> Step {
        self.complaint = Some(why.to_owned());
        Step::Stay
    }

    /// Makes the folder whose name was typed.
    pub fn make_folder(&mut self) -> Step {
        let name = self.new_folder.take().unwrap_or_default();
        let name = name.trim();
        if name.is_empty() {
            return Step::Stay;
        }
        let folder = self.folder.join(name);
        self.contents = Contents::Reading;
        self.making = Some(folder.clone());
        Step::Read(Browse::NewFolder(folder))
    }

    /// Takes what a thread has read.
    pub fn reply(&mut self, reply: Reply) -> Step {
        match reply {
            Reply::Listing(listing) => self.listed(listing),
            Reply::Preview(preview) => {
                let chosen = full_path(&self.folder, self.typed.trim());
                self.preview = if preview.path == chosen { Some(preview) } else { self.preview.take() };
                Step::Stay
            }
            Reply::Found(path, found) => self.looked_up(path, found),
        }
    }

    fn listed(&mut self, Listing { folder, entries }: Listing) -> Step {
        let is_new = self.making.as_ref() == Some(&folder);
        if folder != self.folder && !is_new {
            return Step::Stay;
        }
        self.making = None;
        match entries {
            // A folder that was made is gone into; one that could not be made leaves the dialog where it is.
            Err(why) if is_new => {
                self.complaint = Some(why);
                return Step::Read(Browse::Folder(self.folder.clone()));
            }
            Err(why) => self.contents = Contents::Failed(why),
            Ok(entries) => (self.folder, self.contents) = (folder, Contents::There(entries)),
        }
        // A file that is named from the start is looked into.
        let named = self.shown().iter().position(|entry| entry.name == self.typed);
        named.filter(|_| self.question.wanted == Wanted::File).map_or(Step::Stay, |at| self.choose(at))
    }

    fn looked_up(&mut self, path: PathBuf, found: Found) -> Step {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match (found, self.question.wanted) {
            (Found::Folder, Wanted::Folder) => Step::Answer(path),
            (Found::Folder, _) => {
                self.typed.clear();
                self.go(path)
            }
            (Found::NoFolder, _) => self.complain("There is no such folder: make it first, or choose another."),
            (Found::File, Wanted::File) => Step::Answer(path),
            (Found::File, Wanted::Folder) => self.complain(&format!("{name} is a file: choose a folder.")),
            (Found::Nothing, Wanted::File | Wanted::Folder) => self.complain(&format!("There is no {name} here.")),
            (Found::File | Found::Nothing, Wanted::Name) => self.write_to(path, found),
        }
    }

    /// A name to write to: with its extension, and asked about where it is taken.
    fn write_to(&mut self, path: PathBuf, found: Found) -> Step {
        let whole = self.question.with_extension(path.clone());
        if whole != path {
            let is_here = whole.parent() == Some(&self.folder);
            let name = whole.file_name().filter(|_| is_here).map(|name| name.to_string_lossy().into_owned());
            self.typed = name.unwrap_or_else(|| whole.display().to_string());
            return Step::Read(Browse::LookUp(whole));
        }
        if found == Found::Nothing {
            return Step::Answer(path);
        }
        self.replaces = Some(path);
        Step::Stay
    }
}

/// The path that was typed: whole, from the home folder, or from `folder` on.
pub fn full_path(folder: &Path, typed: &str) -> PathBuf {
    let home = || std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(PathBuf::from);
    match typed.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| folder.join(typed)),
        Some(rest) if rest.starts_with(['/', '\\']) => match home() {
            Some(home) => home.join(rest.trim_start_matches(['/', '\\'])),
            None => folder.join(typed),
        },
        _ => folder.join(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, is_folder: bool) -> Entry {
        Entry { name: name.into(), is_folder, bytes: 1 }
    }

    /// A dialog in `/home/me` with the folder `art`, a session and a text.
    fn dialog(wanted: Wanted, name: &str) -> State {
        let question = Question {
            title: "Choose".into(),
            wanted,
            kind: "Sessions",
            endings: if wanted == Wanted::Folder { Vec::new() } else { vec!["ron"] },
            folder: "/home/me".into(),
            name: name.into(),
            extension: if wanted == Wanted::Name { "sextant.ron" } else { "" },
        };
        let (mut state, first) = State::new(question);
        assert_eq!(first, Browse::Folder("/home/me".into()));
        let entries = vec![entry("art", true), entry("beach.sextant.ron", false), entry("notes.txt", false)];
        state.reply(Reply::Listing(Listing { folder: "/home/me".into(), entries: Ok(entries) }));
        state
    }

    fn look_up(path: &str) -> Step {
        Step::Read(Browse::LookUp(path.into()))
    }

    #[test]
    fn arrows_choose_and_enter_opens() {
        let mut state = dialog(Wanted::File, "");
        assert_eq!(state.shown().len(), 2, "the text does not fit");
        assert_eq!(state.move_by(1), Step::Stay);
        assert_eq!(state.move_by(1), Step::Read(Browse::Preview("/home/me/beach.sextant.ron".into())));
        assert_eq!(state.move_by(1), Step::Read(Browse::Preview("/home/me/beach.sextant.ron".into())), "the last");
        assert_eq!(state.accept(), look_up("/home/me/beach.sextant.ron"));
        let answer = state.reply(Reply::Found("/home/me/beach.sextant.ron".into(), Found::File));
        assert_eq!(answer, Step::Answer("/home/me/beach.sextant.ron".into()));
        state.choose(0);
        assert_eq!(state.enter(), Step::Read(Browse::Folder("/home/me/art".into())));
        assert_eq!(state.up(), Step::Read(Browse::Folder("/home/me".into())));
    }

    #[test]
    fn a_typed_path_goes_to_its_folder_and_a_wrong_one_says_why() {
        let mut state = dialog(Wanted::File, "");
        state.typed = "/tmp".into();
        assert_eq!(state.accept(), look_up("/tmp"));
        assert_eq!(state.reply(Reply::Found("/tmp".into(), Found::Folder)), Step::Read(Browse::Folder("/tmp".into())));
        state.typed = "no/where.ron".into();
        assert_eq!(state.accept(), look_up("/tmp/no/where.ron"));
        assert_eq!(state.reply(Reply::Found("/tmp/no/where.ron".into(), Found::NoFolder)), Step::Stay);
        assert!(state.complaint.as_deref().is_some_and(|why| why.contains("no such folder")));
        state.typed.clear();
        assert_eq!((state.accept(), state.complaint.is_some()), (Step::Stay, true));
    }

    #[test]
    fn a_taken_name_is_asked_about_with_its_extension() {
        let mut state = dialog(Wanted::Name, "beach");
        assert_eq!(state.accept(), look_up("/home/me/beach"));
        let next = state.reply(Reply::Found("/home/me/beach".into(), Found::Nothing));
        assert_eq!(next, look_up("/home/me/beach.sextant.ron"));
        assert_eq!(state.reply(Reply::Found("/home/me/beach.sextant.ron".into(), Found::File)), Step::Stay);
        assert_eq!(state.replaces, Some("/home/me/beach.sextant.ron".into()));
        state.replaces = None;
        let free = state.reply(Reply::Found("/home/me/free.ron".into(), Found::Nothing));
        assert_eq!(free, Step::Answer("/home/me/free.ron".into()));
        state.go("/home/me/art".into());
        assert_eq!(state.typed, "beach.sextant.ron", "the name goes along");
    }

    #[test]
    fn a_folder_is_chosen_and_made() {
        let mut state = dialog(Wanted::Folder, "");
        assert_eq!(state.accept(), Step::Answer("/home/me".into()));
        state.new_folder = Some("maps".into());
        assert_eq!(state.make_folder(), Step::Read(Browse::NewFolder("/home/me/maps".into())));
        let late = Listing { folder: "/elsewhere".into(), entries: Ok(Vec::new()) };
        state.reply(Reply::Listing(late));
        assert_eq!(state.folder, PathBuf::from("/home/me"), "what was asked for before counts no more");
        state.reply(Reply::Listing(Listing { folder: "/home/me/maps".into(), entries: Ok(Vec::new()) }));
        assert_eq!(
            (state.folder.clone(), state.accept()),
            ("/home/me/maps".into(), Step::Answer("/home/me/maps".into()))
        );
        state.new_folder = Some("x".into());
        state.make_folder();
        let refused = Listing { folder: "/home/me/maps/x".into(), entries: Err("It cannot be made: no.".into()) };
        assert_eq!(state.reply(Reply::Listing(refused)), Step::Read(Browse::Folder("/home/me/maps".into())));
        assert_eq!(state.complaint.as_deref(), Some("It cannot be made: no."));
    }
}

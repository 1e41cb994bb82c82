//! What the window's own file dialog asks and shows, as plain data.
//!
//! Apart from the panel, which draws it, and from the threads, which read folders and files for it.

use std::{path::PathBuf, sync::Arc};

use crate::tensor::Picture;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file that is there.
    File,
    Folder,
    /// A name to write to.
    Name,
}

/// One question for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub title: String,
    pub wanted: Wanted,
    /// What the endings below belong to: "Sessions and pictures".
    pub kind: &'static str,
    /// Endings of the names of files that fit; with none, all do.
    pub endings: Vec<&'static str>,
    /// Where to begin.
    pub folder: PathBuf,
    /// The suggested name.
    pub name: String,
    /// What a name without an ending of its own gets.
    pub extension: &'static str,
}

/// A file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_folder: bool,
    pub bytes: u64,
}

/// What a folder holds, folders first, or why it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub folder: PathBuf,
    pub entries: Result<Vec<Entry>, String>,
}

/// What is known of a file before it is opened.
#[derive(Clone, Debug)]
pub struct Preview {
    pub path: PathBuf,
    pub picture: Option<Arc<Picture>>,
    pub lines: Vec<String>,
}

/// What a typed path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    File,
    Folder,
    /// Nothing, in a folder that is there.
    Nothing,
    /// Not even its folder is there.
    NoFolder,
}

/// What a thread has read for the dialog.
#[derive(Clone, Debug)]
pub enum Reply {
    Listing(Listing),
    Preview(Preview),
    Found(PathBuf, Found),
}

impl Question {
    /// Whether a file of this name fits.
    pub fn fits(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.endings.is_empty() || self.endings.iter().any(|ending| name.ends_with(&format!(".{ending}")))
    }

    /// The name with the extension, unless it ends as one that fits.
    pub fn with_extension(&self, path: PathBuf) -> PathBuf {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if self.extension.is_empty() || self.fits(&name) {
            return path;
        }
        let mut whole = path.into_os_string();
        whole.push(".");
        whole.push(self.extension);
        PathBuf::from(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(endings: &[&'static str], extension: &'static str) -> Question {
        Question {
            title: String::new(),
            wanted: Wanted::Name,
            kind: "",
            endings: endings.to_vec(),
            folder: PathBuf::new(),
            name: String::new(),
            extension,
        }
    }

    #[test]
    fn extensions_are_added_once() {
        let with = |name: &str, endings: &[&'static str], e: &'static str| {
            question(endings, e).with_extension(PathBuf::from(name)).display().to_string()
        };
        assert_eq!(with("beach", &["ron"], "sextant.ron"), "beach.sextant.ron");
        assert_eq!(with("beach.ron", &["ron"], "sextant.ron"), "beach.ron");
        assert_eq!(with("v1.2", &["png"], "png"), "v1.2.png");
        assert_eq!(with("a.PNG", &["png"], "png"), "a.PNG");
        assert_eq!(with("folder", &[], ""), "folder");
    }
}

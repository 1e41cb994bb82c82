//! Settings of the user for all sessions.
//!
//! Apart from the session's layout because they belong to the user, not to a session. The file lies beside the recovery
//! files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    error::{SessionError, one_line},
    library::Library,
    output::OutputSettings,
};
use crate::files::{create_private_folder, decode_text, read, read_regular, write_private};

const FILE: &str = "settings.ron";

/// Settings that are kept from one start to the next. Fields that are not set leave the program's default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Budget of the engine's prediction cache, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<usize>,
    /// Which device computes, by the engine's names; empty where it was not chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The graphics card that was chosen among several, by its name; empty for the best one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub card: String,
    /// Where takes are written without being asked for each.
    pub output: OutputSettings,
    /// Whether new sessions keep the steps of their takes.
    pub keep_steps: bool,
    /// How many pictures Generate asks for; 0 and 1 for one.
    #[serde(skip_serializing_if = "is_one")]
    pub batch: usize,
    /// Whether every press of Generate takes a new seed.
    #[serde(skip_serializing_if = "is_off")]
    pub random_seed: bool,
    /// As [`super::Layout::theme`].
    pub theme: String,
    /// Interface scale, 1 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f32>,
    /// Whether files are always chosen in the window's own dialog.
    #[serde(skip_serializing_if = "is_off")]
    pub own_dialogs: bool,
    /// Whether sliders show no filmstrips.
    #[serde(skip_serializing_if = "is_off")]
    pub no_films: bool,
    /// The files that were opened or saved lately, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<PathBuf>,
    /// What is kept by name.
    #[serde(skip_serializing_if = "Library::is_empty")]
    pub library: Library,
    /// The folders that files were read from or written to lately, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<PathBuf>,
}

fn is_one(count: &usize) -> bool {
    *count <= 1
}

fn is_off(switch: &bool) -> bool {
    !switch
}

impl Settings {
    /// The settings in `folder`; the defaults if there is no file or it cannot be read.
    pub fn load(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let Ok(bytes) = read_regular(&path, read::TEXT) else { return Self::default() };
        let text = decode_text(&bytes).map_err(one_line);
        let settings = text.and_then(|text| ron::from_str(&text).map_err(one_line));
        settings.unwrap_or_else(|error| {
            log::warn!("{}: the settings cannot be read ({error}), so none are set", path.display());
            Self::default()
        })
    }

    /// Writes the settings into `folder` atomically.
    ///
    /// # Errors
    /// [`SessionError::Write`].
    pub fn save(&self, folder: &Path) -> Result<(), SessionError> {
        let style = ron::ser::PrettyConfig::new().new_line("\n").indentor("  ");
        let text = ron::ser::to_string_pretty(self, style).map_err(|e| SessionError::Unwritable(one_line(e)))?;
        let path = folder.join(FILE);
        let write = || create_private_folder(folder).and_then(|()| write_private(&path, (text + "\n").as_bytes()));
        write().map_err(|source| SessionError::Write { path: path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn library() -> Library {
        let mut library = Library::default();
        library.used_prompt("a cat");
        crate::session::put(&mut library.looks, "soft", crate::recipe::Recipe { cfg: 3.0, ..Default::default() });
        crate::session::put(
            &mut library.concepts,
            "fog",
            crate::recipe::Concept { text: "fog".into(), ..Default::default() },
        );
        library
    }

    #[test]
    fn what_is_set_is_there_at_the_next_start_and_nonsense_sets_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Settings::load(folder.path()), Settings::default());
        let set = Settings {
            card: String::new(),
            output: OutputSettings::default(),
            memory_mib: Some(256),
            device: "card".into(),
            keep_steps: true,
            batch: 4,
            random_seed: true,
            theme: "light".into(),
            scale: Some(1.5),
            own_dialogs: true,
            no_films: true,
            recent: vec!["/home/me/art/beach.sextant.ron".into()],
            library: library(),
            folders: vec!["/home/me/art".into()],
        };
        set.save(folder.path()).expect("written");
        assert_eq!(Settings::load(folder.path()), set);
        let edited = fs::read_to_string(folder.path().join(FILE)).expect("written").replace('\n', "\r\n");
        fs::write(folder.path().join(FILE), format!("\u{feff}{edited}")).expect("written");
        assert_eq!(Settings::load(folder.path()), set, "edited with Notepad");
        fs::write(folder.path().join(FILE), "(memory_mib: Some(lots))").expect("written");
        assert_eq!(Settings::load(folder.path()), Settings::default());
    }
}

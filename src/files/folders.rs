//! The user's folders that the program keeps files in.
//!
//! One place, so that recovery files, settings, the mark of the first start and caches stand where each system has them.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The program's folder in each of the user's.
const NAME: &str = "sextant";

/// The folder for recovery files and settings: `sextant` in `$XDG_STATE_HOME` or `~/.local/state`, and in
/// `%LOCALAPPDATA%` on Windows, which has no folder for state. `None` where the system names no home folder.
pub fn state_folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    let base = folders.state_dir().unwrap_or_else(|| folders.cache_dir());
    Some(base.join(NAME))
}

/// The folder for what can be found again: `sextant` in `$XDG_CACHE_HOME` or `~/.cache`, and in `%LOCALAPPDATA%` on Windows.
/// `None` where the system names no home folder.
pub fn cache_folder() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn the_folder_is_where_earlier_versions_had_it() {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("state")));
        assert_eq!(state_folder(), Some(base.expect("a home folder").join("sextant")));
    }
}

//! Inputs on disk: one file each, named after its content.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

pub fn name_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// All files in a folder, the smallest first; none where there is no folder.
pub fn load(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<Vec<u8>> = entries.filter_map(|entry| fs::read(entry.path()).ok()).collect();
    all.sort_by_key(|bytes| (bytes.len(), bytes.clone()));
    all.dedup();
    all
}

pub fn keep(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, bytes)?;
    Ok(path)
}

/// Names of the inputs that were findings: `KIND-NAME`.
pub fn known(findings: &Path) -> HashSet<String> {
    let entries = fs::read_dir(findings).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| Some(name.rsplit_once('-')?.1.trim_end_matches(".txt").to_owned())).collect()
}

/// Words of the inputs: letters and digits, with the quotes and signs around them that formats have.
pub fn words(inputs: &[Vec<u8>], more: &[&str]) -> Vec<Vec<u8>> {
    let mut found: BTreeSet<Vec<u8>> = more.iter().map(|word| word.as_bytes().to_vec()).collect();
    for input in inputs {
        let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let is_beside = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'"' | b':' | b'=' | b'(' | b'<'));
        let mut at = 0;
        while at < input.len() && found.len() < 3000 {
            let length = input[at..].iter().position(|byte| !is_in_word(byte)).unwrap_or(input.len() - at);
            if (3..=40).contains(&length) {
                let from = at.checked_sub(1).filter(|before| is_beside(input.get(*before))).unwrap_or(at);
                let end = at + length;
                let end = end + usize::from(is_beside(input.get(end)));
                let end = end + usize::from(end > at + length && input.get(end) == Some(&b':'));
                found.insert(input[from..end].to_vec());
            }
            at += length + 1;
        }
    }
    found.into_iter().collect()
}

//! Where the files lie that prompts name: `<lora:name>` is `name.safetensors` in one of the folders that tools keep LoRAs in.
//!
//! Apart from folders of the program's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Names of LoRA folders in A1111, Forge and ComfyUI, compared without regard to case.
const FOLDERS: [&str; 3] = ["lora", "loras", "lycoris"];
/// Folders in folders that are looked into, and entries that are looked at in all.
const LEVELS: usize = 3;
const ENTRIES: usize = 20_000;

/// Folders that may hold LoRAs for a model: beside its file, and LoRA folders beside its folder and one above. Those of
/// `known` files come first.
pub fn lora_folders(model: Option<&Path>, known: &[PathBuf]) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = known.iter().filter_map(|file| Some(file.parent()?.to_owned())).collect();
    for base in model.into_iter().flat_map(|path| path.ancestors().skip(1).take(3)) {
        let inside = fs::read_dir(base).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = inside.filter(|path| path.is_dir() && is_lora_folder(path)).collect();
        found.sort();
        folders.append(&mut found);
    }
    folders.extend(model.and_then(Path::parent).map(Path::to_owned));
    let mut unique: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if !unique.contains(&folder) {
            unique.push(folder);
        }
    }
    unique
}

/// The file of a network by its name without extension; its letters' case counts only where several differ by it.
pub fn find_network(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let mut left = ENTRIES;
    let mut found = Vec::new();
    folders.iter().for_each(|folder| collect(folder, name, LEVELS, &mut left, &mut found));
    let exact = found.iter().position(|path| path.file_stem().is_some_and(|stem| stem == name));
    (!found.is_empty()).then(|| found.swap_remove(exact.unwrap_or(0)))
}

fn is_lora_folder(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| FOLDERS.contains(&name.to_ascii_lowercase().as_str()))
}

fn collect(folder: &Path, name: &str, levels: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if *left == 0 {
            return;
        }
        *left -= 1;
        if path.is_dir() {
            if levels > 1 {
                collect(&path, name, levels - 1, left, found);
            }
            continue;
        }
        let is_it = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("safetensors"))
            && path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .is_some_and(|stem| stem.to_lowercase() == name.to_lowercase());
        if is_it {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lora_is_found_beside_the_models_of_a1111_and_comfyui() {
        let root = tempfile::tempdir().expect("a folder");
        let model = root.path().join("models/Stable-diffusion/sd15.safetensors");
        let wanted = root.path().join("models/Lora/style/Paper Cut.safetensors");
        for file in [&model, &wanted] {
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, b"").expect("written");
        }
        let folders = lora_folders(Some(&model), &[]);
        assert_eq!(find_network(&folders, "paper cut"), Some(wanted.clone()));
        assert_eq!(find_network(&folders, "paper"), None);
        assert_eq!(find_network(&lora_folders(None, std::slice::from_ref(&wanted)), "Paper Cut"), Some(wanted));
    }
}

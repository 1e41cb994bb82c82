//! What a file is, before it is opened: its picture, and what made it, in a few lines.
//!
//! Apart from opening because nothing of the window changes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    files::read_regular,
    recipe::Recipe,
    session::{self, Document},
    studio::{document::file, view::file_dialog::Preview},
    tensor::Picture,
};

/// Longest side of the picture.
const SIDE: usize = 320;
/// Larger files are not looked into.
const MOST_BYTES: u64 = 64 << 20;

/// The preview of a file; where it cannot be read, that is what it says.
pub fn of(path: PathBuf) -> Preview {
    let none = |line: &str| (None, vec![line.to_owned()]);
    let (picture, lines) = match fs::metadata(&path) {
        Err(error) => none(&format!("It cannot be read: {error}.")),
        Ok(found) if !found.is_file() => (None, Vec::new()),
        Ok(found) if found.len() > MOST_BYTES => none("It is too large for a preview."),
        Ok(_) if file::is_session(&path) => of_session(&path),
        Ok(_) if file::is_known(&path) => of_picture(&path),
        Ok(_) => (None, Vec::new()),
    };
    Preview { path, picture, lines }
}

/// A session's newest picture of its current recipe, else its newest one.
fn of_session(path: &Path) -> (Option<Arc<Picture>>, Vec<String>) {
    let document = match Document::load(path) {
        Ok(document) => document,
        Err(error) => return (None, vec![error.to_string()]),
    };
    let current = document.takes.iter().rev().find(|take| take.recipe.same_settings(&document.recipe));
    let take = current.or(document.takes.last());
    let picture = take.and_then(|take| session::thumbnail_picture(take.thumbnail.as_deref()?).ok());
    let takes = match document.takes.len() {
        1 => "1 take".to_owned(),
        count => format!("{count} takes"),
    };
    (picture.map(shrunk), [vec![takes], lines(&document.recipe)].concat())
}

/// A picture, and the recipe that it carries.
fn of_picture(path: &Path) -> (Option<Arc<Picture>>, Vec<String>) {
    let decoded = read_regular(path, MOST_BYTES).ok().and_then(|bytes| session::decode_picture(&bytes, "it").ok());
    let size = decoded.as_ref().map(|picture| format!("{}×{} pixels", picture.width, picture.height));
    let said = match session::import(path) {
        Ok(imported) => [vec![format!("Carries {}.", imported.found)], lines(&imported.into_plain_recipe())].concat(),
        Err(_) => vec!["Carries no recipe.".to_owned()],
    };
    (decoded.map(shrunk), size.into_iter().chain(said).collect())
}

fn shrunk(picture: Picture) -> Arc<Picture> {
    Arc::new(picture.shrunk_to(SIDE))
}

fn lines(recipe: &Recipe) -> Vec<String> {
    let settings = format!("{} steps · seed {} · {}×{}", recipe.steps, recipe.seed, recipe.width, recipe.height);
    let prompt = recipe.prompt.trim();
    let prompt = (!prompt.is_empty()).then(|| format!("\"{prompt}\""));
    prompt.into_iter().chain([settings]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Metadata, Take};

    #[test]
    fn pictures_and_sessions_are_seen_before_they_are_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let recipe = Recipe { prompt: "a cat".into(), seed: 7, ..Recipe::default() };
        let red = Picture { width: 2, height: 1, rgb: vec![255, 0, 0, 255, 0, 0] };
        let path = folder.path().join("cat.png");
        session::save_picture(&path, &red, Some(Metadata { recipe: &recipe, model_hash: None, run: None }))
            .expect("written");
        let seen = of(path);
        assert_eq!(seen.picture.as_deref(), Some(&red));
        let said = ["2×1 pixels", "Carries the Sextant recipe.", "\"a cat\"", "20 steps · seed 7 · 192×192"];
        assert_eq!(seen.lines, said);

        let mut document = Document::new(recipe.clone());
        let thumbnail = Some(session::thumbnail(&red, 8).expect("encoded"));
        document.takes = vec![Take { recipe, thumbnail, ..Take::default() }];
        let path = folder.path().join("cat.sextant.ron");
        document.save(&path).expect("written");
        let seen = of(path);
        assert_eq!((seen.picture.as_deref(), seen.lines[0].as_str()), (Some(&red), "1 take"));

        let broken = folder.path().join("broken.ron");
        fs::write(&broken, "nonsense").expect("written");
        assert!(of(broken).lines[0].contains("is not a Sextant session"));
    }
}

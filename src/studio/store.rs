//! The window's files as sessions and pictures on disk.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::files::{SavedSession, SavedTake, Store};
use crate::{
    field::Picture,
    recipe::Recipe,
    session::{self, Document, Metadata, ModelUse, TakeId},
};

/// Longest side of the picture that a session keeps of a take; larger ones are rendered again from their recipe.
const KEPT_SIDE: usize = 512;

/// Reads and writes `*.sextant.ron` and PNG files.
pub struct SessionStore;

impl Store for SessionStore {
    fn load(&self, path: &Path) -> Result<SavedSession, String> {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png")) {
            let recipe = session::read_recipe(path).map_err(|e| e.to_string())?;
            return Ok(SavedSession { recipe, takes: Vec::new() });
        }
        let document = Document::load(path).map_err(|e| e.to_string())?;
        Ok(SavedSession { takes: document.takes.iter().map(saved_take).collect(), recipe: document.recipe })
    }

    fn save(&self, path: &Path, saved: &SavedSession) -> Result<(), String> {
        let mut document = Document::new(saved.recipe.clone());
        document.takes =
            saved.takes.iter().enumerate().map(|(i, take)| kept_take(i, take)).collect::<Result<_, _>>()?;
        document.models = models(saved);
        document.save(path).map_err(|e| e.to_string())
    }

    fn export_png(&self, path: &Path, picture: &Picture, recipe: &Recipe) -> Result<(), String> {
        let metadata = Metadata { recipe, model_hash: None, run: None };
        session::save_picture(path, picture, Some(metadata)).map_err(|e| e.to_string())
    }
}

/// A take whose picture cannot be read back is shown grey: its recipe is what matters, and makes it again.
fn saved_take(take: &session::Take) -> SavedTake {
    let kept = take.thumbnail.as_deref().and_then(|text| session::thumbnail_picture(text).ok());
    SavedTake {
        name: take.name.clone(),
        recipe: take.recipe.clone(),
        picture: Arc::new(kept.unwrap_or_else(blank)),
        elapsed: Duration::from_secs_f32(take.seconds.clamp(0.0, 1e6)),
        created: take.created,
    }
}

fn blank() -> Picture {
    const SIDE: usize = 64;
    Picture { width: SIDE, height: SIDE, rgb: vec![96; 3 * SIDE * SIDE] }
}

fn kept_take(index: usize, take: &SavedTake) -> Result<session::Take, String> {
    let side = take.picture.width.max(take.picture.height).min(KEPT_SIDE);
    Ok(session::Take {
        id: TakeId(index as u64 + 1),
        name: take.name.clone(),
        recipe: take.recipe.clone(),
        created: take.created,
        seconds: take.elapsed.as_secs_f32(),
        thumbnail: Some(session::thumbnail(&take.picture, side).map_err(|e| e.to_string())?),
        ..session::Take::default()
    })
}

/// Every model that the session's recipes name, once.
fn models(saved: &SavedSession) -> Vec<ModelUse> {
    let recipes = saved.takes.iter().map(|take| &take.recipe).chain([&saved.recipe]);
    let mut names: Vec<String> = recipes
        .flat_map(|r| [Some(r.model.to_string()), r.fusion.as_ref().map(|f| f.expert.to_string())])
        .flatten()
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| ModelUse { name, content_hash: None }).collect()
}

/// Seconds since 1970-01-01 UTC; 0 on a clock that stands before it.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

//! The window's files as sessions and pictures on disk.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    files::{self, SavedSession, SavedTake, Store},
    imported::Origin,
};
use crate::{
    field::Picture,
    recipe::Recipe,
    session::{self, Document, Metadata, ModelUse, SessionError, Source, TakeId},
};

/// Longest side of the picture that a session keeps of a take; larger ones are rendered again from their recipe.
const KEPT_SIDE: usize = 512;

/// How long an animation shows each step, and the last one.
const FRAME: Duration = Duration::from_millis(140);
const LAST_FRAME: Duration = Duration::from_millis(1500);

/// Reads and writes `*.sextant.ron` and PNG files.
#[derive(Default)]
pub struct SessionStore {
    /// Pictures are put into text once, however often their session is written.
    texts: Mutex<HashMap<usize, (Weak<Picture>, String)>>,
}

impl Store for SessionStore {
    fn load(&self, path: &Path) -> Result<SavedSession, String> {
        let load = || Document::load(path).map(saved_session).map_err(|e| e.to_string());
        if files::is_session(path) {
            return load();
        }
        let imported = session::import(path).map_err(|e| e.to_string())?;
        if imported.found == Source::Session {
            return load();
        }
        let origin = Origin { found: imported.found, not_restored: imported.not_restored.clone() };
        let recipe = imported.into_plain_recipe();
        Ok(SavedSession { recipe, origin: Some(origin), ..SavedSession::default() })
    }

    fn save(&self, path: &Path, saved: &SavedSession) -> Result<(), String> {
        self.document(saved).and_then(|document| document.save(path)).map_err(|e| e.to_string())
    }

    fn export_png(&self, path: &Path, picture: &Picture, recipe: &Recipe) -> Result<(), String> {
        let metadata = Metadata { recipe, model_hash: None, run: None };
        session::save_picture(path, picture, Some(metadata)).map_err(|e| e.to_string())
    }

    fn export_maps(&self, folder: &Path, maps: &[(String, Picture)]) -> Result<(), String> {
        let write = |(name, map): &(String, Picture)| session::save_picture(&folder.join(name), map, None);
        maps.iter().try_for_each(write).map_err(|e| e.to_string())
    }

    fn export_animation(&self, path: &Path, frames: &[Arc<Picture>]) -> Result<(), String> {
        session::save_animation(path, frames, FRAME, LAST_FRAME).map_err(|e| e.to_string())
    }
}

impl SessionStore {
    /// The session as it stands in a file.
    pub(super) fn document(&self, saved: &SavedSession) -> Result<Document, SessionError> {
        let mut document = Document::new(saved.recipe.clone());
        let takes = saved.takes.iter().enumerate();
        document.takes = takes.map(|(i, take)| self.kept_take(i, take)).collect::<Result<_, _>>()?;
        document.models = models(saved);
        document.layout = saved.layout.clone();
        Ok(document)
    }

    fn kept_take(&self, index: usize, take: &SavedTake) -> Result<session::Take, SessionError> {
        let id = |index: usize| TakeId(index as u64 + 1);
        Ok(session::Take {
            id: id(index),
            parent: take.parent.map(id),
            name: take.name.clone(),
            starred: take.starred,
            recipe: take.recipe.clone(),
            created: take.created,
            seconds: take.elapsed.as_secs_f32(),
            thumbnail: Some(self.text(&take.picture)?),
        })
    }

    /// The picture as text. The weak reference keeps the address from being used anew while its text is kept.
    fn text(&self, picture: &Arc<Picture>) -> Result<String, SessionError> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.retain(|_, (owner, _)| owner.strong_count() > 0);
        let key = Arc::as_ptr(picture) as usize;
        if let Some((_, text)) = texts.get(&key) {
            return Ok(text.clone());
        }
        let side = picture.width.max(picture.height).min(KEPT_SIDE);
        let text = session::thumbnail(picture, side)?;
        texts.insert(key, (Arc::downgrade(picture), text.clone()));
        Ok(text)
    }
}

/// What a file held.
pub(super) fn saved_session(document: Document) -> SavedSession {
    let place = |id: TakeId| document.takes.iter().position(|take| take.id == id);
    let takes = document.takes.iter().map(|take| SavedTake { parent: take.parent.and_then(place), ..saved_take(take) });
    SavedSession { takes: takes.collect(), recipe: document.recipe, layout: document.layout, origin: None }
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
        parent: None,
        starred: take.starred,
    }
}

fn blank() -> Picture {
    const SIDE: usize = 64;
    Picture { width: SIDE, height: SIDE, rgb: vec![96; 3 * SIDE * SIDE] }
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

//! The window's files as sessions and pictures on disk.
//!
//! Apart from [`super::store`], which says what the window needs of any disk.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use super::{session_files::SessionFiles, steps, store::Store};
use crate::{
    engine::StepReport,
    files::within_budget,
    fingerprint::Fingerprint,
    model,
    recipe::Recipe,
    session::{
        self, Document, KeptSteps, Layout, Metadata, ModelUse, Packed, SessionError, Source, TakeId, UnpackBudget,
    },
    studio::document::{
        file,
        notice::Origin,
        saved::{SavedSession, SavedTake},
        track::Track,
    },
    tensor::Picture,
};

/// Longest side of the picture that a session keeps of a take; larger ones are rendered again from their recipe.
const KEPT_SIDE: usize = 512;

/// How long an animation shows each step, and the last one.
const FRAME: Duration = Duration::from_millis(140);
const LAST_FRAME: Duration = Duration::from_millis(1500);

/// Reads and writes `*.sextant.ron` and PNG files.
#[derive(Default)]
pub struct SessionStore {
    /// Encoded pictures by address: each is encoded once, however often its session is written.
    texts: Mutex<HashMap<usize, (Weak<Picture>, String)>>,
    files: SessionFiles,
    /// Packed steps, by the address of the first report.
    steps: Mutex<HashMap<usize, PackedOnce>>,
}

/// Packed steps, with the reports that they were packed from.
type PackedOnce = (Vec<Weak<StepReport>>, Packed);

impl Store for SessionStore {
    fn load(&self, path: &Path) -> Result<SavedSession, String> {
        let load =
            || Document::load(path).map(|read| self.opened(path, saved_session(read))).map_err(|e| e.to_string());
        if file::is_session(path) {
            return load();
        }
        let imported = session::import(path).map_err(|e| e.to_string())?;
        if imported.found == Source::Session {
            return load();
        }
        let (found, not_restored) = (imported.found, imported.not_restored.clone());
        let recipe = imported.into_plain_recipe();
        let origin = Origin { found, not_restored, native_side: model::native_side(&recipe.model) };
        Ok(SavedSession { recipe, origin: Some(origin), ..SavedSession::default() })
    }

    fn save(&self, path: &Path, saved: &SavedSession) -> Result<(), String> {
        let document = self.document(saved).map(|document| self.with_steps(document, saved));
        document.and_then(|document| document.save(path)).map_err(|e| e.to_string())?;
        self.files.note(path);
        // Its lock is this window's from now on, where it is free.
        self.files.is_open_elsewhere(path);
        Ok(())
    }

    fn is_changed_outside(&self, path: &Path) -> bool {
        self.files.is_changed(path)
    }

    fn export_png(
        &self,
        path: &Path,
        picture: &Picture,
        recipe: &Recipe,
        run: Option<&Fingerprint>,
    ) -> Result<(), String> {
        let metadata = Metadata { recipe, model_hash: run.map(|run| run.model_hash.as_str()), run };
        session::save_picture(path, picture, Some(metadata)).map_err(|e| e.to_string())
    }

    fn export_files(&self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), String> {
        let write = |(name, bytes): &(String, Vec<u8>)| session::write_whole(&folder.join(name), bytes);
        files.iter().try_for_each(write).map_err(|e| e.to_string())
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
    /// With locks in `folder`, by which windows tell each other which sessions they have open.
    pub fn with_locks(folder: PathBuf) -> Self {
        Self { files: SessionFiles::with_locks(folder), ..Self::default() }
    }

    /// Notes that a session was read, and says if another window has it open.
    pub fn opened(&self, path: &Path, session: SavedSession) -> SavedSession {
        self.files.note(path);
        if !self.files.is_open_elsewhere(path) {
            return session;
        }
        let elsewhere = "This session is open in another window too: save it under another name to keep both.";
        let notice = session.notice.map_or_else(|| elsewhere.to_owned(), |notice| format!("{elsewhere} {notice}"));
        SavedSession { notice: Some(notice), ..session }
    }

    /// The session as a file holds it, without the steps: recovery files are written too often for them.
    pub fn document(&self, saved: &SavedSession) -> Result<Document, SessionError> {
        self.forget_gone();
        let mut document = Document::new(saved.recipe.clone());
        let takes = saved.takes.iter().enumerate();
        document.takes = takes.map(|(i, take)| self.kept_take(i, take)).collect::<Result<_, _>>()?;
        document.models = models(saved);
        document.layout = Layout { pins: saved.pins.map(|pin| pin.map(id)), ..saved.layout.clone() };
        Ok(document)
    }

    /// Drops what was encoded of takes that are gone: once a session, for it looks at every take.
    fn forget_gone(&self) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.retain(|_, (owner, _)| owner.strong_count() > 0);
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.retain(|_, (owners, _)| owners.iter().any(|owner| owner.strong_count() > 0));
    }

    fn with_steps(&self, mut document: Document, saved: &SavedSession) -> Document {
        if saved.keep_steps {
            let packed =
                |(i, take): (usize, &SavedTake)| Some(KeptSteps { take: id(i), steps: self.packed(&take.track)? });
            document.steps = saved.takes.iter().enumerate().filter_map(packed).collect();
        }
        document
    }

    /// The steps of a run, packed. The weak references tell whether the cached ones are still of the same reports.
    fn packed(&self, track: &Track) -> Option<Packed> {
        let mut all = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let reports: Vec<_> = track.reports.iter().flatten().collect();
        let Some(first) = reports.first().filter(|_| track.kept.is_none()) else { return steps::pack(track) };
        let key = Arc::as_ptr(first) as usize;
        let same = |owners: &[Weak<StepReport>]| {
            owners.len() == reports.len() && owners.iter().zip(&reports).all(|(a, b)| a.as_ptr() == Arc::as_ptr(b))
        };
        if let Some((_, packed)) = all.get(&key).filter(|(owners, _)| same(owners)) {
            return Some(packed.clone());
        }
        let packed = steps::pack(track)?;
        all.insert(key, (reports.iter().map(|report| Arc::downgrade(report)).collect(), packed.clone()));
        Some(packed)
    }

    fn kept_take(&self, index: usize, take: &SavedTake) -> Result<session::Take, SessionError> {
        let mut kept = session::Take {
            id: id(index),
            parent: take.parent.map(id),
            name: take.name.clone(),
            starred: take.starred,
            recipe: take.track.recipe.clone(),
            created: take.created,
            seconds: take.elapsed.as_secs_f32(),
            thumbnail: take.track.picture.as_ref().map(|picture| self.text(picture)).transpose()?,
            run: None,
        };
        kept.set_fingerprint(take.track.fingerprint.as_deref());
        Ok(kept)
    }

    /// The picture as text. The weak reference keeps its address from being reused while the text is cached.
    fn text(&self, picture: &Arc<Picture>) -> Result<String, SessionError> {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Arc::as_ptr(picture) as usize;
        if let Some((_, text)) = texts.get(&key).filter(|(owner, _)| owner.as_ptr() == Arc::as_ptr(picture)) {
            return Ok(text.clone());
        }
        let side = picture.width.max(picture.height).min(KEPT_SIDE);
        let text = session::thumbnail(picture, side)?;
        texts.insert(key, (Arc::downgrade(picture), text.clone()));
        Ok(text)
    }
}

/// How a session names the take at a place.
fn id(place: usize) -> TakeId {
    TakeId(place as u64 + 1)
}

/// The session that a file holds. Steps that cannot be read are left out, and its notice reports that.
pub fn saved_session(document: Document) -> SavedSession {
    let places: HashMap<TakeId, usize> = document.takes.iter().enumerate().map(|(i, take)| (take.id, i)).collect();
    let place = |id: TakeId| places.get(&id).copied();
    let takes = document.takes.iter().map(|take| SavedTake { parent: take.parent.and_then(place), ..saved_take(take) });
    let pictures: usize = document.takes.iter().filter_map(|take| Some(take.thumbnail.as_ref()?.len())).sum();
    // A picture beyond the budget is drawn again from its recipe, like one that cannot be decoded.
    let mut takes: Vec<_> = within_budget(pictures, || takes.collect());
    let mut damaged = Vec::new();
    let mut budget = UnpackBudget::of(document.steps.iter().map(|kept| &kept.steps));
    for KeptSteps { take, steps } in &document.steps {
        let Some(take) = place(*take).and_then(|place| takes.get_mut(place)) else { continue };
        if let Err(what) = steps::unpack(&mut take.track, steps, &mut budget) {
            damaged.push((take.name.clone(), what));
        }
    }
    SavedSession {
        takes,
        pins: document.layout.pins.map(|pin| pin.and_then(place)),
        keep_steps: !document.steps.is_empty(),
        notice: notice(&damaged).or_else(|| adjusted(&document.adjusted)),
        origin: None,
        recipe: document.recipe,
        layout: document.layout,
    }
}

/// What was brought within limits: the first of it at length.
fn adjusted(adjusted: &[String]) -> Option<String> {
    let (first, more) = (adjusted.first()?, adjusted.len() - 1);
    let others = if more > 0 { format!("; {more} more") } else { String::new() };
    Some(format!("Some numbers of this file were out of range and were changed: {first}{others}."))
}

fn notice(damaged: &[(String, String)]) -> Option<String> {
    let (name, what) = damaged.first()?;
    let others = match damaged.len() {
        1 => String::new(),
        n => format!(" and of {} more", n - 1),
    };
    Some(format!(
        "The kept steps of take \"{name}\"{others} cannot be read ({what}): its recipe and picture are whole, and \
         rendering it again gives the steps back."
    ))
}

/// A take whose picture cannot be decoded is shown grey: its recipe is whole and renders it again.
fn saved_take(take: &session::Take) -> SavedTake {
    let kept = take.thumbnail.as_deref().and_then(|text| session::thumbnail_picture(text).ok());
    let track = Track {
        picture: Some(Arc::new(kept.unwrap_or_else(blank))),
        fingerprint: take.fingerprint().map(Arc::new),
        ..Track::new(take.recipe.clone())
    };
    SavedTake {
        name: take.name.clone(),
        track,
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

/// Every model that the session's recipes name, once, with the hash of its weights where a run has recorded it.
fn models(saved: &SavedSession) -> Vec<ModelUse> {
    let named = |recipe: &Recipe, run: Option<&Fingerprint>| {
        let expert = recipe.fusion.as_ref().map(|fusion| {
            let hash = run.and_then(|run| run.expert_hash.clone());
            (fusion.expert.to_string(), hash)
        });
        [Some((recipe.model.to_string(), run.map(|run| run.model_hash.clone()))), expert]
    };
    let takes = saved.takes.iter().flat_map(|take| named(&take.track.recipe, take.track.fingerprint.as_deref()));
    let mut models: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (name, hash) in takes.chain(named(&saved.recipe, None)).flatten() {
        let known = models.entry(name).or_default();
        // The newest take has the hash of the current weights.
        *known = hash.or(known.take());
    }
    models.into_iter().map(|(name, content_hash)| ModelUse { name, content_hash }).collect()
}

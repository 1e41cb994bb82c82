//! What the engine remembers, so that an edit pays only for what it changes.
//!
//! A network's answer depends on its weights, its input latents, the timestep and the text, and on nothing else. So
//! answers are kept under exactly these, and a run asks here before it asks the network: steps before the first one
//! that an edit touches find everything, a new concept finds all branches but its own, and going back to an earlier
//! setting finds the whole run. No rule about any control is needed for this to be exact. What follows from the
//! answers (guidance, momentum, sampler history) is computed anew each time; it costs next to nothing.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::lru::LruCache;
use crate::{
    guidance::scfg::Segmentation,
    nets::{NetError, TextEncoding, TextKeys, TimeShifts},
    recipe::Profile,
    tensor::{Latents, Picture},
};

/// Names an encoded text: the encoder's model, and the text as that encoder was given it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextKey(Arc<str>);

impl TextKey {
    /// `negative` texts are encoded otherwise by some models.
    pub fn new(encoder: &str, text: &str, negative: bool) -> Self {
        Self(format!("{encoder}\u{0}{negative}\u{0}{text}").into())
    }
}

/// A text with its name.
#[derive(Clone, Debug)]
pub struct Text {
    pub key: TextKey,
    pub encoding: TextEncoding,
}

/// What a U-Net was asked about: latents at a timestep.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheKey {
    model: Arc<str>,
    timestep: f32,
    model_input: Latents,
    /// A short name; equality is checked on the whole.
    digest: u64,
}

impl CacheKey {
    /// `model` is the content hash of the U-Net's model, `model_input` the latents as scaled for it.
    pub fn new(model: Arc<str>, timestep: f32, model_input: Latents) -> Self {
        let mut hasher = DefaultHasher::new();
        model.hash(&mut hasher);
        timestep.to_bits().hash(&mut hasher);
        hash_values(&model_input, &mut hasher);
        Self { digest: hasher.finish(), model, timestep, model_input }
    }

    pub fn timestep(&self) -> f32 {
        self.timestep
    }

    pub fn model_input(&self) -> &Latents {
        &self.model_input
    }
}

fn hash_values(latents: &Latents, hasher: &mut DefaultHasher) {
    (latents.channels, latents.height, latents.width).hash(hasher);
    for value in &latents.values {
        hasher.write_u32(value.to_bits());
    }
}

/// Profile, unconditional text and prompt of a segmentation.
type SegmentationKey = (Profile, TextKey, TextKey);

/// All answers to one question.
struct CacheEntry {
    question: CacheKey,
    predictions: HashMap<TextKey, Latents>,
    segmentations: HashMap<SegmentationKey, Arc<Segmentation>>,
    used: u64,
    bytes: usize,
}

/// A decoded picture of latents.
struct Decoded {
    latents: Latents,
    model: Arc<str>,
    picture: Arc<Picture>,
    used: u64,
}

/// A budget in bytes and how much of it is in use: told and asked across threads without waiting.
#[derive(Debug, Default)]
pub struct MemoryBudget {
    budget: AtomicUsize,
    used: AtomicUsize,
}

impl MemoryBudget {
    /// Bytes that may be used.
    pub fn budget(&self) -> usize {
        self.budget.load(Ordering::Relaxed)
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn set_budget(&self, bytes: usize) {
        self.budget.store(bytes, Ordering::Relaxed);
    }
}

/// Remembered answers within a budget; what was not used for longest goes first.
pub struct PredictionCache {
    gauge: Arc<MemoryBudget>,
    bytes: usize,
    clock: u64,
    moments: HashMap<u64, CacheEntry>,
    pictures: HashMap<u64, Decoded>,
    texts: HashMap<TextKey, TextEncoding>,
    /// By U-Net.
    keys: LruCache<(Arc<str>, TextKey), Arc<TextKeys>>,
    /// By U-Net and the timestep's bits.
    shifts: LruCache<(Arc<str>, u32), Arc<TimeShifts>>,
}

/// Texts are small and few; beyond this many they are encoded again.
const TEXTS: usize = 512;
/// Bytes of texts as a U-Net reads them: 32 of SD 1.5's, 6 of SDXL's.
const KEYS: usize = 256 << 20;
/// Bytes of what timesteps do to U-Nets: some hundred timesteps of SD 1.5.
const SHIFTS: usize = 16 << 20;

impl PredictionCache {
    /// `budget` in bytes; 0 remembers nothing.
    pub fn new(budget: usize) -> Self {
        let gauge = MemoryBudget::default();
        gauge.set_budget(budget);
        Self::within(gauge.into())
    }

    /// Keeps to a budget that others may change at any time.
    pub fn within(gauge: Arc<MemoryBudget>) -> Self {
        gauge.used.store(0, Ordering::Relaxed);
        Self {
            gauge,
            bytes: 0,
            clock: 0,
            moments: HashMap::new(),
            pictures: HashMap::new(),
            texts: HashMap::new(),
            keys: LruCache::new(KEYS),
            shifts: LruCache::new(SHIFTS),
        }
    }

    /// Forgets what no longer fits the budget.
    pub fn trim(&mut self) {
        self.make_room(0);
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text under `key`, encoded now if it is not known.
    pub fn text<E>(&mut self, key: TextKey, encode: impl FnOnce() -> Result<TextEncoding, E>) -> Result<Text, E> {
        if let Some(encoding) = self.texts.get(&key) {
            return Ok(Text { key, encoding: encoding.clone() });
        }
        let encoding = encode()?;
        if self.texts.len() >= TEXTS {
            self.texts.clear();
        }
        self.texts.insert(key.clone(), encoding.clone());
        Ok(Text { key, encoding })
    }

    /// A text as the U-Net of `model` reads it, read now if it is not known.
    pub fn keys(
        &mut self,
        model: &Arc<str>,
        text: &TextKey,
        read: impl FnOnce() -> Result<TextKeys, NetError>,
    ) -> Result<Arc<TextKeys>, NetError> {
        self.keys.get((model.clone(), text.clone()), || read().map(Arc::new), |keys| keys.bytes())
    }

    /// What a timestep does to the U-Net of `model`, computed now if it is not known; `None` where the text has a say.
    pub fn shifts(
        &mut self,
        model: &Arc<str>,
        timestep: f32,
        compute: impl FnOnce() -> Option<TimeShifts>,
    ) -> Option<Arc<TimeShifts>> {
        let compute = || compute().map(Arc::new).ok_or(());
        self.shifts.get((model.clone(), timestep.to_bits()), compute, |shifts| shifts.bytes()).ok()
    }

    pub fn prediction(&mut self, question: &CacheKey, text: &TextKey) -> Option<Latents> {
        self.moment(question)?.predictions.get(text).cloned()
    }

    pub fn segmentation(
        &mut self,
        question: &CacheKey,
        profile: Profile,
        uncond: &TextKey,
        cond: &TextKey,
    ) -> Option<Arc<Segmentation>> {
        self.moment(question)?.segmentations.get(&(profile, uncond.clone(), cond.clone())).cloned()
    }

    pub fn keep_prediction(&mut self, question: &CacheKey, text: &TextKey, prediction: &Latents) {
        let bytes = size_of_val(prediction.values.as_slice());
        self.keep(question, bytes, |moment| {
            moment.predictions.insert(text.clone(), prediction.clone());
        });
    }

    pub fn keep_segmentation(
        &mut self,
        question: &CacheKey,
        profile: Profile,
        uncond: &TextKey,
        cond: &TextKey,
        segmentation: &Arc<Segmentation>,
    ) {
        let key = (profile, uncond.clone(), cond.clone());
        self.keep(question, segmentation.bytes(), |moment| {
            moment.segmentations.insert(key, segmentation.clone());
        });
    }

    /// The picture of `latents`, if the decoder of `model` has painted it before.
    pub fn picture(&mut self, model: &str, latents: &Latents) -> Option<Arc<Picture>> {
        self.clock += 1;
        let found = self.pictures.get_mut(&picture_digest(model, latents))?;
        if *found.model != *model || found.latents != *latents {
            return None;
        }
        found.used = self.clock;
        Some(found.picture.clone())
    }

    pub fn keep_picture(&mut self, model: &Arc<str>, latents: &Latents, picture: &Arc<Picture>) {
        let bytes = picture_bytes(latents, picture);
        if bytes > self.gauge.budget() {
            return;
        }
        self.make_room(bytes);
        self.clock += 1;
        let entry =
            Decoded { latents: latents.clone(), model: model.clone(), picture: picture.clone(), used: self.clock };
        self.bytes += bytes;
        if let Some(old) = self.pictures.insert(picture_digest(model, latents), entry) {
            self.bytes -= picture_bytes(&old.latents, &old.picture);
        }
        self.tell();
    }

    fn moment(&mut self, question: &CacheKey) -> Option<&CacheEntry> {
        self.clock += 1;
        let moment = self.moments.get_mut(&question.digest).filter(|m| m.question == *question)?;
        moment.used = self.clock;
        Some(moment)
    }

    fn keep(&mut self, question: &CacheKey, bytes: usize, insert: impl FnOnce(&mut CacheEntry)) {
        let own = size_of_val(question.model_input.values.as_slice());
        if bytes + own > self.gauge.budget() {
            return;
        }
        self.make_room(bytes + own);
        self.clock += 1;
        let digest = question.digest;
        if self.moments.get(&digest).is_some_and(|m| m.question != *question) {
            self.bytes -= self.moments.remove(&digest).map_or(0, |m| m.bytes);
        }
        let fresh = || CacheEntry {
            question: question.clone(),
            predictions: HashMap::new(),
            segmentations: HashMap::new(),
            used: 0,
            bytes: 0,
        };
        let moment = self.moments.entry(digest).or_insert_with(fresh);
        let grown = bytes + if moment.bytes == 0 { own } else { 0 };
        moment.used = self.clock;
        moment.bytes += grown;
        self.bytes += grown;
        insert(moment);
        self.tell();
    }

    fn tell(&self) {
        self.gauge.used.store(self.bytes, Ordering::Relaxed);
    }

    /// Forgets what was not used for longest, until `bytes` more fit. Forgets in portions, so that the search for the
    /// oldest is not paid for at every step.
    fn make_room(&mut self, bytes: usize) {
        let budget = self.gauge.budget();
        if self.bytes + bytes <= budget {
            return;
        }
        let aim = (budget - budget / 8).saturating_sub(bytes);
        let moments = self.moments.iter().map(|(&k, m)| (m.used, k, true));
        let pictures = self.pictures.iter().map(|(&k, p)| (p.used, k, false));
        let mut oldest: Vec<_> = moments.chain(pictures).collect();
        oldest.sort_unstable();
        for (_, key, is_moment) in oldest {
            if self.bytes <= aim {
                break;
            }
            if is_moment {
                self.bytes -= self.moments.remove(&key).map_or(0, |m| m.bytes);
            } else {
                self.bytes -= self.pictures.remove(&key).map_or(0, |p| picture_bytes(&p.latents, &p.picture));
            }
        }
        self.tell();
    }
}

fn picture_digest(model: &str, latents: &Latents) -> u64 {
    let mut hasher = DefaultHasher::new();
    model.hash(&mut hasher);
    hash_values(latents, &mut hasher);
    hasher.finish()
}

fn picture_bytes(latents: &Latents, picture: &Picture) -> usize {
    size_of_val(latents.values.as_slice()) + picture.rgb.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(seed: f32) -> CacheKey {
        let values = (0..16).map(|i| seed + i as f32).collect();
        CacheKey::new("m".into(), 5.0, Latents::new(1, 4, 4, values))
    }

    fn key(text: &str) -> TextKey {
        TextKey::new("m", text, false)
    }

    #[test]
    fn only_the_very_same_question_is_answered() {
        let mut memory = PredictionCache::new(1 << 20);
        let answer = Latents::zeros(1, 4, 4);
        memory.keep_prediction(&question(1.0), &key("cat"), &answer);
        assert_eq!(memory.prediction(&question(1.0), &key("cat")), Some(answer));
        assert_eq!(memory.prediction(&question(1.0), &key("dog")), None);
        assert_eq!(memory.prediction(&question(1.000_001), &key("cat")), None);
        let other = |model: &str, timestep| CacheKey::new(model.into(), timestep, question(1.0).model_input);
        assert_eq!(memory.prediction(&other("m", 6.0), &key("cat")), None);
        assert_eq!(memory.prediction(&other("n", 5.0), &key("cat")), None);
    }

    #[test]
    fn the_budget_holds_and_the_oldest_goes_first() {
        let budget = 4096;
        let mut memory = PredictionCache::new(budget);
        for i in 0..200 {
            memory.keep_prediction(&question(i as f32), &key("cat"), &Latents::zeros(1, 4, 4));
            assert!(memory.bytes() <= budget, "{} bytes after {i}", memory.bytes());
        }
        assert!(memory.prediction(&question(199.0), &key("cat")).is_some());
        assert!(memory.prediction(&question(0.0), &key("cat")).is_none());
        let held: usize = memory.moments.values().map(|m| m.bytes).sum();
        assert_eq!(held, memory.bytes(), "the count is of what is held");
    }

    #[test]
    fn a_lower_budget_forgets_at_once_and_says_so() {
        let gauge = Arc::new(MemoryBudget::default());
        gauge.set_budget(1 << 20);
        let mut memory = PredictionCache::within(gauge.clone());
        (0..100).for_each(|i| memory.keep_prediction(&question(i as f32), &key("cat"), &Latents::zeros(1, 4, 4)));
        let before = gauge.used();
        assert_eq!(before, memory.bytes());
        gauge.set_budget(before / 2);
        memory.trim();
        assert!(gauge.used() <= before / 2 && gauge.used() == memory.bytes());
        assert!(memory.prediction(&question(99.0), &key("cat")).is_some(), "the newest stays");
    }

    #[test]
    fn without_a_budget_nothing_is_remembered() {
        let mut memory = PredictionCache::new(0);
        memory.keep_prediction(&question(1.0), &key("cat"), &Latents::zeros(1, 4, 4));
        assert!(memory.prediction(&question(1.0), &key("cat")).is_none() && memory.bytes() == 0);
    }
}

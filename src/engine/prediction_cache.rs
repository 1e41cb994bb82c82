//! One cache of everything the engine can use again, so that an edit pays only for what it changes.
//!
//! A network's prediction depends on its weights, its input latents, the timestep and the text, and on nothing else. The
//! cache stores predictions under exactly these, and a run looks here before it evaluates the network: the steps before
//! the first one that an edit touches find everything, a new concept finds all branches but its own, and going back to an
//! earlier setting finds the whole run. This is exact without any rule about single controls. What follows from the
//! predictions (guidance, momentum, sampler history) is computed anew each time; it costs next to nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::sized_lru::SizedLru;
use crate::{
    guidance::scfg::Segmentation,
    model::{Conditioning, ModelError, Precomputed},
    recipe::Profile,
    tensor::{Latents, Picture},
};

pub use super::cache_key::{CacheKey, TextKey};

/// An encoded text and its key.
#[derive(Clone, Debug)]
pub struct Text {
    pub key: TextKey,
    pub encoding: Arc<Conditioning>,
}

/// A budget in bytes and how much of it is in use. Threads read and change it without waiting.
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

/// What an entry was computed from.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// All predictions and segmentations of one denoiser at one input: they share its latents and are dropped together.
    Step(CacheKey),
    Picture(CacheKey),
    Text(TextKey),
    /// By the denoiser's model.
    TextKeys(Arc<str>, TextKey),
    /// By the denoiser's model and the timestep's bits.
    TimeShifts(Arc<str>, u32),
}

/// A cached value; its variant is that of its key.
enum Value {
    Step(StepEntry),
    Picture(Arc<Picture>),
    Text(Arc<Conditioning>),
    TextKeys(Precomputed),
    TimeShifts(Precomputed),
}

/// Profile, unconditional text and prompt of a segmentation.
type SegmentationKey = (Profile, TextKey, TextKey);

/// What was computed from one input.
#[derive(Default)]
struct StepEntry {
    predictions: HashMap<TextKey, Latents>,
    segmentations: HashMap<SegmentationKey, Arc<Segmentation>>,
}

impl StepEntry {
    fn bytes(&self) -> usize {
        let predictions = self.predictions.values().map(|p| size_of_val(p.values.as_slice()));
        predictions.chain(self.segmentations.values().map(|s| s.bytes())).sum()
    }
}

/// Memory of an entry. Containers and other constant overhead are not counted.
fn bytes(key: &Key, value: &Value) -> usize {
    let key = match key {
        Key::Step(key) | Key::Picture(key) => key.bytes(),
        Key::Text(text) | Key::TextKeys(_, text) => text.bytes(),
        Key::TimeShifts(..) => 0,
    };
    key + match value {
        Value::Step(step) => step.bytes(),
        Value::Picture(picture) => picture.rgb.len(),
        Value::Text(encoding) => encoding.bytes(),
        Value::TextKeys(keys) => keys.bytes(),
        Value::TimeShifts(shifts) => shifts.bytes(),
    }
}

/// Values that every step of the current run needs, whatever the budget: its encoded texts, also as the denoisers read
/// them. They are working memory and not counted.
#[derive(Default)]
struct RunTexts {
    encodings: HashMap<TextKey, Arc<Conditioning>>,
    keys: HashMap<(Arc<str>, TextKey), Precomputed>,
}

/// Size-bounded LRU cache of predictions, segmentations, pictures, encoded texts and what denoisers derive from texts and
/// timesteps.
pub struct PredictionCache {
    budget: Arc<MemoryBudget>,
    entries: SizedLru<Key, Value>,
    run: RunTexts,
    /// The device that computes: what denoisers derive from texts and timesteps stays on it.
    device: Arc<str>,
}

impl PredictionCache {
    /// A cache of at most `budget` bytes; one of 0 bytes stores nothing.
    pub fn new(budget: usize) -> Self {
        let shared = MemoryBudget::default();
        shared.set_budget(budget);
        Self::with_budget(shared.into())
    }

    /// A cache whose budget others may change at any time. It reports its use there.
    pub fn with_budget(budget: Arc<MemoryBudget>) -> Self {
        budget.used.store(0, Ordering::Relaxed);
        Self { budget, entries: SizedLru::new(), run: RunTexts::default(), device: Arc::from("") }
    }

    /// Says which device computes from now on. Predictions are plain numbers, and serve every device.
    pub fn set_device(&mut self, name: &str) {
        self.device = name.into();
    }

    /// A model on the device that computes.
    fn on_device(&self, model: &str) -> Arc<str> {
        format!("{model} {}", self.device).into()
    }

    /// Begins a run: the texts of the run before need not stay beyond the budget.
    pub fn begin_run(&mut self) {
        self.run = RunTexts::default();
    }

    /// Drops the oldest entries until the rest fits the budget.
    pub fn trim(&mut self) {
        self.entries.trim(self.budget.budget());
        self.report_use();
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.entries.bytes()
    }

    /// The text of `key`, encoded now if it is not cached.
    pub fn text<E>(&mut self, key: TextKey, encode: impl FnOnce() -> Result<Conditioning, E>) -> Result<Text, E> {
        let cached = match self.entries.get(&Key::Text(key.clone())) {
            Some(Value::Text(encoding)) => Some(encoding.clone()),
            _ => self.run.encodings.get(&key).cloned(),
        };
        let encoding = match cached {
            Some(encoding) => encoding,
            None => {
                let encoding = Arc::new(encode()?);
                self.insert(Key::Text(key.clone()), Value::Text(encoding.clone()));
                encoding
            }
        };
        self.run.encodings.insert(key.clone(), encoding.clone());
        Ok(Text { key, encoding })
    }

    /// A text as the denoiser of `model` reads it, computed now if it is not cached.
    pub fn text_keys(
        &mut self,
        model: &Arc<str>,
        text: &TextKey,
        prepare: impl FnOnce() -> Result<Precomputed, ModelError>,
    ) -> Result<Precomputed, ModelError> {
        let model = self.on_device(model);
        let own = (model.clone(), text.clone());
        let key = || Key::TextKeys(model.clone(), text.clone());
        let cached = match self.entries.get(&key()) {
            Some(Value::TextKeys(keys)) => Some(keys.clone()),
            _ => self.run.keys.get(&own).cloned(),
        };
        let keys = match cached {
            Some(keys) => keys,
            None => {
                let keys = prepare()?;
                self.insert(key(), Value::TextKeys(keys.clone()));
                keys
            }
        };
        self.run.keys.insert(own, keys.clone());
        Ok(keys)
    }

    /// What a timestep adds to the blocks of the denoiser of `model`, computed now if it is not cached; `None` where it
    /// depends on the text too.
    pub fn time_shifts(
        &mut self,
        model: &Arc<str>,
        timestep: f32,
        compute: impl FnOnce() -> Option<Precomputed>,
    ) -> Option<Precomputed> {
        let key = Key::TimeShifts(self.on_device(model), timestep.to_bits());
        if let Some(Value::TimeShifts(shifts)) = self.entries.get(&key) {
            return Some(shifts.clone());
        }
        let shifts = compute()?;
        self.insert(key, Value::TimeShifts(shifts.clone()));
        Some(shifts)
    }

    /// The prediction for `text` at the input of `key`, if it is cached.
    pub fn prediction(&mut self, key: &CacheKey, text: &TextKey) -> Option<Latents> {
        self.step(key)?.predictions.get(text).cloned()
    }

    /// The segmentation at the input of `key`, if it is cached.
    pub fn segmentation(
        &mut self,
        key: &CacheKey,
        profile: Profile,
        uncond: &TextKey,
        cond: &TextKey,
    ) -> Option<Arc<Segmentation>> {
        self.step(key)?.segmentations.get(&(profile, uncond.clone(), cond.clone())).cloned()
    }

    pub fn insert_prediction(&mut self, key: &CacheKey, text: &TextKey, prediction: &Latents) {
        self.change_step(key, |step| {
            step.predictions.insert(text.clone(), prediction.clone());
        });
    }

    pub fn insert_segmentation(
        &mut self,
        key: &CacheKey,
        profile: Profile,
        uncond: &TextKey,
        cond: &TextKey,
        segmentation: &Arc<Segmentation>,
    ) {
        let texts = (profile, uncond.clone(), cond.clone());
        self.change_step(key, |step| {
            step.segmentations.insert(texts, segmentation.clone());
        });
    }

    /// The picture that the decoder of `model` made of `latents`, if it is cached.
    pub fn picture(&mut self, model: &Arc<str>, latents: &Latents) -> Option<Arc<Picture>> {
        match self.entries.get(&Key::Picture(CacheKey::of_picture(model.clone(), latents.clone())))? {
            Value::Picture(picture) => Some(picture.clone()),
            _ => None,
        }
    }

    pub fn insert_picture(&mut self, model: &Arc<str>, latents: &Latents, picture: &Arc<Picture>) {
        let key = Key::Picture(CacheKey::of_picture(model.clone(), latents.clone()));
        self.insert(key, Value::Picture(picture.clone()));
    }

    fn step(&mut self, key: &CacheKey) -> Option<&StepEntry> {
        match self.entries.get(&Key::Step(key.clone()))? {
            Value::Step(step) => Some(step),
            _ => None,
        }
    }

    fn change_step(&mut self, key: &CacheKey, change: impl FnOnce(&mut StepEntry)) {
        if self.budget.budget() == 0 {
            return;
        }
        let key = Key::Step(key.clone());
        let mut step = match self.entries.take(&key) {
            Some(Value::Step(step)) => step,
            _ => StepEntry::default(),
        };
        change(&mut step);
        self.insert(key, Value::Step(step));
    }

    fn insert(&mut self, key: Key, value: Value) {
        let bytes = bytes(&key, &value);
        self.entries.insert(key, value, bytes, self.budget.budget());
        self.report_use();
    }

    fn report_use(&self) {
        self.budget.used.store(self.entries.bytes(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;

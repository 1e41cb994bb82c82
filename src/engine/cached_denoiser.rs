//! A denoiser at one step, with the prediction cache before it.
//!
//! Apart because what is evaluated and what is known is decided here, and guidance applied elsewhere
//! (`guided_step`).

use std::sync::Arc;

use super::prediction_cache::{CacheKey, PredictionCache, Text, TextKey};
use crate::{
    guidance::scfg::{self, Segmentation},
    model::{Denoiser, IsCurrent, ModelError, Precomputed, Prediction, Request, StepDenoiser, check_finite},
    recipe::Profile,
    tensor::Latents,
};

/// The unconditional text and the prompt, whose attention a segmentation is made of.
#[derive(Clone, Copy)]
pub(super) struct PromptPair<'a> {
    pub(super) uncond: &'a Text,
    pub(super) cond: &'a Text,
}

/// The denoiser of one model at one step.
pub(super) struct CachedDenoiser<'a> {
    denoiser: &'a dyn Denoiser,
    /// Hash of the model.
    model: Arc<str>,
    key: &'a CacheKey,
    /// From the first evaluation on.
    step: Option<Box<dyn StepDenoiser + 'a>>,
    is_current: IsCurrent<'a>,
    cache: &'a mut PredictionCache,
    /// Predictions that were evaluated beside others and not asked for yet.
    ready: Vec<(TextKey, Prediction)>,
    evaluations: usize,
}

impl<'a> CachedDenoiser<'a> {
    pub(super) fn new(
        denoiser: &'a dyn Denoiser,
        model: Arc<str>,
        key: &'a CacheKey,
        is_current: IsCurrent<'a>,
        cache: &'a mut PredictionCache,
    ) -> Self {
        Self { denoiser, model, key, step: None, is_current, cache, ready: Vec::new(), evaluations: 0 }
    }

    /// Evaluations of one sample each so far; what was cached costs none.
    pub(super) fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// Evaluates in parallel what a guided step will request and the cache does not have: the prompts and `concepts`. With
    /// `segment`, the prompts' attention is computed too, for a segmentation.
    pub(super) fn prefetch(
        &mut self,
        prompts: PromptPair<'_>,
        concepts: &[&Text],
        segment: Option<Profile>,
    ) -> Result<(), ModelError> {
        let missing = self.missing(prompts, concepts, segment);
        if missing.len() < 2 {
            // A single one is evaluated when it is asked for.
            return Ok(());
        }
        let levels = self.segmentation_levels();
        let texts: Vec<Precomputed> = missing.iter().map(|(text, _)| self.prepared(text)).collect::<Result<_, _>>()?;
        let requests: Vec<Request<'_>> = (texts.iter().zip(&missing))
            .map(|(text, (_, tapped))| Request { text, levels: if *tapped { &levels } else { &[] } })
            .collect();
        let is_current = self.is_current;
        let predictions = self.step()?.predict_all(&requests, is_current);
        for (prediction, (text, _)) in predictions.into_iter().zip(&missing) {
            let prediction = prediction?;
            self.keep(text, &prediction)?;
            self.ready.push((text.key.clone(), prediction));
        }
        Ok(())
    }

    /// The texts to evaluate, and whether with attention maps.
    fn missing<'t>(
        &mut self,
        prompts: PromptPair<'t>,
        concepts: &[&'t Text],
        segment: Option<Profile>,
    ) -> Vec<(&'t Text, bool)> {
        let PromptPair { uncond, cond } = prompts;
        let tapped = segment.is_some_and(|profile| self.known_segmentation(profile, prompts).is_none());
        let concepts = concepts.iter().map(|text| (*text, false));
        let mut missing: Vec<(&Text, bool)> = Vec::new();
        for (text, tapped) in [(uncond, tapped), (cond, tapped)].into_iter().chain(concepts) {
            let listed = missing.iter().any(|(other, _)| other.key == text.key);
            if !listed && (tapped || self.cache.prediction(self.key, &text.key).is_none()) {
                missing.push((text, tapped));
            }
        }
        missing
    }

    /// The prediction for one text.
    pub(super) fn predict(&mut self, text: &Text) -> Result<Latents, ModelError> {
        match self.cache.prediction(self.key, &text.key) {
            Some(known) => Ok(known),
            None => Ok(self.evaluate(text, &[])?.output),
        }
    }

    /// The predictions for both prompts, with the segmentation that their attention gives.
    pub(super) fn segmented(
        &mut self,
        profile: Profile,
        prompts: PromptPair<'_>,
    ) -> Result<(Latents, Latents, Arc<Segmentation>), ModelError> {
        let PromptPair { uncond: u, cond: c } = prompts;
        if let Some(known) = self.known_segmentation(profile, prompts) {
            return Ok((self.predict(u)?, self.predict(c)?, known));
        }
        let levels = self.segmentation_levels();
        let (uncond, cond) = (self.evaluate(u, &levels)?, self.evaluate(c, &levels)?);
        let size = [cond.output.height, cond.output.width];
        let denoiser = self.denoiser;
        let tasks = |count: usize, task: &(dyn Fn(usize) + Sync)| denoiser.run_tasks(count, task);
        let starts = u.encoding.starts();
        let found = scfg::segment_chunks(profile, &cond.attention, &uncond.attention, &starts, size, &tasks)?;
        let found = Arc::new(found);
        self.cache.insert_segmentation(self.key, profile, &u.key, &c.key, &found);
        Ok((uncond.output, cond.output, found))
    }

    fn known_segmentation(&mut self, profile: Profile, prompts: PromptPair<'_>) -> Option<Arc<Segmentation>> {
        self.cache.segmentation(self.key, profile, &prompts.uncond.key, &prompts.cond.key)
    }

    /// The levels whose attention a segmentation is made of.
    fn segmentation_levels(&self) -> Vec<usize> {
        scfg::levels(&self.denoiser.levels())
    }

    fn evaluate(&mut self, text: &Text, levels: &[usize]) -> Result<Prediction, ModelError> {
        if let Some(i) = self.ready.iter().position(|(key, _)| *key == text.key) {
            return Ok(self.ready.swap_remove(i).1);
        }
        let (prepared, is_current) = (self.prepared(text)?, self.is_current);
        let prediction = self.step()?.predict(Request { text: &prepared, levels }, is_current)?;
        self.keep(text, &prediction)?;
        Ok(prediction)
    }

    /// Keeps a prediction, if it is one.
    fn keep(&mut self, text: &Text, prediction: &Prediction) -> Result<(), ModelError> {
        check_finite(self.denoiser.name(), &prediction.output.values)?;
        self.evaluations += 1;
        self.cache.insert_prediction(self.key, &text.key, &prediction.output);
        Ok(())
    }

    fn prepared(&mut self, text: &Text) -> Result<Precomputed, ModelError> {
        let denoiser = self.denoiser;
        self.cache.text_keys(&self.model, &text.key, || denoiser.prepare_text(&text.encoding))
    }

    fn step(&mut self) -> Result<&mut (dyn StepDenoiser + 'a), ModelError> {
        let (denoiser, key) = (self.denoiser, self.key);
        let step = match self.step.take() {
            Some(step) => step,
            None => {
                let timestep = key.timestep();
                let prepared = self.cache.time_shifts(&self.model, timestep, || denoiser.prepare_timestep(timestep));
                denoiser.at_step(key.model_input(), timestep, prepared.as_ref())?
            }
        };
        Ok(self.step.insert(step).as_mut())
    }
}

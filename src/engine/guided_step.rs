//! One model at one step: which branches are evaluated, and guidance applied to them.
//!
//! Apart because a run does this for each of its models. The formulas are in [`crate::guidance`].

use std::sync::Arc;

use super::{
    cached_denoiser::{CachedDenoiser, PromptPair},
    prediction_cache::{CacheKey, PredictionCache, Text},
    timed_text::TimedText,
};
use crate::{
    guidance::{combine, regions::Regions, scfg, sega},
    model::{self, Denoiser, IsCurrent, ModelError},
    recipe::{Concept, Recipe},
    tensor::{Latents, Plane},
};

/// The texts of one model, encoded by the encoder that its profile says.
pub struct Texts {
    pub uncond: Text,
    pub cond: Text,
    /// One per active concept.
    pub concepts: Vec<Text>,
}

/// What changes in a model's texts from call to call.
pub(super) struct TimedTexts {
    pub uncond: TimedText,
    pub cond: TimedText,
    /// The regions of each of the prompt's texts.
    pub regions: Vec<Regions>,
}

/// One of the two models of a run: its denoiser, its texts and SEGA's momentum on it.
pub struct Branches<'a> {
    pub denoiser: &'a dyn Denoiser,
    /// Hash of the model.
    pub model: Arc<str>,
    pub texts: Texts,
    pub(super) timed: TimedTexts,
    /// What the user's settings mean by regions, where this model's attention gives them.
    pub regions: Regions,
    pub sega: sega::State,
}

/// Predictions of one model and what guidance made of them, in the model's own parametrisation.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Absent when the step is not guided.
    pub uncond: Option<Latents>,
    pub cond: Latents,
    /// One per active concept; `None` where it was not needed.
    pub concepts: Vec<Option<Latents>>,
    /// Who owns what, by this model's attention and the user's corrections; absent where it was not needed.
    pub segmentation: Option<Arc<scfg::Segmentation>>,
    /// The region of every element as the user's settings name it; absent likewise.
    pub regions: Option<Plane<u16>>,
    /// S-CFG's rate map rho, where it is on.
    pub rate: Option<Plane>,
    pub sega: Option<sega::Step>,
    /// `eps_u + guidance + SEGA`.
    pub guided: Latents,
    /// Norm of the guidance term.
    pub guidance_norm: f32,
    /// Evaluations of the denoiser on one sample each; what was cached costs none.
    pub evaluations: usize,
}

/// What every branch of a step shares.
pub struct StepInput<'a> {
    /// Latents as scaled for the model.
    pub model_input: &'a Latents,
    pub timestep: f32,
    /// Index of the call, counted from 0: what warm-ups and cool-downs count.
    pub step: usize,
    /// Whether to guide at all.
    pub guided: bool,
    /// Segment also where S-CFG does not need it: panels show regions of every run.
    pub segment: bool,
    /// Whether concepts act; they do not on a model that draws nothing.
    pub concepts: bool,
    /// The regions that the user's factors and locks refer to, where they are another model's.
    pub regions: Option<(&'a Regions, &'a Plane<u16>)>,
    pub is_current: IsCurrent<'a>,
}

/// The predictions of a guided step before guidance.
struct Evaluated {
    uncond: Latents,
    cond: Latents,
    concepts: Vec<Option<Latents>>,
    segmentation: Option<Arc<scfg::Segmentation>>,
    evaluations: usize,
}

impl Branches<'_> {
    /// Takes the texts of a call.
    pub(super) fn turn_to(&mut self, call: usize) {
        let ((place, cond), (_, uncond)) = (self.timed.cond.at(call), self.timed.uncond.at(call));
        if cond.key != self.texts.cond.key {
            self.regions = self.timed.regions.get(place).cloned().unwrap_or_default();
        }
        (self.texts.cond, self.texts.uncond) = (cond.clone(), uncond.clone());
    }

    /// Evaluates the branches that `recipe` needs at this step, or takes them from `cache`, and combines them.
    pub fn step(
        &mut self,
        recipe: &Recipe,
        input: &StepInput<'_>,
        cache: &mut PredictionCache,
    ) -> Result<Predictions, ModelError> {
        let denoiser = self.denoiser;
        model::with_workers(denoiser, || {
            let key = CacheKey::new(self.model.clone(), input.timestep, input.model_input.clone());
            let mut cached = CachedDenoiser::new(denoiser, self.model.clone(), &key, input.is_current, cache);
            if !input.guided {
                let cond = cached.predict(&self.texts.cond)?;
                return Ok(unguided(cond, self.texts.concepts.len(), cached.evaluations()));
            }
            let concepts: Vec<Concept> = recipe.active_concepts().filter(|_| input.concepts).cloned().collect();
            let evaluated = self.evaluate(recipe, input, &concepts, &mut cached)?;
            Ok(self.guide(recipe, input, &concepts, evaluated))
        })
    }

    /// Unconditional, prompt and concept branches, segmented where S-CFG or the input asks for it.
    fn evaluate(
        &self,
        recipe: &Recipe,
        input: &StepInput<'_>,
        concepts: &[Concept],
        cached: &mut CachedDenoiser<'_>,
    ) -> Result<Evaluated, ModelError> {
        let Texts { uncond, cond, concepts: texts } = &self.texts;
        let prompts = PromptPair { uncond, cond };
        let needed = |concept: &Concept| sega::is_needed_at(concept, recipe.momentum, recipe.profile, input.step);
        let texts: Vec<Option<&Text>> =
            concepts.iter().zip(texts).map(|(concept, text)| needed(concept).then_some(text)).collect();
        let segment = (recipe.scfg.enabled || input.segment).then_some(recipe.profile);
        cached.prefetch(prompts, &texts.iter().flatten().copied().collect::<Vec<_>>(), segment)?;
        let (uncond, cond, segmentation) = match segment {
            Some(profile) => {
                let (uncond, cond, segmentation) = cached.segmented(profile, prompts)?;
                (uncond, cond, Some(self.regions.correct(profile, segmentation)))
            }
            None => (cached.predict(uncond)?, cached.predict(cond)?, None),
        };
        let predict = |text: Option<&Text>| text.map(|text| cached.predict(text)).transpose();
        let concepts = texts.into_iter().map(predict).collect::<Result<_, _>>()?;
        Ok(Evaluated { uncond, cond, concepts, segmentation, evaluations: cached.evaluations() })
    }

    /// Applies S-CFG, the user's factors and SEGA.
    fn guide(
        &mut self,
        recipe: &Recipe,
        input: &StepInput<'_>,
        concepts: &[Concept],
        evaluated: Evaluated,
    ) -> Predictions {
        let Evaluated { uncond, cond, concepts: predictions, segmentation, evaluations } = evaluated;
        let own = segmentation.as_ref().map(|s| self.regions.of_owners(&s.region()));
        let regions = input.regions.or(own.as_ref().map(|own| (&self.regions, own)));
        let g = recipe.cfg_at(input.step);
        let rate = segmentation.as_ref().filter(|_| recipe.scfg.enabled);
        let rate = rate.map(|s| scfg::rate(recipe.profile, &recipe.scfg, g, s, &uncond, &cond));
        let factors = regions.and_then(|(by, map)| by.factors(recipe, map));
        let guidance = combine::guidance_term(g, rate.as_ref(), factors, &uncond, &cond);
        let sega = (!concepts.is_empty()).then(|| {
            let locks: Vec<_> = concepts.iter().map(|c| regions.and_then(|(by, map)| by.lock(c, map))).collect();
            let setting = sega::Setting { concepts, locks: &locks, momentum: recipe.momentum };
            sega::step(&mut self.sega, &setting, recipe.profile, input.step, &uncond, &predictions)
        });
        Predictions {
            guided: combine::guided(&uncond, &guidance, sega.as_ref().map(|s| &s.term)),
            guidance_norm: guidance.norm(),
            uncond: Some(uncond),
            cond,
            concepts: predictions,
            segmentation,
            regions: own,
            rate,
            sega,
            evaluations,
        }
    }
}

/// Without guidance the prompt's own prediction is used as it is.
fn unguided(cond: Latents, concepts: usize, evaluations: usize) -> Predictions {
    Predictions {
        uncond: None,
        guided: cond.clone(),
        cond,
        concepts: vec![None; concepts],
        segmentation: None,
        regions: None,
        rate: None,
        sega: None,
        guidance_norm: 0.0,
        evaluations,
    }
}

//! One run: from a recipe and loaded models to latents, step by step.
//!
//! Apart from the worker, because a script or a test runs without one.

use super::{
    error::EngineError,
    guided_step::{Branches, Predictions, StepInput, Texts, TimedTexts},
    prediction_cache::{PredictionCache, Text, TextKey},
    timed_text::TimedText,
};
use crate::{
    fingerprint::LatentDigest,
    guidance::{cfg, combine, regions::Regions, snb},
    model::{self, IsCurrent, Model},
    recipe::{Fusion, Profile, Recipe},
    sampling::{self, PredictionType, SamplerSettings, Solver, StepNoise},
    tensor::{Latents, Token},
};

/// How a run is made. Only the initial latents change its result.
#[derive(Default)]
pub struct Options {
    /// In place of the seed's own noise: standard normal, of the recipe's latent size.
    pub init_latents: Option<Latents>,
    /// Segment every step by attention, also where no method needs it.
    pub segment: bool,
}

/// A run between two steps.
pub struct Run<'a> {
    recipe: &'a Recipe,
    general: Branches<'a>,
    expert: Option<Expert<'a>>,
    solver: Box<dyn Solver>,
    prediction: PredictionType,
    noise: StepNoise,
    segment: bool,
    /// Adaptive guidance has ended.
    converged: bool,
    init_latents: Latents,
    /// Before the next step, as the sampler has them.
    latents: Latents,
    next: usize,
    /// Of the latents after each step made.
    digests: Vec<LatentDigest>,
}

struct Expert<'a> {
    branches: Branches<'a>,
    prediction: PredictionType,
}

/// Everything that happened in one step: the source of reports and traces.
#[derive(Clone, Debug)]
pub struct StepRecord {
    pub step: usize,
    pub timestep: f32,
    pub sigma: f32,
    pub latents_in: Latents,
    pub general: Predictions,
    pub expert: Option<Predictions>,
    /// Which model draws where; absent where the models are not fused.
    pub choice: Option<snb::Choice>,
    /// What the sampler got.
    pub guided: Latents,
    pub latents_out: Latents,
    /// The prediction of the finished latents, x0.
    pub denoised: Latents,
}

impl StepRecord {
    /// Evaluations of the denoisers, of one sample each, that the step took.
    pub fn evaluations(&self) -> usize {
        self.general.evaluations + self.expert.as_ref().map_or(0, |e| e.evaluations)
    }
}

impl<'a> Run<'a> {
    /// Encodes the texts and draws the noise.
    ///
    /// # Errors
    /// A recipe that is not valid or that these models cannot draw, and texts that cannot be encoded.
    pub fn prepare(
        recipe: &'a Recipe,
        general: &'a dyn Model,
        expert: Option<&'a dyn Model>,
        options: Options,
        cache: &mut PredictionCache,
    ) -> Result<Self, EngineError> {
        recipe.validate()?;
        cache.begin_run();
        let shape = latent_shape(recipe, general)?;
        check_attention(recipe, general)?;
        let schedule = general.schedule();
        let solver = sampling::build_with(&SamplerSettings::of(recipe), schedule)?;
        let mut noise = solver.noise(recipe.seed, shape);
        let init_latents = match options.init_latents {
            Some(given) => check_shape(given, shape)?,
            None => noise.initial().clone(),
        };
        let latents = solver.start(&init_latents, &mut noise);
        let calls = solver.calls().len();
        let expert = match (recipe.expert_fusion(), expert) {
            (Some(_), Some(expert)) => Some(prepare_expert(recipe, general, expert, calls, cache)?),
            _ => None,
        };
        let (texts, mut timed) = texts(recipe, general, &recipe.prompt, calls, cache)?;
        let regions = |text: &Text| Regions::new(recipe, &text.encoding.tokens, [shape[1], shape[2]]);
        timed.regions = timed.cond.texts().iter().map(regions).collect();
        let can_segment = !general.denoiser().levels().is_empty();
        Ok(Self {
            general: branches(general, texts, timed),
            expert,
            prediction: schedule.prediction_type,
            solver,
            noise,
            segment: can_segment && (options.segment || recipe.speaks_of_regions()),
            converged: false,
            latents,
            init_latents,
            next: 0,
            digests: Vec::new(),
            recipe,
        })
    }

    /// Calls of the denoiser in all; more than the recipe's steps for samplers that look twice.
    pub fn calls(&self) -> usize {
        self.solver.calls().len()
    }

    pub fn init_latents(&self) -> &Latents {
        &self.init_latents
    }

    pub fn latents(&self) -> &Latents {
        &self.latents
    }

    /// Digests of the latents after each step made so far.
    pub fn digests(&self) -> &[LatentDigest] {
        &self.digests
    }

    /// The encoded prompt, position by position.
    pub fn tokens(&self) -> &[Token] {
        &self.general.texts.cond.encoding.tokens
    }

    pub fn texts(&self) -> (&Texts, Option<&Texts>) {
        (&self.general.texts, self.expert.as_ref().map(|e| &e.branches.texts))
    }

    /// Makes the next step; `None` when all are made.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once `is_current`, which is asked often, says no.
    pub fn step(
        &mut self,
        cache: &mut PredictionCache,
        is_current: IsCurrent<'_>,
    ) -> Result<Option<StepRecord>, EngineError> {
        let Some(call) = self.solver.calls().get(self.next).copied() else {
            return Ok(None);
        };
        let step = self.next;
        let model_input = self.solver.scale_model_input(step, &self.latents);
        let input = StepInput {
            model_input: &model_input,
            timestep: call.timestep,
            step,
            guided: cfg::is_guided_at(self.recipe, step) && !self.converged,
            segment: self.segment,
            concepts: !self.recipe.expert_fusion().is_some_and(Fusion::is_expert_alone),
            regions: None,
            is_current,
        };
        self.general.turn_to(step);
        if let Some(expert) = &mut self.expert {
            expert.branches.turn_to(step);
        }
        let general = self.general.step(self.recipe, &input, cache)?;
        let thresholded = self.recipe.adaptive_guidance.zip(general.uncond.as_ref());
        self.converged |= thresholded.is_some_and(|(threshold, u)| cfg::converged(threshold, u, &general.cond));
        let (expert, choice) = self.expert_step(&input, call.sigma, &general, cache)?.unzip();
        let guided = match (&expert, &choice) {
            (Some(expert), Some(choice)) => {
                let share = self.recipe.expert_fusion().map_or(1.0, Fusion::expert_share);
                combine::fuse(&choice.mask, share, &general.guided, &expert.guided)
            }
            _ => general.guided.clone(),
        };
        let latents_in = self.latents.clone();
        let denoised = self.solver.denoised(step, &guided, &latents_in);
        let latents_out = self.solver.step(step, &guided, &latents_in, &mut self.noise);
        // The networks' outputs are checked where they come from; what is left is the guidance.
        if [&guided, &latents_out].iter().any(|latents| latents.values.iter().any(|v| !v.is_finite())) {
            return Err(EngineError::NotFinite { step });
        }
        self.latents = latents_out.clone();
        self.next += 1;
        self.digests.push(LatentDigest::of(&self.latents));
        let (timestep, sigma) = (call.timestep, call.sigma);
        Ok(Some(StepRecord {
            step,
            timestep,
            sigma,
            latents_in,
            general,
            expert,
            choice,
            guided,
            latents_out,
            denoised,
        }))
    }

    /// The expert's predictions, in the general model's parametrisation, and which model draws where; `None` outside
    /// the fusion's window and for the general model alone, where the expert is not evaluated at all. Where the expert
    /// draws alone, the general model has its two branches only: saliencies and regions need them.
    fn expert_step(
        &mut self,
        input: &StepInput<'_>,
        sigma: f32,
        general: &Predictions,
        cache: &mut PredictionCache,
    ) -> Result<Option<(Predictions, snb::Choice)>, EngineError> {
        let (Some(fusion), Some(expert), Some(general_uncond)) =
            (self.recipe.expert_fusion(), &mut self.expert, &general.uncond)
        else {
            return Ok(None);
        };
        if !snb::is_fused_at(fusion, input.timestep) {
            return Ok(None);
        }
        // The user's factors, locks and owners refer to the general prompt's words, so they use its regions.
        let (by, regions) = (&self.general.regions, general.regions.as_ref());
        let input = StepInput { segment: false, concepts: true, regions: regions.map(|map| (by, map)), ..*input };
        let mut predictions = expert.branches.step(self.recipe, &input, cache)?;
        convert(&mut predictions, input.model_input, sigma, expert.prediction, self.prediction);
        // Differences of predictions in any parametrisation are proportional; temperatures are meant for noise.
        let scale = sampling::epsilon_factor(self.prediction, sigma) * self.recipe.cfg_at(input.step);
        let owners = regions.and_then(|map| by.owners(&fusion.owners, map));
        let setting = snb::Setting { profile: self.recipe.profile, fusion, scale, owners: owners.as_ref() };
        let expert_uncond = predictions.uncond.as_ref().unwrap_or(general_uncond);
        let general = snb::Pair { uncond: general_uncond, cond: &general.cond };
        let choice = snb::decide(&setting, general, snb::Pair { uncond: expert_uncond, cond: &predictions.cond });
        Ok(Some((predictions, choice)))
    }
}

/// Restates the expert's predictions in the general model's parametrisation.
fn convert(p: &mut Predictions, model_input: &Latents, sigma: f32, from: PredictionType, to: PredictionType) {
    if from == to {
        return;
    }
    let restated = |x: &Latents| sampling::convert_prediction(x, model_input, sigma, from, to);
    p.guided = restated(&p.guided);
    p.cond = restated(&p.cond);
    p.uncond = p.uncond.as_ref().map(restated);
    p.concepts = p.concepts.iter().map(|c| c.as_ref().map(restated)).collect();
}

/// Channels, height and width of the latents of a recipe.
///
/// # Errors
/// [`EngineError::Size`] where the model does not draw pictures of the recipe's size.
pub fn latent_shape(recipe: &Recipe, model: &dyn Model) -> Result<[usize; 3], EngineError> {
    let (width, height, geometry) = (recipe.width, recipe.height, model.geometry());
    let multiple_of = geometry.multiple_of;
    geometry.latent_shape(width, height).ok_or(EngineError::Size { width, height, multiple_of })
}

/// Regions are cut by attention to the text, which not every family shows.
fn check_attention(recipe: &Recipe, model: &dyn Model) -> Result<(), EngineError> {
    let needed = recipe.scfg.enabled || recipe.speaks_of_regions();
    if needed && model.denoiser().levels().is_empty() {
        return Err(EngineError::NoAttention(model.denoiser().name()));
    }
    Ok(())
}

fn check_shape(given: Latents, needed: [usize; 3]) -> Result<Latents, EngineError> {
    let shape = [given.channels, given.height, given.width];
    if shape == needed { Ok(given) } else { Err(EngineError::LatentShape { given: shape, needed }) }
}

fn branches<'a>(model: &'a dyn Model, texts: Texts, timed: TimedTexts) -> Branches<'a> {
    let regions = timed.regions.first().cloned().unwrap_or_default();
    Branches { denoiser: model.denoiser(), model: model.hash().into(), texts, timed, regions, sega: Default::default() }
}

/// The texts of the first call, and those of all.
fn texts(
    recipe: &Recipe,
    encoder: &dyn Model,
    prompt: &str,
    calls: usize,
    cache: &mut PredictionCache,
) -> Result<(Texts, TimedTexts), EngineError> {
    let rules = recipe.text_rules();
    let key = |text: &str, negative| TextKey::by(encoder.hash(), text, negative, rules);
    let mut encode = |text: &str| -> Result<Text, EngineError> {
        Ok(cache.text(key(text, false), || encoder.encode_by(text, rules).and_then(model::checked_text))?)
    };
    let cond = TimedText::new(calls, |call| recipe.text_at(prompt, call), &mut encode)?;
    let concepts = recipe.active_concepts().map(|c| encode(&recipe.text_at(&c.text, 0))).collect::<Result<_, _>>()?;
    let encode_negative = |text: &str| -> Result<Text, EngineError> {
        Ok(cache.text(key(text, true), || encoder.encode_negative_by(text, rules).and_then(model::checked_text))?)
    };
    let uncond = TimedText::new(calls, |call| recipe.text_at(&recipe.negative, call), encode_negative)?;
    let texts = Texts { uncond: uncond.at(0).1.clone(), cond: cond.at(0).1.clone(), concepts };
    Ok((texts, TimedTexts { uncond, cond, regions: Vec::new() }))
}

/// In `reference` the general model's text encoder serves both; in `fixed` each model has its own.
fn prepare_expert<'a>(
    recipe: &'a Recipe,
    general: &'a dyn Model,
    expert: &'a dyn Model,
    calls: usize,
    cache: &mut PredictionCache,
) -> Result<Expert<'a>, EngineError> {
    let reasons = model::mismatches(general, expert);
    if !reasons.is_empty() {
        return Err(EngineError::ExpertMismatch(reasons.join(", and ")));
    }
    let shared_encoder = recipe.profile == Profile::Reference;
    let encoder = if shared_encoder { general } else { expert };
    let prompt = recipe.expert_prompt().unwrap_or(&recipe.prompt);
    let (texts, timed) = texts(recipe, encoder, prompt, calls, cache)?;
    // S-CFG cuts the expert's own prompt by the expert's attention: the words are others.
    let branches = branches(expert, texts, timed);
    if shared_encoder {
        let text = &branches.texts.cond;
        let prepared = cache.text_keys(&branches.model, &text.key, || branches.denoiser.prepare_text(&text.encoding));
        prepared.map_err(|error| {
            EngineError::ExpertMismatch(format!(
                "in profile reference it gets the general model's text embeddings, but {error}"
            ))
        })?;
    }
    Ok(Expert { branches, prediction: expert.schedule().prediction_type })
}

//! One run: from a recipe and loaded models to latents, step by step.

use super::{
    compatibility::{self, ModelSpec},
    error::EngineError,
    guided_step::{Branches, Predictions, StepInput, Texts},
    prediction_cache::{PredictionCache, Text, TextKey},
};
use crate::{
    fingerprint::LatentDigest,
    guidance::{
        regions::{Regions, resample},
        snb,
    },
    recipe::{Fusion, FusionRule, Profile, Recipe},
    sampling::{self, PredictionType, Solver, StepNoise},
    tensor::{Latents, Token},
    weights::LoadedModel,
};

/// How a run is made; what it draws does not depend on it, but for the noise it starts from.
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
    /// Adaptive guidance has seen enough.
    agreed: bool,
    init_latents: Latents,
    /// Before the next step, as the sampler has them.
    latents: Latents,
    next: usize,
    /// Of the latents after each step made.
    marks: Vec<LatentDigest>,
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
    /// Who draws where; absent where the models are not fused.
    pub choice: Option<snb::Choice>,
    /// What the sampler got.
    pub guided: Latents,
    pub latents_out: Latents,
    /// The prediction of the finished latents, x0.
    pub denoised: Latents,
}

impl StepRecord {
    /// U-Net evaluations of one sample each that the step took.
    pub fn evaluations(&self) -> usize {
        self.general.evaluations + self.expert.as_ref().map_or(0, |e| e.evaluations)
    }
}

impl<'a> Run<'a> {
    /// Encodes the texts and draws the noise.
    pub fn prepare(
        recipe: &'a Recipe,
        general: &'a LoadedModel,
        expert: Option<&'a LoadedModel>,
        options: Options,
        memory: &mut PredictionCache,
    ) -> Result<Self, EngineError> {
        recipe.validate()?;
        memory.begin_run();
        let shape = latent_shape(recipe, general);
        let solver = sampling::build(recipe.sampler, recipe.schedule, &general.scheduler, recipe.steps)?;
        let noise = StepNoise::new(recipe.seed, shape);
        let init_latents = match options.init_latents {
            Some(given) => check_shape(given, shape)?,
            None => noise.initial().clone(),
        };
        let sigma = solver.init_noise_sigma();
        let expert = match (recipe.expert_fusion(), expert) {
            (Some(_), Some(expert)) => Some(prepare_expert(recipe, general, expert, memory)?),
            _ => None,
        };
        let texts = texts(recipe, general, &recipe.prompt, memory)?;
        Ok(Self {
            general: Branches {
                unet: &general.unet,
                model: general.content_hash.as_str().into(),
                regions: Regions::new(recipe, &texts.cond.encoding.tokens, [shape[1], shape[2]]),
                texts,
                sega: Default::default(),
            },
            expert,
            prediction: general.scheduler.prediction_type,
            solver,
            noise,
            segment: options.segment || recipe.speaks_of_regions(),
            agreed: false,
            latents: init_latents.map(|v| v * sigma),
            init_latents,
            next: 0,
            marks: Vec::new(),
            recipe,
        })
    }

    /// U-Net calls in all; more than the recipe's steps for samplers that look twice.
    pub fn calls(&self) -> usize {
        self.solver.calls().len()
    }

    pub fn init_latents(&self) -> &Latents {
        &self.init_latents
    }

    pub fn latents(&self) -> &Latents {
        &self.latents
    }

    /// Marks of the latents after each step made so far.
    pub fn marks(&self) -> &[LatentDigest] {
        &self.marks
    }

    /// The encoded prompt, position by position.
    pub fn tokens(&self) -> &[Token] {
        &self.general.texts.cond.encoding.tokens
    }

    pub fn texts(&self) -> (&Texts, Option<&Texts>) {
        (&self.general.texts, self.expert.as_ref().map(|e| &e.branches.texts))
    }

    /// Makes the next step; `None` when all are made. `wanted` is asked often, and the step is given up once it says no.
    pub fn step(
        &mut self,
        memory: &mut PredictionCache,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<StepRecord>, EngineError> {
        let Some(call) = self.solver.calls().get(self.next).copied() else {
            return Ok(None);
        };
        let step = self.next;
        let model_input = self.solver.scale_model_input(step, &self.latents);
        let (segment, guided) = (self.segment, self.recipe.guides_at(step) && !self.agreed);
        let concepts = !self.recipe.expert_fusion().is_some_and(Fusion::is_expert_alone);
        let (model_input, timestep) = (&model_input, call.timestep);
        let input = StepInput { model_input, timestep, step, guided, segment, concepts, regions: None, wanted };
        let general = self.general.step(self.recipe, &input, memory)?;
        self.agreed |= agree(self.recipe, &general);
        let mut guided = general.guided.clone();
        let (mut expert, mut choice) = (None, None);
        if let Some((predictions, chosen)) = self.expert_step(&input, call.sigma, &general, memory)? {
            let share = self.recipe.expert_fusion().map_or(1.0, Fusion::expert_share);
            guided = snb::weighted(&chosen.mask, share, &general.guided, &predictions.guided);
            (expert, choice) = (Some(predictions), Some(chosen));
        }
        if guided.values.iter().any(|v| !v.is_finite()) {
            return Err(EngineError::NotFinite { step });
        }
        let latents_in = self.latents.clone();
        let denoised = self.solver.denoised(step, &guided, &latents_in);
        self.latents = self.solver.step(step, &guided, &latents_in, &mut self.noise);
        self.next += 1;
        self.marks.push(LatentDigest::of(&self.latents));
        Ok(Some(StepRecord {
            step,
            timestep: call.timestep,
            sigma: call.sigma,
            latents_in,
            general,
            expert,
            choice,
            guided,
            latents_out: self.latents.clone(),
            denoised,
        }))
    }

    /// The expert's predictions, in the general model's parametrisation, and who draws where; `None` outside the
    /// fusion's window and for the general model alone, where the expert is not evaluated at all. Where the expert
    /// draws alone, the general model is asked for its two branches only: saliencies and regions need them.
    fn expert_step(
        &mut self,
        input: &StepInput<'_>,
        sigma: f32,
        general: &Predictions,
        memory: &mut PredictionCache,
    ) -> Result<Option<(Predictions, snb::Choice)>, EngineError> {
        let (Some(fusion), Some(expert), Some(general_uncond)) =
            (self.recipe.expert_fusion(), &mut self.expert, &general.uncond)
        else {
            return Ok(None);
        };
        if !fusion.fuses(input.timestep) {
            return Ok(None);
        }
        // The user's factors, locks and owners speak of the general prompt's words, so they use its regions.
        let (by, regions) = (&self.general.regions, general.regions.as_ref());
        let input = StepInput { segment: false, concepts: true, regions: regions.map(|map| (by, map)), ..*input };
        let mut predictions = expert.branches.step(self.recipe, &input, memory)?;
        convert(&mut predictions, input.model_input, sigma, expert.prediction, self.prediction);
        let baseline = match (self.recipe.profile, &predictions.uncond) {
            (Profile::Fixed, Some(own)) => own,
            _ => general_uncond,
        };
        // Differences of predictions in any parametrisation are proportional; temperatures are meant for noise.
        let to_noise = sampling::noise_scale(self.prediction, sigma) * self.recipe.cfg_at(input.step);
        let response = |cond: &Latents, base: &Latents| cond.zip(base, |c, b| to_noise * (c - b));
        let mut choice = snb::choose(
            self.recipe.profile,
            &response(&general.cond, general_uncond),
            &response(&predictions.cond, baseline),
            fusion.k_g,
            fusion.k_e,
        );
        if fusion.rule == FusionRule::Saliency {
            let size = [choice.mask.height, choice.mask.width];
            if let Some(bias) = resample(&fusion.bias, size) {
                snb::apply_bias(&mut choice, fusion.k_g, fusion.k_e, &bias);
            }
            if let Some(owners) = regions.and_then(|map| by.owners(&fusion.owners, map)) {
                snb::apply_owners(&mut choice, &owners);
            }
        }
        Ok(Some((predictions, choice.apply_rule(fusion))))
    }
}

/// Whether adaptive guidance may end after this step: the predictions with and without the prompt point the same way.
fn agree(recipe: &Recipe, p: &Predictions) -> bool {
    recipe.adaptive_guidance.zip(p.uncond.as_ref()).is_some_and(|(least, uncond)| {
        let product: f64 = uncond.values.iter().zip(&p.cond.values).map(|(&u, &c)| f64::from(u) * f64::from(c)).sum();
        product > f64::from(least) * f64::from(uncond.norm()) * f64::from(p.cond.norm())
    })
}

/// Rewrites the expert's predictions as the general model would state them.
fn convert(p: &mut Predictions, model_input: &Latents, sigma: f32, from: PredictionType, to: PredictionType) {
    if from == to {
        return;
    }
    let fix = |x: &Latents| sampling::restate(x, model_input, sigma, from, to);
    p.guided = fix(&p.guided);
    p.cond = fix(&p.cond);
    p.uncond = p.uncond.as_ref().map(fix);
    p.concepts = p.concepts.iter().map(|c| c.as_ref().map(fix)).collect();
}

/// Channels, height and width of the latents of a recipe.
pub fn latent_shape(recipe: &Recipe, model: &LoadedModel) -> [usize; 3] {
    let factor = model.vae.config().factor();
    [model.unet.config().channels, recipe.height / factor, recipe.width / factor]
}

fn check_shape(given: Latents, [c, h, w]: [usize; 3]) -> Result<Latents, EngineError> {
    if [given.channels, given.height, given.width] == [c, h, w] {
        return Ok(given);
    }
    Err(EngineError::LatentShape { given: [given.channels, given.height, given.width], wanted: [c, h, w] })
}

fn texts(
    recipe: &Recipe,
    encoder: &LoadedModel,
    prompt: &str,
    memory: &mut PredictionCache,
) -> Result<Texts, EngineError> {
    let key = |text: &str, negative| TextKey::new(&encoder.content_hash, text, negative);
    let mut encode =
        |text: &str| -> Result<Text, EngineError> { Ok(memory.text(key(text, false), || encoder.encode(text))?) };
    let cond = encode(prompt)?;
    let concepts = recipe.active_concepts().map(|c| encode(&c.text)).collect::<Result<_, _>>()?;
    let uncond = memory.text(key(&recipe.negative, true), || encoder.encode_negative(&recipe.negative))?;
    Ok(Texts { uncond, cond, concepts })
}

/// In `reference` the general model's text encoder serves both; in `fixed` each model has its own.
fn prepare_expert<'a>(
    recipe: &'a Recipe,
    general: &'a LoadedModel,
    expert: &'a LoadedModel,
    memory: &mut PredictionCache,
) -> Result<Expert<'a>, EngineError> {
    check_partners(recipe.profile, general, expert)?;
    let encoder = if recipe.profile == Profile::Reference { general } else { expert };
    let prompt = recipe.expert_prompt().unwrap_or(&recipe.prompt);
    let branches = Branches {
        unet: &expert.unet,
        model: expert.content_hash.as_str().into(),
        texts: texts(recipe, encoder, prompt, memory)?,
        // S-CFG cuts the expert's own prompt by the expert's attention: the words are others.
        regions: Regions::default(),
        sega: Default::default(),
    };
    Ok(Expert { branches, prediction: expert.scheduler.prediction_type })
}

/// Whether two models can be fused; `profile` decides whose text encoder the expert listens to.
fn check_partners(profile: Profile, general: &LoadedModel, expert: &LoadedModel) -> Result<(), EngineError> {
    let reasons = compatibility::mismatches(&ModelSpec::of(general), &ModelSpec::of(expert));
    if !reasons.is_empty() {
        return Err(EngineError::ExpertMismatch(reasons.join(", and ")));
    }
    let (wanted, made) = (expert.unet.config().context_width(), general.text.width());
    if profile == Profile::Reference && wanted != made {
        return Err(EngineError::ExpertMismatch(format!(
            "in profile reference it gets the general model's text embeddings, which are {made} wide, not {wanted}"
        )));
    }
    Ok(())
}

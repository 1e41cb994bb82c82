//! One model at one step: which branches are evaluated, and what guidance makes of them.

use std::sync::Arc;

use super::prediction_cache::{CacheKey, PredictionCache, Text, TextKey};
use crate::{
    guidance::{cfg, regions::Regions, scfg, sega},
    nets::{self, AtStep, AttentionTap, NetError, Prediction, TapRequest, TextKeys, UNet},
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

/// One of the two models of a run: a U-Net, its texts and what SEGA remembers of it.
pub struct Branches<'a> {
    pub unet: &'a UNet,
    /// Content hash of the U-Net's model.
    pub model: Arc<str>,
    pub texts: Texts,
    /// What the user's settings mean by regions, where this model's attention cuts them.
    pub regions: Regions,
    pub sega: sega::State,
}

/// What one model said and what guidance made of it, in the model's own parametrisation.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Absent when the guidance scale asks for no guidance.
    pub uncond: Option<Latents>,
    pub cond: Latents,
    /// One per active concept; `None` where it was not needed.
    pub concepts: Vec<Option<Latents>>,
    /// Who owns what, by this model's attention and the user's corrections; absent where nobody asked.
    pub segmentation: Option<Arc<scfg::Segmentation>>,
    /// The region of every element as the user's settings name it; absent where nobody asked.
    pub regions: Option<Plane<u16>>,
    /// S-CFG's rate map rho, where it is on.
    pub rate: Option<Plane>,
    pub sega: Option<sega::Step>,
    /// `eps_u + guidance + SEGA`.
    pub guided: Latents,
    /// Norm of the guidance term.
    pub guidance_norm: f32,
    /// U-Net evaluations spent; what was remembered cost none.
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
    /// The regions that the user's factors and locks speak of, where another model cuts them.
    pub regions: Option<(&'a Regions, &'a Plane<u16>)>,
    pub wanted: &'a (dyn Fn() -> bool + Sync),
}

/// A U-Net at one step, asked through the memory.
struct CachedDenoiser<'a> {
    unet: &'a UNet,
    model: Arc<str>,
    question: &'a CacheKey,
    /// From the first evaluation on.
    at_step: Option<AtStep<'a>>,
    wanted: &'a (dyn Fn() -> bool + Sync),
    memory: &'a mut PredictionCache,
    /// What was evaluated beside others and is not called for yet.
    ready: Vec<(TextKey, Prediction)>,
    evaluations: usize,
}

impl<'a> CachedDenoiser<'a> {
    fn new(
        branches: &Branches<'a>,
        question: &'a CacheKey,
        wanted: &'a (dyn Fn() -> bool + Sync),
        memory: &'a mut PredictionCache,
    ) -> Self {
        let Branches { unet, ref model, .. } = *branches;
        let model = model.clone();
        Self { unet, model, question, at_step: None, wanted, memory, ready: Vec::new(), evaluations: 0 }
    }

    /// What a guided step is going to ask for and nobody remembers.
    fn missing<'t>(
        &mut self,
        recipe: &Recipe,
        texts: &'t Texts,
        concepts: &[&'t Text],
        segment: bool,
    ) -> Vec<(&'t Text, TapRequest)> {
        let (u, c, q) = (&texts.uncond, &texts.cond, self.question);
        let anew = segment && self.memory.segmentation(q, recipe.profile, &u.key, &c.key).is_none();
        let taps = if anew { self.segmenting() } else { TapRequest::none() };
        let mut missing: Vec<(&Text, TapRequest)> = Vec::new();
        let concepts = concepts.iter().map(|text| (*text, TapRequest::none(), false));
        for (text, taps, anew) in [(u, taps.clone(), anew), (c, taps, anew)].into_iter().chain(concepts) {
            let asked = missing.iter().any(|(other, _)| other.key == text.key);
            if !asked && (anew || self.memory.prediction(q, &text.key).is_none()) {
                missing.push((text, taps));
            }
        }
        missing
    }

    /// Evaluates `texts` side by side, to have them at hand when they are asked for.
    fn prefetch(&mut self, texts: Vec<(&Text, TapRequest)>) -> Result<(), NetError> {
        if texts.len() < 2 {
            return Ok(());
        }
        let keys: Vec<_> = texts.iter().map(|(text, _)| self.keys(text)).collect::<Result<_, _>>()?;
        let asked: Vec<_> = keys.iter().zip(&texts).map(|(keys, (_, taps))| (&**keys, taps)).collect();
        let wanted = self.wanted;
        let answers = self.at_step()?.predict_all(&asked, wanted);
        for (answer, (text, _)) in answers.into_iter().zip(&texts) {
            let answer = answer?;
            self.take(text, &answer);
            self.ready.push((text.key.clone(), answer));
        }
        Ok(())
    }

    /// The maps that a segmentation is made of.
    fn segmenting(&self) -> TapRequest {
        TapRequest::at(scfg::levels(&self.unet.factors()))
    }

    /// The branch of one text.
    fn branch(&mut self, text: &Text) -> Result<Latents, NetError> {
        match self.memory.prediction(self.question, &text.key) {
            Some(known) => Ok(known),
            None => Ok(self.evaluate(text, &TapRequest::none())?.output),
        }
    }

    /// Unconditional and prompt branch with the segmentation that their attention gives.
    fn segmented(
        &mut self,
        recipe: &Recipe,
        texts: &Texts,
    ) -> Result<(Latents, Latents, Arc<scfg::Segmentation>), NetError> {
        let (u, c) = (&texts.uncond, &texts.cond);
        if let Some(known) = self.memory.segmentation(self.question, recipe.profile, &u.key, &c.key) {
            return Ok((self.branch(u)?, self.branch(c)?, known));
        }
        let taps = self.segmenting();
        let (uncond, cond) = (self.evaluate(u, &taps)?, self.evaluate(c, &taps)?);
        let size = [cond.output.height, cond.output.width];
        let segmentation = scfg::segment(recipe.profile, &attention(cond.taps), &attention(uncond.taps), size)?;
        let segmentation = Arc::new(segmentation);
        self.memory.insert_segmentation(self.question, recipe.profile, &u.key, &c.key, &segmentation);
        Ok((uncond.output, cond.output, segmentation))
    }

    fn evaluate(&mut self, text: &Text, taps: &TapRequest) -> Result<Prediction, NetError> {
        if let Some(i) = self.ready.iter().position(|(key, _)| *key == text.key) {
            return Ok(self.ready.swap_remove(i).1);
        }
        let (keys, wanted) = (self.keys(text)?, self.wanted);
        let answer = self.at_step()?.predict(&keys, taps, wanted)?;
        self.take(text, &answer);
        Ok(answer)
    }

    fn take(&mut self, text: &Text, answer: &Prediction) {
        self.evaluations += 1;
        self.memory.insert_prediction(self.question, &text.key, &answer.output);
    }

    fn keys(&mut self, text: &Text) -> Result<Arc<TextKeys>, NetError> {
        let unet = self.unet;
        self.memory.text_keys(&self.model, &text.key, || unet.read_text(&text.encoding))
    }

    fn at_step(&mut self) -> Result<&mut AtStep<'a>, NetError> {
        let (unet, q) = (self.unet, self.question);
        Ok(match &mut self.at_step {
            Some(at_step) => at_step,
            none => {
                let shifts = self.memory.time_shifts(&self.model, q.timestep(), || unet.time_shifts(q.timestep()));
                none.insert(unet.at_step(q.model_input(), q.timestep(), shifts)?)
            }
        })
    }
}

fn attention(taps: Vec<AttentionTap>) -> Vec<scfg::Attention> {
    let convert = |t: AttentionTap| scfg::Attention { grid: t.grid, self_map: t.self_map, cross_map: t.cross_map };
    taps.into_iter().map(convert).collect()
}

impl Branches<'_> {
    /// Evaluates the branches that `recipe` needs at this step, or remembers them, and combines them.
    pub fn step(
        &mut self,
        recipe: &Recipe,
        input: &StepInput<'_>,
        memory: &mut PredictionCache,
    ) -> Result<Predictions, NetError> {
        nets::with_workers(self.unet.device(), || self.evaluate(recipe, input, memory))
    }

    fn evaluate(
        &mut self,
        recipe: &Recipe,
        input: &StepInput<'_>,
        memory: &mut PredictionCache,
    ) -> Result<Predictions, NetError> {
        let question = &CacheKey::new(self.model.clone(), input.timestep, input.model_input.clone());
        let mut asker = CachedDenoiser::new(self, question, input.wanted, memory);
        if !input.guided {
            let cond = asker.branch(&self.texts.cond)?;
            return Ok(unguided(cond, self.texts.concepts.len(), asker.evaluations));
        }
        let active: Vec<Concept> = recipe.active_concepts().filter(|_| input.concepts).cloned().collect();
        let acting = active.iter().zip(&self.texts.concepts).filter(|(c, _)| acts(c, recipe, input.step));
        let acting: Vec<&Text> = acting.map(|(_, text)| text).collect();
        let segment = recipe.scfg.enabled || input.segment;
        let missing = asker.missing(recipe, &self.texts, &acting, segment);
        asker.prefetch(missing)?;
        let (uncond, cond, segmentation) = if segment {
            let (uncond, cond, segmentation) = asker.segmented(recipe, &self.texts)?;
            (uncond, cond, Some(self.regions.correct(recipe.profile, segmentation)))
        } else {
            (asker.branch(&self.texts.uncond)?, asker.branch(&self.texts.cond)?, None)
        };
        let own = segmentation.as_ref().map(|s| self.regions.of_owners(&s.region()));
        let regions = input.regions.or(own.as_ref().map(|own| (&self.regions, own)));
        let rate = segmentation.as_ref().filter(|_| recipe.scfg.enabled);
        let g = recipe.cfg_at(input.step);
        let rate = rate.map(|s| scfg::rate(recipe.profile, &recipe.scfg, g, s, &uncond, &cond));
        let guidance = match strength(recipe, rate.as_ref(), regions) {
            Some(map) => scfg::term(g, &map, &uncond, &cond),
            None => cfg::term(g, &uncond, &cond),
        };
        let mut guided = uncond.zip(&guidance, |u, g| u + g);

        let concepts = concept_branches(&mut asker, recipe, &active, &self.texts.concepts, input.step)?;
        let evaluations = asker.evaluations;
        let sega = (!active.is_empty()).then(|| {
            let locks: Vec<_> = active.iter().map(|c| regions.and_then(|(by, map)| by.lock(c, map))).collect();
            let setting = sega::Setting { concepts: &active, locks: &locks, momentum: recipe.momentum };
            sega::step(&mut self.sega, &setting, recipe.profile, input.step, &uncond, &concepts)
        });
        if let Some(s) = &sega {
            guided = guided.zip(&s.term, |e, t| e + t);
        }
        let guidance_norm = guidance.norm();
        Ok(Predictions {
            uncond: Some(uncond),
            cond,
            concepts,
            segmentation,
            regions: own,
            rate,
            sega,
            guided,
            guidance_norm,
            evaluations,
        })
    }
}

/// What the guidance is multiplied by, element by element: `rho * override`; `None` where that is 1 everywhere.
fn strength(recipe: &Recipe, rate: Option<&Plane>, regions: Option<(&Regions, &Plane<u16>)>) -> Option<Plane> {
    let factors = regions.and_then(|(by, map)| by.factors(recipe, map));
    match (rate, factors) {
        (Some(rate), Some(mut factors)) => {
            factors.values.iter_mut().zip(&rate.values).for_each(|(f, rho)| *f *= rho);
            Some(factors)
        }
        (Some(rate), None) => Some(rate.clone()),
        (None, factors) => factors,
    }
}

/// Without guidance the prompt's own prediction is all there is.
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

/// Whether a concept's branch is needed at this step.
fn acts(concept: &Concept, recipe: &Recipe, step: usize) -> bool {
    concept.matters_at(step, recipe.momentum, recipe.profile)
}

fn concept_branches(
    asker: &mut CachedDenoiser<'_>,
    recipe: &Recipe,
    active: &[Concept],
    texts: &[Text],
    step: usize,
) -> Result<Vec<Option<Latents>>, NetError> {
    let one = |(concept, text): (&Concept, &Text)| {
        if acts(concept, recipe, step) { asker.branch(text).map(Some) } else { Ok(None) }
    };
    active.iter().zip(texts).map(one).collect()
}

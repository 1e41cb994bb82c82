//! One model at one step: which branches are evaluated, and what guidance makes of them.

use crate::{
    field::Latents,
    guidance::{cfg, scfg, sega},
    nets::{AttentionTap, NetError, Prediction, TapRequest, TextEncoding, UNet},
    recipe::{Concept, Recipe},
};

/// The texts of one model, encoded by the encoder that its profile says.
pub struct Texts {
    pub uncond: TextEncoding,
    pub cond: TextEncoding,
    /// One per active concept.
    pub concepts: Vec<TextEncoding>,
}

/// One of the two models of a run: a U-Net, its texts and what SEGA remembers of it.
pub struct Branches<'a> {
    pub unet: &'a UNet,
    pub texts: Texts,
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
    pub scfg: Option<ScfgStep>,
    pub sega: Option<sega::Step>,
    /// `eps_u + guidance + SEGA`.
    pub guided: Latents,
    /// Norm of the guidance term.
    pub guidance_norm: f32,
    /// U-Net evaluations spent.
    pub evaluations: usize,
}

#[derive(Clone, Debug)]
pub struct ScfgStep {
    pub segmentation: scfg::Segmentation,
    pub rate: crate::field::Plane,
}

/// What every branch of a step shares.
pub struct StepInput<'a> {
    /// Latents as scaled for the model.
    pub model_input: &'a Latents,
    pub timestep: f32,
    /// Index of the call, counted from 0: what warm-ups and cool-downs count.
    pub step: usize,
    pub wanted: &'a (dyn Fn() -> bool + Sync),
}

impl Branches<'_> {
    /// Evaluates the branches that `recipe` needs at this step and combines them.
    pub fn step(&mut self, recipe: &Recipe, input: &StepInput<'_>) -> Result<Predictions, NetError> {
        if !cfg::is_guided(recipe.cfg) {
            let cond = self.evaluate(&self.texts.cond, &TapRequest::none(), input)?.output;
            let guided = cond.clone();
            let concepts = vec![None; self.texts.concepts.len()];
            return Ok(Predictions {
                uncond: None,
                cond,
                concepts,
                scfg: None,
                sega: None,
                guided,
                guidance_norm: 0.0,
                evaluations: 1,
            });
        }
        let levels = if recipe.scfg.enabled { scfg::levels(&self.unet.factors()) } else { Vec::new() };
        let taps = TapRequest::at(levels);
        let Prediction { output: uncond, taps: uncond_taps } = self.evaluate(&self.texts.uncond, &taps, input)?;
        let Prediction { output: cond, taps: cond_taps } = self.evaluate(&self.texts.cond, &taps, input)?;

        let scfg = (!cond_taps.is_empty()).then(|| scfg_step(recipe, cond_taps, uncond_taps, &uncond, &cond));
        let guidance = match &scfg {
            Some(s) => scfg::term(recipe.cfg, &s.rate, &uncond, &cond),
            None => cfg::term(recipe.cfg, &uncond, &cond),
        };
        let active: Vec<Concept> = recipe.active_concepts().cloned().collect();
        let concepts = self.concept_predictions(recipe, &active, input)?;
        let sega = (!active.is_empty()).then(|| {
            sega::step(&mut self.sega, &active, recipe.momentum, recipe.profile, input.step, &uncond, &concepts)
        });
        let mut guided = uncond.zip(&guidance, |u, g| u + g);
        if let Some(s) = &sega {
            guided = guided.zip(&s.term, |e, t| e + t);
        }
        Ok(Predictions {
            evaluations: 2 + concepts.iter().flatten().count(),
            guidance_norm: guidance.norm(),
            uncond: Some(uncond),
            cond,
            concepts,
            scfg,
            sega,
            guided,
        })
    }

    fn concept_predictions(
        &self,
        recipe: &Recipe,
        active: &[Concept],
        input: &StepInput<'_>,
    ) -> Result<Vec<Option<Latents>>, NetError> {
        let one = |(concept, text): (&Concept, &TextEncoding)| {
            if sega::needs_prediction(concept, recipe.momentum, input.step, recipe.profile) {
                Ok(Some(self.evaluate(text, &TapRequest::none(), input)?.output))
            } else {
                Ok(None)
            }
        };
        active.iter().zip(&self.texts.concepts).map(one).collect()
    }

    fn evaluate(&self, text: &TextEncoding, taps: &TapRequest, input: &StepInput<'_>) -> Result<Prediction, NetError> {
        self.unet.predict(input.model_input, input.timestep, text, taps, input.wanted)
    }
}

fn scfg_step(
    recipe: &Recipe,
    cond_taps: Vec<AttentionTap>,
    uncond_taps: Vec<AttentionTap>,
    uncond: &Latents,
    cond: &Latents,
) -> ScfgStep {
    let attention = |taps: Vec<AttentionTap>| -> Vec<scfg::Attention> {
        let convert = |t: AttentionTap| scfg::Attention {
            factor: t.factor,
            grid: t.grid,
            self_map: t.self_map,
            cross_map: t.cross_map,
        };
        taps.into_iter().map(convert).collect()
    };
    let size = [cond.height, cond.width];
    let segmentation = scfg::segment(recipe.profile, &attention(cond_taps), &attention(uncond_taps), size);
    let rate = scfg::rate(recipe.profile, &recipe.scfg, recipe.cfg, &segmentation, uncond, cond);
    ScfgStep { segmentation, rate }
}

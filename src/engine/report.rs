//! From the record of a step to the report that panels show.
//!
//! Apart because a run without a window makes no reports.

use std::{sync::Arc, time::Duration};

use super::{
    event::{ConceptReport, FusionReport, Norms, ScfgReport, StepReport},
    guided_step::Predictions,
    ledger::ledger,
    run::StepRecord,
};
use crate::{
    guidance::{scfg, sega, snb},
    recipe::{Concept, Fusion, Recipe},
    tensor::{Latents, Picture, Plane},
};

/// The report of one step. `preview` is the picture of its x0 prediction, `approximate` if it is only approximate.
pub fn step_report(
    recipe: &Recipe,
    record: &StepRecord,
    calls: usize,
    (preview, approximate): (Arc<Picture>, bool),
    elapsed: Duration,
) -> StepReport {
    let general = &record.general;
    // The model whose guidance the picture follows: the expert where it draws alone.
    let alone = recipe.expert_fusion().is_some_and(Fusion::is_expert_alone);
    let lead = record.expert.as_ref().filter(|_| alone).unwrap_or(general);
    StepReport {
        step: record.step,
        calls,
        timestep: record.timestep,
        sigma: record.sigma,
        preview,
        approximate,
        evaluations: record.evaluations(),
        scfg: general.segmentation.as_ref().map(|s| Arc::new(scfg_report(s, lead.rate.as_ref()))),
        concepts: concept_reports(recipe, lead),
        fusion: fusion_report(recipe, record.choice.as_ref(), &record.latents_in),
        norms: Norms {
            guidance: lead.guidance_norm,
            sega: lead.sega.as_ref().map_or(0.0, |s| s.term.norm()),
            guided: record.guided.norm(),
        },
        ledger: ledger(recipe, record.step, general),
        elapsed,
    }
}

/// Without S-CFG the rate is 1 everywhere.
fn scfg_report(segmentation: &scfg::Segmentation, rate: Option<&Plane>) -> ScfgReport {
    let region = segmentation.region();
    let rate = rate.cloned().unwrap_or_else(|| Plane::filled(region.height, region.width, 1.0));
    let attention = attention_shares(&segmentation.tokens);
    ScfgReport::new(region, segmentation.foreground.clone(), rate, attention)
}

/// Maps of every token, each element's values divided by their sum.
fn attention_shares(tokens: &[Plane]) -> Vec<Plane> {
    let area = tokens.first().map_or(0, |map| map.values.len());
    let sum = |p: usize| tokens.iter().map(|map| map.values[p]).sum::<f32>().max(f32::MIN_POSITIVE);
    let sums: Vec<f32> = (0..area).map(sum).collect();
    let share = |map: &Plane| {
        let values = map.values.iter().zip(&sums).map(|(value, sum)| value / sum);
        Plane::new(map.height, map.width, values.collect())
    };
    tokens.iter().map(share).collect()
}

fn concept_reports(recipe: &Recipe, drawn: &Predictions) -> Vec<Arc<ConceptReport>> {
    let Some(sega) = &drawn.sega else { return Vec::new() };
    let report = |(concept, step): (&Concept, &sega::ConceptStep)| {
        let mask = changed_channels(step, &drawn.cond);
        let changed = mask.values.iter().filter(|&&v| v > 0.0).count();
        Arc::new(ConceptReport {
            id: concept.id,
            text: concept.text.clone(),
            active: step.active,
            magnitude: step.magnitude.clone(),
            share: changed as f32 / mask.values.len() as f32,
            mask,
            norm: step.norm,
        })
    };
    recipe.active_concepts().zip(&sega.concepts).map(report).collect()
}

/// Share of the channels that the concept may change, element by element: none where its strength or its weight is 0, for
/// which every element is at the quantile.
fn changed_channels(step: &sega::ConceptStep, shape: &Latents) -> Plane {
    let area = shape.area();
    let mut share = Plane::filled(shape.height, shape.width, 0.0);
    if let Some(mask) = step.mask.as_ref().filter(|_| step.norm > 0.0) {
        for (i, _) in mask.iter().enumerate().filter(|(_, keep)| **keep) {
            share.values[i % area] += 1.0 / shape.channels as f32;
        }
    }
    share
}

/// With a fusion in the recipe, a report at every step; outside its window the general model draws everything.
fn fusion_report(recipe: &Recipe, choice: Option<&snb::Choice>, shape: &Latents) -> Option<Arc<FusionReport>> {
    let fusion = recipe.active_fusion()?;
    let blank = || Plane::filled(shape.height, shape.width, 0.0);
    let report = match choice {
        Some(c) => FusionReport {
            active: true,
            saliency_general: c.saliency_general.clone(),
            saliency_expert: c.saliency_expert.clone(),
            share: fusion.expert_share() * c.mask.values.iter().map(|&m| f32::from(m)).sum::<f32>()
                / c.mask.values.len() as f32,
            mask: c.mask.clone(),
        },
        None => FusionReport {
            active: false,
            saliency_general: blank(),
            saliency_expert: blank(),
            mask: Plane::filled(shape.height, shape.width, 0),
            share: 0.0,
        },
    };
    Some(Arc::new(report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Momentum, Profile};

    #[test]
    fn a_concept_at_zero_touches_nothing() {
        let uncond = Latents::zeros(2, 3, 3);
        let prediction = uncond.like((0..18).map(|v| v as f32 - 9.0).collect());
        let touched = |strength: f32, weight: f32| {
            let concept =
                Concept { text: "x".into(), strength, weight, warmup: 0, threshold: 0.5, ..Concept::default() };
            let setting = sega::Setting { concepts: &[concept], locks: &[None], momentum: Momentum::default() };
            let predictions = [Some(prediction.clone())];
            let step = sega::step(&mut sega::State::default(), &setting, Profile::Fixed, 5, &uncond, &predictions);
            changed_channels(&step.concepts[0], &uncond).values.iter().filter(|&&share| share > 0.0).count()
        };
        assert!(touched(4.0, 1.0) > 0);
        assert_eq!((touched(0.0, 1.0), touched(4.0, 0.0)), (0, 0));
    }
}

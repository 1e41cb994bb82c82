//! Every number under the pointer.
//!
//! Apart from its tooltip so that it can be tested without a window.

use egui::Color32;

use crate::{
    engine::StepReport,
    recipe::Recipe,
    studio::{document::regions::labels::RegionLabels, view::maps::region_color},
};

/// The values of all maps at one place of a picture at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// In picture pixels.
    pub picture: [usize; 2],
    /// Element of the latent grid, when a map says how large that grid is.
    pub latent: Option<[usize; 2]>,
    pub region: Option<RegionProbe>,
    pub concepts: Vec<ConceptProbe>,
    pub fusion: Option<FusionProbe>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RegionProbe {
    pub position: usize,
    pub name: String,
    pub color: Color32,
    /// Its rank by area among the regions that occur, from 1, and their count.
    pub rank: usize,
    pub regions: usize,
    pub rate: f32,
    /// Guidance scale times rate, times the user's own factors.
    pub effective: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ConceptProbe {
    pub text: String,
    pub magnitude: f32,
    pub touched: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FusionProbe {
    pub general: f32,
    pub expert: f32,
    pub expert_draws: bool,
}

/// The element of a `width` by `height` map under a place given as shares of the picture's sides.
fn element(u: f32, v: f32, width: usize, height: usize) -> [usize; 2] {
    let at = |t: f32, n: usize| ((t.clamp(0.0, 1.0) * n as f32) as usize).min(n.saturating_sub(1));
    [at(u, width), at(v, height)]
}

/// The painted factor at a place.
fn painted_factor(recipe: &Recipe, u: f32, v: f32) -> f32 {
    let [h, w] = recipe.painted_factor.size();
    if h * w == 0 {
        return 1.0;
    }
    let [x, y] = element(u, v, w, h);
    1.0 + f32::from(recipe.painted_factor.at(y, x)) / 100.0
}

/// Reads a report of a run of `recipe` at a place given as shares `u`, `v` of the sides of a picture of `size` pixels.
pub fn probe(report: &StepReport, recipe: &Recipe, names: &RegionLabels, size: [usize; 2], u: f32, v: f32) -> Probe {
    let grid = report
        .scfg
        .as_ref()
        .map(|s| [s.region.width, s.region.height])
        .or_else(|| report.concepts.first().map(|c| [c.magnitude.width, c.magnitude.height]))
        .or_else(|| report.fusion.as_ref().map(|f| [f.mask.width, f.mask.height]));
    let region = report.scfg.as_ref().map(|scfg| {
        let [x, y] = element(u, v, scfg.region.width, scfg.region.height);
        let position = names.region_of(usize::from(scfg.region.at(y, x)));
        let shares = names.shares(scfg);
        let rank = shares.iter().position(|(p, _)| *p == position).map_or(0, |i| i + 1);
        let rate = scfg.rate.at(y, x);
        let (name, color) = (names.name(position), region_color(names, position));
        let effective =
            recipe.cfg_at(report.step) * rate * recipe.region_factor(position) * painted_factor(recipe, u, v);
        RegionProbe { position, name, color, rank, regions: shares.len(), rate, effective }
    });
    let concepts = report.concepts.iter().map(|concept| {
        let [x, y] = element(u, v, concept.magnitude.width, concept.magnitude.height);
        let touched = concept.active && concept.mask.at(y, x) > 0.0;
        ConceptProbe { text: concept.text.clone(), magnitude: concept.magnitude.at(y, x), touched }
    });
    let fusion = report.fusion.as_ref().map(|fusion| {
        let [x, y] = element(u, v, fusion.mask.width, fusion.mask.height);
        FusionProbe {
            general: fusion.saliency_general.at(y, x),
            expert: fusion.saliency_expert.at(y, x),
            expert_draws: fusion.active && fusion.mask.at(y, x) != 0,
        }
    });
    Probe {
        picture: element(u, v, size[0], size[1]),
        latent: grid.map(|[w, h]| element(u, v, w, h)),
        region,
        concepts: concepts.collect(),
        fusion,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        engine::{ConceptReport, FusionReport, Ledger, Norms, ScfgReport, Token, TokenKind},
        recipe::{Paint, RegionFactor},
        tensor::{Picture, Plane},
    };

    fn report() -> StepReport {
        let plane = |values: [f32; 4]| Plane::new(2, 2, values.to_vec());
        StepReport {
            approximate: false,
            evaluations: 2,
            step: 9,
            calls: 20,
            timestep: 500.0,
            sigma: 3.0,
            preview: Arc::new(Picture { width: 16, height: 16, rgb: vec![0; 768] }),
            scfg: Some(Arc::new(ScfgReport {
                region: Plane::new(2, 2, vec![0, 2, 2, 2]),
                foreground: Plane::filled(2, 2, 1),
                attention: Vec::new(),
                rate: plane([1.0, 1.34, 1.5, 1.6]),
                shares: vec![(2, 0.75), (0, 0.25)],
            })),
            concepts: vec![Arc::new(ConceptReport {
                id: crate::recipe::ConceptId(1),
                text: "sunglasses".into(),
                active: true,
                magnitude: plane([0.1, 0.81, 0.2, 0.3]),
                mask: plane([0.0, 0.5, 0.0, 0.0]),
                share: 0.25,
                norm: 1.0,
            })],
            fusion: Some(Arc::new(FusionReport {
                active: true,
                saliency_general: plane([0.1, 0.42, 0.0, 0.0]),
                saliency_expert: plane([0.2, 0.31, 0.0, 0.0]),
                mask: Plane::new(2, 2, vec![1, 0, 0, 0]),
                share: 0.25,
            })),
            norms: Norms::default(),
            ledger: Ledger::default(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn every_number_is_the_one_under_the_pointer() {
        let tokens = vec![Token { position: 2, text: "cat".into(), kind: TokenKind::Word }];
        let names = RegionLabels::new(Arc::new(tokens), Vec::new());
        let probe = probe(&report(), &Recipe::default(), &names, [16, 16], 0.75, 0.25);
        assert_eq!((probe.picture, probe.latent), ([12, 4], Some([1, 0])));
        let region = probe.region.expect("a region");
        assert_eq!((region.name.as_str(), region.rank, region.regions), ("cat", 1, 2));
        assert!((region.rate - 1.34).abs() < 1e-6 && (region.effective - 6.7).abs() < 1e-5);
        assert_eq!((probe.concepts[0].magnitude, probe.concepts[0].touched), (0.81, true));
        let mut strong = Recipe { painted_factor: Paint::blank(2, 2), ..Recipe::default() };
        strong.painted_factor.set(0, 1, -50);
        strong.regions = vec![RegionFactor { position: 2, factor: 3.0 }];
        let own = super::probe(&report(), &strong, &names, [16, 16], 0.75, 0.25).region.map(|r| r.effective);
        assert!(own.is_some_and(|e| (e - 6.7 * 3.0 * 0.5).abs() < 1e-4), "{own:?}");
        let fusion = FusionProbe { general: 0.42, expert: 0.31, expert_draws: false };
        assert_eq!(probe.fusion, Some(fusion));
    }

    #[test]
    fn the_far_corner_is_still_inside() {
        let probe = probe(&report(), &Recipe::default(), &RegionLabels::default(), [16, 16], 1.0, 1.0);
        assert_eq!((probe.picture, probe.latent), ([15, 15], Some([1, 1])));
        assert_eq!(probe.region.map(|r| r.name), Some("background".into()), "unknown tokens are background");
    }

    #[test]
    fn a_concept_that_waits_touches_nothing() {
        let mut waiting = report();
        let concept = Arc::new(ConceptReport { active: false, ..(*waiting.concepts[0]).clone() });
        waiting.concepts = vec![concept];
        assert!(
            !probe(&waiting, &Recipe::default(), &RegionLabels::default(), [16, 16], 0.75, 0.25).concepts[0].touched
        );
    }
}

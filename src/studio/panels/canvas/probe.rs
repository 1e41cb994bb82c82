//! Every number under the pointer.
//!
//! Apart from its tooltip so that it can be tested without a window.

use egui::Color32;

use crate::{
    engine::{FusionReport, StepReport},
    guidance::snb,
    recipe::{FusionRule, Owner, Recipe},
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
    /// What was compared: both models' log-saliency after sharpness, the painted bias on the expert's; `None` where nothing
    /// was compared.
    pub compared: Option<[f32; 2]>,
    pub expert_draws: bool,
    /// Which model draws here, and why.
    pub sentence: String,
}

/// The element of a `width` by `height` map under a place given as shares of the picture's sides.
pub(super) fn element(u: f32, v: f32, width: usize, height: usize) -> [usize; 2] {
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
    let owner = region.as_ref().map(|region| region.position);
    let fusion = report.fusion.as_ref().map(|shown| fusion_probe(shown, recipe, names, owner, [u, v]));
    Probe {
        picture: element(u, v, size[0], size[1]),
        latent: grid.map(|[w, h]| element(u, v, w, h)),
        region,
        concepts: concepts.collect(),
        fusion,
    }
}

/// What decided which model draws at a place in the region `region`.
fn fusion_probe(
    shown: &FusionReport,
    recipe: &Recipe,
    names: &RegionLabels,
    region: Option<usize>,
    [u, v]: [f32; 2],
) -> FusionProbe {
    let [x, y] = element(u, v, shown.mask.width, shown.mask.height);
    let expert_draws = shown.active && shown.mask.at(y, x) != 0;
    let who = if expert_draws { "The expert" } else { "The general model" };
    let said = |sentence: String| FusionProbe { compared: None, expert_draws, sentence };
    let Some(fusion) = recipe.active_fusion().filter(|_| shown.active) else {
        return said(format!("{who} draws: at this step the models are not fused."));
    };
    match fusion.rule {
        FusionRule::Saliency => {}
        FusionRule::Mask => return said(format!("{who} draws: the given mask says so.")),
        FusionRule::General | FusionRule::Expert => return said(format!("{who} draws alone.")),
        FusionRule::Weighted => {
            return said(format!("Both draw: the expert gives {:.0} % of the noise.", 100.0 * fusion.weight));
        }
    }
    let owner = region.map_or(Owner::Saliency, |region| fusion.region_owner(&recipe.groups, region));
    if let (true, Some(region)) = (owner != Owner::Saliency, region) {
        return said(format!("{who} draws: you gave it {}.", names.name(region)));
    }
    let [general, expert] = snb::compared(fusion, &shown.saliency_general, &shown.saliency_expert);
    let at = y * shown.mask.width + x;
    let [general, expert] = [general[at], expert[at]];
    let (more, less) = if expert_draws { (expert, general) } else { (general, expert) };
    let sentence = format!("{who} draws: its log-saliency after sharpness is larger, {more:.2} against {less:.2}.");
    FusionProbe { compared: Some([general, expert]), expert_draws, sentence }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        engine::{ConceptReport, FusionReport, Ledger, Norms, ScfgReport, Token, TokenKind},
        recipe::{Fusion, Paint, RegionFactor, RegionOwner},
        tensor::{Picture, Plane},
    };

    pub fn report() -> StepReport {
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
        let fusion = probe.fusion.expect("a fusion");
        assert_eq!(
            fusion.sentence, "The general model draws: at this step the models are not fused.",
            "no fusion in it"
        );
    }

    #[test]
    fn the_card_shows_the_values_that_were_compared_and_who_won() {
        let fused = |fusion: Fusion| {
            let recipe = Recipe { fusion: Some(Fusion { enabled: true, ..fusion }), ..Recipe::default() };
            let tokens = vec![Token { position: 2, text: "cat".into(), kind: TokenKind::Word }];
            let names = RegionLabels::new(Arc::new(tokens), Vec::new());
            probe(&report(), &recipe, &names, [16, 16], 0.75, 0.25).fusion.expect("a fusion")
        };
        // Raw saliencies 0.42 and 0.31; sharper, the expert's sum over the picture is larger than its peak here.
        let [sharp, flat] = [8.0, 1.0].map(|k_e| fused(Fusion { k_e, ..Fusion::default() }));
        let log = |k: f32, map: [f32; 4], at: usize| k * map[at] - map.iter().map(|v| (k * v).exp()).sum::<f32>().ln();
        let (general, expert) = ([0.1, 0.42, 0.0, 0.0], [0.2, 0.31, 0.0, 0.0]);
        for (probe, k) in [(&sharp, 8.0), (&flat, 1.0)] {
            let [g, e] = probe.compared.expect("compared");
            assert!((g - log(1.0, general, 1)).abs() < 1e-4 && (e - log(k, expert, 1)).abs() < 1e-4, "{probe:?}");
        }
        let numbers = flat.compared.map(|[g, e]| format!("{g:.2} against {e:.2}")).unwrap_or_default();
        assert_eq!(
            flat.sentence,
            format!("The general model draws: its log-saliency after sharpness is larger, {numbers}.")
        );
        let owners = vec![RegionOwner { position: 2, owner: Owner::General }];
        assert_eq!(fused(Fusion { owners, ..Fusion::default() }).sentence, "The general model draws: you gave it cat.");
        let rule = |rule| fused(Fusion { rule, ..Fusion::default() }).sentence;
        assert_eq!(rule(FusionRule::Weighted), "Both draw: the expert gives 50 % of the noise.");
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

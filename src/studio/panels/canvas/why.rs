//! Why a pixel is as it is: a sentence for each method, and the equation of its element with its numbers.
//!
//! Apart from the card that shows it, so that what is said can be tested and copied without a window.

use super::probe::{self, Probe, RegionProbe};
use crate::{
    engine::{ConceptReport, ScfgReport, StepReport},
    recipe::{Concept, Recipe, first_of},
    studio::document::regions::labels::RegionLabels,
    tensor::Plane,
};

/// What is said of one element at one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    pub title: String,
    /// The method's short name and its sentence.
    pub sentences: Vec<(&'static str, String)>,
    /// The equation, then its parts with their numbers.
    pub equation: Vec<String>,
}

impl Why {
    /// All of it as text.
    pub fn text(&self) -> String {
        let said = self.sentences.iter().map(|(method, sentence)| format!("{method}: {sentence}"));
        std::iter::once(self.title.clone())
            .chain(said)
            .chain(self.equation.iter().cloned())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// A run's recipe and words, for one of its steps.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub report: &'a StepReport,
    pub recipe: &'a Recipe,
    pub labels: &'a RegionLabels,
}

/// The step at a place given as shares `u`, `v` of the sides of a picture of `size` pixels.
pub fn why(run: Run<'_>, size: [usize; 2], [u, v]: [f32; 2]) -> Why {
    let probe = probe::probe(run.report, run.recipe, run.labels, size, u, v);
    let [x, y] = probe.picture;
    let title = format!("Pixel {x}, {y} at step {} of {}", run.report.step + 1, run.report.calls);
    let mut sentences = vec![("S-CFG", of_region(run, &probe, [u, v]))];
    sentences.extend(run.report.concepts.iter().map(|report| ("SEGA", of_concept(run, report, &probe, [u, v]))));
    sentences.extend(probe.fusion.iter().map(|fusion| ("SNB", of_fusion(fusion))));
    let equation = equation(run, &probe, [u, v]);
    Why { title, sentences, equation }
}

/// Whose region it is, and at which rate it is guided.
fn of_region(run: Run<'_>, probe: &Probe, place: [f32; 2]) -> String {
    let Some(region) = &probe.region else {
        return "this step was not guided, so no region is known.".to_owned();
    };
    let scale = run.recipe.cfg_at(run.report.step);
    let whose = run.report.scfg.as_ref().and_then(|scfg| attention(run.labels, scfg, region.position, place));
    let whose = whose.map_or_else(|| format!("it belongs to {}.", region.name), |shares| shares.sentence(&region.name));
    let own = region.effective / (scale * region.rate);
    let own = if region.rate > 0.0 && (own - 1.0).abs() > 1e-3 {
        format!(", times your own {own:.2}")
    } else {
        String::new()
    };
    let rate = match run.recipe.scfg.enabled {
        false => format!("S-CFG is off: the scale is {scale:.1} everywhere{own}."),
        true if region.rate > 1.005 => format!(
            "its guidance is weak there, so the rate lifts it: {scale:.1} × {:.2}{own} = {:.2}.",
            region.rate, region.effective
        ),
        true if region.rate < 0.995 => format!(
            "its guidance is strong there, so the rate lowers it: {scale:.1} × {:.2}{own} = {:.2}.",
            region.rate, region.effective
        ),
        true => format!("the rate leaves its guidance as it is: {scale:.1} × 1.00{own} = {:.2}.", region.effective),
    };
    format!("{whose} {}{}", rate[..1].to_uppercase(), &rate[1..])
}

/// The shares of the attention of the token that owns an element, and of the largest one of another region.
struct Shares {
    own: f32,
    next: Option<(String, f32)>,
}

impl Shares {
    fn sentence(&self, name: &str) -> String {
        let next = self.next.as_ref().filter(|(_, share)| *share > 0.0);
        let next = next.map_or(String::new(), |(other, share)| format!(" (next: {other}, {:.0} %)", 100.0 * share));
        format!("it belongs to {name}, whose token has the largest attention here: {:.0} %{next}.", 100.0 * self.own)
    }
}

/// Each token counts for itself: the background is many tokens, of which none need be large.
fn attention(labels: &RegionLabels, scfg: &ScfgReport, owner: usize, [u, v]: [f32; 2]) -> Option<Shares> {
    let share = |(position, map): (usize, &Plane)| {
        let [x, y] = probe::element(u, v, map.width, map.height);
        (labels.region_of(position), map.at(y, x))
    };
    let shares: Vec<(usize, f32)> = scfg.attention.iter().enumerate().map(share).collect();
    let (own, others): (Vec<_>, Vec<_>) = shares.into_iter().partition(|(region, _)| *region == owner);
    let largest = |list: Vec<(usize, f32)>| list.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let next = largest(others).map(|(region, share)| (labels.name(region), share));
    Some(Shares { own: largest(own)?.1, next })
}

/// Whether a concept touched it, how far, or why not.
fn of_concept(run: Run<'_>, report: &ConceptReport, probe: &Probe, [u, v]: [f32; 2]) -> String {
    let text = report.text.trim();
    let concept = run.recipe.concept(report.id);
    let Some(concept) = concept else { return format!("{text} is no longer in the recipe.") };
    let [x, y] = probe::element(u, v, report.magnitude.width, report.magnitude.height);
    let (magnitude, mask) = (report.magnitude.at(y, x), report.mask.at(y, x));
    let strength = concept.strength_at(run.report.step);
    if report.active && mask > 0.0 && strength != 0.0 {
        let toward = if strength < 0.0 { "away from" } else { "towards" };
        return format!(
            "{text} touched it in {:.0} % of the channels and moved it {toward} {text}: direction {magnitude:.3}, strength {strength:+.1}.",
            100.0 * mask
        );
    }
    format!("{text} did not touch it: {}.", untouched(run, concept, report, probe))
}

fn untouched(run: Run<'_>, concept: &Concept, report: &ConceptReport, probe: &Probe) -> String {
    let steps = run.report.calls;
    if !report.active {
        let end = concept.cooldown.unwrap_or(steps).min(steps);
        return format!("it acts from step {} to {end} only", concept.warmup + 1);
    }
    if concept.strength_at(run.report.step) == 0.0 {
        return "its strength is 0".to_owned();
    }
    let groups = &run.recipe.groups;
    let is_locked_out = |region: &RegionProbe| {
        !concept.lock.is_empty()
            && !concept.lock.iter().any(|p| first_of(groups, *p) == first_of(groups, region.position))
    };
    if let Some(region) = probe.region.as_ref().filter(|region| is_locked_out(region)) {
        return format!("it is locked to other regions than {}", region.name);
    }
    let top = 100.0 * (1.0 - concept.threshold);
    format!("its direction here is not among the {top:.0} % that it moves most")
}

/// Which model drew it, and by how much.
fn of_fusion(fusion: &probe::FusionProbe) -> String {
    match fusion.compared {
        Some([general, expert]) => format!("{} It wins by {:.2}.", fusion.sentence, (expert - general).abs()),
        None => fusion.sentence.clone(),
    }
}

/// The prediction of the element, and its parts with their numbers.
fn equation(run: Run<'_>, probe: &Probe, [u, v]: [f32; 2]) -> Vec<String> {
    let (step, recipe) = (run.report.step, run.recipe);
    let mut lines = vec!["ε = ε_u + g·ρ·f·(ε_c − ε_u) + Σ_k w_k·s_k·m_k·Δ_k".to_owned()];
    let scale = recipe.cfg_at(step);
    if let Some(region) = &probe.region {
        let own = if scale * region.rate > 0.0 { region.effective / (scale * region.rate) } else { 1.0 };
        lines.push(format!("g·ρ·f = {scale:.2} · {:.3} · {own:.2} = {:.3}", region.rate, region.effective));
    } else {
        lines.push(format!("g = {scale:.2}"));
    }
    for report in &run.report.concepts {
        let Some(concept) = recipe.concept(report.id) else { continue };
        let [x, y] = probe::element(u, v, report.magnitude.width, report.magnitude.height);
        let mask = if report.active { report.mask.at(y, x) } else { 0.0 };
        let (weight, strength) = (concept.weight, concept.strength_at(step));
        lines.push(format!(
            "{}: w {weight:.2}, s {strength:+.2}, m {:.0} % of channels, |Δ| {:.3}",
            report.text.trim(),
            100.0 * mask,
            report.magnitude.at(y, x)
        ));
    }
    if let Some([general, expert]) = probe.fusion.as_ref().and_then(|fusion| fusion.compared) {
        let sign = if expert > general { ">" } else { "≤" };
        let drawn = u8::from(probe.fusion.as_ref().is_some_and(|fusion| fusion.expert_draws));
        lines.push("ε = M·ε_expert + (1 − M)·ε_general, M = [ln S_e > ln S_g]".to_owned());
        lines.push(format!("ln S_e = {expert:.3} {sign} ln S_g = {general:.3}, M = {drawn}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{recipe::Fusion, studio::document::regions::labels::tests::tokens, tensor::Plane};

    fn report() -> (StepReport, Recipe, RegionLabels) {
        let concept = |text: &str| Concept { text: text.into(), strength: 6.0, warmup: 3, ..Concept::default() };
        let concepts = vec![concept("sunglasses"), concept("night")];
        let recipe = Recipe { prompt: "a cat".into(), concepts, ..Recipe::default() }.with_concept_ids();
        let labels = RegionLabels::new(tokens("a cat"), Vec::new());
        let mut report = probe::tests::report();
        let ids = [recipe.concepts[0].id, recipe.concepts[1].id];
        let first = Arc::new(ConceptReport { id: ids[0], ..(*report.concepts[0]).clone() });
        let second =
            ConceptReport { id: ids[1], text: "night".into(), mask: Plane::filled(2, 2, 0.0), ..(*first).clone() };
        report.concepts = vec![first, Arc::new(second)];
        if let Some(scfg) = &report.scfg {
            let map = |value| Plane::filled(1, 1, value);
            let attention = vec![map(0.1), map(0.25), map(0.65)];
            report.scfg = Some(Arc::new(ScfgReport { attention, ..(**scfg).clone() }));
        }
        (report, recipe, labels)
    }

    fn said(report: &StepReport, recipe: &Recipe, labels: &RegionLabels) -> Why {
        why(Run { report, recipe, labels }, [16, 16], [0.75, 0.25])
    }

    #[test]
    fn every_method_has_its_sentence_with_the_numbers_of_the_element() {
        let (report, mut recipe, labels) = report();
        recipe.scfg.enabled = true;
        let why = said(&report, &recipe, &labels);
        assert_eq!(why.title, "Pixel 12, 4 at step 10 of 20");
        assert_eq!(
            why.sentences[0].1,
            "it belongs to cat, whose token has the largest attention here: 65 % (next: a, 25 %). Its guidance is weak there, so the rate lifts it: 5.0 × 1.34 = 6.70."
        );
        assert_eq!(
            why.sentences[1].1,
            "sunglasses touched it in 50 % of the channels and moved it towards sunglasses: direction 0.810, strength +6.0."
        );
        assert_eq!(
            why.sentences[2].1,
            "night did not touch it: its direction here is not among the 10 % that it moves most."
        );
        assert!(why.equation.contains(&"g·ρ·f = 5.00 · 1.340 · 1.00 = 6.700".to_owned()), "{:?}", why.equation);
        let text = why.text();
        assert!(
            text.starts_with("Pixel 12, 4") && text.contains("\nSEGA: night did not") && text.contains("|Δ| 0.810")
        );
    }

    #[test]
    fn why_a_concept_does_nothing_is_said() {
        let (mut report, mut recipe, labels) = report();
        let night = |report: &StepReport, recipe: &Recipe| said(report, recipe, &labels).sentences[2].1.clone();
        recipe.concepts[1].lock = vec![1];
        assert!(night(&report, &recipe).ends_with("it is locked to other regions than cat."));
        recipe.concepts[1].strength = 0.0;
        assert!(night(&report, &recipe).ends_with("its strength is 0."));
        recipe.concepts[1].cooldown = Some(8);
        report.concepts[1] = Arc::new(ConceptReport { active: false, ..(*report.concepts[1]).clone() });
        assert!(night(&report, &recipe).ends_with("it acts from step 4 to 8 only."));
        report.scfg = None;
        assert!(said(&report, &recipe, &labels).sentences[0].1.contains("not guided"));
    }

    #[test]
    fn the_model_that_drew_it_is_named_with_its_margin() {
        let (report, recipe, labels) = report();
        let recipe = Recipe { fusion: Some(Fusion { enabled: true, ..Fusion::default() }), ..recipe };
        let why = said(&report, &recipe, &labels);
        let (method, sentence) = why.sentences.last().expect("a fusion");
        assert!(*method == "SNB" && sentence.contains("The general model draws") && sentence.contains("It wins by 0."));
        assert!(why.equation.last().is_some_and(|line| line.ends_with("M = 0")), "{:?}", why.equation);
    }
}

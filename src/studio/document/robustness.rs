//! How much a result depends on its seed: the spread of areas, and of how far concepts and fusion change the picture.
//!
//! Apart from the contact sheet that shows it: these are numbers of runs.

use super::{regions::labels::RegionLabels, track::Track};
use crate::{engine::StepReport, recipe::ConceptId};

/// What a line counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The share of the picture that a region has at the last step, by the position that names it.
    RegionArea(usize),
    /// The share of the picture that a concept touches, over the steps at which it acts.
    ConceptArea(ConceptId),
    /// The norm of what a concept adds over that of the prompt's guidance, over the same steps.
    ConceptChange(ConceptId),
    /// The share of the picture that the expert draws, over the fused steps.
    ExpertArea,
}

/// One measure over several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    pub measure: Measure,
    pub name: String,
    /// One for each run, in their order; `None` where the run has no such thing. Shares, 1 for all.
    pub values: Vec<Option<f32>>,
}

impl Spread {
    fn known(&self) -> impl Iterator<Item = f32> {
        self.values.iter().flatten().copied()
    }

    pub fn mean(&self) -> f32 {
        let (sum, count) = self.known().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    }

    /// The smallest and the largest value.
    pub fn ends(&self) -> [f32; 2] {
        [self.known().fold(f32::INFINITY, f32::min), self.known().fold(0.0, f32::max)]
    }
}

/// Regions with a smaller mean share than this are left out.
const LEAST: f32 = 0.01;

/// The measures of runs of one recipe over several seeds; those without steps count nothing.
pub fn spreads(tracks: &[&Track]) -> Vec<Spread> {
    let Some(first) = tracks.iter().find(|track| track.has_steps()) else { return Vec::new() };
    let labels = RegionLabels::new(first.tokens.clone(), first.recipe.groups.clone());
    let words = labels.regions().into_iter().map(|(position, name)| (Measure::RegionArea(position), name));
    let mut list: Vec<Spread> = Vec::new();
    let mut push = |measure: Measure, name: String, least: f32| {
        let values = tracks.iter().map(|track| measured(track, &labels, &measure)).collect();
        let spread = Spread { measure, name, values };
        let wanted = spread.values.iter().any(Option::is_some) && spread.mean() >= least;
        list.extend(wanted.then_some(spread));
    };
    words.for_each(|(measure, name)| push(measure, name, LEAST));
    for concept in first.recipe.active_concepts() {
        let text = concept.text.trim();
        push(Measure::ConceptArea(concept.id), format!("{text} touches"), 0.0);
        push(Measure::ConceptChange(concept.id), format!("{text} changes"), 0.0);
    }
    push(Measure::ExpertArea, "expert draws".into(), 0.0);
    list
}

fn measured(track: &Track, labels: &RegionLabels, measure: &Measure) -> Option<f32> {
    let reports = || track.reports.iter().flatten();
    match measure {
        Measure::RegionArea(position) => {
            let scfg = reports().next_back()?.scfg.as_ref()?;
            let shares = labels.shares(scfg);
            Some(shares.iter().find(|(region, _)| region == position).map_or(0.0, |(_, share)| *share))
        }
        Measure::ConceptArea(id) => mean(reports().filter_map(|report| acting(report, *id)).map(|(share, _)| share)),
        Measure::ConceptChange(id) => {
            mean(reports().filter_map(|report| acting(report, *id)).map(|(_, change)| change))
        }
        Measure::ExpertArea => {
            let fused = reports().filter_map(|report| report.fusion.as_ref()).filter(|fusion| fusion.active);
            mean(fused.map(|fusion| fusion.share))
        }
    }
}

/// The area of a concept and its change, where it acts at the step.
fn acting(report: &StepReport, id: ConceptId) -> Option<(f32, f32)> {
    let concept = report.concept(id).filter(|concept| concept.active)?;
    let guidance = report.norms.guidance;
    Some((concept.share, if guidance > 0.0 { concept.norm / guidance } else { 0.0 }))
}

fn mean(values: impl Iterator<Item = f32>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f32)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        engine::{ConceptReport, ScfgReport},
        recipe::{Concept, Recipe},
        studio::document::{event, regions::labels::tests::tokens},
        tensor::Plane,
    };

    /// A run of two steps with these shares of "cat", concept "night" at the second step alone.
    fn track(cat: f32, touched: f32, norm: f32) -> Track {
        let concept = Concept { text: "night".into(), ..Concept::default() };
        let recipe = Recipe { prompt: "a cat".into(), concepts: vec![concept], ..Recipe::default() }.with_concept_ids();
        let id = recipe.concepts[0].id;
        let report = |step: usize| {
            let shares = vec![(2, cat), (0, 1.0 - cat)];
            let (region, rate, foreground) = (Plane::filled(1, 1, 2), Plane::filled(1, 1, 1.0), Plane::filled(1, 1, 1));
            let scfg = ScfgReport { region, attention: Vec::new(), foreground, rate, shares };
            let acting = ConceptReport {
                id,
                text: "night".into(),
                active: step == 1,
                magnitude: Plane::filled(1, 1, 1.0),
                mask: Plane::filled(1, 1, 1.0),
                share: touched,
                norm,
            };
            let mut report = StepReport::clone(&event::tests::report(step, 2));
            (report.scfg, report.concepts) = (Some(Arc::new(scfg)), vec![Arc::new(acting)]);
            report.norms.guidance = 4.0;
            Some(Arc::new(report))
        };
        Track { reports: vec![report(0), report(1)], tokens: tokens("a cat"), ..Track::new(recipe) }
    }

    #[test]
    fn areas_and_changes_are_those_of_the_steps_at_which_things_act() {
        let (a, b, bare) = (track(0.2, 0.1, 1.0), track(0.4, 0.3, 3.0), Track::default());
        let spreads = spreads(&[&a, &bare, &b]);
        let said: Vec<_> = spreads.iter().map(|s| (s.name.as_str(), s.mean(), s.ends())).collect();
        assert_eq!(said.len(), 3, "{said:?}: 'a' has no area, no fusion acts");
        let close = |x: f32, y: f32| (x - y).abs() < 1e-6;
        let expected =
            [("cat", 0.3, [0.2, 0.4]), ("night touches", 0.2, [0.1, 0.3]), ("night changes", 0.5, [0.25, 0.75])];
        for ((name, mean, ends), (n, m, e)) in said.into_iter().zip(expected) {
            assert!(
                name == n && close(mean, m) && close(ends[0], e[0]) && close(ends[1], e[1]),
                "{name} {mean} {ends:?}"
            );
        }
        assert_eq!(spreads[0].values[1], None, "a run without steps counts nothing");
        assert!(super::spreads(&[&bare]).is_empty());
    }
}

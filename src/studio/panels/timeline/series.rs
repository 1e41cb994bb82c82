//! What the ledger plots, read off the reports of a run.
//!
//! Apart from the plot so that the numbers follow without a window.

use std::ops::Range;

use egui::Color32;

use crate::{
    engine::{Spread, StepReport},
    recipe::Profile,
    studio::{
        document::track::Track,
        view::{
            ledger::Plot,
            theme::{self, Theme, concept_color},
        },
    },
};

/// One quantity over the steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub color: Color32,
    pub dashed: bool,
    /// Step and value, where there is one.
    pub points: Vec<(usize, f32)>,
}

impl Series {
    pub fn at(&self, step: usize) -> Option<f32> {
        self.points.iter().find(|(s, _)| *s == step).map(|(_, value)| *value)
    }
}

/// All quantities of one plot, on one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub series: Vec<Series>,
    pub range: Range<f32>,
    /// A value marked by a line: cosine 0, or rate 1.
    pub mark: Option<f32>,
    /// The first and the last series bound a band.
    pub band: bool,
    /// Shown in the place of an empty plot: why it is empty.
    pub empty: &'static str,
}

/// The chart of `plot` for a run.
pub fn chart(track: &Track, plot: Plot, theme: &Theme) -> Chart {
    let mut series = match plot {
        Plot::Norms => norms(track, theme),
        Plot::Cosines => cosines(track),
        Plot::Rate => rate(track),
        Plot::Share => share(track),
    };
    // A concept of strength 0 has nothing to show.
    series.retain(|series| series.points.iter().any(|(_, value)| *value != 0.0));
    let values = || series.iter().flat_map(|s| &s.points).map(|(_, value)| *value);
    let most = values().fold(0.0, f32::max);
    let (range, mark) = match plot {
        Plot::Norms => (0.0..1.05 * most.max(1e-6), None),
        Plot::Cosines => (-1.05..1.05, Some(0.0)),
        Plot::Rate => (values().fold(0.5, f32::min)..most.max(1.5), Some(1.0)),
        Plot::Share => (0.0..1.0, None),
    };
    let empty = match plot {
        Plot::Norms => "nothing is guided",
        Plot::Cosines => "no concept that pulls",
        Plot::Rate => "S-CFG is off",
        Plot::Share => "no concept acts, and no fusion",
    };
    Chart { range, mark, band: plot == Plot::Rate && series.len() == 3, empty, series }
}

fn read(track: &Track, value: impl Fn(&StepReport) -> Option<f32>) -> Vec<(usize, f32)> {
    let point = |report: &StepReport| Some((report.step, value(report)?)).filter(|(_, v)| v.is_finite());
    track.reports.iter().flatten().filter_map(|report| point(report)).collect()
}

fn series(name: impl Into<String>, color: Color32, dashed: bool, points: Vec<(usize, f32)>) -> Series {
    Series { name: name.into(), color, dashed, points }
}

/// Place in the reports, text and colour of every concept that the run computed.
fn concepts(track: &Track) -> Vec<(usize, String, Color32)> {
    let named =
        |(place, row): (usize, usize)| (place, track.recipe.concepts[row].text.trim().to_owned(), concept_color(row));
    track.concept_rows().into_iter().enumerate().map(named).collect()
}

fn norms(track: &Track, theme: &Theme) -> Vec<Series> {
    let guided = |r: &StepReport| (r.norms.guidance > 0.0).then_some(r.norms.guidance);
    let mut all = vec![series("guidance", theme::SCFG, false, read(track, guided))];
    for (place, name, color) in concepts(track) {
        let own = |r: &StepReport| r.concepts.get(place).filter(|c| c.active).map(|c| c.norm);
        all.push(series(&name, color, false, read(track, own)));
        let momentum = |r: &StepReport| r.ledger.concepts.get(place).map(|c| c.momentum).filter(|norm| *norm > 0.0);
        let points = read(track, momentum);
        match track.recipe.profile {
            Profile::Fixed => all.push(series(format!("momentum of {name}"), color, true, points)),
            // All concepts share one.
            Profile::Reference if place == 0 => all.push(series("momentum", theme.ink.dim, true, points)),
            Profile::Reference => {}
        }
    }
    all
}

fn cosines(track: &Track) -> Vec<Series> {
    let concepts = concepts(track);
    let mut all = Vec::new();
    for (a, name, color) in &concepts {
        for (b, other, second) in &concepts[a + 1..] {
            let both = theme::mix(*color, *second, 0.5);
            all.push(series(format!("{name} · {other}"), both, false, read(track, |r| r.ledger.cosine(*a, *b))));
        }
        let prompt = |r: &StepReport| r.ledger.concepts.get(*a)?.with_prompt;
        all.push(series(format!("{name} · prompt"), *color, true, read(track, prompt)));
    }
    all
}

fn rate(track: &Track) -> Vec<Series> {
    let spread = |name, dashed, pick: fn(&Spread) -> f32| {
        series(name, theme::SCFG, dashed, read(track, |r| r.ledger.rate.as_ref().map(pick)))
    };
    vec![
        spread("5 % below", true, |s| s.low),
        spread("mean ρ", false, |s| s.mean),
        spread("5 % above", true, |s| s.high),
    ]
}

fn share(track: &Track) -> Vec<Series> {
    let touched = |(place, name, color): (usize, String, Color32)| {
        let own = |r: &StepReport| r.concepts.get(place).filter(|c| c.active).map(|c| c.share);
        series(name, color, false, read(track, own))
    };
    let mut all: Vec<Series> = concepts(track).into_iter().map(touched).collect();
    let expert = |r: &StepReport| r.fusion.as_ref().filter(|f| f.active).map(|f| f.share);
    all.push(series("expert draws", theme::FUSION, false, read(track, expert)));
    all
}

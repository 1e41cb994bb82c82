//! Interference of concepts at the shown step: where they touch the same elements, and whether they pull
//! the same way there. Said in words, and only when it matters.

use egui::Ui;

use crate::{
    engine::{ConceptReport, StepReport},
    studio::{
        document::Document,
        view::{View, theme::Theme},
        widgets::row,
    },
};

/// Overlaps below this share are not worth a line.
const WORTH_SAYING: f32 = 0.1;
/// Directions with a cosine beyond this are nearly the same, or opposite.
const ALIKE: f32 = 0.7;

/// What was said last.
#[derive(Debug, Default)]
pub struct Interference {
    lines: Vec<(String, &'static str)>,
}

impl Interference {
    /// A line for every pair of concepts that interferes at the shown step. While a run goes on, what was said before stays,
    /// so that nothing below moves from step to step.
    pub fn show(&mut self, ui: &mut Ui, document: &Document, view: &View) {
        if !document.is_busy() {
            let report = view.shown_frame(document).and_then(|frame| frame.report);
            self.lines = report.map(|report| said(&report)).unwrap_or_default();
        }
        let color = Theme::of(ui).accent.plain;
        for (line, advice) in &self.lines {
            row::tinted(ui, line, color).on_hover_text(*advice);
        }
    }
}

/// A line for every pair that is worth one, with what can be done about it.
fn said(report: &StepReport) -> Vec<(String, &'static str)> {
    let acting: Vec<(usize, &ConceptReport)> = (report.concepts.iter().map(|c| c.as_ref()).enumerate())
        .filter(|(_, concept)| concept.active && concept.norm > 0.0)
        .collect();
    let mut lines = Vec::new();
    for (k, &(place, a)) in acting.iter().enumerate() {
        for &(other, b) in &acting[k + 1..] {
            let share = overlap(&a.mask.values, &b.mask.values);
            lines.extend(pair([a.text.trim(), b.text.trim()], share, report.ledger.cosine(place, other)));
        }
    }
    lines
}

/// What is to be said of two concepts that share `share` of the canvas and whose directions have this cosine.
fn pair([a, b]: [&str; 2], share: f32, cosine: Option<f32>) -> Option<(String, &'static str)> {
    let cosine = cosine.unwrap_or(0.0);
    if share < WORTH_SAYING {
        // Concepts that change different elements do not interfere.
        return None;
    }
    let place = format!("on {:.0} % of the canvas", 100.0 * share);
    Some(if cosine >= ALIKE {
        (
            format!("{a} and {b} pull in nearly the same direction {place} (cosine {cosine:.2}): lower one"),
            "Both ask the model for nearly the same change, so that it is made twice. Lower or mute one of them, or lock one to a region",
        )
    } else if cosine <= -ALIKE {
        (
            format!("{a} and {b} pull against each other {place} (cosine {cosine:.2}): mute one"),
            "Each undoes what the other does. Mute one, turn its direction round, or lock one to a region",
        )
    } else {
        // Where directions have little in common the pulls add up as they should.
        return None;
    })
}

/// The share of elements that both masks touch.
fn overlap(a: &[f32], b: &[f32]) -> f32 {
    let both = a.iter().zip(b).filter(|(a, b)| **a > 0.0 && **b > 0.0).count();
    both as f32 / a.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_counts_elements_that_both_touch() {
        assert_eq!(overlap(&[0.0, 0.5, 1.0, 0.2], &[1.0, 0.0, 0.1, 1.0]), 0.5);
        assert_eq!(overlap(&[], &[]), 0.0);
    }

    #[test]
    fn only_what_matters_is_said() {
        let say = |share, cosine| pair(["sunglasses", "night"], share, cosine).map(|(line, _)| line);
        let alike =
            "sunglasses and night pull in nearly the same direction on 24 % of the canvas (cosine 0.83): lower one";
        assert_eq!(say(0.24, Some(0.83)).as_deref(), Some(alike));
        assert!(say(0.24, Some(-0.9)).is_some_and(|line| line.contains("pull against each other")));
        assert_eq!(say(0.24, Some(0.1)), None, "an overlap alone does no harm");
        assert_eq!(say(0.02, Some(0.99)), None, "they do not meet");
    }
}

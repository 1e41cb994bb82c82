//! The momentum of a concept in the shown run, drawn on its lane at the steps where the concept itself does not act.
//!
//! It gathers before a warm-up ends; in the reference profile some is left after a cool-down.

use egui::{Rect, Ui};

use super::{axis::Axis, lane::Lane};
use crate::{
    engine::StepReport,
    recipe::ConceptId,
    studio::{
        document::track::Track,
        view::theme::{self, Theme},
    },
};

/// Less than this share of the largest norm is not drawn.
const FAINTEST: f32 = 0.02;

/// Draws a column for each step in `rail`, as high as the step's norm is of the largest that is drawn.
pub fn show(ui: &Ui, lane: &Lane, norms: &[(usize, f32)], axis: Axis, rail: Rect) {
    let outside = || norms.iter().filter(|(step, _)| !(lane.start..lane.end).contains(step));
    let most = outside().map(|(_, norm)| *norm).fold(0.0, f32::max);
    if most <= 0.0 || lane.is_idle() {
        return;
    }
    let ink = theme::mix(Theme::of(ui).ground.input, lane.color, if lane.keyed { 0.25 } else { 0.45 });
    for (step, norm) in outside() {
        let share = norm / most;
        if share > FAINTEST {
            let column = Rect::from_x_y_ranges(axis.x(*step)..=axis.x(step + 1), rail.y_range());
            ui.painter().rect_filled(column.with_min_y(rail.bottom() - share * rail.height()), 0.0, ink);
        }
    }
}

/// Step and norm of what the momentum of a concept adds to the step after it, where the run computed it.
pub fn norms(track: &Track, id: ConceptId) -> Vec<(usize, f32)> {
    let Some(place) = track.concept_place(id) else { return Vec::new() };
    let norm = |report: &StepReport| Some((report.step, report.ledger.concepts.get(place)?.momentum));
    track.reports.iter().flatten().filter_map(|report| norm(report)).collect()
}

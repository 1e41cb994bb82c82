//! Momentum as it was: what a concept carries into later steps, drawn where the concept itself does not act. It gathers
//! before a warm-up ends; in the reference profile some is left after a cool-down.

use egui::{Rect, Ui};

use crate::{
    recipe::ConceptId,
    studio::{
        bundle::Studio,
        document::track::Track,
        panels::timeline::{Axis, lanes::Lane},
        view::theme::{self, Theme},
    },
};

/// Less than this share of the strongest is not drawn.
const FAINTEST: f32 = 0.02;

/// A column a step inside `rail`, as high as the step's momentum is of the largest that is drawn.
pub fn show(ui: &Ui, studio: &Studio, lane: &Lane, id: ConceptId, axis: Axis, rail: Rect) {
    let mut norms = studio.view.shown_track(&studio.document).map(|track| norms(track, id)).unwrap_or_default();
    norms.retain(|(step, _)| !(lane.start..lane.end).contains(step));
    let most = norms.iter().map(|(_, norm)| *norm).fold(0.0, f32::max);
    if most <= 0.0 || lane.is_idle() {
        return;
    }
    let ink = theme::mix(Theme::of(ui).input_background, lane.color, if lane.keyed { 0.25 } else { 0.45 });
    for (step, norm) in norms {
        let share = norm / most;
        if share > FAINTEST {
            let column = Rect::from_x_y_ranges(axis.x(step)..=axis.x(step + 1), rail.y_range());
            ui.painter().rect_filled(column.with_min_y(rail.bottom() - share * rail.height()), 0.0, ink);
        }
    }
}

/// What the momentum of a concept adds to the step after each step, where that run computed it.
pub fn norms(track: &Track, id: ConceptId) -> Vec<(usize, f32)> {
    let Some(place) = track.concept_place(id) else { return Vec::new() };
    let norm = |report: &crate::engine::StepReport| Some((report.step, report.ledger.concepts.get(place)?.momentum));
    track.reports.iter().flatten().filter_map(|report| norm(report)).collect()
}

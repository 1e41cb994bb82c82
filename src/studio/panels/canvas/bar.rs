//! The bar above the picture: which map lies over it, and how.
//!
//! Apart from the canvas itself because a comparison of differences has another bar.

use egui::{Align, Layout, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};

use super::compare;
use crate::{
    engine::StepReport,
    studio::{
        document::Document,
        view::{
            View,
            compare::Compare,
            overlay::{CardPlace, Overlay, OverlayView, SaliencyOf},
            theme::{concept_color, size},
        },
        widgets::{
            Icon, ValueSlider, chip, icon_toggle,
            row::{self, note},
            segmented::{self, segmented, segmented_explained},
        },
    },
};

/// Room for opacity, outlines and the brush, in points.
const TOOLS: f32 = 282.0;

/// Why an overlay has nothing to show at this step, in a sentence; `None` when it has.
pub fn missing(overlay: Overlay, report: Option<&StepReport>) -> Option<&'static str> {
    let Some(report) = report else {
        return (overlay != Overlay::Picture).then_some("The steps of this picture were not kept.");
    };
    match overlay {
        Overlay::Picture => None,
        Overlay::Regions | Overlay::Rate => {
            report.scfg.is_none().then_some("Switch S-CFG on to see regions and their rates.")
        }
        Overlay::Concept => report.concepts.is_empty().then_some("Add a concept to see where it acts."),
        Overlay::Saliency | Overlay::FusionMask => {
            report.fusion.is_none().then_some("Switch the fusion on to see which model draws where.")
        }
    }
}

pub fn show(ui: &mut Ui, document: &Document, view: &mut View, whole: Rect) {
    if view.comparison.mode == Compare::Grid {
        return;
    }
    if view.comparison.mode == Compare::Difference {
        return compare::difference_bar(ui, &mut view.comparison, whole);
    }
    let frame = view.shown_frame(document);
    let report = frame.as_ref().and_then(|frame| frame.report.as_deref());
    let wide = segmented::width(ui, Overlay::ALL.iter().map(|o| o.title()));
    let tools = if view.overlay.kind == Overlay::Picture { 0.0 } else { TOOLS };
    let fits = wide + tools + 2.0 * size::MARGIN <= whole.width();
    // Centred as long as the tools to its right leave room for that.
    let beside = if fits { tools } else { 0.0 };
    let rightmost = whole.right() - beside - wide - size::MARGIN;
    let left = (whole.center().x - wide / 2.0).min(rightmost).max(whole.left() + 8.0);
    let row = Rect::from_min_size(pos2(left, whole.top() + 11.0), vec2(whole.right() - left - size::MARGIN, 26.0));
    let layout = Layout::left_to_right(Align::Center);
    let mut bar = ui.new_child(UiBuilder::new().id_salt("overlay bar").max_rect(row).layout(layout));
    let of = view.overlay.saliency;
    let explain = |overlay: Overlay| overlay.array(of).map(|array| array.info().explanation());
    let unavailable = |overlay| missing(overlay, report);
    segmented_explained(&mut bar, &mut view.overlay.kind, &Overlay::ALL, Overlay::title, unavailable, explain);
    let mut below = row.translate(vec2(4.0, 30.0));
    if view.overlay.kind != Overlay::Picture {
        let right = Rect::from_min_max(pos2(below.right() - TOOLS, below.top()), below.max);
        let mut second = ui.new_child(UiBuilder::new().id_salt("overlay tools").max_rect(right).layout(layout));
        tools_row(if fits { &mut bar } else { &mut second }, document, view);
        if !fits {
            below = Rect::from_min_max(pos2(whole.left() + size::MARGIN, below.top()), right.left_bottom());
        }
    }
    second_row(ui, document, view, below, report);
}

fn tools_row(ui: &mut Ui, document: &Document, view: &mut View) {
    let overlay = &mut view.overlay;
    ui.add_space(10.0);
    let (rect, _) = ui.allocate_exact_size(vec2(74.0, 22.0), egui::Sense::hover());
    let (number, _) = ui.allocate_exact_size(vec2(34.0, 22.0), egui::Sense::hover());
    let slider = ValueSlider::new("Overlay opacity", &mut overlay.opacity, 0.0..=1.0).step(0.05, 2).default_value(0.55);
    slider.place(ui, rect, number).on_hover_text("How much of the map covers the picture");
    ui.add_space(2.0);
    row::switch(ui, "Outlines", &mut overlay.outlines, "Outlines");
    let place = overlay.card;
    let card = icon_toggle(ui, Icon::Card, "Card with the numbers under the pointer (I)", place != CardPlace::Hidden);
    if card.on_hover_text(format!("Now {}; click to move it", place.title())).clicked() {
        overlay.card = place.next();
    }
    if icon_toggle(ui, Icon::Brush, "Paint on the picture (B)", view.brush.active).clicked() {
        view.toggle_brush(document);
    }
}

/// Which of several maps is shown.
fn second_row(ui: &mut Ui, document: &Document, view: &mut View, row: Rect, report: Option<&StepReport>) {
    let Some(report) = report else { return };
    let rows = view.shown_track(document).map(|track| track.concept_rows()).unwrap_or_default();
    let layout = Layout::left_to_right(Align::Center);
    let mut line = ui.new_child(UiBuilder::new().id_salt("overlay choice").max_rect(row).layout(layout));
    line.set_clip_rect(row.expand(2.0).intersect(ui.clip_rect()));
    let overlay = &mut view.overlay;
    match overlay.kind {
        Overlay::Concept if !report.concepts.is_empty() => concepts(&mut line, overlay, report, &rows),
        Overlay::Saliency if report.fusion.is_some() => {
            let models = [SaliencyOf::General, SaliencyOf::Expert];
            segmented(&mut line, &mut overlay.saliency, &models, SaliencyOf::title, |_| None);
        }
        _ => {}
    }
}

/// The concepts to choose from, in a row that scrolls where there are many.
fn concepts(ui: &mut Ui, overlay: &mut OverlayView, report: &StepReport, rows: &[usize]) {
    let chosen = report.chosen_concept(overlay.concept).map(|concept| concept.id);
    ScrollArea::horizontal().id_salt("concepts").auto_shrink(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            note(ui, "where acts");
            for (k, concept) in report.concepts.iter().enumerate() {
                let color = concept_color(rows.get(k).copied().unwrap_or(k));
                if chip::chip(ui, &concept.text, color, Some(concept.id) == chosen, false).clicked() {
                    overlay.concept = Some(concept.id);
                }
            }
        });
    });
}

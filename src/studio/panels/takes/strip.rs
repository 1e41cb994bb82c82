//! The takes as a panel: thumbnails in the order of their tree, with lines to what each was made from.

use egui::{Align, Align2, Layout, Rect, ScrollArea, Shape, Stroke, Ui, UiBuilder, pos2, vec2};

use super::{
    actions, details,
    drags::Drags,
    keys, thumbnail,
    tree::{self, Place},
};
use crate::studio::{
    panels::context::PanelContext,
    view::theme::{self, Theme, size},
    widgets::focus,
};

/// The column at the right with what can be done to the selected take.
const DETAILS: f32 = 306.0;
/// Between neighbours in a branch, and before a new branch.
const GAP: f32 = 12.0;
const BRANCH_GAP: f32 = 26.0;
/// Between the lanes in which lines run below the takes.
const LANE_STEP: f32 = 3.0;

/// The takes, with the panel's state.
#[derive(Debug, Default)]
pub struct TakeStrip {
    /// Words that a take must have to be shown.
    filter: String,
    drags: Drags,
}

impl TakeStrip {
    /// Forgets what belonged to another session.
    pub fn session_changed(&mut self) {
        *self = Self::default();
    }

    /// Draws the takes into the whole of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let document = context.document;
        let whole = ui.max_rect();
        if document.takes().is_empty() {
            return note(ui, whole, "Takes: every finished picture is kept here.");
        }
        let strip = Rect::from_min_max(whole.min, pos2(whole.right() - DETAILS, whole.bottom()));
        let places = self.drags.places(document, context.view, &self.filter);
        if places.is_empty() {
            note(ui, strip, "No take has these words in its name, prompt or concepts.");
        }
        let mut child = ui.new_child(UiBuilder::new().id_salt("strip").max_rect(strip));
        ScrollArea::horizontal().id_salt("takes").auto_shrink(false).stick_to_right(true).show(&mut child, |ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 0.0;
                ui.add_space(size::MARGIN);
                branches(ui, context, &places, &mut self.drags);
                ui.add_space(size::MARGIN);
            });
            focus::scroll_to_gained(ui);
        });
        let area = Rect::from_min_max(pos2(strip.right() + 10.0, whole.top()), whole.max);
        details::show(ui, document, context.view, context.commands, (&mut self.filter, places.len()), area);
    }
}

fn note(ui: &Ui, area: Rect, text: &str) {
    let at = pos2(area.left() + size::MARGIN, area.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, text, theme::small_font(), Theme::of(ui).ink.faint);
}

/// Thumbnails in their order, with the lines that join them. Only what is in sight is drawn, and the take that has the keyboard:
/// a session may hold thousands.
fn branches(ui: &mut Ui, context: &mut PanelContext, places: &[Place], drags: &mut Drags) {
    let (starts, width) = starts(places);
    let (_, whole) = ui.allocate_space(vec2(width, size::TAKE));
    let side = vec2(size::TAKE, size::TAKE);
    let rect = |at: usize| Rect::from_min_size(whole.min + vec2(starts[at], 0.0), side);
    let sight = ui.clip_rect().expand(size::TAKE).x_range();
    let (lanes, selected) = (tree::lanes(places), actions::selected(context.document, context.view));
    let mut focus = None;
    for (at, place) in places.iter().enumerate() {
        let own = rect(at);
        if let Some(parent) = place.parent.filter(|parent| rect(*parent).left() < sight.max && own.right() > sight.min)
        {
            join(ui, rect(parent), own, (parent + 1 != at).then(|| lanes[at]));
        }
        let has_keyboard = selected == Some(place.id) || ui.memory(|m| m.has_focus(thumbnail::id(ui, place.id)));
        if !(own.x_range().intersects(sight) || has_keyboard) {
            continue;
        }
        let number = context.document.takes().place(place.id).map_or(0, |i| i + 1);
        let Some(response) = thumbnail::show(ui, context, (place.id, number), own) else { continue };
        drags.badge(ui, context.document, place, own);
        focus = keys::read(ui, context.commands, &response, places, at).or(focus);
    }
    if let Some(id) = focus {
        context.view.show_take(id);
        ui.memory_mut(|m| m.request_focus(thumbnail::id(ui, id)));
    }
}

/// Where each thumbnail begins, from the first one's left edge, and how wide all are together.
fn starts(places: &[Place]) -> (Vec<f32>, f32) {
    let mut end = 0.0;
    let start = |(at, place): (usize, &Place)| {
        let continues = place.parent.is_some_and(|parent| parent + 1 == at);
        let gap = if at == 0 {
            0.0
        } else if continues {
            GAP
        } else {
            BRANCH_GAP
        };
        let start = end + gap;
        end = start + size::TAKE;
        start
    };
    let starts = places.iter().enumerate().map(start).collect();
    (starts, end)
}

/// A line from a take to one made from it: straight to its neighbour, or below the others, in its lane, to the head of
/// a branch.
fn join(ui: &Ui, parent: Rect, child: Rect, lane: Option<usize>) {
    let pen = Stroke::new(1.5, Theme::of(ui).ink.faint);
    let Some(lane) = lane else {
        ui.painter().hline(parent.right()..=child.left(), child.center().y, pen);
        return;
    };
    let shift = LANE_STEP * lane as f32;
    let (start, below) = (pos2(parent.right() - 12.0 - shift, parent.bottom()), parent.bottom() + 2.0 + shift);
    let turn = child.left() - BRANCH_GAP / 2.0;
    let points = [
        start,
        pos2(start.x, below),
        pos2(turn, below),
        pos2(turn, child.center().y),
        pos2(child.left(), child.center().y),
    ];
    ui.painter().add(Shape::line(points.to_vec(), pen));
}

//! Takes that are steps of one drag: several values of the same slider in a row, shown as one.
//!
//! Apart from the tree, which knows nothing of sliders, and from the strip, which only draws places.

use std::collections::{BTreeSet, HashMap};

use egui::{Align2, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

use super::tree::{self, Place};
use crate::studio::{
    document::{
        Document, naming,
        parameter::Parameter,
        takes::{Take, TakeId, Takes},
    },
    view::{
        View,
        theme::{self, Theme},
    },
};

/// Which takes are folded away.
#[derive(Debug, Default)]
pub struct Drags {
    /// The slider by which alone a take differs from its parent, as far as it was asked for: recipes of takes never change,
    /// parents do.
    changes: HashMap<(TakeId, TakeId), Option<Parameter>>,
    /// The ends of the drags whose steps are shown.
    unfolded: BTreeSet<TakeId>,
}

impl Drags {
    /// The takes that match `filter`, with the steps of a drag in the place of its end. What the user has marked or looks at
    /// is never folded.
    pub fn places(&mut self, document: &Document, view: &View, filter: &str) -> Vec<Place> {
        let takes = document.takes();
        let next: HashMap<TakeId, TakeId> =
            takes.list().iter().filter_map(|take| Some((take.parent?, take.id))).collect();
        let mut steps = BTreeSet::new();
        for take in takes.list() {
            let child = next.get(&take.id).and_then(|id| takes.get(*id));
            if child.is_some_and(|child| self.is_step(document, take, child)) && !is_marked(takes, view, take) {
                steps.insert(take.id);
            }
        }
        let unfolded: BTreeSet<TakeId> =
            self.unfolded.iter().flat_map(|end| steps_before(takes, &steps, *end)).collect();
        tree::places(takes.list(), filter, |take| steps.contains(&take.id) && !unfolded.contains(&take.id))
    }

    /// Whether a take stands between its parent and `child` on the way of one slider.
    fn is_step(&mut self, document: &Document, take: &Take, child: &Take) -> bool {
        let takes = document.takes();
        let Some(parent) = take.parent.and_then(|id| takes.get(id)) else { return false };
        let mut change = |now: &Take, then: &Take| {
            let only = || Parameter::only_change(&now.track.recipe, &then.track.recipe);
            *self.changes.entry((now.id, then.id)).or_insert_with(only)
        };
        let (to, on) = (change(take, parent), change(child, take));
        // A name of the user's own is a mark, too.
        to.is_some() && to == on && take.name == naming::name(&take.track, Some(&parent.track))
    }

    /// How many takes are folded into a place, and a click that shows them, or folds them again.
    pub fn badge(&mut self, ui: &Ui, document: &Document, place: &Place, rect: Rect) {
        let is_unfolded = self.unfolded.contains(&place.id);
        if place.folded.is_empty() && !is_unfolded {
            return;
        }
        let theme = Theme::of(ui);
        if !is_unfolded {
            // The rims of the pictures that lie behind.
            for k in [2.0, 4.0] {
                let behind = rect.translate(vec2(-k, -k)).with_max_x(rect.left() - k + 1.5);
                ui.painter().rect_stroke(behind, 0.0, Stroke::new(1.0, theme.ink.faint), StrokeKind::Middle);
            }
        }
        let spot = Rect::from_min_size(rect.left_bottom() + vec2(4.0, -40.0), vec2(26.0, 15.0));
        let response = ui.interact(spot, ui.scope_id().with(("drag", place.id)), Sense::click());
        let text = if is_unfolded { "−".to_owned() } else { format!("×{}", place.folded.len() + 1) };
        let name = document.take(place.id).map(|take| take.name.clone()).unwrap_or_default();
        let said = match is_unfolded {
            true => format!("Fold the steps before {name}"),
            false => format!("Show the {} steps before {name}", place.folded.len()),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &said));
        let (ground, ink) = match response.hovered() {
            true => (theme.accent.plain, theme.accent.ink),
            false => (theme.on_picture.ground, theme.on_picture.ink),
        };
        ui.painter().rect_filled(spot, 3.0, ground);
        ui.painter().text(spot.center(), Align2::CENTER_CENTER, text, theme::small_font(), ink);
        if response.on_hover_text(said).clicked() && !self.unfolded.remove(&place.id) {
            self.unfolded.insert(place.id);
        }
    }
}

fn is_marked(takes: &Takes, view: &View, take: &Take) -> bool {
    let id = Some(take.id);
    take.starred || takes.pins().contains(&id) || takes.base() == id || view.shown_take() == id
}

/// The steps that lead to `end` without a gap.
fn steps_before(takes: &Takes, steps: &BTreeSet<TakeId>, end: TakeId) -> Vec<TakeId> {
    let parent = |id: TakeId| takes.get(id).and_then(|take| take.parent).filter(|id| steps.contains(id));
    std::iter::successors(parent(end), |id| parent(*id)).collect()
}

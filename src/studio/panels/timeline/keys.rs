//! Keys on lanes: points to drag whose height is a factor on the lane's scale, and the curve through them.
//!
//! Apart from the lanes because a key is a control of its own.

use egui::{
    DragValue, Key as Press, Modifiers, Popup, PopupCloseBehavior, Rect, Response, Role, Sense, Shape, Stroke, Ui,
    UiBuilder, Vec2, WidgetInfo, emath, pos2, remap, vec2,
};

use super::{
    axis::{Axis, arrow_presses},
    lane::{Lane, LaneSettings},
};
use crate::{
    recipe::{Key, keys},
    studio::{
        view::theme::{self, Theme},
        widgets::{Icon, icon_toggle, row},
    },
};

/// The top of a lane is at least this factor.
const TOP: f32 = 2.0;
/// The smallest change by dragging; with Shift, [`FINE`].
const STEP: f32 = 0.05;
const FINE: f32 = 0.01;
/// A drag this close to the line of factor 1, in points, snaps to it.
const DETENT: f32 = 2.0;
const POINT: f32 = 4.0;

/// How factors lie on a lane.
struct Heights {
    rail: Rect,
    top: f32,
}

impl Heights {
    fn of(keys: &[Key], rail: Rect) -> Self {
        Self { rail: rail.shrink2(vec2(0.0, 2.0)), top: keys.iter().map(|key| key.factor).fold(TOP, f32::max) }
    }

    fn y(&self, factor: f32) -> f32 {
        remap(factor, 0.0..=self.top, self.rail.bottom()..=self.rail.top())
    }

    fn factor(&self, y: f32, step: f32) -> f32 {
        if (y - self.y(1.0)).abs() < DETENT {
            return 1.0;
        }
        let factor = remap(y, self.rail.bottom()..=self.rail.top(), 0.0..=self.top).clamp(0.0, self.top);
        round((factor / step).round() * step)
    }
}

fn round(factor: f32) -> f32 {
    emath::round_to_decimals(f64::from(factor), 3) as f32
}

/// Adds or removes the key at `step`, where the playhead is.
pub fn button(ui: &mut Ui, lane: &Lane, settings: &mut LaneSettings, row: Rect, axis: Axis, step: usize) {
    let Some(keys) = settings.keys_mut() else { return };
    let here = keys.iter().position(|key| key.step == step);
    let what = if here.is_some() { "Remove the key of" } else { "Add a key to" };
    let name = format!("{what} {} at step {}", lane.name, step + 1);
    let spot = Rect::from_center_size(pos2(axis.left - 16.0, row.center().y), vec2(20.0, 20.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt(("key here", lane.kind)).max_rect(spot));
    let icon = if here.is_some() { Icon::Keyed } else { Icon::Key };
    if icon_toggle(&mut child, icon, &name, here.is_some()).clicked() {
        match here {
            Some(index) => drop(keys.remove(index)),
            None => keys::put(keys, Key { step, factor: round(keys::factor_at(keys, step)) }),
        }
    }
}

/// A double-click, or a click with Alt, adds a key where the pointer is.
pub fn add_at_pointer(ui: &Ui, lane: &Lane, settings: &mut LaneSettings, body: &Response, rail: Rect, axis: Axis) {
    let adds = body.double_clicked() || body.clicked() && ui.input(|i| i.modifiers.alt);
    let Some(pointer) = body.interact_pointer_pos().filter(|_| adds) else { return };
    let Some(keys) = settings.keys_mut() else { return };
    // A lane without keys is too low for heights to mean anything.
    let factor = if lane.keyed { Heights::of(keys, rail).factor(pointer.y, STEP) } else { 1.0 };
    keys::put(keys, Key { step: axis.step(pointer.x), factor });
}

/// The factor over the steps: filled in `bar`, where the lane acts, a line in the rest of `rail`.
pub fn curve(ui: &Ui, lane: &Lane, settings: &LaneSettings, [rail, bar]: [Rect; 2], fill: egui::Color32, axis: Axis) {
    let Some(keys) = settings.keys().filter(|keys| !keys.is_empty()) else { return };
    let heights = Heights::of(keys, rail);
    let place = |x: f32| {
        let position = (x - axis.left) / axis.cell() - 0.5;
        pos2(x, heights.y(keys::factor_between(keys, position)))
    };
    let across = |from: f32, to: f32| {
        let inside = keys.iter().map(|key| axis.left + axis.cell() * (key.step as f32 + 0.5));
        let inside = inside.filter(move |x| (from..to).contains(x));
        std::iter::once(from).chain(inside).chain([to]).map(place).collect::<Vec<_>>()
    };
    let painter = ui.painter();
    let theme = Theme::of(ui);
    let one = heights.y(1.0);
    let ends = [pos2(rail.left(), one), pos2(rail.right(), one)];
    painter.extend(Shape::dashed_line(&ends, Stroke::new(1.0, theme.ink.faint.gamma_multiply(0.5)), 3.0, 3.0));
    if !lane.is_idle() {
        for pair in across(bar.left(), bar.right()).windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let corners = vec![a, b, pos2(b.x, rail.bottom()), pos2(a.x, rail.bottom())];
            painter.add(Shape::convex_polygon(corners, fill, Stroke::NONE));
        }
    }
    painter.add(Shape::line(across(rail.left(), rail.right()), Stroke::new(1.3, ink(ui, lane))));
}

fn ink(ui: &Ui, lane: &Lane) -> egui::Color32 {
    theme::mix(lane.color, Theme::of(ui).ink.text, 0.35)
}

/// The points to drag.
pub fn points(ui: &mut Ui, lane: &Lane, settings: &mut LaneSettings, rail: Rect, axis: Axis) {
    let count = settings.keys().map_or(0, Vec::len);
    let mut gone = None;
    for index in 0..count {
        if point(ui, lane, settings, index, rail, axis) {
            gone = Some(index);
        }
    }
    if let (Some(index), Some(keys)) = (gone, settings.keys_mut()) {
        keys.remove(index);
    }
}

/// One key; returns whether it is to be removed.
fn point(ui: &mut Ui, lane: &Lane, settings: &mut LaneSettings, index: usize, rail: Rect, axis: Axis) -> bool {
    let scale = settings.scale();
    let Some(keys) = settings.keys_mut() else { return false };
    let Some(&key) = keys.get(index).filter(|key| key.step < axis.steps) else { return false };
    let heights = Heights::of(keys, rail);
    let at = pos2(axis.middle(key.step), heights.y(key.factor));
    let area = Rect::from_center_size(at, Vec2::splat(3.5 * POINT));
    let response = ui.interact(area, ui.scope_id().with(("key", lane.kind, index)), Sense::click_and_drag());
    let name = format!("Key of {} at step {}", lane.name, key.step + 1);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(key.factor)),
        ..WidgetInfo::labeled(Role::Slider, true, &name)
    });
    let mut edited = key;
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.drag_stopped()) {
        let step = if ui.input(|i| i.modifiers.shift) { FINE } else { STEP };
        edited = Key { step: axis.step(pointer.x), factor: heights.factor(pointer.y, step) };
    }
    let mut gone = follow_presses(ui, &response, &mut edited) || response.secondary_clicked();
    let popup = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let last = axis.steps - 1;
    if let Some(inside) = popup.show(|ui| edit(ui, &mut edited, scale, last)) {
        gone |= inside.inner;
    }
    set(keys, index, edited, last);
    let held = response.hovered() || response.dragged() || response.has_focus();
    let rim = if response.has_focus() { Theme::of(ui).accent.plain } else { Theme::of(ui).ground.panel };
    ui.painter().circle(at, if held { POINT + 1.0 } else { POINT }, ink(ui, lane), Stroke::new(1.5, rim));
    response.on_hover_text(format!(
        "Step {}: {}\nDrag it, click to type, right-click or Delete to remove",
        key.step + 1,
        product(key.factor, scale)
    ));
    gone
}

/// Arrow keys move a key that has the keyboard focus; Delete removes it, or the key under the pointer. Returns whether
/// the key is to be removed.
fn follow_presses(ui: &Ui, response: &Response, key: &mut Key) -> bool {
    let [right, up] = arrow_presses(ui, response);
    key.step = key.step.saturating_add_signed(right as isize);
    if up != 0 {
        key.factor = round(key.factor + up as f32 * STEP);
    }
    let typing = ui.ctx().text_edit_focused();
    let count = |press| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, press));
    (response.has_focus() || response.hovered() && !typing) && count(Press::Delete) + count(Press::Backspace) > 0
}

/// Puts a key between its neighbours: the order of keys never changes under the pointer.
fn set(keys: &mut [Key], index: usize, new: Key, last: usize) {
    let low = index.checked_sub(1).map_or(0, |before| keys[before].step + 1);
    let high = keys.get(index + 1).map_or(last, |after| after.step.saturating_sub(1).min(last));
    let step = new.step.min(high).max(low);
    keys[index] = Key { step, factor: new.factor.clamp(0.0, Key::MOST) };
}

fn product(factor: f32, scale: f32) -> String {
    format!("×{factor:.2} of {scale:.1} = {:.2}", factor * scale)
}

/// Step and factor to type; returns whether the key is to be removed.
fn edit(ui: &mut Ui, key: &mut Key, scale: f32, last: usize) -> bool {
    ui.set_width(176.0);
    row::labelled(ui, "Step", |ui| {
        let mut number = key.step + 1;
        ui.add(DragValue::new(&mut number).range(1..=last + 1).speed(0.1).update_while_editing(false))
            .accessible_name("Step of the key");
        key.step = number.max(1) - 1;
    });
    row::labelled(ui, "Factor", |ui| {
        row::number(ui, "Factor of the key", &mut key.factor, 0.0..=Key::MOST, 1.0, 2);
    });
    row::note(ui, product(key.factor, scale));
    ui.button("Remove key").clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_and_factors_agree_and_rest_on_one() {
        let rail = Rect::from_min_max(pos2(0.0, 100.0), pos2(50.0, 130.0));
        let heights = Heights::of(&[Key { step: 0, factor: 1.5 }], rail);
        for factor in [0.0, 0.35, 1.0, 1.6, 2.0] {
            assert_eq!(heights.factor(heights.y(factor), STEP), factor);
        }
        assert_eq!(heights.factor(heights.y(1.0) + 1.5, FINE), 1.0);
        assert_eq!((heights.factor(0.0, STEP), heights.factor(999.0, STEP)), (2.0, 0.0));
        assert_eq!(Heights::of(&[Key { step: 0, factor: 6.0 }], rail).top, 6.0);
    }

    #[test]
    fn a_key_stays_between_its_neighbours() {
        let mut keys = keys::parse("2:1,5:1,9:1").expect("keys");
        let move_to = |keys: &mut Vec<Key>, index, step| {
            set(keys, index, Key { step, factor: 0.5 }, 19);
            keys[index].step
        };
        assert_eq!(move_to(&mut keys, 1, 0), 3);
        assert_eq!(move_to(&mut keys, 1, 15), 8);
        assert_eq!(move_to(&mut keys, 2, 40), 19);
        assert_eq!(move_to(&mut keys, 0, 1), 1);
    }
}

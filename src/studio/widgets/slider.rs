//! A slider that is filled from its origin to its value. The origin is the left end or a value in the middle.
//!
//! Apart from egui's own slider, which has no origin and no detent.

use std::ops::RangeInclusive;

use egui::{
    Align, Color32, CornerRadius, DragValue, EventFilter, Id, Key, Layout, Modifiers, Pos2, Rect, Response, Role,
    Sense, TextEdit, Ui, UiBuilder, WidgetInfo,
    accesskit::{Action, ActionData},
    emath, lerp, pos2, remap_clamp,
    text::CCursorRange,
    vec2,
};

use super::focus::{self, Keys};
use crate::studio::view::theme::{Theme, size};

/// A drag snaps to the origin within this distance, in points.
const DETENT: f32 = 3.0;

/// A slider with a number field. The user drags, clicks the rail or presses arrow keys, types after Ctrl+click or after
/// a click on the number, and double-clicks for the default.
pub struct ValueSlider<'a> {
    value: &'a mut f32,
    range: RangeInclusive<f32>,
    name: String,
    origin: f32,
    default: f32,
    step: f32,
    decimals: usize,
    signed: bool,
    prefix: &'static str,
    color: Option<Color32>,
}

impl<'a> ValueSlider<'a> {
    /// `name` is the accessible name.
    pub fn new(name: impl Into<String>, value: &'a mut f32, range: RangeInclusive<f32>) -> Self {
        let (origin, default) = (*range.start(), *value);
        let name = name.into();
        Self { value, range, name, origin, default, step: 0.1, decimals: 1, signed: false, prefix: "", color: None }
    }

    /// Origin and default are 0, and the number has a sign.
    pub fn bipolar(mut self) -> Self {
        (self.origin, self.default, self.signed) = (0.0, 0.0, true);
        self
    }

    pub fn value(&self) -> &f32 {
        self.value
    }

    /// Origin and default are 1, and the number has a `×` before it.
    pub fn factor(mut self) -> Self {
        (self.origin, self.default, self.prefix) = (1.0, 1.0, "×");
        self
    }

    pub fn default_value(mut self, default: f32) -> Self {
        self.default = default;
        self
    }

    /// The smallest change by dragging, and the number of decimals.
    pub fn step(mut self, step: f32, decimals: usize) -> Self {
        (self.step, self.decimals) = (step, decimals);
        self
    }

    pub fn color(mut self, color: Color32) -> Self {
        self.color = Some(color);
        self
    }

    /// Draws the slider in `rail` and the number in `number`. The response is the slider's; it is changed if either
    /// changed.
    pub fn place(mut self, ui: &mut Ui, rail: Rect, number: Rect) -> Response {
        let before = *self.value;
        let id = ui.scope_id().with(("slider", &self.name));
        let mut response = ui.interact(rail, id, Sense::click_and_drag());
        self.follow_pointer(ui, &response, rail);
        self.follow_keys(ui, id);
        let field = self.number_field(ui, number);
        if response.clicked() && ui.input(|i| i.modifiers.command) {
            type_into(ui, field.id, &self.text());
        }
        if response.double_clicked() {
            *self.value = self.default;
        }
        if *self.value != before {
            response.mark_changed();
        }
        self.describe(ui, &response);
        self.paint(ui, rail, &response);
        response
    }

    fn span(rail: Rect) -> (f32, f32) {
        (rail.left() + size::KNOB, rail.right() - size::KNOB)
    }

    fn x_of(&self, rail: Rect, value: f32) -> f32 {
        let (left, right) = Self::span(rail);
        remap_clamp(value, self.range.clone(), left..=right)
    }

    fn follow_pointer(&mut self, ui: &Ui, response: &Response, rail: Rect) {
        let typing = ui.input(|i| i.modifiers.command);
        // Also in the frame in which the pointer lets go: a click may begin and end in one.
        let Some(Pos2 { x, .. }) = response.interact_pointer_pos().filter(|_| !typing) else { return };
        response.request_focus();
        let (left, right) = Self::span(rail);
        let fine = ui.input(|i| i.modifiers.shift);
        let t = ((x - left) / (right - left)).clamp(0.0, 1.0);
        let value = lerp(self.range.clone(), t);
        let step = if fine { self.step / 10.0 } else { self.step };
        let near_origin = !fine && (x - self.x_of(rail, self.origin)).abs() < DETENT;
        self.set(if near_origin { self.origin } else { (value / step).round() * step });
    }

    fn follow_keys(&mut self, ui: &Ui, id: Id) {
        let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(id, arrows));
        let focused = ui.memory(|m| m.has_focus(id));
        if focused {
            focus::claim(ui.ctx(), id, Keys::Arrows);
        }
        let (steps, set) = ui.input_mut(|i| {
            let mut steps = 0.0;
            if focused {
                steps += i.count_and_consume_key(Modifiers::NONE, Key::ArrowRight) as f32;
                steps -= i.count_and_consume_key(Modifiers::NONE, Key::ArrowLeft) as f32;
            }
            steps += i.num_accesskit_action_requests(id, Action::Increment) as f32;
            steps -= i.num_accesskit_action_requests(id, Action::Decrement) as f32;
            let set = i.accesskit_action_requests(id, Action::SetValue).find_map(|request| match request.data {
                Some(ActionData::NumericValue(v)) => Some(v as f32),
                _ => None,
            });
            (steps, set)
        });
        if steps != 0.0 {
            self.set(*self.value + steps * self.step);
        }
        if let Some(value) = set {
            self.set(value);
        }
    }

    fn set(&mut self, value: f32) {
        let rounded = emath::round_to_decimals(f64::from(value), self.decimals + 1) as f32;
        *self.value = rounded.clamp(*self.range.start(), *self.range.end());
    }

    fn number_field(&mut self, ui: &mut Ui, area: Rect) -> Response {
        let (signed, decimals, prefix) = (self.signed, self.decimals, self.prefix);
        let format = move |v, _| written(v, signed, decimals, prefix);
        let layout = Layout::right_to_left(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt(("number", &self.name)).max_rect(area).layout(layout));
        plain_numbers(&mut child);
        let field = DragValue::new(self.value)
            .range(self.range.clone())
            .speed(self.step)
            .max_decimals(decimals + 1)
            .custom_formatter(format)
            .custom_parser(typed)
            .update_while_editing(false);
        child.add(field).accessible_name(format!("{} value", self.name))
    }

    fn text(&self) -> String {
        written(f64::from(*self.value), self.signed, self.decimals, self.prefix)
    }

    fn describe(&self, ui: &Ui, response: &Response) {
        let (value, enabled) = (f64::from(*self.value), ui.is_enabled());
        response.widget_info(|| WidgetInfo::slider(enabled, value, &self.name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(f64::from(*self.range.start()));
            node.set_max_numeric_value(f64::from(*self.range.end()));
            node.set_numeric_value_step(f64::from(self.step));
            node.add_action(Action::SetValue);
            node.add_action(Action::Increment);
            node.add_action(Action::Decrement);
        });
    }

    fn paint(&self, ui: &Ui, rail: Rect, response: &Response) {
        let theme = Theme::of(ui);
        let painter = ui.painter();
        let y = rail.center().y;
        let bar = |a: f32, b: f32| {
            Rect::from_min_max(pos2(a.min(b), y - size::RAIL / 2.0), pos2(a.max(b), y + size::RAIL / 2.0))
        };
        let round = CornerRadius::same(2);
        painter.rect_filled(bar(rail.left(), rail.right()), round, theme.ground.raised);
        let from = if self.origin <= *self.range.start() { rail.left() } else { self.x_of(rail, self.origin) };
        let knob = self.x_of(rail, *self.value);
        painter.rect_filled(bar(from, knob), round, self.color.unwrap_or(theme.slider.fill));
        if self.origin > *self.range.start() {
            let tick = Rect::from_center_size(pos2(from, y), vec2(1.0, 7.0));
            painter.rect_filled(tick, 0.0, theme.ink.faint);
        }
        paint_knob(ui, pos2(knob, y), response);
    }
}

fn written(value: f64, signed: bool, decimals: usize, prefix: &str) -> String {
    if signed { format!("{value:+.decimals$}") } else { format!("{prefix}{value:.decimals$}") }
}

/// Parses a typed number. Minus sign, decimal comma and a leading `×` are accepted.
fn typed(text: &str) -> Option<f64> {
    text.trim().trim_start_matches(['×', 'x']).replace('−', "-").replace(',', ".").trim().parse().ok()
}

/// Gives a number field the keyboard focus and selects its text.
pub fn type_into(ui: &Ui, field: Id, text: &str) {
    ui.memory_mut(|m| m.request_focus(field));
    let mut state = TextEdit::load_state(ui.ctx(), field).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::select_all_str(text)));
    state.store(ui.ctx(), field);
}

/// Paints the round handle of sliders: larger under the pointer, with a ring under keyboard focus.
pub(super) fn paint_knob(ui: &Ui, at: Pos2, response: &Response) {
    let theme = Theme::of(ui);
    let held = response.hovered() || response.is_pointer_button_down_on();
    let radius = if held { size::KNOB + 1.0 } else { size::KNOB };
    if response.has_focus() {
        ui.painter().circle_stroke(at, radius + 2.0, egui::Stroke::new(1.5, theme.accent.plain));
    }
    ui.painter().circle_filled(at, radius, theme.slider.knob);
}

/// Sets number fields to have no frame unless hovered.
pub fn plain_numbers(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    widgets.inactive.weak_bg_fill = Color32::TRANSPARENT;
    widgets.hovered.weak_bg_fill = theme.ground.raised;
    ui.spacing_mut().button_padding = vec2(3.0, 1.0);
    ui.spacing_mut().interact_size = vec2(24.0, size::ROW - 4.0);
}

/// Describes a slider of whole numbers between 0 and `most` to screen readers.
pub(super) fn describe_whole(ui: &Ui, response: &Response, name: &str, value: usize, most: usize) {
    let enabled = ui.is_enabled();
    response
        .widget_info(|| WidgetInfo { value: Some(value as f64), ..WidgetInfo::labeled(Role::Slider, enabled, name) });
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(most as f64);
        node.set_numeric_value_step(1.0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_typed() {
        for (value, signed, prefix) in [(-2.5, true, ""), (9.0, true, ""), (1.25, false, "×"), (0.0, false, "")] {
            assert_eq!(typed(&written(value, signed, 2, prefix)), Some(value));
        }
        assert_eq!(typed(" −0,5 "), Some(-0.5));
        assert_eq!(typed("much"), None);
    }
}

//! One choice of a few, side by side in one field.
//!
//! Apart from the combo box, which shows one option at a time.

use egui::{CornerRadius, EventFilter, Id, Key, Modifiers, Rect, Role, Sense, Ui, WidgetInfo, WidgetText, pos2, vec2};

use crate::studio::view::theme::{self, Theme, size};

const PAD: f32 = 9.0;
const LEAST_PAD: f32 = 3.0;
const HEIGHT: f32 = 26.0;

/// The width that [`segmented`] takes.
pub fn width(ui: &Ui, titles: impl Iterator<Item = &'static str>) -> f32 {
    titles.map(|title| text_width(ui, title) + 2.0 * PAD).sum::<f32>() + 4.0
}

fn text_width(ui: &Ui, title: &str) -> f32 {
    ui.painter().layout_no_wrap(title.to_owned(), theme::body_font(), theme::PLAIN).size().x
}

/// Shows `options` with their titles; returns whether another was chosen. A disabled option gives its reason on hover.
pub fn segmented<T: Copy + PartialEq>(
    ui: &mut Ui,
    chosen: &mut T,
    options: &[T],
    title: impl Fn(T) -> &'static str,
    unavailable: impl Fn(T) -> Option<&'static str>,
) -> bool {
    segmented_explained(ui, chosen, options, title, unavailable, |_| None::<&str>)
}

/// As [`segmented`], with a hover text for each option.
pub fn segmented_explained<T: Copy + PartialEq, E: Into<WidgetText>>(
    ui: &mut Ui,
    chosen: &mut T,
    options: &[T],
    title: impl Fn(T) -> &'static str,
    unavailable: impl Fn(T) -> Option<&'static str>,
    explain: impl Fn(T) -> Option<E>,
) -> bool {
    let before = *chosen;
    if let Some(next) = follow_arrows(ui, *chosen, options, &title, &unavailable) {
        *chosen = next;
    }
    let theme = Theme::of(ui);
    let mut widths: Vec<f32> = options.iter().map(|&o| text_width(ui, title(o))).collect();
    // In a narrow column the titles stand closer.
    let spare = ui.available_width() - 4.0 - widths.iter().sum::<f32>();
    let pad = (spare / (2 * options.len().max(1)) as f32).clamp(LEAST_PAD, PAD);
    widths.iter_mut().for_each(|width| *width += 2.0 * pad);
    let (rect, _) = ui.allocate_exact_size(vec2(widths.iter().sum::<f32>() + 4.0, HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS + 1), theme.ground.input);
    let mut left = rect.left() + 2.0;
    for (&option, width) in options.iter().zip(widths) {
        let cell = Rect::from_min_size(pos2(left, rect.top() + 2.0), vec2(width, HEIGHT - 4.0));
        left += width;
        let name = title(option);
        let reason = unavailable(option);
        let active = *chosen == option;
        // One stop of the Tab key, as radio buttons are; the arrow keys choose.
        let sense = if active { Sense::click() } else { Sense::CLICK };
        let mut response = ui.interact(cell, id(ui, name), sense);
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, reason.is_none(), active, name));
        if let Some(text) = reason.map(WidgetText::from).or_else(|| explain(option).map(Into::into)) {
            response = response.on_hover_text(text);
        }
        if response.clicked() && !active {
            *chosen = option;
        }
        let ink = match (*chosen == option, reason.is_some(), response.hovered()) {
            (true, ..) => theme.ink.text,
            (_, true, _) => theme.ink.faint,
            (_, _, true) => theme.ink.text,
            _ => theme.ink.dim,
        };
        if *chosen == option {
            ui.painter().rect_filled(cell, CornerRadius::same(size::RADIUS - 1), theme.ground.raised);
        }
        if response.has_focus() {
            let rim = egui::Stroke::new(1.0, theme.accent.plain);
            ui.painter().rect_stroke(cell, CornerRadius::same(size::RADIUS - 1), rim, egui::StrokeKind::Inside);
        }
        ui.painter().text(cell.center(), egui::Align2::CENTER_CENTER, name, theme::body_font(), ink);
    }
    *chosen != before
}

fn id(ui: &Ui, name: &str) -> Id {
    ui.scope_id().with(("segment", name))
}

/// The option that the arrow keys choose while the chosen one has the focus, which goes with it.
fn follow_arrows<T: Copy + PartialEq>(
    ui: &Ui,
    chosen: T,
    options: &[T],
    title: &impl Fn(T) -> &'static str,
    unavailable: &impl Fn(T) -> Option<&'static str>,
) -> Option<T> {
    let own = id(ui, title(chosen));
    let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(own, arrows));
    if !ui.memory(|m| m.has_focus(own)) {
        return None;
    }
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let (back, on) = (pressed(Key::ArrowLeft), pressed(Key::ArrowRight));
    let at = options.iter().position(|option| *option == chosen)?;
    let free = |option: &&T| unavailable(**option).is_none();
    let next = match (back, on) {
        (true, _) => options[..at].iter().rev().find(free),
        (_, true) => options[at + 1..].iter().find(free),
        _ => None,
    };
    let next = *next?;
    ui.memory_mut(|m| m.request_focus(id(ui, title(next))));
    Some(next)
}

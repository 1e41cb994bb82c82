//! The keyboard focus: shown wherever it is, scrolled into view, and what the keys mean to the widget that has it.
//!
//! Apart from the widgets because it concerns whichever of them has the keyboard.

use egui::{Context, CornerRadius, Event, Id, Key, LayerId, Order, Rect, Stroke, StrokeKind, Ui, WidgetRect};

use crate::studio::view::theme::Theme;

/// What a widget with the focus does with keys that otherwise hold in the whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Takes the arrow keys; Space and letters keep their meaning.
    Arrows,
    /// Takes letters too.
    Letters,
}

fn before_id() -> Id {
    Id::unique("focus of the frame before")
}

fn claim_id() -> Id {
    Id::unique("keys of the focused widget")
}

/// Says what the keys mean to the widget `id`, which has the focus.
pub fn claim(ctx: &Context, id: Id, keys: Keys) {
    ctx.data_mut(|data| data.insert_temp(claim_id(), (id, keys)));
}

/// What the keys mean to the widget that has the focus, where it has said so.
pub fn claimed(ctx: &Context) -> Option<Keys> {
    let (id, keys) = ctx.data(|data| data.get_temp::<(Id, Keys)>(claim_id()))?;
    ctx.memory(|m| m.has_focus(id)).then_some(keys)
}

/// Where the widget `id` is, in this frame or the one before. To read its response would take its focus away where the
/// pointer has clicked elsewhere.
fn place(ctx: &Context, id: Id) -> Option<WidgetRect> {
    ctx.viewport(|viewport| viewport.this_pass.widgets.get(id).or_else(|| viewport.prev_pass.widgets.get(id)).copied())
}

/// The widget that got the focus in this frame.
fn gained(ctx: &Context) -> Option<Id> {
    let focused = ctx.memory(|m| m.focused())?;
    // What had it at the end of the frame before.
    let before = ctx.data(|data| data.get_temp::<Option<Id>>(before_id())).flatten();
    (before != Some(focused)).then_some(focused)
}

/// Inside a scroll area after its contents: scrolls to the widget that has just got the focus, if it is one of them.
pub fn scroll_to_gained(ui: &Ui) {
    let Some(response) = gained(ui.ctx()).and_then(|id| place(ui.ctx(), id)) else { return };
    let inside = response.layer_id == ui.layer_id() && ui.min_rect().contains(response.rect.center());
    if inside && !ui.clip_rect().contains_rect(response.rect) {
        ui.scroll_to_rect(response.rect, None);
    }
}

/// A rim around the widget with the focus, once the keyboard has moved it. Called after all widgets of the frame.
pub fn show(ctx: &Context, theme: &Theme) {
    let focused = ctx.memory(|m| m.focused());
    ctx.data_mut(|data| data.insert_temp(before_id(), focused));
    let by_keyboard = Id::unique("focus by keyboard");
    let moved = ctx.input(|i| i.events.iter().any(moves_focus));
    let pressed = ctx.input(|i| i.pointer.any_pressed());
    if moved || pressed {
        ctx.data_mut(|data| data.insert_temp(by_keyboard, moved));
    }
    if !ctx.data(|data| data.get_temp(by_keyboard).unwrap_or(false)) {
        return;
    }
    let Some(response) = focused.and_then(|id| place(ctx, id)) else { return };
    let rect: Rect = response.interact_rect.expand(1.5).intersect(ctx.content_rect().shrink(1.0));
    let layer = LayerId::new(Order::Foreground, Id::unique("focus"));
    let rim = Stroke::new(1.5, theme.accent.plain);
    ctx.layer_painter(layer).rect_stroke(rect, CornerRadius::same(4), rim, StrokeKind::Outside);
}

fn moves_focus(event: &Event) -> bool {
    let keys = [Key::Tab, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown];
    matches!(event, Event::Key { key, pressed: true, .. } if keys.contains(key))
}

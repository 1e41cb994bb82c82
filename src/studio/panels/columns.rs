//! The interface's size, and the borders between the parts of the window: to drag, and to fold what lies beyond.
//!
//! Apart from the arrangement, which only computes rectangles.

use egui::{
    Color32, Context, CursorIcon, EventFilter, Id, Key, Modifiers, Pos2, Rect, Response, Role, Sense, Shape, Stroke,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::arrangement::Arrangement;
use crate::studio::view::{
    layout::{COLUMN, SCALE},
    state::{Appearance, Folded},
    theme::{Theme, size},
};

/// How far one press of an arrow key moves a border, in points.
const STEP: f32 = 10.0;

/// Keeps the interface at `scale`, unless the keyboard (Ctrl with +, - and 0) has changed it since the last frame: then
/// `scale` follows. Both stay between 1 and 2.
pub fn follow_scale(ctx: &Context, scale: &mut f32) {
    let id = Id::unique("interface scale");
    let set: f32 = ctx.data(|d| d.get_temp(id)).unwrap_or(1.0);
    let now = ctx.zoom_factor();
    if (now - set).abs() > 1e-3 {
        *scale = now;
    }
    *scale = scale.clamp(*SCALE.start(), *SCALE.end());
    if (now - *scale).abs() > 1e-3 {
        ctx.set_zoom_factor(*scale);
    }
    ctx.data_mut(|d| d.insert_temp(id, *scale));
}

/// The borders between the columns and the canvas in `middle`: drag to make a column wider, double-click for the usual.
pub fn borders(ui: &Ui, appearance: &mut Appearance, middle: Rect) {
    let folded = [appearance.folded.left, appearance.folded.right];
    let columns = &mut appearance.columns;
    let usual = [size::LEFT, size::RIGHT];
    for (side, name) in ["Width of the left column", "Width of the right column"].into_iter().enumerate() {
        if folded[side] || appearance.folded.alone {
            continue;
        }
        let x = if side == 0 { middle.left() } else { middle.right() };
        let grip = Rect::from_min_max(pos2(x - 3.0, middle.top()), pos2(x + 3.0, middle.bottom()));
        let response = ui.interact(grip, ui.scope_id().with(name), Sense::click_and_drag());
        let width = f64::from(columns[side]);
        response.widget_info(|| WidgetInfo::slider(true, width, name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_min_numeric_value(f64::from(*COLUMN.start()));
            node.set_max_numeric_value(f64::from(*COLUMN.end()));
        });
        let outward = if side == 0 { 1.0 } else { -1.0 };
        let mut moved = outward * arrow_presses(ui, &response) * STEP;
        if response.dragged() {
            moved += outward * response.drag_delta().x;
        }
        columns[side] = (columns[side] + moved).clamp(*COLUMN.start(), *COLUMN.end());
        if response.double_clicked() {
            columns[side] = usual[side];
        }
        response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    }
}

/// How far the arrow keys go to the right while a border has the focus.
fn arrow_presses(ui: &Ui, border: &Response) -> f32 {
    let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(border.id, arrows));
    if !border.has_focus() {
        return 0.0;
    }
    let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as f32;
    count(Key::ArrowRight) - count(Key::ArrowLeft)
}

/// The lines between the parts of the window.
pub fn edges(ui: &Ui, parts: &Arrangement) {
    let pen = Stroke::new(1.0, Theme::of(ui).line);
    let painter = ui.painter();
    if let Some(toolbar) = parts.toolbar {
        painter.hline(toolbar.x_range(), toolbar.bottom() - 0.5, pen);
    }
    for part in [parts.timeline, parts.takes].into_iter().flatten() {
        painter.hline(part.x_range(), part.top() + 0.5, pen);
    }
    if let Some(left) = parts.left {
        painter.vline(left.right() - 0.5, left.y_range(), pen);
    }
    if let Some(right) = parts.right {
        painter.vline(right.left() + 0.5, right.y_range(), pen);
    }
}

/// A handle on each border of the canvas that folds what lies beyond it, or brings it back.
pub fn folds(ui: &mut Ui, folded: &mut Folded, parts: &Arrangement) {
    if folded.alone {
        return;
    }
    let canvas = parts.canvas;
    let (along, across) = (44.0, 9.0);
    let beside = |x: f32| Rect::from_center_size(pos2(x, canvas.center().y), vec2(across, along));
    let below = Rect::from_center_size(pos2(canvas.center().x, canvas.bottom() - across / 2.0), vec2(along, across));
    let handles = [
        (&mut folded.left, "left column", beside(canvas.left() + across / 2.0), vec2(-1.0, 0.0)),
        (&mut folded.right, "right column", beside(canvas.right() - across / 2.0), vec2(1.0, 0.0)),
        (&mut folded.timeline, "timeline", below, vec2(0.0, 1.0)),
    ];
    for (folded, what, rect, outward) in handles {
        let verb = if *folded { "Show" } else { "Fold" };
        let name = format!("{verb} the {what}");
        let response = ui.interact(rect, ui.scope_id().with(("fold", what)), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, *folded, &name));
        let theme = Theme::of(ui);
        let ink = if response.hovered() || response.has_focus() { theme.ink.text } else { theme.ink.faint };
        if response.hovered() {
            ui.painter().rect_filled(rect, 3.0, theme.ground.raised);
        }
        chevron(ui, rect.center(), if *folded { -outward } else { outward }, ink);
        if response.clicked() {
            *folded = !*folded;
        }
        response.on_hover_text(format!("{name}; H shows the canvas alone"));
    }
}

/// A small arrow head that points `to`.
fn chevron(ui: &Ui, at: Pos2, to: Vec2, ink: Color32) {
    let side = to.rot90();
    let points = vec![at - to * 1.5 + side * 4.0, at + to * 1.5, at - to * 1.5 - side * 4.0];
    ui.painter().add(Shape::line(points, Stroke::new(1.3, ink)));
}

//! The interface's size, and the borders between the columns and the canvas.

use egui::{Context, CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, pos2};

use crate::studio::view::{
    layout::{COLUMN, SCALE},
    theme::size,
};

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
pub fn borders(ui: &Ui, columns: &mut [f32; 2], middle: Rect) {
    let usual = [size::LEFT, size::RIGHT];
    for (side, name) in ["Width of the left column", "Width of the right column"].into_iter().enumerate() {
        let x = if side == 0 { middle.left() } else { middle.right() };
        let grip = Rect::from_min_max(pos2(x - 3.0, middle.top()), pos2(x + 3.0, middle.bottom()));
        let response = ui.interact(grip, ui.scope_id().with(name), Sense::click_and_drag());
        let width = f64::from(columns[side]);
        response.widget_info(|| WidgetInfo::slider(true, width, name));
        if response.dragged() {
            let moved = response.drag_delta().x * if side == 0 { 1.0 } else { -1.0 };
            columns[side] = (columns[side] + moved).clamp(*COLUMN.start(), *COLUMN.end());
        }
        if response.double_clicked() {
            columns[side] = usual[side];
        }
        response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    }
}

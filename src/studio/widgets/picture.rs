//! Small pictures, and words on them.

use egui::{Color32, CornerRadius, Rect, TextureId, Ui, pos2, vec2};

use crate::studio::view::theme::Theme;

const WHOLE: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

/// Fills `rect` with the texture, cut to the rectangle's aspect; `picture_size` is in texels.
pub fn cover(ui: &Ui, rect: Rect, texture: TextureId, picture_size: [usize; 2], radius: u8, tint: Color32) {
    let [w, h] = picture_size.map(|n| n.max(1) as f32);
    let scale = (rect.width() / w).max(rect.height() / h);
    let part = vec2(rect.width() / (w * scale), rect.height() / (h * scale));
    let uv = Rect::from_center_size(WHOLE.center(), part);
    let image = egui::epaint::RectShape::filled(rect, CornerRadius::same(radius), tint).with_texture(texture, uv);
    ui.painter().add(image);
}

/// Light text on a dark, half transparent ground, placed by its corner.
pub fn label_on(ui: &Ui, corner: egui::Pos2, align: egui::Align2, text: &str, font: egui::FontId) -> Rect {
    let theme = Theme::of(ui);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), font, theme.on_picture.ink);
    let rect = align.anchor_size(corner, galley.size() + vec2(8.0, 3.0));
    ui.painter().rect_filled(rect, CornerRadius::same(3), theme.on_picture.ground);
    ui.painter().galley(rect.min + vec2(4.0, 1.5), galley, theme.on_picture.ink);
    rect
}

//! Rows that say what is painted, and take the brush up.

use egui::{Ui, vec2};

use crate::studio::{
    command::Commands,
    document::{
        Document,
        edit::Edit,
        paint::{PaintTarget, covered, painted},
    },
    view::{
        View,
        brush::Target,
        theme::{self, Theme},
    },
    widgets::{Icon, icon_button, row},
};

/// The chosen region's paint: how much, and the ways to paint and to clear it.
pub fn region_row(
    ui: &mut Ui,
    document: &Document,
    view: &mut View,
    commands: &mut Commands,
    region: usize,
    name: &str,
) {
    let target = PaintTarget::Region(region);
    let text = painted(document.recipe(), target).map(covered).unwrap_or_default();
    row::labelled(ui, "By hand", |ui| {
        paint_button(ui, view, Target::Region, &format!("Paint {name}"));
        row::note(ui, if text.is_empty() { "nothing painted" } else { &text });
        if !text.is_empty() && icon_button(ui, Icon::Close, &format!("Clear the paint of {name}")).clicked() {
            commands.edit(Edit::ClearPaint(target));
        }
    });
}

/// Takes the brush up for `target`, or lays it down.
pub fn paint_button(ui: &mut Ui, view: &mut View, target: Target, name: &str) {
    let on = view.brush.active && view.brush.target == target;
    let color = if on { Theme::of(ui).accent.plain } else { Theme::of(ui).ink.text };
    ui.spacing_mut().button_padding = vec2(6.0, 1.0);
    let button = ui.button(egui::RichText::new("Paint").font(theme::small_font()).color(color)).accessible_name(name);
    let said = "A brush on the picture that gives places to it, or takes them away, whatever attention says (B)";
    let said = if target == Target::Region { said } else { "Take the brush up on the picture (B)" };
    if button.on_hover_text(said).clicked() {
        view.set_painting((!on).then_some(target));
    }
}

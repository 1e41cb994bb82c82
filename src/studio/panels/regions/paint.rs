//! Rows that say what is painted, and take the brush up.

use egui::{Ui, vec2};

use crate::studio::{
    bundle::Studio,
    document::paint::covered,
    view::{
        brush::Target,
        theme::{self, Theme},
    },
    widgets::{Icon, icon_button, row},
};

/// The chosen region's paint: how much, and the ways to paint and to clear it.
pub fn region_row(ui: &mut Ui, studio: &mut Studio, region: usize, name: &str) {
    let layer = studio.document.recipe.painted.iter().find(|layer| layer.position == region);
    let said = layer.map(|layer| covered(&layer.cells)).unwrap_or_default();
    row::labelled(ui, "By hand", |ui| {
        paint_button(ui, studio, Target::Region, &format!("Paint {name}"));
        row::note(ui, if said.is_empty() { "nothing painted" } else { &said });
        if !said.is_empty() && icon_button(ui, Icon::Close, &format!("Clear the paint of {name}")).clicked() {
            studio.document.recipe.painted.retain(|layer| layer.position != region);
        }
    });
}

/// Takes the brush up for `target`, or lays it down.
pub fn paint_button(ui: &mut Ui, studio: &mut Studio, target: Target, name: &str) {
    let on = studio.view.brush.active && studio.view.brush.target == target;
    let color = if on { Theme::of(ui).accent } else { Theme::of(ui).text };
    ui.spacing_mut().button_padding = vec2(6.0, 1.0);
    let button = ui.button(egui::RichText::new("Paint").font(theme::small_font()).color(color)).accessible_name(name);
    let said = "A brush on the picture that gives places to it, or takes them away, whatever attention says (B)";
    let said = if target == Target::Region { said } else { "Take the brush up on the picture (B)" };
    if button.on_hover_text(said).clicked() {
        studio.view.set_painting((!on).then_some(target));
    }
}

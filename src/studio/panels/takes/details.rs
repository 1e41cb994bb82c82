//! What can be done to the chosen take, and the search field.

use egui::{Align, Layout, Rect, TextEdit, Ui, UiBuilder, vec2};

use crate::studio::{
    bundle::Studio,
    command::Command,
    document::{edit::Edit, takes::TakeId},
    panels::takes::{chosen, pin, tree},
    view::{
        state::Shown,
        theme::{Theme, size},
    },
    widgets::{Icon, icon_button, icon_toggle, row},
};

/// Room for the name, in points.
const NAME: f32 = 106.0;

pub fn show(ui: &mut Ui, studio: &mut Studio, area: Rect) {
    let inner = area.shrink2(vec2(size::MARGIN, 10.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("take").max_rect(inner).layout(Layout::top_down(Align::Min)));
    let ui = &mut child;
    let Some(id) = chosen(studio) else { return };
    ui.horizontal(|ui| title(ui, studio, id));
    ui.horizontal(|ui| buttons(ui, studio, id));
    ui.horizontal(|ui| find(ui, studio, id));
}

fn title(ui: &mut Ui, studio: &mut Studio, id: TakeId) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let counted = count(studio);
    let Some(take) = studio.document.take(id) else { return };
    let sign = if take.starred { Icon::Starred } else { Icon::Star };
    let star = icon_toggle(ui, sign, "Star this take (S)", take.starred);
    if star.clicked() {
        studio.commands.edit(Edit::ToggleStar(id));
    }
    let mut name = take.name.clone();
    let field = TextEdit::singleline(&mut name).id_salt("take name").desired_width(NAME);
    let named = ui.add(field.margin(egui::Margin::symmetric(6, 3))).accessible_name("Name of the take");
    if named.changed() {
        studio.commands.edit(Edit::RenameTake(id, name));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| row::note(ui, counted));
}

/// "9 takes · 3 branches".
fn count(studio: &Studio) -> String {
    let plural = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let takes = plural(studio.document.takes().list().len(), "take", "takes");
    match tree::branches(studio.document.takes().list()) {
        0 | 1 => takes,
        n => format!("{takes} · {}", plural(n, "branch", "branches")),
    }
}

fn buttons(ui: &mut Ui, studio: &mut Studio, id: TakeId) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for (side, letter) in ["A", "B"].into_iter().enumerate() {
        let on = studio.document.takes().pins()[side] == Some(id);
        let button = egui::Button::selectable(on, letter).min_size(vec2(26.0, 20.0));
        let response = ui.add(button).on_hover_text(format!("Pin as {letter} for comparison ({letter})"));
        if response.accessible_name(format!("Pin as {letter}")).clicked() {
            pin(studio, side, id);
        }
    }
    if ui.button("Restore").on_hover_text("Take over this recipe (R, or double-click)").clicked() {
        studio.commands.edit(Edit::RestoreTake(id));
    }
    if ui.button("PNG…").on_hover_text("Export this picture with its recipe").clicked() {
        studio.commands.send(Command::ExportPng(Some(id)));
    }
    if icon_button(ui, Icon::Close, "Remove take (Delete)").clicked() {
        studio.commands.edit(Edit::RemoveTake(id));
    }
}

fn find(ui: &mut Ui, studio: &mut Studio, id: TakeId) {
    let field = TextEdit::singleline(&mut studio.filter).id_salt("find takes").desired_width(NAME + 10.0);
    let field = field.hint_text("Find takes…").margin(egui::Margin::symmetric(6, 2));
    let response = ui.add(field).accessible_name("Find takes");
    response.on_hover_text("Words of the name, the prompt, a concept, or \"seed 3\"; * shows those with a star");
    if studio.view.shown != Shown::Live {
        let text = egui::RichText::new("Back to the newest").color(Theme::of(ui).accent);
        if ui.add(egui::Button::new(text).frame(false)).clicked() {
            studio.view.shown = Shown::Live;
        }
    } else if let Some(take) = studio.document.take(id).filter(|take| !take.elapsed.is_zero()) {
        row::note(ui, format!("took {:.1} s", take.elapsed.as_secs_f32()));
    }
}

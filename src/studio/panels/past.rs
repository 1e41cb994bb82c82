//! The line over the canvas that says that an older take is looked at, whose settings the panels show.
//!
//! Apart from the notices: it is there as long as that take is.

use egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Sense, Ui, UiBuilder, vec2};

use crate::studio::{
    command::Commands,
    document::{Document, edit::Edit, takes::TakeId},
    view::{
        View,
        theme::{Theme, size},
    },
};

/// Names the take and offers to go on from it, or to leave it.
pub fn show(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands, id: TakeId) {
    let Some(take) = document.take(id) else { return };
    let theme = Theme::of(ui);
    Frame::new().fill(theme.ground.input).inner_margin(Margin::symmetric(12, 5)).show(ui, |ui| {
        let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
        let layout = Layout::right_to_left(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt("past").max_rect(line).layout(layout));
        let back = Button::new("Leave this take").frame_when_inactive(false);
        if child.add(back).on_hover_text("Show the picture of the recipe that is being edited").clicked() {
            view.show_live();
        }
        let restore = Button::new(RichText::new("Restore these settings").color(theme.accent.plain));
        if child.add(restore).on_hover_text("Edit this take's recipe (R, or double-click on the take)").clicked() {
            commands.edit(Edit::RestoreTake(id));
        }
        child.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = format!("An older take: {}. The panels show its settings, read-only.", take.name);
            ui.add(Label::new(RichText::new(&text).color(theme.ink.text)).truncate()).on_hover_text(&text);
        });
    });
}

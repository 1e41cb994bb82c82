//! The line over the canvas that shows the current notice.
//!
//! Apart from the toolbar because it is only there while there is a notice.

use egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Sense, Ui, UiBuilder, vec2};

use crate::studio::{
    command::{Command, Commands},
    document::{Document, edit::Edit, notice::Remedy},
    view::theme::{Theme, size},
    widgets::{Icon, icon_button},
};

/// Shows the notice, if there is one, with what can be done about it.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let Some(notice) = &document.notices().shown else { return };
    let theme = Theme::of(ui);
    let (fill, ink) =
        if notice.is_error { (theme.danger.ground, theme.danger.ink) } else { (theme.ground.input, theme.ink.dim) };
    Frame::new().fill(fill).inner_margin(Margin::symmetric(12, 5)).show(ui, |ui| {
        let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
        let layout = Layout::right_to_left(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt("banner").max_rect(line).layout(layout));
        if icon_button(&mut child, Icon::Close, "Dismiss message").clicked() {
            commands.edit(Edit::DismissNotice);
        }
        if let Some(remedy) = notice.remedy {
            let (text, command) = offer(remedy);
            let text = RichText::new(text).color(theme.accent.plain);
            if child.add(Button::new(text).frame_when_inactive(false)).clicked() {
                commands.edit(Edit::DismissNotice);
                commands.send(command);
            }
        }
        child.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = RichText::new(&notice.message).color(ink);
            ui.add(Label::new(text).truncate()).on_hover_text(&notice.message);
        });
    });
}

/// The text of a remedy's button, and what it does.
fn offer(remedy: Remedy) -> (&'static str, Command) {
    match remedy {
        Remedy::ShowLeftovers => ("Show what is missing", Command::ShowLeftovers),
        Remedy::DiscardRecovered => ("Discard", Command::DiscardRecovered),
    }
}

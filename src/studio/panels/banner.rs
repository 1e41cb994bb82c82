//! The line over the canvas that shows the current notice.
//!
//! Apart from the toolbar because it is only there while there is a notice.

use std::time::Duration;

use egui::{Align, Button, Color32, Frame, Id, Label, Layout, Margin, RichText, Sense, Ui, UiBuilder, vec2};

use crate::studio::{
    command::{Command, Commands},
    document::{
        Document,
        edit::Edit,
        notice::{Notice, Remedy},
        queue::random_seed,
        sections::Sampling,
    },
    view::theme::{Theme, size},
    widgets::{Icon, icon_button},
};

/// So many seconds a confirmation is shown.
const BRIEF: f64 = 8.0;

/// Shows the notice, if there is one, with what can be done about it.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let Some(notice) = &document.notices().shown else { return };
    if notice.is_brief() {
        dismiss_in_time(ui, notice, commands);
    }
    let theme = Theme::of(ui);
    let (fill, ink) =
        if notice.is_error { (theme.danger.ground, theme.danger.ink) } else { (theme.ground.input, theme.ink.dim) };
    line(ui, "banner", fill, RichText::new(&notice.message).color(ink), |ui| {
        if icon_button(ui, Icon::Close, "Dismiss message").clicked() {
            commands.edit(Edit::DismissNotice);
        }
        if let Some(remedy) = &notice.remedy {
            let text = RichText::new(offer(remedy)).color(theme.accent.plain);
            if ui.add(Button::new(text).frame_when_inactive(false)).clicked() {
                commands.edit(Edit::DismissNotice);
                commands.send(command(remedy, document));
            }
        }
    });
}

/// A line over the canvas: `text`, cut where there is no room, and `buttons` at its right end, from there to the left.
pub fn line(ui: &mut Ui, id: &str, fill: Color32, text: RichText, buttons: impl FnOnce(&mut Ui)) {
    Frame::new().fill(fill).inner_margin(Margin::symmetric(12, 5)).show(ui, |ui| {
        let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
        let layout = Layout::right_to_left(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt(id).max_rect(line).layout(layout));
        buttons(&mut child);
        child.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let whole = text.text().to_owned();
            ui.add(Label::new(text).truncate()).on_hover_text(whole);
        });
    });
}

/// Takes a confirmation away once it was there long enough to be read.
fn dismiss_in_time(ui: &Ui, notice: &Notice, commands: &mut Commands) {
    let (id, now) = (Id::unique("notice since"), ui.input(|i| i.time));
    let seen: Option<(String, f64)> = ui.data(|d| d.get_temp(id));
    let since = seen.filter(|(message, _)| *message == notice.message).map_or(now, |(_, since)| since);
    ui.data_mut(|d| d.insert_temp(id, (notice.message.clone(), since)));
    let left = BRIEF - (now - since);
    if left <= 0.0 {
        commands.edit(Edit::DismissNotice);
    } else {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
    }
}

/// The text of a remedy's button.
fn offer(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::ShowLeftovers => "Show what is missing",
        Remedy::DiscardRecovered => "Discard",
        Remedy::NewSeed => "New seed",
        Remedy::ShowFile(_) => "Show",
    }
}

/// What a remedy does.
fn command(remedy: &Remedy, document: &Document) -> Command {
    match remedy {
        Remedy::ShowLeftovers => Command::ShowLeftovers,
        Remedy::DiscardRecovered => Command::DiscardRecovered,
        Remedy::NewSeed => {
            let sampling = Sampling::of(document.recipe());
            Command::Edit(Edit::Sampling(Sampling { seed: random_seed(sampling.seed), ..sampling }))
        }
        Remedy::ShowFile(path) => Command::ShowFile(path.clone()),
    }
}

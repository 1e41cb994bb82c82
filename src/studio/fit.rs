//! Whether the expert fits beside the general model, in a word and on hover in full.

use egui::Ui;

use super::{
    state::Studio,
    theme::{self, Theme},
    widgets::row::tinted,
};
use crate::engine::{Fit, Verdict};

/// The verdict in a word, or "…" until the engine has looked at the files; hovering it lists every point.
pub fn verdict(ui: &mut Ui, studio: &Studio) {
    let theme = Theme::of(ui);
    let Some(fit) = studio.current_fit() else {
        tinted(ui, "…", theme.faint).on_hover_text("The models' config files are being compared.");
        return;
    };
    let (word, color) = match fit.verdict() {
        Verdict::Fits => ("fits", theme::FUSION),
        Verdict::Adapted => ("fits, adapted", theme.accent),
        Verdict::Refused => ("does not fit", theme.danger),
    };
    tinted(ui, word, color).on_hover_text(list(fit));
}

/// Why the expert does not fit, or what is done to make it fit; nothing where all is the same.
pub fn notes(ui: &mut Ui, studio: &Studio) {
    let theme = Theme::of(ui);
    let Some(fit) = studio.current_fit() else { return };
    for point in fit.points.iter().filter(|point| point.verdict != Verdict::Fits) {
        let color = if point.verdict == Verdict::Refused { theme.danger } else { theme.dim };
        let text = egui::RichText::new(sentence(&point.text)).font(theme::small_font()).color(color);
        ui.add(egui::Label::new(text).wrap());
    }
}

fn list(fit: &Fit) -> String {
    let mark = |verdict| match verdict {
        Verdict::Fits => "",
        Verdict::Adapted => "Adapted: ",
        Verdict::Refused => "Does not fit: ",
    };
    let points: Vec<_> = fit.points.iter().map(|p| mark(p.verdict).to_owned() + &sentence(&p.text)).collect();
    format!("{} beside {}:\n{}", fit.partners.expert.title(), fit.partners.general.title(), points.join("\n"))
}

/// With a capital and a full stop.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

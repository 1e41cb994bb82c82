//! Whether the expert can be fused with the general model, in a word and on hover in full.

use egui::{Color32, Ui};

use crate::{
    engine::{Compatibility, Verdict},
    studio::{
        document::Document,
        view::theme::{self, Theme},
        widgets::row::{note, tinted},
    },
};

/// The verdict in a word, with every point on hover; below it why the expert does not fit, or what is done to make it
/// fit. Nothing without a fusion in the recipe.
pub fn show(ui: &mut Ui, document: &Document) {
    if document.recipe().fusion.is_none() {
        return;
    }
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        note(ui, "as expert:");
        match document.compatibility() {
            Some(fit) => {
                let (word, color) = word(fit.verdict(), theme);
                tinted(ui, word, color).on_hover_text(list(fit));
            }
            None => {
                note(ui, "…").on_hover_text("The models' config files are being compared.");
            }
        }
    });
    for point in document.compatibility().iter().flat_map(|fit| &fit.points).filter(|p| p.verdict != Verdict::Fits) {
        let color = if point.verdict == Verdict::Refused { theme.danger.ink } else { theme.ink.dim };
        let text = egui::RichText::new(sentence(&point.text)).font(theme::small_font()).color(color);
        ui.add(egui::Label::new(text).wrap());
    }
}

fn word(verdict: Verdict, theme: &Theme) -> (&'static str, Color32) {
    match verdict {
        Verdict::Fits => ("fits", theme.ink.text),
        Verdict::Adapted => ("fits, adapted", theme.accent.plain),
        Verdict::Refused => ("does not fit", theme.danger.ink),
    }
}

fn list(fit: &Compatibility) -> String {
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

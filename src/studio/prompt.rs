//! The words: prompt, its tokens in the colours of their regions, and the negative prompt.

use egui::{TextEdit, Ui, vec2};

use super::{
    state::{Overlay, Studio},
    theme::{self, Theme},
    widgets::{chip, row},
};
use crate::engine::{Token, TokenKind};

pub fn show(ui: &mut Ui, studio: &mut Studio) {
    let tokens = studio.shown_tokens();
    let words: Vec<&Token> = tokens.iter().filter(|t| t.kind == TokenKind::Word).collect();
    row::heading(ui, "Prompt", |ui| {
        if !words.is_empty() {
            row::note(ui, format!("{} tokens", words.len()));
        }
    });
    field(ui, "Prompt", &mut studio.recipe.prompt, "What should be in the picture", 2);
    if !words.is_empty() {
        ui.add_space(3.0);
        chips(ui, studio, &words);
    }
}

pub fn negative(ui: &mut Ui, studio: &mut Studio) {
    row::heading(ui, "Negative", |_| {});
    field(ui, "Negative prompt", &mut studio.recipe.negative, "none", 1);
}

/// A text field of its own colour, as wide as the column.
pub fn field(ui: &mut Ui, name: &str, text: &mut String, hint: &str, rows: usize) -> egui::Response {
    let edit = TextEdit::multiline(text)
        .id_salt(name)
        .hint_text(hint.to_owned())
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 5))
        .return_key(None);
    ui.add(edit).accessible_name(name)
}

/// Words that own a region at the shown step are filled with its colour; the others stay quiet.
fn chips(ui: &mut Ui, studio: &mut Studio, words: &[&Token]) {
    let frame = studio.shown_frame();
    let scfg = frame.as_ref().and_then(|frame| frame.report.as_ref()?.scfg.clone());
    let share = |position: usize| scfg.as_ref()?.shares.iter().find(|(p, _)| *p == position).map(|(_, share)| *share);
    let ground = Theme::of(ui).panel;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for token in words {
            let share = share(token.position);
            let chosen = studio.look.region == Some(token.position);
            let own = theme::token_color(token.position);
            // With one region chosen, the others step back.
            let color = if studio.look.region.is_none() || chosen { own } else { theme::mix(ground, own, 0.35) };
            let response = chip::chip(ui, token.text.trim(), color, share.is_some(), chosen);
            if response.clicked() && share.is_some() {
                studio.look.region = (!chosen).then_some(token.position);
                studio.look.overlay = Overlay::Regions;
            }
            response.on_hover_text(match share {
                Some(share) => format!("token {}, {:.0} % of the picture", token.position, 100.0 * share),
                None => format!("token {}, owns no region at this step", token.position),
            });
        }
    });
}

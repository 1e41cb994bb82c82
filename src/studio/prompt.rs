//! The words: prompt, its tokens in the colours of their regions, and the negative prompt.

use egui::{TextEdit, Ui, vec2};

use super::{
    canvas::overlay,
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
    ui.add_space(5.0);
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
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for token in words {
            let share = share(token.position);
            let chosen = studio.look.region == Some(token.position);
            let color = theme::token_color(token.position);
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

/// What is known of the chosen region at the shown step.
pub fn region(ui: &mut Ui, studio: &mut Studio) {
    let Some(position) = studio.look.region else { return };
    let Some(track) = studio.shown_track() else { return };
    let tokens = track.tokens.clone();
    let cfg = track.recipe.cfg;
    let Some(report) = studio.shown_frame().and_then(|frame| frame.report) else { return };
    let Some(scfg) = report.scfg.clone() else { return };
    let share = scfg.shares.iter().find(|(p, _)| *p == position).map_or(0.0, |(_, share)| *share);
    let inside = |values: &[f32]| {
        let own = scfg.region.values.iter().zip(values).filter(|(owner, _)| usize::from(**owner) == position);
        let (sum, count) = own.fold((0.0, 0), |(sum, count), (_, v)| (sum + v, count + 1));
        if count == 0 { 0.0 } else { sum / count as f32 }
    };
    row::divider(ui);
    row::heading(ui, &format!("Region: {}", overlay::region_name(&tokens, position)), |ui| {
        row::note(ui, format!("{:.0} % of picture", 100.0 * share));
    });
    let rate = inside(&scfg.rate.values);
    let ink = Theme::of(ui).text;
    row::labelled(ui, "Rate ρ", |ui| ui.colored_label(ink, format!("{rate:.2} at step {}", report.step + 1)));
    row::labelled(ui, "Effective", |ui| ui.colored_label(ink, format!("{:.2}", cfg * rate)));
    for concept in &report.concepts {
        let touched = inside(&concept.mask.values);
        row::labelled(ui, &concept.text, |ui| ui.colored_label(ink, format!("touches {:.0} %", 100.0 * touched)));
    }
}

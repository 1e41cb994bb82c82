//! The words: prompt, its tokens in the colours of their regions, and the negative prompt.

use egui::{Ui, vec2};

use crate::{
    engine::TokenKind,
    recipe::{PromptSyntax, TextRules},
    studio::{
        command::{Command, Commands, Shelf},
        document::{Document, edit::Edit},
        panels::words::{Words, field},
        view::{
            View,
            maps::region_color,
            overlay::Overlay,
            state::Lit,
            theme::{self, Theme},
        },
        widgets::{Icon, chip, combo::quiet_combo, icon_button, row},
    },
};

/// The prompt and its words.
pub fn show(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    let before = &document.recipe().prompt;
    let words = Words::of(document, &document.recipe().model).with_regions(document, view);
    row::heading(ui, "Prompt", |ui| {
        if icon_button(ui, Icon::Folder, "Prompts that were used lately").clicked() {
            commands.send(Command::ShowLibrary(Shelf::Prompts));
        }
        words.count(ui, before);
    });
    let mut text = before.clone();
    field(ui, &words, "Prompt", &mut text, "What should be in the picture", 2);
    commands.edit_if_changed(before, text, Edit::Prompt);
    syntax(ui, document, commands);
    if view.shown_tokens(document).iter().any(|token| token.kind == TokenKind::Word) {
        ui.add_space(3.0);
        chips(ui, document, view);
    }
}

/// What brackets mean, once a prompt has any.
fn syntax(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let recipe = document.recipe();
    let has_signs = |text: &str| text.contains(['(', '[', '<']) || text.contains("BREAK");
    let before = recipe.text_rules();
    if before == TextRules::default() && !has_signs(&recipe.prompt) && !has_signs(&recipe.negative) {
        return;
    }
    let mut rules = before;
    row::labelled(ui, "Syntax", |ui| {
        let list = |ui: &mut Ui| {
            for &syntax in PromptSyntax::ALL {
                ui.selectable_value(&mut rules.syntax, syntax, syntax.title());
            }
        };
        quiet_combo(ui, "Prompt syntax", before.syntax.title(), list).on_hover_text(
            "Plain: brackets are letters. A1111: (x:1.2) weighs, [a:b:0.5] and [a|b] switch over the steps, BREAK begins a new \
             chunk. ComfyUI: round brackets weigh. Ctrl+↑ and Ctrl+↓ change the weight of a word",
        );
    });
    commands.edit_if_changed(&before, rules, Edit::TextRules);
}

/// The negative prompt.
pub fn negative(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let before = &document.recipe().negative;
    let words = Words::of(document, &document.recipe().model);
    row::heading(ui, "Negative", |ui| words.count(ui, before));
    let mut text = before.clone();
    field(ui, &words, "Negative prompt", &mut text, "none", 1);
    commands.edit_if_changed(before, text, Edit::Negative);
}

/// Regions that occur at the shown step are filled with their colour; other words stay quiet. A click chooses one
/// region, with Ctrl or Shift further ones to merge it with.
fn chips(ui: &mut Ui, document: &Document, view: &mut View) {
    let names = view.labels(document);
    let frame = view.shown_frame(document);
    let scfg = frame.as_ref().and_then(|frame| frame.report.as_ref()?.scfg.clone());
    let shares = scfg.as_ref().map(|scfg| names.shares(scfg)).unwrap_or_default();
    let ground = Theme::of(ui).ground.panel;
    let several = ui.input(|i| i.modifiers.command || i.modifiers.shift);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for (region, name) in names.regions() {
            let share = shares.iter().find(|(p, _)| *p == region).map(|(_, share)| *share);
            let selection = &mut view.selection;
            let chosen = selection.region == Some(region);
            let along = selection.also.contains(&region);
            let own = region_color(&names, region);
            // With one region chosen, the others step back.
            let color = if selection.region.is_none() || chosen || along { own } else { theme::mix(ground, own, 0.35) };
            let response = chip::chip(ui, &name, color, share.is_some(), chosen || along);
            if response.hovered() && share.is_some() {
                selection.lit = Some(Lit::Region(region));
            }
            if response.clicked() && several && selection.region.is_some() && !chosen {
                selection.also.retain(|p| *p != region);
                selection.also.extend((!along).then_some(region));
            } else if response.clicked() && share.is_some() {
                view.choose_region((!chosen).then_some(region));
                view.overlay.kind = Overlay::Regions;
            }
            let tokens: Vec<String> = names.words_of(region).iter().map(usize::to_string).collect();
            let owns = match share {
                Some(share) => format!("{:.0} % of the picture", 100.0 * share),
                None => "owns no region at this step".into(),
            };
            response.on_hover_text(format!("token {}, {owns}. Ctrl+click to merge it", tokens.join(" and ")));
        }
    });
}

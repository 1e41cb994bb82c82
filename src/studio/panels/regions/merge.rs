//! Several words as one region, regions with names of their own, and which words are suggested for merging.

use egui::{TextEdit, Ui, vec2};

use crate::{
    recipe::{Recipe, group_of},
    studio::{
        command::Commands,
        document::{Document, edit::Edit, regions::labels::RegionLabels},
        view::{
            View,
            theme::{self, Theme},
        },
        widgets::row,
    },
};

/// Words that end a phrase: no region is named after them.
const LINKS: &[&str] = &[
    "a", "an", "the", "and", "or", "of", "on", "in", "at", "to", "with", "without", "by", "for", "from", "near",
    "under", "over", "above", "below", "behind", "beside", "between", "into", "its", "his", "her", "their", "is",
    "are", "as", "that", "who", "wearing", "holding", ",",
];

/// The row with the region's name, and what can be merged or split.
pub fn show(
    ui: &mut Ui,
    document: &Document,
    view: &mut View,
    commands: &mut Commands,
    names: &RegionLabels,
    region: usize,
) {
    if !names.is_word(region) {
        return;
    }
    name_row(ui, document.recipe(), commands, names, region);
    let also: Vec<usize> =
        view.selection.also.iter().map(|&p| names.region_of(p)).filter(|&p| names.is_word(p)).collect();
    let chosen: Vec<usize> = also.iter().chain([&region]).flat_map(|&r| names.words_of(r)).collect();
    let suggested = if also.is_empty() { phrase(names, region) } else { Some(chosen) };
    let Some(mut positions) = suggested else { return };
    positions.sort_unstable();
    positions.dedup();
    if positions.len() < 2 {
        return;
    }
    row::labelled(ui, "", |ui| {
        let text = format!("Merge \u{201c}{}\u{201d}", names.joined(&positions));
        let button = egui::Button::new(egui::RichText::new(text).font(theme::small_font())).truncate();
        let response = ui.add(button).accessible_name("Merge regions").on_hover_text(
            "These words count as one region: one colour, one factor, one mean for S-CFG. Ctrl+click words above to \
             choose others",
        );
        if response.clicked() {
            view.choose_region(positions.first().copied());
            commands.edit(Edit::MergeRegions(positions));
        }
    });
}

fn name_row(ui: &mut Ui, recipe: &Recipe, commands: &mut Commands, names: &RegionLabels, region: usize) {
    let positions = names.words_of(region);
    let words = names.joined(&positions);
    let mut name = group_of(&recipe.groups, region).map(|group| group.name.clone()).unwrap_or_default();
    row::labelled(ui, "Name", |ui| {
        let split = if positions.len() > 1 { 52.0 } else { 0.0 };
        let field = TextEdit::singleline(&mut name)
            .id_salt(("region name", region))
            .hint_text(words.clone())
            .desired_width(ui.available_width() - split)
            .margin(egui::Margin::symmetric(6, 1));
        let field = ui.add(field).accessible_name(format!("Name of {words}"));
        if field.on_hover_text("What this region is called here; the prompt stays as it is").changed() {
            commands.edit(Edit::RenameRegion { positions: positions.clone(), name });
        }
        if positions.len() > 1 {
            ui.spacing_mut().button_padding = vec2(6.0, 1.0);
            let button =
                ui.button(egui::RichText::new("Split").font(theme::small_font()).color(Theme::of(ui).ink.text));
            if button.on_hover_text("Each word is a region of its own again").clicked() {
                commands.edit(Edit::SplitRegion(region));
            }
        }
    });
}

/// The words that probably belong to the same phrase as a region: neighbours up to the next linking word or sign.
fn phrase(names: &RegionLabels, region: usize) -> Option<Vec<usize>> {
    let links = |position: usize| {
        let word = names.joined(&[position]).to_lowercase();
        !names.is_word(position) || LINKS.contains(&word.as_str()) || !word.chars().any(char::is_alphanumeric)
    };
    if links(region) {
        return None;
    }
    let own = names.words_of(region);
    let (mut first, mut last) = (*own.first()?, *own.last()?);
    while first > 0 && !links(first - 1) {
        first -= 1;
    }
    while !links(last + 1) {
        last += 1;
    }
    let mut positions: Vec<usize> = (first..=last).flat_map(|p| names.words_of(names.region_of(p))).collect();
    positions.sort_unstable();
    positions.dedup();
    // A long run of words without a link is a list, not a phrase.
    (positions.len() > own.len() && positions.len() <= 4).then_some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recipe::Recipe,
        studio::document::regions::{labels::tests::tokens, merge::merge},
    };

    fn names(prompt: &str, recipe: &Recipe) -> RegionLabels {
        RegionLabels::new(tokens(prompt), recipe.groups.clone())
    }

    #[test]
    fn neighbours_without_a_link_between_them_are_suggested() {
        let prompt = "a cat and a red balloon on a beach , big old blue wooden house";
        let mut recipe = Recipe::default();
        let of = |recipe: &Recipe, region| phrase(&names(prompt, recipe), region);
        assert_eq!(of(&recipe, 6), Some(vec![5, 6]));
        assert_eq!(of(&recipe, 2), None, "a cat alone");
        assert_eq!(of(&recipe, 3), None, "and is no region's word");
        assert_eq!(of(&recipe, 15), None, "five in a row are a list");
        merge(&mut recipe, &[5, 6]);
        assert_eq!(of(&recipe, 5), None, "it is done");
    }
}

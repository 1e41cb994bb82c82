//! Regions: the chosen one's name, numbers and own factor, what is painted for it, who draws it, which concepts are
//! locked to it, and the menus for all that.
mod merge;
pub mod owners;
pub mod paint;

use std::collections::BTreeSet;

use egui::{Popup, Ui};

use crate::{
    engine::ScfgReport,
    recipe::{BACKGROUND, Recipe},
    studio::{
        bundle::Studio,
        document::regions::{labels::RegionLabels, settings},
        view::theme::Theme,
        widgets::{ValueSlider, row},
    },
};

/// The slider's end; a factor of 10 is the most that a recipe takes.
const STRONGEST: f32 = 3.0;

/// What is known of the chosen region at the shown step, and what can be done to it.
pub fn show(ui: &mut Ui, studio: &mut Studio) {
    let Some(chosen) = studio.view.selection.region else { return };
    let Some(report) = studio.view.shown_frame(&studio.document).and_then(|frame| frame.report) else { return };
    let Some(scfg) = report.scfg.clone() else { return };
    let names = studio.view.labels(&studio.document);
    let region = names.region_of(chosen);
    // A word that was merged meanwhile is chosen with its region.
    studio.view.selection.region = Some(region);
    let cfg = studio
        .view
        .shown_track(&studio.document)
        .map_or(studio.document.recipe.cfg, |track| track.recipe.cfg_at(report.step));
    let share = names.shares(&scfg).iter().find(|(p, _)| *p == region).map_or(0.0, |(_, share)| *share);
    let name = names.name(region);
    row::divider(ui);
    row::heading(ui, &format!("Region: {name}"), |ui| {
        row::note(ui, format!("{:.0} % of picture", 100.0 * share));
    });
    merge::show(ui, studio, &names, region);
    own_factor(ui, &mut studio.document.recipe, region, &name);
    paint::region_row(ui, studio, region, &name);
    let inside = |values: &[f32]| mean_inside(&scfg, |owner| names.region_of(owner) == region, values);
    let rate = inside(&scfg.rate.values);
    let ink = Theme::of(ui).text;
    row::labelled(ui, "Rate ρ", |ui| {
        let said = ui.colored_label(ink, format!("{rate:.2} at step {}", report.step + 1));
        said.on_hover_text(format!(
            "What S-CFG multiplies the guidance scale with in this region, so that all regions are guided alike. \
             The scale here is {:.2}",
            cfg * rate
        ));
    });
    owners::region_row(ui, &mut studio.document.recipe, region, &name);
    locked_to(ui, studio, region, &name);
    for concept in &report.concepts {
        let touched = inside(&concept.mask.values);
        row::labelled(ui, &concept.text, |ui| ui.colored_label(ink, format!("touches {:.0} % here", 100.0 * touched)));
    }
}

/// The mean of a map's values over a region; 0 where the region does not occur.
fn mean_inside(scfg: &ScfgReport, own: impl Fn(usize) -> bool, values: &[f32]) -> f32 {
    let inside = scfg.region.values.iter().zip(values).filter(|(owner, _)| own(usize::from(**owner)));
    let (sum, count) = inside.fold((0.0, 0), |(sum, count), (_, v)| (sum + v, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}

fn own_factor(ui: &mut Ui, recipe: &mut Recipe, position: usize, name: &str) {
    let mut factor = recipe.region_factor(position);
    let most = STRONGEST.max(factor);
    let slider = ValueSlider::new(format!("Own factor of {name}"), &mut factor, 0.0..=most).step(0.05, 2).factor();
    let response = row::slider(ui, "Own factor", slider);
    if response.changed() {
        settings::set_factor(recipe, position, factor);
    }
    response.on_hover_text(format!(
        "Guides {name} this many times as strongly as the rest: 1 changes nothing, 0 leaves it to chance. \
         Double-click for 1"
    ));
}

/// Concepts that are confined to the region, with a menu to confine others.
fn locked_to(ui: &mut Ui, studio: &mut Studio, position: usize, name: &str) {
    let theme = Theme::of(ui);
    let locked: Vec<&str> = studio
        .document
        .recipe
        .concepts
        .iter()
        .filter(|concept| concept.lock.contains(&position))
        .map(|concept| concept.text.trim())
        .collect();
    let (text, ink) =
        if locked.is_empty() { ("none".to_owned(), theme.dim) } else { (locked.join(", "), theme.accent) };
    let response = row::labelled(ui, "Locked to", |ui| {
        let text = egui::RichText::new(text).color(ink);
        let button = egui::Button::new(text).frame_when_inactive(false).truncate();
        ui.spacing_mut().button_padding.x = 0.0;
        ui.add(button).accessible_name(format!("Concepts locked to {name}"))
    });
    let response =
        response.on_hover_text(format!("Concepts that act on {name} and nowhere else, unless locked there too"));
    Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        for concept in studio.document.recipe.concepts.iter_mut().filter(|concept| !concept.text.trim().is_empty()) {
            let mut on = concept.lock.contains(&position);
            if ui.checkbox(&mut on, concept.text.trim()).changed() {
                settings::toggle_lock(&mut concept.lock, position);
            }
        }
        if studio.document.recipe.concepts.is_empty() {
            row::note(ui, "Add a concept first.");
        }
    });
}

/// The regions that a concept can be confined to: those that occur at some step, and those it is locked to; the
/// background last.
pub fn lockable(studio: &Studio, lock: &[usize]) -> Vec<(usize, String)> {
    let names = studio.view.labels(&studio.document);
    let reports = studio.view.shown_track(&studio.document).map(|track| track.reports.as_slice()).unwrap_or_default();
    let maps = reports.iter().flatten().filter_map(|report| report.scfg.as_ref());
    let occurring = maps.flat_map(|scfg| &scfg.shares).map(|(position, _)| names.region_of(*position));
    let wanted: BTreeSet<usize> = occurring.chain(lock.iter().copied()).collect();
    let mut regions: Vec<_> = names.regions().into_iter().filter(|(p, _)| wanted.contains(p)).collect();
    if wanted.contains(&BACKGROUND) {
        regions.push((BACKGROUND, names.name(BACKGROUND)));
    }
    regions
}

/// The menu of a concept's lock.
pub fn lock_menu(ui: &mut Ui, lock: &mut Vec<usize>, words: &[(usize, String)]) {
    if ui.selectable_label(lock.is_empty(), "Everywhere").clicked() {
        lock.clear();
    }
    for (position, word) in words {
        let mut on = lock.contains(position);
        if ui.checkbox(&mut on, format!("on {word}")).changed() {
            settings::toggle_lock(lock, *position);
        }
    }
    if words.is_empty() {
        row::note(ui, "Regions appear with the first steps.");
    }
}

/// A lock in words: "on cat, balloon"; empty when the concept acts everywhere.
pub fn lock_text(lock: &[usize], names: &RegionLabels) -> String {
    let regions: Vec<String> = lock.iter().map(|&position| names.name(position)).collect();
    if regions.is_empty() { String::new() } else { format!("on {}", regions.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::studio::document::regions::labels::tests::tokens;

    #[test]
    fn a_lock_reads_as_words() {
        let names = RegionLabels::new(tokens("a cat and a balloon"), Vec::new());
        assert_eq!(lock_text(&[2, 5], &names), "on cat, balloon");
        assert_eq!(lock_text(&[0], &names), "on background");
        assert_eq!(lock_text(&[], &names), "");
    }
}

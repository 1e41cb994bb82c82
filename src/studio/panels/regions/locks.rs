//! Locks: the regions that a concept is confined to, as a menu and in words.
//!
//! Apart from the region panel because the cards of concepts have the same menu.

use std::collections::BTreeSet;

use egui::Ui;

use crate::studio::{
    document::{
        Document,
        regions::{labels::RegionLabels, settings::toggle_lock},
    },
    view::View,
    widgets::row,
};

/// The regions that a concept can be confined to: those that occur at some step, and those it is locked to; the
/// background last.
pub fn lockable(document: &Document, view: &View, lock: &[usize]) -> Vec<(usize, String)> {
    let names = view.labels(document);
    let reports = view.shown_track(document).map(|track| track.reports.as_slice()).unwrap_or_default();
    let maps = reports.iter().flatten().filter_map(|report| report.scfg.as_ref());
    let occurring = maps.flat_map(|scfg| &scfg.shares).map(|(position, _)| names.region_of(*position));
    let listed: BTreeSet<usize> = occurring.chain(lock.iter().copied()).collect();
    let mut regions: Vec<_> = names.regions().into_iter().filter(|(p, _)| listed.contains(p)).collect();
    let background = names.background();
    if listed.contains(&background) {
        regions.push((background, names.name(background)));
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
            toggle_lock(lock, *position);
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

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

/// A word that a concept can be confined to, with all its regions: one that stands twice in the prompt has two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockable {
    pub word: String,
    pub regions: Vec<usize>,
}

/// What a concept can be confined to: the regions that occur at some step, and those it is locked to; the background last.
pub fn lockable(document: &Document, view: &View, lock: &[usize]) -> Vec<Lockable> {
    let names = view.labels(document);
    let reports = view.shown_track(document).map(|track| track.reports.as_slice()).unwrap_or_default();
    let maps = reports.iter().flatten().filter_map(|report| report.scfg.as_ref());
    let occurring = maps.flat_map(|scfg| &scfg.shares).map(|(position, _)| names.region_of(*position));
    words(&names, &occurring.chain(lock.iter().copied()).collect())
}

/// The words of the regions in `listed`, each once.
fn words(names: &RegionLabels, listed: &BTreeSet<usize>) -> Vec<Lockable> {
    let background = names.background();
    let last = listed.contains(&background).then(|| (background, names.name(background)));
    let mut words: Vec<Lockable> = Vec::new();
    for (region, word) in names.regions().into_iter().filter(|(p, _)| listed.contains(p)).chain(last) {
        match words.iter_mut().find(|known| known.word == word) {
            Some(known) => known.regions.push(region),
            None => words.push(Lockable { word, regions: vec![region] }),
        }
    }
    words
}

/// The menu of a concept's lock.
pub fn lock_menu(ui: &mut Ui, lock: &mut Vec<usize>, words: &[Lockable]) {
    if ui.selectable_label(lock.is_empty(), "Everywhere").clicked() {
        lock.clear();
    }
    for Lockable { word, regions } in words {
        let mut on = regions.iter().any(|region| lock.contains(region));
        if ui.checkbox(&mut on, format!("on {word}")).changed() {
            let others = regions.iter().filter(|region| lock.contains(region) != on);
            others.copied().collect::<Vec<_>>().into_iter().for_each(|region| toggle_lock(lock, region));
        }
    }
    if words.is_empty() {
        row::note(ui, "Regions appear with the first steps.");
    }
}

/// A lock in words: "on cat, balloon"; empty when the concept acts everywhere.
pub fn lock_text(lock: &[usize], names: &RegionLabels) -> String {
    let mut regions: Vec<String> = Vec::new();
    for name in lock.iter().map(|&position| names.name(position)) {
        if !regions.contains(&name) {
            regions.push(name);
        }
    }
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
        assert_eq!(lock_text(&[1, 4], &names), "on a", "a word is said once");
    }

    #[test]
    fn a_word_that_stands_twice_is_listed_once_with_both_regions() {
        let names = RegionLabels::new(tokens("a cat and a balloon"), Vec::new());
        let listed = words(&names, &BTreeSet::from([0, 1, 2, 4]));
        let said: Vec<_> = listed.iter().map(|l| (l.word.as_str(), l.regions.as_slice())).collect();
        assert_eq!(said, [("a", &[1, 4][..]), ("cat", &[2][..]), ("background", &[0][..])]);
    }
}

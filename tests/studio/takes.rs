//! The strip of takes: a tree that is walked, starred, searched and mended.

use egui_kittest::kittest::Queryable;
use sextant::studio::{
    command::Command,
    document::{edit::Edit, takes::TakeId},
    view::{compare::Compare, state::Shown},
};

use crate::window::Window;

/// Seeds 3, 8 and 9 in a row, then seed 10 made from the first take.
fn branched() -> (Window, Vec<TakeId>) {
    let mut window = Window::rendered();
    let seed = |window: &mut Window, seed| {
        window.edit(|recipe| recipe.seed = seed);
        let request = window.request();
        window.play(&request);
    };
    seed(&mut window, 8);
    seed(&mut window, 9);
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    window.click("Restore");
    assert_eq!(window.takes().len(), 3, "a restored recipe is the take that it came from");
    seed(&mut window, 10);
    let ids = window.takes().iter().map(|take| take.id).collect();
    (window, ids)
}

#[test]
fn a_take_hangs_on_the_one_its_recipe_was_changed_from() {
    let (window, ids) = branched();
    let parents: Vec<Option<TakeId>> = window.takes().iter().map(|take| take.parent).collect();
    assert_eq!(parents, [None, Some(ids[0]), Some(ids[1]), Some(ids[0])]);
    assert!(window.harness.query_by_label("4 takes · 2 branches").is_some());
}

#[test]
fn arrow_keys_walk_the_tree_and_letters_act_on_it() {
    let (mut window, ids) = branched();
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    let mut press = |key| {
        window.harness.key_press(key);
        window.harness.run_ok();
        window.view().shown
    };
    assert_eq!(press(egui::Key::ArrowRight), Shown::Take(ids[1]));
    assert_eq!(press(egui::Key::ArrowRight), Shown::Take(ids[2]));
    assert_eq!(press(egui::Key::ArrowRight), Shown::Take(ids[3]));
    assert_eq!(press(egui::Key::ArrowUp), Shown::Take(ids[0]), "to the parent");
    assert_eq!(press(egui::Key::ArrowDown), Shown::Take(ids[1]), "to the first made from it");
    press(egui::Key::S);
    press(egui::Key::A);
    let pin = window.document().takes().pins()[0];
    assert_eq!((window.takes()[1].starred, pin), (true, Some(ids[1])));
    window.harness.key_press(egui::Key::Delete);
    window.harness.run_ok();
    assert_eq!((window.takes().len(), window.takes()[1].parent), (3, Some(ids[0])));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_ok();
    let (takes, pin) = (window.takes(), window.document().takes().pins()[0]);
    assert_eq!((takes.len(), takes[2].parent, pin), (4, Some(ids[1]), Some(ids[1])));
}

#[test]
fn words_find_takes() {
    let (mut window, _) = branched();
    window.harness.get_by_label("Find takes").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Find takes").type_text("seed 1");
    window.harness.run_ok();
    assert!(window.harness.query_by_label_contains("Take 4:").is_some());
    assert!(window.harness.query_by_label_contains("Take 2:").is_none());
}

/// Three strengths of one concept in a row after the demo's.
fn dragged() -> Window {
    let mut window = Window::rendered();
    for strength in [3.0, 5.0, 7.0] {
        window.edit(|recipe| recipe.concepts[0].strength = strength);
        let request = window.request();
        window.play(&request);
    }
    window
}

#[test]
fn the_steps_of_a_drag_are_one_place_until_they_are_asked_for() {
    let mut window = dragged();
    assert_eq!(window.takes().len(), 4);
    assert!(window.shows("Take 1:") && window.shows("Take 4:"));
    assert!(!window.shows("Take 2:") && !window.shows("Take 3:"), "steps on the way");
    window.click("Show the 2 steps before sunglasses +7");
    assert!(window.shows("Take 2:") && window.shows("Take 3:"));
    window.click("Fold the steps before sunglasses +7");
    assert!(!window.shows("Take 2:"));
    // What is marked is never hidden.
    let id = window.takes()[1].id;
    window.send(Command::Edit(Edit::ToggleStar(id)));
    assert!(window.shows("Take 2:") && !window.shows("Take 3:"));
}

#[test]
fn two_takes_are_compared_from_the_tree() {
    let (mut window, ids) = branched();
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    window.harness.get_by_label_contains("Take 3:").click_modifiers(egui::Modifiers::SHIFT);
    window.harness.run_ok();
    assert_eq!(window.document().takes().pins(), [Some(ids[0]), Some(ids[2])]);
    assert_eq!(window.view().comparison.mode, Compare::SideBySide);
    assert!(window.shows("seed 3 → 9"));
}

#[test]
fn settings_find_takes() {
    let mut window = dragged();
    window.harness.get_by_label("Find takes").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Find takes").type_text("sunglasses<6 sunglasses>4");
    window.harness.run_ok();
    assert!(window.shows("Take 3:") && window.shows("1 of 4 takes"));
    assert!(!window.shows("Take 4:") && !window.shows("Take 1:"));
}

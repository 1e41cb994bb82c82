//! Comparing: blink, the difference in words and numbers, the grid, and switching methods off and on.

use egui_kittest::kittest::Queryable;
use sextant::{
    recipe::ConceptId,
    studio::{
        command::Command,
        document::{
            edit::Edit,
            grid::{CellStatus, Parameter, Side},
        },
        view::compare::Compare,
    },
};

use crate::window::Window;

/// Two takes that differ in their seed, pinned as A and B.
fn pair() -> Window {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.pin([0, 1]);
    window
}

#[test]
fn what_differs_is_said_in_words_and_in_numbers() {
    let mut window = pair();
    window.click("Difference");
    assert!(window.harness.query_by_label("seed 3 → 8").is_some());
    window.click("Side by side");
    assert!(window.harness.query_by_label("seed 3 → 8").is_some());
    let first = window.takes()[0].id;
    window.send(Command::Edit(Edit::TogglePin { side: 1, take: first }));
    assert!(window.harness.query_by_label("A and B have the same settings.").is_some());
}

#[test]
fn a_blinking_canvas_can_be_stopped() {
    let mut window = pair();
    window.harness.get_by_label("Blink").click();
    window.harness.run_steps(3);
    assert_eq!(window.view().comparison.mode, Compare::Blink);
    window.harness.get_by_label("Blink by itself").click();
    window.harness.run_steps(3);
    assert!(!window.view().comparison.blinks);
    assert!(window.harness.query_by_label("seed 3 → 8").is_some());
}

#[test]
fn a_grid_is_rendered_cell_by_cell_while_nothing_else_is_and_makes_no_takes() {
    let mut window = Window::rendered();
    window.click("Grid");
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    let sides = [side(Parameter::Strength(ConceptId(1)), -4.0, 4.0), side(Parameter::Seed, 3.0, 4.0)];
    window.send(Command::Edit(Edit::GridSides(sides)));
    window.harness.get_by_label("Render grid").click();
    let first = window.request();
    assert_eq!((first.recipe.concepts[0].strength, first.recipe.seed), (-4.0, 3));
    // An edit goes first, and the cell is rendered after it.
    window.edit_without_frames(|recipe| recipe.cfg = 7.0);
    let edit = window.request();
    assert_eq!(edit.recipe.cfg, 7.0);
    window.play(&edit);
    let takes = window.takes().len();
    for expected in [(-4.0, 3), (4.0, 3), (-4.0, 4), (4.0, 4)] {
        let request = window.request();
        let recipe = &request.recipe;
        assert_eq!((recipe.concepts[0].strength, recipe.seed, recipe.cfg), (expected.0, expected.1, 5.0));
        window.play(&request);
    }
    let grid = window.document().grid();
    assert!(grid.cells.iter().all(|cell| matches!(cell.status, CellStatus::Done(_))) && !grid.running);
    assert_eq!(window.takes().len(), takes);
    window.click("Cell +4, 4");
    let request = window.request();
    assert_eq!((request.recipe.concepts[0].strength, request.recipe.seed), (4.0, 4), "a cell's recipe is taken over");
}

#[test]
fn number_keys_switch_each_method_off_and_on() {
    let mut window = Window::rendered();
    let mut press = |key| {
        window.harness.key_press(key);
        let request = window.request();
        window.play(&request);
        request.recipe
    };
    assert!(!press(egui::Key::Num1).scfg.enabled);
    assert!(press(egui::Key::Num1).scfg.enabled);
    assert_eq!(press(egui::Key::Num2).active_concepts().count(), 0);
    assert_eq!(press(egui::Key::Num2).active_concepts().count(), 2);
    assert!(press(egui::Key::Num3).active_fusion().is_some());
    assert!(press(egui::Key::Num3).active_fusion().is_none());
}

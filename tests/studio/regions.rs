//! Regions: chosen anywhere, guided by a factor of their own, and concepts locked to them.

use egui_kittest::kittest::Queryable;
use sextant::{
    recipe::{Owner, Paint, RegionFactor, RegionGroup, RegionOwner},
    studio::{
        command::Command,
        document::edit::Edit,
        view::brush::{Act, Target},
    },
};

use crate::window::Window;

#[test]
fn a_chosen_region_has_a_factor_that_double_click_resets() {
    let mut window = Window::rendered();
    window.click("Word cat");
    window.drag("Own factor of cat", &[0.33, 0.6]);
    let request = window.request();
    let [RegionFactor { position: 2, factor }] = request.recipe.regions[..] else {
        panic!("one factor: {:?}", request.recipe.regions)
    };
    assert!((1.5..2.1).contains(&factor), "{factor}");
    window.play(&request);
    let center = window.harness.get_by_label("Own factor of cat").rect().center();
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        window.harness.event(egui::Event::PointerButton { pos: center, button, pressed, modifiers });
        window.harness.step();
    }
    assert!(window.request().recipe.regions.is_empty());
}

#[test]
fn a_concept_is_locked_from_its_card_and_from_the_region() {
    let mut window = Window::rendered();
    window.click("Lock sunglasses to regions");
    window.click("on cat");
    let request = window.request();
    assert_eq!(request.recipe.concepts[0].lock, [2]);
    window.play(&request);
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_ok();
    window.click("Word cat");
    window.click("Concepts locked to cat");
    window.click("night");
    let request = window.request();
    assert_eq!(request.recipe.concepts[1].lock, [2]);
}

#[test]
fn the_canvas_and_the_legend_choose_regions_too() {
    let mut window = Window::rendered();
    window.harness.get_by_label_contains("Legend cat").click();
    window.harness.run_ok();
    assert_eq!(window.view().selection.region, Some(2));
    window.harness.get_by_label_contains("Legend cat").click();
    window.harness.run_ok();
    assert_eq!(window.view().selection.region, None);
    let canvas = window.harness.get_by_label("Canvas").rect();
    let at = canvas.center() + egui::vec2(-60.0, 60.0);
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        window.harness.hover_at(at);
        window.harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
        window.harness.step();
    }
    assert!(window.view().selection.region.is_some());
}

#[test]
fn a_factor_follows_its_word_into_another_prompt_as_one_step_of_undo() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.regions = vec![RegionFactor { position: 2, factor: 1.5 }]);
    let request = window.request();
    window.play(&request);
    window.edit(|recipe| recipe.prompt = "a big cat and a red balloon on a beach at sunset".into());
    let request = window.request();
    window.play(&request);
    let request = window.request();
    assert_eq!(request.recipe.regions, [RegionFactor { position: 3, factor: 1.5 }], "big came before the cat");
    window.play(&request);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_ok();
    let recipe = window.recipe();
    assert_eq!((recipe.regions[0].position, recipe.prompt.contains("big")), (2, false));
    assert!(window.document().is_rendered(), "its take is shown again");
}

#[test]
fn an_edit_says_what_it_costs_while_it_is_dragged() {
    let mut window = Window::rendered();
    assert_eq!(window.document().history().cost(), None);
    window.drag("Strength of sunglasses", &[0.8, 0.6]);
    let edit = window.document().history().cost().expect("a price");
    // Both concepts act from step 4: 16 steps of all four branches come after it.
    assert_eq!((edit.first, edit.evaluations, edit.full), (Some(3), 16 * 4, 20 * 4));
}

fn ctrl_click(window: &mut Window, label: &str) {
    window.harness.get_by_label(label).click_modifiers(egui::Modifiers::COMMAND);
    window.harness.run_ok();
}

#[test]
fn chosen_words_are_merged_named_and_split_again() {
    let mut window = Window::rendered();
    window.click("Word balloon");
    ctrl_click(&mut window, "Word beach");
    assert_eq!(window.view().selection.also, [9]);
    ctrl_click(&mut window, "Word beach");
    window.click("Merge regions");
    let request = window.request();
    assert_eq!(request.recipe.groups, [RegionGroup { positions: vec![5, 6], name: String::new() }], "as suggested");
    window.play(&request);
    assert_eq!(window.view().selection.region, Some(5));
    assert!(window.harness.query_by_label("Word red balloon").is_some());
    assert!(window.harness.query_by_label_contains("Legend red balloon").is_some());
    window.drag("Own factor of red balloon", &[0.33, 0.6]);
    let request = window.request();
    assert_eq!(request.recipe.regions.first().map(|r| r.position), Some(5));
    window.play(&request);

    let job = window.document().run().map(|run| run.job);
    window.harness.get_by_label("Name of red balloon").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Name of red balloon").type_text("prize");
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Word prize").is_some(), "a name shows at once");
    assert_eq!(window.document().run().map(|run| run.job), job, "and renders nothing");
    assert_eq!(window.recipe().groups[0].name, "prize");
    window.click("Split");
    let request = window.request();
    assert!(request.recipe.groups.is_empty());
    assert_eq!(request.recipe.regions.len(), 2, "both words keep the factor");
    window.play(&request);
    for _ in 0..2 {
        window.harness.key_press(egui::Key::Escape);
        window.harness.run_ok();
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
        window.harness.run_ok();
    }
    assert_eq!(window.recipe().groups[0].name, "", "undo gives the words and then the name back");
}

/// Presses on the canvas at shares of the picture's sides, moves along and lets go.
fn stroke(window: &mut Window, path: &[(f32, f32)]) {
    let at: Vec<egui::Pos2> = path.iter().map(|&(u, v)| window.place(u, v)).collect();
    window.harness.hover_at(at[0]);
    window.harness.step();
    window.harness.drag_at(at[0]);
    window.harness.step();
    for &pos in &at[1..] {
        window.harness.hover_at(pos);
        window.harness.step();
    }
    window.harness.drop_at(at[at.len() - 1]);
    window.harness.step();
}

fn painted(paint: &Paint) -> usize {
    paint.levels().iter().filter(|&&level| level != 0).count()
}

#[test]
fn a_stroke_gives_places_to_a_region_as_one_step_of_undo() {
    let mut window = Window::rendered();
    window.click("Word cat");
    window.click("Paint cat");
    assert!(window.view().brush.active);
    let before = window.view().zoom;
    stroke(&mut window, &[(0.25, 0.25), (0.5, 0.25), (0.5, 0.5)]);
    let request = window.request();
    let [layer] = &request.recipe.painted[..] else { panic!("one layer: {:?}", request.recipe.painted) };
    assert_eq!((layer.position, layer.cells.size()), (2, [24, 24]));
    // Six elements across and six down with a brush of three.
    assert!((30..=60).contains(&painted(&layer.cells)), "{}", layer.cells);
    assert!(layer.cells.at(6, 9) > 0 && layer.cells.at(9, 12) > 0 && layer.cells.at(12, 6) == 0);
    assert_eq!(window.view().zoom, before, "a stroke moves nothing");
    window.play(&request);
    window.harness.key_press(egui::Key::X);
    window.harness.key_press(egui::Key::OpenBracket);
    window.harness.run_ok();
    assert_eq!((window.view().brush.act, window.view().brush.size), (Act::TakeAway, 2.0));
    stroke(&mut window, &[(0.8, 0.8)]);
    let request = window.request();
    assert!(request.recipe.painted[0].cells.levels().contains(&-1));
    window.play(&request);
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_ok();
    assert!(!window.view().brush.active, "Esc lays it down");
    for layers in [1, 0] {
        window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
        window.harness.run_ok();
        assert_eq!(window.recipe().painted.len(), layers);
    }
}

#[test]
fn the_brush_paints_a_factor_and_is_cleared() {
    let mut window = Window::rendered();
    window.harness.key_press(egui::Key::B);
    window.harness.run_ok();
    window.click("Strength");
    window.click("Weaker");
    stroke(&mut window, &[(0.5, 0.5)]);
    let request = window.request();
    assert_eq!(request.recipe.painted_factor.levels().iter().min(), Some(&-50));
    window.play(&request);
    window.click("Clear");
    assert!(window.request().recipe.painted_factor.is_empty());
}

#[test]
fn without_a_region_the_brush_first_chooses_one() {
    let mut window = Window::rendered();
    window.harness.key_press(egui::Key::B);
    window.harness.run_ok();
    stroke(&mut window, &[(0.3, 0.68)]);
    assert_eq!((window.view().selection.region, window.recipe().painted.len()), (Some(2), 0));
}

#[test]
fn a_region_of_a_fusion_is_given_to_one_model_and_the_rest_leans() {
    let mut window = Window::rendered();
    window.click("Word cat");
    assert!(window.harness.query_by_label("Who draws cat").is_none(), "no fusion, no choice");
    window.send(Command::Edit(Edit::ToggleFusion));
    let request = window.request();
    window.play(&request);
    window.click("Who draws cat");
    window.harness.get_by_role_and_label(egui::Role::Button, "Expert").click();
    window.harness.run_ok();
    let owners = |recipe: &sextant::recipe::Recipe| recipe.fusion.as_ref().map(|f| f.owners.clone());
    let expert = vec![RegionOwner { position: 2, owner: Owner::Expert }];
    assert_eq!(owners(window.recipe()), Some(expert));
    let request = window.request();
    window.play(&request);
    window.look(|view| view.set_painting(Some(Target::Bias)));
    stroke(&mut window, &[(0.7, 0.3)]);
    let most = window.recipe().fusion.as_ref().and_then(|f| f.bias.levels().iter().copied().max());
    assert_eq!(most, Some(200));
    let request = window.request();
    window.play(&request);
    // It lies below the fold of a small window.
    window.harness.set_size(egui::vec2(1296.0, 1100.0));
    window.harness.run_ok();
    window.click("Let both compete for cat");
    assert_eq!(owners(window.recipe()), Some(Vec::new()));
}

#[test]
fn the_background_is_one_region_that_can_be_chosen_and_locked_to() {
    let mut window = Window::rendered();
    window.harness.get_by_label_contains("Legend background").click();
    window.harness.run_ok();
    assert_eq!(window.view().selection.region, Some(0));
    assert!(window.harness.query_by_label("Name of background").is_none());
    window.click("Lock night to regions");
    window.click("on background");
    assert_eq!(window.request().recipe.concepts[1].lock, [0]);
}

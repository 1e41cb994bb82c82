//! Regions: chosen anywhere, guided by a factor of their own, and concepts locked to them.

use egui_kittest::kittest::Queryable;
use sextant::recipe::RegionFactor;

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
    assert_eq!(window.studio().look.region, Some(2));
    window.harness.get_by_label_contains("Legend cat").click();
    window.harness.run_ok();
    assert_eq!(window.studio().look.region, None);
    let canvas = window.harness.get_by_label("Canvas").rect();
    let at = canvas.center() + egui::vec2(-60.0, 60.0);
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        window.harness.hover_at(at);
        window.harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
        window.harness.step();
    }
    assert!(window.studio().look.region.is_some());
}

#[test]
fn a_factor_follows_its_word_into_another_prompt_as_one_step_of_undo() {
    let mut window = Window::rendered();
    window.change(|studio| studio.recipe.regions = vec![RegionFactor { position: 2, factor: 1.5 }]);
    let request = window.request();
    window.play(&request);
    window.change(|studio| studio.recipe.prompt = "a big cat and a red balloon on a beach at sunset".into());
    let request = window.request();
    window.play(&request);
    let request = window.request();
    assert_eq!(request.recipe.regions, [RegionFactor { position: 3, factor: 1.5 }], "big came before the cat");
    window.play(&request);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    let request = window.request();
    assert_eq!((request.recipe.regions[0].position, request.recipe.prompt.contains("big")), (2, false));
    window.play(&request);
    assert_eq!(window.studio().recipe.regions[0].position, 2, "it stays there");
}

#[test]
fn an_edit_says_what_it_costs_while_it_is_dragged() {
    let mut window = Window::rendered();
    assert_eq!(window.studio().edit, None);
    window.drag("Strength of sunglasses", &[0.8, 0.6]);
    let edit = window.studio().edit.expect("a price");
    // Both concepts act from step 4: 16 steps of all four branches come after it.
    assert_eq!((edit.first, edit.evaluations, edit.full), (Some(3), 16 * 4, 20 * 4));
}

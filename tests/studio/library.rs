//! What is kept by name, what is pasted, what the pointer lights, and the keys.

use egui_kittest::kittest::Queryable;
use sextant::{
    recipe::{ConceptId, Recipe},
    session::parameters_text,
    studio::{
        command::{Command, Pasted, Shelf},
        view::state::{Lit, Shown},
    },
};

use crate::window::Window;

#[test]
fn f1_shows_the_keys_and_escape_closes_them() {
    let mut window = Window::rendered();
    window.harness.key_press(egui::Key::F1);
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Ctrl+Shift+Enter").is_some() && window.shows("pin as A or B"));
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_ok();
    assert!(window.harness.query_by_label("Ctrl+Shift+Enter").is_none());
}

#[test]
fn a_pasted_recipe_is_one_step_of_undo_and_says_what_it_came_from() {
    let mut window = Window::rendered();
    let pasted = Recipe { prompt: "a fox in snow".into(), cfg: 7.0, seed: 77, ..Recipe::default() };
    window.harness.event(egui::Event::Paste(parameters_text(&pasted, None)));
    window.harness.run_steps(3);
    let recipe = window.recipe();
    assert_eq!((recipe.prompt.as_str(), recipe.cfg, recipe.seed), ("a fox in snow", 7.0, 77));
    assert!(window.notice().starts_with("Pasted "), "{}", window.notice());
    let request = window.request();
    window.play(&request);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_steps(2);
    assert_ne!(window.recipe().prompt, "a fox in snow");
    window.harness.event(egui::Event::Paste("nothing of the kind".into()));
    window.harness.run_steps(3);
    assert!(window.notice().contains("holds no recipe"), "{}", window.notice());
}

#[test]
fn a_pasted_picture_finds_its_take() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    let first = &window.takes()[0];
    let (id, picture) = (first.id, first.track.picture.clone().expect("a picture"));
    window.send(Command::Paste(Pasted::Picture(picture.clone())));
    assert_eq!(window.view().shown, Shown::Take(id));
    let mut other = (*picture).clone();
    other.rgb.iter_mut().for_each(|value| *value = 255 - *value);
    window.send(Command::Paste(Pasted::Picture(other.into())));
    assert!(window.notice().contains("drop the picture's file"), "{}", window.notice());
}

#[test]
fn words_while_they_are_typed_are_pasted_into_their_field() {
    let mut window = Window::rendered();
    window.harness.get_by_role_and_label(egui::accesskit::Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_ok();
    window.harness.event(egui::Event::Paste(" and a kite".into()));
    window.harness.run_steps(3);
    assert!(window.recipe().prompt.ends_with("and a kite"), "{}", window.recipe().prompt);
}

#[test]
fn touching_a_word_lights_its_region_and_a_concept_where_it_acts() {
    let mut window = Window::rendered();
    let hover = |window: &mut Window, label: &str| {
        let at = window.harness.get_by_label(label).rect().center();
        window.harness.hover_at(at);
        window.harness.run_steps(3);
    };
    hover(&mut window, "Word cat");
    assert_eq!(window.view().selection.lit, Some(Lit::Region(2)));
    assert_eq!(window.view().selection.region, None, "nothing is chosen by it");
    hover(&mut window, "Where night acts");
    assert_eq!(window.view().selection.lit, Some(Lit::Concept(ConceptId(2))));
    window.harness.hover_at(egui::pos2(640.0, 20.0));
    window.harness.run_steps(3);
    assert_eq!(window.view().selection.lit, None);
}

#[test]
fn concepts_are_moved_and_duplicated_from_their_cards() {
    let mut window = Window::rendered();
    window.harness.set_size(egui::vec2(1440.0, 1000.0));
    window.harness.run_ok();
    let texts = |window: &Window| -> Vec<String> { window.recipe().concepts.iter().map(|c| c.text.clone()).collect() };
    window.click("Details of sunglasses");
    window.click("Move down sunglasses");
    assert_eq!(texts(&window), ["night", "sunglasses"]);
    window.click("Move up sunglasses");
    window.click("Duplicate");
    assert_eq!(texts(&window), ["sunglasses", "night", "sunglasses"]);
    let concepts = &window.recipe().concepts;
    assert!(concepts[0].id != concepts[2].id && concepts[0].strength == concepts[2].strength);
}

#[test]
fn a_look_is_kept_by_name_and_put_on_another_recipe() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.cfg = 8.5);
    let request = window.request();
    window.play(&request);
    window.send(Command::ShowLibrary(Shelf::Looks));
    window.harness.get_by_label("Name of the look").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Name of the look").type_text("strong");
    window.harness.run_ok();
    window.click("Save this look");
    assert_eq!(window.harness.state().settings().library.looks[0].name, "strong");
    window.edit(|recipe| (recipe.cfg, recipe.seed) = (2.0, 40));
    window.click("Use strong");
    assert_eq!((window.recipe().cfg, window.recipe().seed), (8.5, 40), "the seed stays");
    window.click("Forget strong");
    assert!(window.harness.state().settings().library.looks.is_empty());
}

#[test]
fn prompts_that_were_used_come_back() {
    let mut window = Window::rendered();
    let first = window.recipe().prompt.clone();
    window.edit(|recipe| recipe.prompt = "a fox".into());
    let request = window.request();
    window.play(&request);
    window.click("Prompts that were used lately");
    window.click(&format!("Use {first}"));
    assert_eq!(window.recipe().prompt, first);
}

#[test]
fn files_that_were_used_are_offered_again() {
    let mut window = Window::rendered();
    let path = std::env::temp_dir().join("kept.sextant.ron");
    window.set_path(path.clone());
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    window.until("saved", |document| !document.file().recent.is_empty());
    assert_eq!(window.document().file().recent, [path]);
}

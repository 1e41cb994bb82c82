//! History in the window: what is one entry, what undo shows, and what makes no take.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use sextant::{
    recipe::{PromptSyntax, RegionFactor},
    studio::{document::live_run::Phase, view::state::Shown},
};

use crate::window::Window;

fn undo(window: &mut Window) {
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.harness.run_steps(3);
}

fn type_text(window: &mut Window, text: &str) {
    window.harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_steps(2);
    window.harness.event(egui::Event::Text(text.into()));
    window.harness.step();
}

/// The prompt keeps the keyboard all the time: a pause settles what was typed.
#[test]
fn a_typed_prompt_is_one_entry_that_undo_takes_back_also_while_its_field_has_the_keyboard() {
    let mut window = Window::rendered();
    let before = window.recipe().prompt.clone();
    type_text(&mut window, " with ra");
    window.harness.run_steps(6);
    let half = window.request();
    window.play(&half);
    assert_eq!(window.takes().len(), 1, "what is half typed makes no take");
    type_text(&mut window, "in");
    window.harness.run_steps(6);
    let whole = window.request();
    window.play(&whole);
    window.harness.run_steps(20);
    assert_eq!(window.takes().len(), 2, "it is settled after a pause");
    assert!(window.document().history().can_undo() && window.document().is_unsaved());
    undo(&mut window);
    assert_eq!((window.recipe().prompt.as_str(), window.document().is_rendered()), (before.as_str(), true));
    assert!(!window.document().history().can_undo(), "one entry");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    window.harness.run_steps(3);
    assert!(window.recipe().prompt.ends_with("with rain"));
    assert_eq!(window.takes().len(), 2, "undo and redo make no takes");
}

#[test]
fn a_new_prompt_forgets_what_was_undone() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    undo(&mut window);
    assert!(window.document().history().can_redo());
    type_text(&mut window, " with rain");
    window.harness.run_steps(20);
    assert!(!window.document().history().can_redo());
}

#[test]
fn escape_takes_a_drag_back_with_its_picture() {
    let mut window = Window::rendered();
    let before = (window.recipe().clone(), window.shown_frame().expect("a picture").picture);
    let rect = window.harness.get_by_label("Guidance scale").rect();
    let at = |t: f32| egui::pos2(rect.left() + t * rect.width(), rect.center().y);
    window.harness.drag_at(at(0.3));
    window.harness.step();
    window.harness.hover_at(at(0.6));
    let request = window.request();
    window.play(&request);
    assert_ne!(window.recipe(), &before.0);
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(2);
    assert_eq!(window.recipe(), &before.0);
    window.harness.hover_at(at(0.7));
    window.harness.run_steps(2);
    window.harness.drop_at(at(0.7));
    window.harness.run_steps(3);
    assert_eq!(window.recipe(), &before.0, "the drag is over, although the button was held");
    assert!(std::sync::Arc::ptr_eq(&window.shown_frame().expect("a picture").picture, &before.1));
    assert_eq!((window.takes().len(), window.document().history().can_undo()), (1, false));
    window.drag("Guidance scale", &[0.3, 0.6]);
    window.harness.run_steps(2);
    assert_ne!(window.recipe(), &before.0, "the next drag counts");
}

#[test]
fn a_word_that_is_typed_again_gets_its_settings_back() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.regions = vec![RegionFactor { position: 6, factor: 1.8 }]);
    let request = window.request();
    window.play(&request);
    assert_eq!(window.takes()[1].name, "balloon ×1.8");
    let prompt = window.recipe().prompt.clone();
    for text in [prompt.replace(" balloon", ""), prompt.clone()] {
        window.edit(|recipe| recipe.prompt = text);
        for _ in 0..2 {
            if window.document().run().is_some_and(|run| run.phase == Phase::Waiting) {
                let request = window.request();
                window.play(&request);
            }
        }
    }
    assert_eq!(window.recipe().regions, [RegionFactor { position: 6, factor: 1.8 }]);
    assert_eq!(window.takes().len(), 3, "the same recipe is the same take");
}

#[test]
fn undo_shows_the_take_of_the_recipe_and_generate_says_that_nothing_has_changed() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.harness.get_by_label_contains("Take 2:").click();
    window.harness.run_ok();
    undo(&mut window);
    assert_eq!((window.recipe().seed, window.view().shown), (3, Shown::Live));
    let shown = window.shown_frame().expect("a picture").picture;
    let first = window.takes()[0].track.picture.clone().expect("a picture");
    assert!(std::sync::Arc::ptr_eq(&shown, &first));
    let job = window.document().run().map(|run| run.job);
    window.click("Generate");
    assert!(window.notice().starts_with("Nothing has changed"), "{}", window.notice());
    assert_eq!(window.document().run().map(|run| run.job), job, "nothing is rendered");
    window.click("New seed");
    let request = window.request();
    assert!(request.recipe.seed != 3 && window.notice().is_empty());
}

/// In a syntax with weights, Ctrl+↑ and Ctrl+↓ change that of the word at the cursor; in plain prompts they move it.
#[test]
fn the_weight_of_a_word_is_changed_by_keys() {
    let mut window = Window::rendered();
    window.edit(|recipe| (recipe.prompt, recipe.prompt_syntax) = ("a cat, red".into(), PromptSyntax::A1111));
    window.harness.run_steps(2);
    type_text(&mut window, "");
    for (key, wanted) in [
        (Key::ArrowUp, "a cat, (red:1.1)"),
        (Key::ArrowUp, "a cat, (red:1.2)"),
        (Key::ArrowDown, "a cat, (red:1.1)"),
        (Key::ArrowDown, "a cat, red"),
        (Key::ArrowDown, "a cat, (red:0.9)"),
    ] {
        window.harness.key_press_modifiers(Modifiers::COMMAND, key);
        window.harness.run_steps(2);
        assert_eq!(window.recipe().prompt, wanted);
    }
    window.edit(|recipe| (recipe.prompt, recipe.prompt_syntax) = ("a cat, red".into(), PromptSyntax::Plain));
    window.harness.run_steps(2);
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::ArrowUp);
    window.harness.run_steps(2);
    assert_eq!(window.recipe().prompt, "a cat, red");
}

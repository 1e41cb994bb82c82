//! Texts as the model reads them: words it never learned, what is beyond its tokens, suggestions. The bundled model's own
//! tokenizer answers; no picture is made.

use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use sextant::{
    engine::Event,
    model::{LocalModels, ModelSource, Target, TextReader},
    recipe::ModelRef,
    tensor::Standing,
};

use crate::window::Window;

fn pocket() -> Arc<dyn TextReader> {
    let model = LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).expect("Pocket");
    model.reader().expect("it reads texts")
}

/// The window with the demo rendered and the bundled model's words known.
fn reading() -> Window {
    let mut window = Window::rendered();
    window.worker.send(Event::Texts { model: ModelRef::Pocket, reader: pocket() });
    window.harness.run_ok();
    window
}

/// How a word is drawn in the newest frame: underlined, struck out, its colour.
fn drawn(window: &Window, word: &str) -> Option<(bool, bool, egui::Color32)> {
    window.harness.output().shapes.iter().find_map(|clipped| {
        let egui::Shape::Text(text) = &clipped.shape else { return None };
        let job = &text.galley.job;
        // A whole prompt, not a word on a chip.
        let sections = job.sections.iter().filter(|_| job.text.len() > word.len() + 2);
        let section = sections
            .into_iter()
            .find(|section| &job.text[section.byte_range.start.0..section.byte_range.end.0] == word)?;
        let format = &section.format;
        Some((format.underline.width > 0.0, format.strikethrough.width > 0.0, format.color))
    })
}

fn type_prompt(window: &mut Window, text: &str) {
    window.edit(|recipe| recipe.prompt = text.into());
    let request = window.request();
    window.play(&request);
}

#[test]
fn a_reading_says_what_becomes_of_every_word() {
    let reader = pocket();
    let reading = reader.read("a Cat rides a skateboard, 2 foxes");
    let said: Vec<_> = reading.words.iter().map(|word| (word.position, word.standing, word.is_cut)).collect();
    assert_eq!((reading.words.len(), reading.limit), (8, 30));
    assert_eq!(said[..2], [(1, Standing::Known, false), (2, Standing::Known, false)]);
    assert_eq!(reading.words[2].standing, Standing::Unlearned, "rides");
    assert_eq!((reading.words[4].standing, reading.words[5].standing), (Standing::Unlearned, Standing::Known));
    assert!(reading.words[4].pieces.len() > 1, "no token for it");
    assert_eq!(reading.tokens, reading.words.iter().map(|word| word.pieces.len()).sum::<usize>());
    let long = reader.read(&"cat ".repeat(33));
    assert_eq!((long.tokens, long.is_too_long()), (33, true));
    let cut: Vec<usize> = (0..33).filter(|&k| long.words[k].is_cut).collect();
    assert_eq!(cut, [30, 31, 32]);
    assert_eq!(reader.completions("sun", 8), ["sunset", "sunflower", "sunglasses"]);
    assert!(reader.learned().iter().any(|group| group.words.contains(&"top hat".to_owned())));
}

#[test]
fn the_tokenizer_and_the_window_agree_on_positions() {
    let model = LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).expect("Pocket");
    let text = "a cät on a skateboard, wearing 3 crowns";
    let tokens = model.encode(text).expect("encoded").tokens;
    let reading = model.reader().expect("a reader").read(text);
    for word in &reading.words {
        let first = tokens.iter().find(|token| token.position == word.position).expect("a token");
        let piece = text.get(word.pieces[0].clone()).unwrap_or("");
        assert_eq!(first.text, piece.trim(), "at {}", word.position);
    }
}

#[test]
fn the_prompt_shows_what_the_model_does_not_know_and_what_it_leaves_out() {
    let mut window = reading();
    type_prompt(&mut window, "a cat and a skateboard on a beach");
    assert_eq!(drawn(&window, "skateboard").map(|(under, struck, _)| (under, struck)), Some((true, false)));
    let (_, _, cat) = drawn(&window, "cat").expect("coloured: it owns a region");
    assert_ne!(cat, window.harness.ctx.global_style().visuals.text_color());
    assert!(window.harness.query_by_label_contains(" / 30 tokens").is_some());
    let long = format!("{} beach", "a red cat and ".repeat(8));
    type_prompt(&mut window, &long);
    assert_eq!(drawn(&window, "beach").map(|(under, struck, _)| (under, struck)), Some((false, true)));
    assert!(window.harness.query_by_label("33 / 30 tokens").is_some());
    window.edit(|recipe| recipe.negative = "a blurry cat".into());
    assert_eq!(drawn(&window, "blurry").map(|(under, ..)| under), Some(true), "the negative prompt too");
    window.edit(|recipe| recipe.concepts[0].text = "moustache, beard".into());
    assert_eq!(drawn(&window, "moustache").map(|(under, ..)| under), Some(true), "and concepts");
}

#[test]
fn words_that_it_knows_are_suggested_while_one_is_typed() {
    let mut window = reading();
    window.harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::End);
    for letter in " sunf".chars() {
        window.harness.event(egui::Event::Text(letter.to_string()));
        window.harness.run_steps(2);
    }
    assert!(window.harness.query_by_label("sunflower").is_some());
    window.harness.key_press(Key::Tab);
    window.harness.run_steps(2);
    assert!(window.recipe().prompt.ends_with(" sunflower"), "{}", window.recipe().prompt);
    let focused = window.harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Prompt");
    assert!(focused.is_focused() && focused.accesskit_node().label().is_some(), "typing goes on");
    window.harness.run_steps(2);
    assert!(window.harness.query_by_label("sunflower").is_none(), "a whole word needs none");
}

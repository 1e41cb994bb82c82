//! Pointer and keyboard: clicks of one frame, what has the keyboard, what keys mean, and numbers that are typed.

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use sextant::studio::{
    document::track::Playhead,
    view::{brush::Target, overlay::CardPlace},
};

use crate::window::Window;

impl Window {
    /// Presses and lets go at `pos` within one frame, as a fast touchpad or a slow frame does.
    fn click_in_one_frame(&mut self, pos: Pos2) {
        self.harness.hover_at(pos);
        self.harness.run_steps(2);
        for pressed in [true, false] {
            let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
            self.harness.input_mut().events.push(Event::PointerButton { pos, button, pressed, modifiers });
        }
        self.harness.step();
        self.harness.run_ok();
    }

    fn spot(&self, label: &str, share: f32) -> Pos2 {
        let rect = self.harness.get_by_label(label).rect();
        pos2(rect.left() + share * rect.width(), rect.center().y)
    }

    /// The label of the widget that has the focus, and its place.
    fn focused(&self) -> Option<(String, Rect)> {
        let root = self.harness.root();
        let node = root.children_recursive().find(|node| node.is_focused())?;
        Some((node.accesskit_node().label().unwrap_or_default(), node.rect()))
    }

    fn tab(&mut self) -> (String, Rect) {
        self.harness.key_press(Key::Tab);
        self.harness.run_ok();
        self.focused().unwrap_or((String::new(), Rect::NOTHING))
    }
}

#[test]
fn a_press_and_release_within_one_frame_counts_everywhere() {
    let mut window = Window::rendered();
    let at = window.spot("Timeline step", 0.27);
    window.click_in_one_frame(at);
    assert_eq!(window.view().playhead, Playhead::At(5), "timeline");
    let at = window.spot("Plot of norms", 0.52);
    window.click_in_one_frame(at);
    assert_eq!(window.view().playhead, Playhead::At(10), "ledger");
    let at = window.spot("Strength of sunglasses", 0.25);
    window.click_in_one_frame(at);
    let strength = window.recipe().concepts[0].strength;
    assert!((-7.0..-5.0).contains(&strength), "slider: {strength}");
    window.click("Details of sunglasses");
    let before = window.recipe().concepts[0].warmup;
    let at = window.spot("Warm-up of sunglasses", 0.9);
    window.click_in_one_frame(at);
    assert_ne!(window.recipe().concepts[0].warmup, before, "range");

    window.look(|view| view.set_painting(Some(Target::Strength)));
    assert!(window.recipe().painted_factor.is_empty());
    let at = window.place(0.5, 0.3);
    window.click_in_one_frame(at);
    assert!(!window.recipe().painted_factor.is_empty(), "brush");
}

#[test]
fn a_clicked_slider_has_the_keyboard_and_arrows_move_it() {
    let mut window = Window::rendered();
    let at = window.spot("Strength of sunglasses", 0.25);
    window.click_in_one_frame(at);
    let before = window.recipe().concepts[0].strength;
    for _ in 0..3 {
        window.harness.key_press(Key::ArrowRight);
        window.harness.run_ok();
    }
    let moved = window.recipe().concepts[0].strength - before;
    assert!((moved - 0.3).abs() < 1e-4, "{moved}");
    assert_eq!(window.view().playhead, Playhead::Newest, "the timeline stays");
    window.harness.key_press(Key::Space);
    window.harness.run_steps(1);
    assert!(window.view().playback.playing, "Space does nothing to a slider: it plays");
}

#[test]
fn a_key_means_one_thing_at_a_time() {
    let mut window = Window::rendered();
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    window.harness.key_press(Key::B);
    window.harness.run_ok();
    let take = window.takes()[0].id;
    assert_eq!(window.document().takes().pins(), [None, Some(take)], "on a take, B pins");
    assert!(!window.view().brush.active, "and takes no brush up");

    let (mut window, request) = Window::open();
    window.click("Session");
    assert!(window.harness.query_by_label_contains("Save as…").is_some());
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(2);
    assert!(window.harness.query_by_label_contains("Save as…").is_none(), "Esc closes the menu");
    assert!(!window.worker.cancel_token(&request).is_cancelled(), "and stops nothing");
    window.harness.get_by_role_and_label(egui::Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_steps(2);
    window.harness.key_press(Key::Escape);
    window.harness.run_steps(2);
    assert!(!window.worker.cancel_token(&request).is_cancelled(), "Esc leaves the field");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::L);
    window.harness.run_steps(3);
    window.look(|view| view.set_painting(Some(Target::Region)));
    for (closed, what) in [(0, "log"), (1, "brush"), (2, "job")] {
        window.harness.key_press(Key::Escape);
        window.harness.run_steps(3);
        let open = [
            window.harness.query_by_label("Copy all").is_some(),
            window.view().brush.active,
            !window.worker.cancel_token(&request).is_cancelled(),
        ];
        assert_eq!(open, [0, 1, 2].map(|k| k > closed), "Esc ends the {what} alone");
    }
}

#[test]
fn a_typed_number_counts_when_it_is_finished_and_rounding_is_said() {
    let mut window = Window::rendered();
    let type_into = |window: &mut Window, label: &str, text: &str| {
        window.click(label);
        for letter in text.chars() {
            window.harness.event(Event::Text(letter.to_string()));
            window.harness.step();
        }
    };
    type_into(&mut window, "Guidance scale value", "12");
    assert_eq!(window.recipe().cfg, 5.0, "not finished");
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert_eq!(window.recipe().cfg, 12.0);
    type_into(&mut window, "Seed", "42");
    assert_eq!(window.recipe().seed, 3);
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert_eq!(window.recipe().seed, 3, "Esc takes it back");

    type_into(&mut window, "Width", "250");
    assert_eq!(window.recipe().width, 192);
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert_eq!(window.recipe().width, 248);
    assert!(window.harness.query_by_label("250 → 248, a multiple of 8").is_some());
    type_into(&mut window, "Width", "256");
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert!(window.harness.query_by_label_contains("a multiple of 8").is_none(), "nothing was rounded");
}

#[test]
fn tab_goes_from_the_toolbar_to_the_takes_and_what_it_reaches_is_visible() {
    let mut window = Window::rendered();
    window.harness.set_size(vec2(1000.0, 700.0));
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.click("Details of sunglasses");
    let mut seen: Vec<(String, Rect)> = Vec::new();
    for _ in 0..160 {
        let (label, rect) = window.tab();
        assert!(rect.width() > 0.0, "the focus is lost after {:?}", seen.last());
        assert!(rect.center().y > 0.0 && rect.center().y < 700.0, "{label} is out of sight: {rect}");
        if seen.first().is_some_and(|(first, _)| *first == label) {
            break;
        }
        seen.push((label, rect));
    }
    let place = |label: &str| {
        let found = seen.iter().position(|(known, _)| known.starts_with(label));
        found.unwrap_or_else(|| {
            panic!("Tab never reaches {label}: {:?}", seen.iter().map(|(l, _)| l).collect::<Vec<_>>())
        })
    };
    let order = ["Session", "Prompt", "Width", "Guidance scale", "Strength of sunglasses", "Canvas", "Timeline step"];
    let places = order.map(place);
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{order:?} at {places:?}");
    let takes = seen.iter().filter(|(label, _)| label.starts_with("Take ")).count();
    assert_eq!(takes, 1, "the strip of takes is one stop");
    assert!(place("Timeline step") < place("Take "));
    // Below the fold of the left column.
    let timeline = window.harness.get_by_label("Timeline step").rect().top();
    for label in ["Seed", "Width", "Weight of sunglasses"] {
        let rect = seen[place(label)].1;
        assert!(rect.bottom() <= timeline, "{label} is scrolled into view: {rect}");
    }
}

#[test]
fn arrows_choose_in_a_row_of_choices_and_step_on_the_timeline() {
    let mut window = Window::rendered();
    window.harness.get_by_label("Regions").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::ArrowRight);
    window.harness.run_ok();
    assert_eq!(window.focused().map(|(label, _)| label).as_deref(), Some("Rate"));
    window.look(|view| view.playhead = Playhead::At(6));
    window.harness.get_by_label("Timeline step").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::ArrowRight);
    window.harness.run_ok();
    assert_eq!(window.view().playhead, Playhead::At(7));
    window.click("Details of sunglasses");
    window.harness.get_by_label("Warm-up of sunglasses").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::ArrowRight);
    window.harness.run_ok();
    assert_eq!(window.recipe().concepts[0].warmup, 4, "a range follows the arrows too");
}

#[test]
fn the_brush_bar_and_the_card_can_be_moved_away() {
    let mut window = Window::rendered();
    window.look(|view| view.set_painting(Some(Target::Strength)));
    let bar = window.harness.get_by_label("Brush bar").rect();
    let from = pos2(bar.left() + 2.0, bar.top() + 2.0);
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.hover_at(from - vec2(0.0, 120.0));
    window.harness.step();
    window.harness.drop_at(from - vec2(0.0, 120.0));
    window.harness.run_ok();
    let moved = window.harness.get_by_label("Brush bar").rect();
    assert!((moved.top() - bar.top() + 120.0).abs() < 1.0, "{bar} -> {moved}");
    assert!(window.recipe().painted_factor.is_empty(), "moving it paints nothing");
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();

    let card = |window: &Window| {
        let shapes = &window.harness.output().shapes;
        let text = shapes.iter().find_map(|clipped| match &clipped.shape {
            egui::Shape::Text(text) if text.galley.text().contains("picture ") => Some(text.visual_bounding_rect()),
            _ => None,
        });
        text.map(|rect| rect.center())
    };
    let pointer = window.place(0.3, 0.4);
    window.harness.hover_at(pointer);
    window.harness.run_ok();
    let near = card(&window).expect("a card");
    assert!((near - pointer).length() < 250.0);
    window.harness.key_press(Key::I);
    window.harness.run_ok();
    assert_eq!(window.view().overlay.card, CardPlace::Corner);
    let corner = card(&window).expect("a card");
    let canvas = window.harness.get_by_label("Canvas").rect();
    assert!(corner.y > canvas.bottom() - 160.0 && corner.x > canvas.center().x, "{corner} in {canvas}");
    window.harness.key_press(Key::I);
    window.harness.run_ok();
    assert_eq!(card(&window), None);
}

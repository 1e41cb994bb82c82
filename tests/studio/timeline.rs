//! The timeline: keys on lanes, the ledger's plots, the mark of the reference rule, and going to a step.

use egui::{Key, Modifiers, PointerButton, Pos2, Rect, pos2};
use egui_kittest::kittest::{NodeT, Queryable};
use sextant::{
    recipe::{self, GuidanceInterval, Profile},
    studio::{document::track::Playhead, view::ledger::Plot},
};

use crate::window::Window;

const LANE: &str = "Lane of sunglasses";

impl Window {
    fn rect(&self, label: &str) -> Rect {
        self.harness.get_by_label(label).rect()
    }

    /// The middle of a step, at the height of a widget.
    fn over(&self, label: &str, step: usize) -> Pos2 {
        let strip = self.rect("Timeline step");
        pos2(strip.left() + (step as f32 + 0.5) * strip.width() / 20.0, self.rect(label).center().y)
    }

    fn press(&mut self, pos: Pos2, button: PointerButton, modifiers: Modifiers, times: usize) {
        self.harness.hover_at(pos);
        self.harness.event(egui::Event::ModifiersChanged(modifiers));
        for _ in 0..times {
            for pressed in [true, false] {
                self.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
                self.harness.step();
            }
        }
        self.harness.event(egui::Event::ModifiersChanged(Modifiers::NONE));
        self.harness.run_ok();
    }

    fn keys(&self) -> String {
        recipe::keys::text(&self.recipe().concepts[0].keys)
    }
}

#[test]
fn keys_are_added_dragged_typed_and_removed() {
    let mut window = Window::rendered();
    let at = window.over(LANE, 5);
    window.press(at, PointerButton::Primary, Modifiers::NONE, 2);
    assert_eq!(window.keys(), "5:1", "double-click adds");
    assert_eq!(window.request().recipe.concepts[0].keys.len(), 1);
    let at = window.over(LANE, 12);
    window.press(at, PointerButton::Primary, Modifiers::ALT, 1);
    assert_eq!(window.request().recipe.concepts[0].keys.len(), 2, "a click with Alt adds");

    // Down to the bottom of the lane and two steps to the left.
    let from = window.rect("Key of sunglasses at step 13").center();
    let to = pos2(window.over(LANE, 10).x, window.rect(LANE).bottom());
    window.harness.drag_at(from);
    window.harness.step();
    window.harness.hover_at(to);
    window.harness.step();
    window.harness.drop_at(to);
    window.harness.run_ok();
    let dragged = window.keys();
    assert!(dragged.starts_with("5:1") && dragged.ends_with("10:0"), "{dragged}");
    assert_eq!(recipe::keys::text(&window.request().recipe.concepts[0].keys), dragged);

    window.click("Key of sunglasses at step 11");
    window.click("Factor of the key");
    window.harness.event(egui::Event::Text("2.5".into()));
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert!(window.keys().ends_with("10:2.5"), "{}", window.keys());
    window.click("Remove key");
    assert_eq!(window.keys(), "5:1");

    let key = window.rect("Key of sunglasses at step 6").center();
    window.press(key, PointerButton::Secondary, Modifiers::NONE, 1);
    assert_eq!(window.keys(), "", "right-click removes");
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.harness.run_ok();
    assert_eq!(window.keys(), "5:1", "undo brings it back");
}

#[test]
fn a_key_follows_the_arrow_keys_and_delete() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.concepts[0].keys = recipe::keys::parse("5:1,9:1").expect("keys"));
    window.harness.get_by_label("Key of sunglasses at step 6").focus();
    window.harness.run_ok();
    for key in [Key::ArrowRight, Key::ArrowUp, Key::ArrowUp] {
        window.harness.key_press(key);
        window.harness.run_ok();
    }
    assert_eq!(window.keys(), "6:1.1,9:1");
    for _ in 0..6 {
        window.harness.key_press(Key::ArrowRight);
        window.harness.run_ok();
    }
    assert_eq!(window.keys(), "8:1.1,9:1", "it stays before the next");
    window.harness.key_press(Key::Delete);
    window.harness.run_ok();
    assert_eq!(window.keys(), "9:1");
}

#[test]
fn a_lane_end_follows_the_arrow_keys() {
    let mut window = Window::rendered();
    for (end, key) in [("Start", Key::ArrowRight), ("End", Key::ArrowLeft)] {
        window.harness.get_by_label(&format!("{end} of sunglasses lane")).focus();
        window.harness.run_ok();
        window.harness.key_press(key);
        window.harness.run_ok();
    }
    let concept = &window.recipe().concepts[0];
    assert_eq!((concept.warmup, concept.cooldown), (4, Some(19)));

    assert!(window.harness.query_by_label("End of S-CFG lane").is_none(), "every step is guided");
    window.edit(|recipe| recipe.guidance_interval = Some(GuidanceInterval { from: 0, until: 16 }));
    window.harness.get_by_label("End of S-CFG lane").focus();
    window.harness.run_ok();
    window.harness.key_press(Key::ArrowLeft);
    window.harness.run_ok();
    assert_eq!(window.recipe().guidance_interval, Some(GuidanceInterval { from: 0, until: 15 }));
}

#[test]
fn the_button_beside_a_lane_sets_a_key_at_the_playhead_and_takes_it_away() {
    let mut window = Window::rendered();
    window.look(|view| view.playhead = Playhead::At(6));
    window.edit(|recipe| recipe.cfg_keys = recipe::keys::parse("4:1,8:2").expect("keys"));
    window.click("Add a key to S-CFG at step 7");
    assert_eq!(recipe::keys::text(&window.recipe().cfg_keys), "4:1,6:1.5,8:2", "on the curve");
    window.click("Remove the key of S-CFG at step 7");
    assert_eq!(window.request().recipe.cfg_keys.len(), 2);
    window.click("Add a key to night at step 7");
    assert_eq!(recipe::keys::text(&window.recipe().concepts[1].keys), "6:1");
}

#[test]
fn the_ledger_opens_shows_four_plots_and_a_click_goes_to_the_step() {
    let mut window = Window::rendered();
    assert!(window.harness.query_by_label("Plot Cosines").is_none(), "it is folded at first");
    let folded = window.rect("Plot of norms").height();
    window.click("Ledger");
    assert!(window.rect("Plot of norms").height() > 2.0 * folded);
    for (plot, name) in [(Plot::Cosines, "cosines"), (Plot::Rate, "rate"), (Plot::Share, "share")] {
        window.click(&format!("Plot {}", plot.title()));
        assert_eq!(window.view().ledger.plot, plot);
        assert!(window.harness.query_by_label(&format!("Plot of {name}")).is_some());
    }
    let at = window.over("Plot of share", 5);
    window.press(at, PointerButton::Primary, Modifiers::NONE, 1);
    assert_eq!(window.view().playhead, Playhead::At(5));
    let at = window.over("Plot of share", 19);
    window.press(at, PointerButton::Primary, Modifiers::NONE, 1);
    assert_eq!(window.view().playhead, Playhead::Newest);
    window.click("Plot Cosines");
    window.harness.hover_at(window.over("Plot of cosines", 8));
    window.harness.run_steps(8);
    assert!(window.harness.query_by_label("sunglasses · night").is_some(), "numbers under the pointer");
    window.click("Ledger");
    assert!(window.harness.query_by_label("Plot Cosines").is_none());
    assert!(window.harness.query_by_label("Plot of cosines").is_some(), "folded, what was chosen stays");
}

#[test]
fn the_jump_of_the_reference_rule_is_marked_and_can_be_had_rid_of() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.concepts[1].warmup = 8);
    assert!(window.harness.query_by_label_contains("Jump of the reference").is_none());
    window.edit(|recipe| recipe.profile = Profile::Reference);
    window.click("Jump of the reference rule at step 9");
    window.click("Use the fixed profile");
    assert_eq!(window.recipe().profile, Profile::Fixed);
    assert!(window.harness.query_by_label_contains("Jump of the reference").is_none());
}

#[test]
fn a_step_can_be_typed() {
    let mut window = Window::rendered();
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::G);
    window.harness.run_ok();
    assert!(window.harness.get_by_label("Shown step").is_focused());
    window.harness.event(egui::Event::Text("7".into()));
    window.harness.run_steps(2);
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    assert_eq!(window.view().playhead, Playhead::At(6));
}

#[test]
fn concepts_that_pull_alike_are_told_and_kinds_set_their_numbers() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.concepts[1].threshold = 0.1);
    let request = window.request();
    window.play(&request);
    let said = window.harness.query_by_label_contains("nearly the same direction");
    let overlaps = said.map(|node| node.accesskit_node().label().unwrap_or_default());
    assert!(overlaps.is_none_or(|text| text.contains("cosine 0.83")));
    window.click("Details of night");
    window.click("Kind of night");
    window.click("scene");
    let night = &window.request().recipe.concepts[1];
    assert_eq!((night.threshold, night.warmup), (0.2, 2));
    window.click("Kind of new concepts");
    window.click("face");
    window.harness.get_by_label("Add a concept").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Add a concept").type_text("- 2 \"a mild - smile\"");
    window.harness.key_press(Key::Enter);
    window.harness.run_ok();
    let new = window.recipe().concepts.last().expect("a row");
    assert_eq!((new.text.as_str(), new.strength, new.weight, new.threshold), ("a mild - smile", -5.0, 2.0, 0.95));
}

#[test]
fn lanes_with_keys_leave_no_control_unnamed() {
    let mut window = Window::rendered();
    window.look(|view| view.ledger.open = true);
    window.edit(|recipe| {
        recipe.cfg_keys = recipe::keys::parse("0:1,19:0.3").expect("keys");
        recipe.concepts[0].keys = recipe::keys::parse("3:0.5,12:1.5").expect("keys");
    });
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    let strip = window.rect("Timeline step");
    let plot = window.rect("Plot of norms");
    assert!((strip.left() - plot.left()).abs() < 1.0 && (strip.width() - plot.width()).abs() < 1.0, "one axis");
    let takes = window.harness.get_by_label_contains("Take 1:").rect();
    assert!(plot.bottom() <= takes.top(), "{plot:?} {takes:?}");
}

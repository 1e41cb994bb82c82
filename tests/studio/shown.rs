//! What the canvas shows is what panels, buttons and labels speak of.

use std::sync::Arc;

use egui_kittest::kittest::{NodeT, Queryable};
use sextant::{engine::Event, studio::view::state::Shown};

use crate::{synthetic, window::Window};

/// Two takes, of the demo's seed and of seed 8; the older one is looked at.
fn looking_back() -> (Window, u64) {
    let mut window = Window::rendered();
    let first = window.document().recipe().seed;
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    (window, first)
}

fn seed_shown(window: &Window) -> String {
    let field = window.harness.get_by_label("Seed");
    let number = field.accesskit_node().numeric_value().map(|number| number.to_string());
    number.or_else(|| field.value()).unwrap_or_default()
}

#[test]
fn an_older_take_is_shown_with_its_own_settings_read_only() {
    let (mut window, first) = looking_back();
    assert_eq!(window.document().recipe().seed, 8, "looking changes nothing");
    assert_eq!(seed_shown(&window), first.to_string());
    assert!(window.harness.query_by_label_contains("An older take").is_some());
    for label in ["Seed", "Steps", "Guidance scale"] {
        assert!(window.harness.get_by_label(label).accesskit_node().is_disabled(), "{label}");
    }
    window.harness.get_by_label("Steps").click();
    window.harness.run_ok();
    assert_eq!(window.document().recipe().seed, 8);

    window.click("Leave this take");
    assert_eq!((window.view().shown, seed_shown(&window).as_str()), (Shown::Live, "8"));
    assert!(!window.harness.get_by_label("Seed").accesskit_node().is_disabled());
    assert!(window.harness.query_by_label_contains("An older take").is_none());
}

#[test]
fn restoring_it_makes_it_current() {
    let (mut window, first) = looking_back();
    window.click("Restore these settings");
    assert_eq!(window.document().recipe().seed, first);
    assert!(window.harness.query_by_label_contains("An older take").is_none());
    assert!(!window.harness.get_by_label("Seed").accesskit_node().is_disabled());
}

#[test]
fn while_dragging_the_last_good_picture_stays_until_a_better_one_is_there() {
    let mut window = Window::rendered();
    let good = window.view().shown_frame(window.document()).expect("a picture").picture;
    let slider = window.harness.get_by_label("Guidance scale").rect();
    window.harness.drag_at(slider.center());
    window.harness.hover_at(slider.center() + egui::vec2(20.0, 0.0));
    window.harness.run_steps(3);
    let request = window.request();
    let (job, recipe) = (request.job, &request.recipe);
    let done = synthetic::finished(recipe);
    window.worker.send(Event::Started { job, calls: recipe.steps, tokens: synthetic::tokens(&recipe.prompt) });
    let shown_after = |window: &mut Window, steps: std::ops::Range<usize>| {
        for report in &done.reports[steps] {
            window.worker.send(Event::Step { job, report: report.clone() });
        }
        window.harness.run_steps(2);
        window.view().shown_frame(window.document()).expect("a picture").picture
    };
    let half = recipe.steps / 2;
    assert!(Arc::ptr_eq(&shown_after(&mut window, 0..half - 1), &good), "not for an early guess");
    assert!(!Arc::ptr_eq(&shown_after(&mut window, half - 1..half), &good), "but for a formed one");
}

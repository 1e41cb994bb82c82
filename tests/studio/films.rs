//! The filmstrip under a slider, and the card of a pixel.

use egui_kittest::kittest::Queryable;
use sextant::{engine::Event, studio::document::parameter::Parameter};

use crate::window::Window;

/// Clicks on the slider, which thereby has the keyboard, and renders what the click asks for.
fn touch(window: &mut Window, label: &str, at: f32) {
    window.drag(label, &[at, at]);
    let request = window.request();
    window.play(&request);
}

#[test]
fn a_touched_slider_shows_five_of_its_values_the_nearest_first() {
    let mut window = Window::rendered();
    assert!(!window.shows("Use +6"), "nothing is shown before a slider is touched");
    touch(&mut window, "Strength of sunglasses", 0.7);
    let own = window.recipe().concepts[0].strength;
    assert!(matches!(window.view().selection.slider, Some(of) if matches!(of.parameter, Parameter::Strength(_))));
    window.harness.run_steps(10);
    let mut rendered = Vec::new();
    for _ in 0..5 {
        let request = window.request();
        rendered.push(request.recipe.concepts[0].strength);
        window.play(&request);
    }
    assert_eq!(rendered[0], 6.0, "the nearest to {own}");
    rendered.sort_by(f32::total_cmp);
    assert_eq!(rendered, [-12.0, -6.0, 0.0, 6.0, 12.0]);
    assert_eq!(window.recipe().concepts[0].strength, own, "the recipe stays");
    assert_eq!(window.takes().len(), 2, "they are no takes");
    window.click("Use -6");
    assert_eq!(window.recipe().concepts[0].strength, -6.0);
    assert_eq!(window.request().recipe.concepts[0].strength, -6.0);
}

#[test]
fn the_users_own_picture_never_waits_for_a_filmstrip() {
    let mut window = Window::rendered();
    touch(&mut window, "Guidance scale", 0.5);
    window.harness.run_steps(10);
    let film = window.request();
    assert_ne!(film.recipe.cfg, window.recipe().cfg);
    window.edit(|recipe| recipe.seed = 11);
    assert!(window.worker.cancel_token(&film).is_cancelled(), "at once");
    window.worker.send(Event::Stopped { job: film.job });
    let own = window.request();
    assert_eq!(own.recipe.seed, 11);
    window.harness.run_steps(10);
    assert!(!window.worker.cancel_token(&own).is_cancelled(), "nothing is asked for while it is rendered");
    window.play(&own);
    window.harness.run_steps(10);
    let next = window.request();
    assert_eq!((next.recipe.seed, next.recipe.cfg != window.recipe().cfg), (11, true), "for the new recipe");
}

#[test]
fn filmstrips_can_be_switched_off() {
    let mut window = Window::rendered();
    window.look(|view| view.appearance.films = false);
    touch(&mut window, "Guidance scale", 0.5);
    window.harness.run_steps(10);
    assert!(!window.shows("Use 10"));
    assert!(!window.document().is_working());
}

#[test]
fn a_click_on_a_pixel_says_why_it_is_as_it_is() {
    let mut window = Window::rendered();
    let at = window.place(0.3, 0.3);
    let click = |window: &mut Window| {
        window.harness.hover_at(at);
        window.harness.drag_at(at);
        window.harness.drop_at(at);
        window.harness.run_ok();
    };
    click(&mut window);
    assert!(window.view().selection.pixel.is_some());
    assert!(window.shows("Pixel ") && window.shows("belongs to") && window.shows("sunglasses"));
    assert!(!window.shows("g·ρ·f ="), "the equation is there on demand");
    window.click("Equation");
    assert!(window.shows("g·ρ·f ="));
    window.harness.get_by_label("Copy").click();
    window.harness.step();
    let copied = window.harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("text on the clipboard");
    assert!(copied.starts_with("Pixel ") && copied.contains("SEGA: ") && copied.contains("g·ρ·f ="), "{copied}");
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_ok();
    assert!(window.view().selection.pixel.is_none() && !window.shows("Pixel "));
    click(&mut window);
    assert!(window.view().selection.pixel.is_some());
    click(&mut window);
    assert!(window.view().selection.pixel.is_none(), "the same pixel again closes it");
}

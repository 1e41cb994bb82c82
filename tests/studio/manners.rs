//! Manners: the palette, the interface's size, the log, dropped files, exports and the timeline's loop.

use egui_kittest::{Harness, kittest::Queryable};
use sextant::{
    recipe::Profile,
    studio::{App, command::Command, document::track::Playhead, io::exports, view::overlay::Overlay},
};

use crate::window::Window;

fn palette_is_open(window: &Window) -> bool {
    window.harness.query_by_label("Find a command").is_some()
}

/// Whether the newest frame paints a text that begins so.
fn paints(window: &Window, text: &str) -> bool {
    let shapes = &window.harness.output().shapes;
    shapes
        .iter()
        .any(|clipped| matches!(&clipped.shape, egui::Shape::Text(shape) if shape.galley.text().starts_with(text)))
}

#[test]
fn the_palette_finds_a_command_and_carries_it_out() {
    let mut window = Window::rendered();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.harness.run_steps(3);
    assert!(window.harness.query_by_label("Command: Save the session").is_some());
    window.harness.event(egui::Event::Text("overlay rate".into()));
    window.harness.run_steps(3);
    assert!(window.harness.query_by_label("Command: Save the session").is_none());
    window.harness.key_press(egui::Key::Enter);
    window.harness.run_steps(3);
    assert_eq!((window.view().overlay.kind, !palette_is_open(&window)), (Overlay::Rate, true));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
    window.harness.run_steps(3);
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(3);
    assert!(!palette_is_open(&window), "Esc closes it");
}

#[test]
fn the_interface_grows_to_twice_its_size_and_no_further() {
    let mut window = Window::rendered();
    window.look(|view| view.appearance.scale = 5.0);
    window.harness.run_steps(2);
    assert_eq!((window.view().appearance.scale, window.harness.ctx.zoom_factor()), (2.0, 2.0));
    window.look(|view| view.appearance.scale = 0.3);
    window.harness.run_steps(2);
    assert_eq!(window.harness.ctx.zoom_factor(), 1.0);
}

#[test]
fn a_step_exports_its_maps_and_a_run_its_animation() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = Window::rendered();
    let path = folder.path().join("forming.png");
    let track = window.shown_track().expect("a run");
    let frames = exports::frames(track, None);
    assert_eq!(frames.len(), 21, "every step, and the finished picture");
    let short = std::time::Duration::from_millis(100);
    sextant::session::save_animation(&path, &frames, short, short).expect("written");
    let bytes = std::fs::read(&path).expect("readable");
    assert_eq!(bytes.windows(4).filter(|w| w == b"fcTL").count(), 21);
    let still = sextant::session::decode_picture(&bytes, "it").expect("any program can show it");
    assert_eq!(still, *frames[20].as_ref());
    window.look(|view| view.playhead = Playhead::At(4));
    let maps = exports::maps(&window.shown_frame().expect("a frame"), &window.view().labels(window.document()));
    let names: Vec<&str> = maps.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"step-005-regions.png") && names.contains(&"step-005-concept-2-mask.png"), "{names:?}");
    assert!(maps.iter().all(|(_, map)| (map.width, map.height) == (192, 192)));
}

#[test]
fn playing_once_rests_at_the_end_and_the_reference_says_where_it_jumps() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.profile = Profile::Reference);
    let request = window.request();
    window.play(&request);
    window.click("Play over and over");
    assert!(window.view().playback.once);
    let view = window.harness.state_mut().view_mut();
    (view.playhead, view.playback.playing) = (Playhead::At(17), true);
    window.harness.run_steps(20);
    assert_eq!((window.view().playback.playing, window.view().playhead), (false, Playhead::Newest));
}

#[test]
fn a_dropped_file_is_opened_and_the_log_opens() {
    let mut window = Window::rendered();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::L);
    window.harness.run_steps(3);
    assert!(window.harness.query_by_label("Copy all").is_some());
    window.send(Command::OpenFile("dropped.sextant.ron".into()));
    window.until("refused", |document| document.notices().shown.is_some());
}

#[test]
fn hints_vanish_one_by_one_as_they_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(sextant::session::first_start(folder.path()) && !sextant::session::first_start(folder.path()));
    let window = Window::rendered();
    assert!(window.harness.query_by_label("Dismiss hints").is_none(), "only at the very first start");
    let (mut window, request) = Window::open_with(Harness::builder(), App::with_hints);
    window.play(&request);
    assert!(window.harness.query_by_label("Dismiss hints").is_some());
    window.click("Word cat");
    let hints = ["Drag the strength of a concept", "Click a word above", "Drag along the timeline"];
    assert_eq!(hints.map(|hint| paints(&window, hint)), [true, false, true]);
    window.drag("Timeline step", &[0.5]);
    window.drag("Strength of sunglasses", &[0.8, 0.4]);
    assert!(window.harness.query_by_label("Dismiss hints").is_none());
}

//! What a session keeps, what the window shows of it before anything is rendered, and what is set for all sessions.

use std::{path::PathBuf, sync::Arc};

use egui_kittest::{Harness, kittest::Queryable};
use sextant::{
    engine::Event,
    recipe::ConceptId,
    studio::{
        command::Command,
        document::{demo, track::Playhead},
        io::{
            demo_session,
            exports::{self, Layer},
        },
        view::{
            compare::Compare,
            overlay::{Overlay, SaliencyOf},
        },
    },
};

use crate::{synthetic, window::Window};

#[test]
fn the_demo_is_there_and_can_be_scrubbed_before_the_engine_says_a_word() {
    let (mut window, request) = Window::open_with(Harness::builder(), |app| app.with_session(demo_session::session()));
    assert_eq!(request.recipe, demo::recipe(), "it is rendered all the same");
    let regions = window.view().labels(window.document()).regions();
    assert_eq!((window.takes().len(), window.document().is_unsaved(), regions.len()), (1, false, 11));
    let kept = window.shown_frame().expect("a picture at once").picture;
    assert!(window.harness.query_by_label_contains("Legend cat").is_some(), "with its regions");
    assert!(window.harness.query_by_label_contains("Take 1:").is_some());
    window.drag("Timeline step", &[0.27]);
    assert_eq!(window.view().playhead, Playhead::At(5));
    let frame = window.shown_frame().expect("a picture");
    assert_eq!(
        frame.report.map(|report| (report.step, report.scfg.is_some(), report.concepts.len())),
        Some((5, true, 2))
    );
    window.drag("Timeline step", &[0.3, 0.99]);

    let (job, recipe) = (request.job, &request.recipe);
    let tokens = synthetic::tokens(&recipe.prompt);
    window.worker.send(Event::Started { job, calls: 20, tokens });
    for step in 0..7 {
        let preview = Arc::new(synthetic::picture(1, 0.1));
        window.worker.send(Event::Step { job, report: synthetic::report(recipe, step, preview) });
        window.harness.run_steps(1);
        let shown = window.shown_frame().expect("a picture").picture;
        assert!(Arc::ptr_eq(&shown, &kept), "noise flashes up at step {step}");
    }
    let done = synthetic::finished(recipe);
    window.worker.send(Event::Done { job, take: done.clone() });
    window.harness.run_ok();
    assert!(Arc::ptr_eq(&window.shown_frame().expect("a picture").picture, &done.picture), "the live picture");
    assert_eq!((window.takes().len(), window.document().is_unsaved()), (1, false), "the take has its live steps now");
    assert!(window.takes()[0].track.kept.is_none());
}

#[test]
fn a_change_of_the_demo_forms_before_the_eyes() {
    let (mut window, _) = Window::open_with(Harness::builder(), |app| app.with_session(demo_session::session()));
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    let preview = Arc::new(synthetic::picture(1, 0.1));
    let (job, tokens) = (request.job, synthetic::tokens(&request.recipe.prompt));
    window.worker.send(Event::Started { job, calls: 20, tokens });
    window.worker.send(Event::Step { job, report: synthetic::report(&request.recipe, 0, preview.clone()) });
    window.harness.run_steps(2);
    assert!(Arc::ptr_eq(&window.shown_frame().expect("a picture").picture, &preview));
}

#[test]
fn pins_and_how_results_are_looked_at_come_back() {
    let mut window = Window::rendered();
    for seed in [8, 9] {
        window.edit(|recipe| recipe.seed = seed);
        let request = window.request();
        window.play(&request);
    }
    window.set_path(PathBuf::from("pins.sextant.ron"));
    window.pin([2, 0]);
    window.look(|view| {
        view.playhead = Playhead::At(4);
        (view.comparison.mode, view.comparison.wipe, view.overlay.kind) = (Compare::Wipe, 0.3, Overlay::Rate);
        (view.selection.region, view.overlay.concept, view.overlay.saliency, view.overlay.outlines) =
            (Some(6), Some(ConceptId(2)), SaliencyOf::Expert, false);
        (view.appearance.scale, view.appearance.columns) = (1.2, [300.0, 320.0]);
    });
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    window.until("saved", |document| !document.is_unsaved());
    window.look(|view| view.appearance.scale = 1.0);
    window.send(Command::NewSession);
    window.until("begun anew", |document| document.takes().is_empty());
    window.send(Command::OpenFile("pins.sextant.ron".into()));
    window.until("opened", |document| document.takes().list().len() == 3);
    let takes = window.takes();
    assert_eq!(window.document().takes().pins(), [Some(takes[2].id), Some(takes[0].id)]);
    let view = window.view();
    assert_eq!(view.playhead, Playhead::At(4));
    assert_eq!((view.comparison.mode, view.comparison.wipe, view.overlay.kind), (Compare::Wipe, 0.3, Overlay::Rate));
    assert_eq!(
        (view.selection.region, view.overlay.concept, view.overlay.saliency, view.overlay.outlines),
        (Some(6), Some(ConceptId(2)), SaliencyOf::Expert, false)
    );
    assert_eq!((view.appearance.scale, view.appearance.columns), (1.2, [300.0, 320.0]));
}

#[test]
fn the_memory_budget_is_set_in_the_window() {
    let mut window = Window::rendered();
    window.click("Device and memory");
    assert!(window.harness.query_by_label_contains("Remembered: 0 of 0 MiB").is_some());
    window.click("Memory budget: 256 MiB");
    assert_eq!(window.worker.budget().budget(), 256 << 20);
    assert_eq!(
        (window.document().engine().memory.budget, window.harness.state().settings().memory_mib),
        (256 << 20, Some(256))
    );
}

#[test]
fn steps_are_kept_when_asked_for_and_what_they_cost_is_said() {
    let mut window = Window::rendered();
    window.click("Session");
    window.harness.get_by_label_contains("Keep steps in the session (").click();
    window.harness.run_ok();
    let document = window.document();
    let for_all = window.harness.state().settings().keep_steps;
    assert!(document.file().keep_steps && for_all && document.is_unsaved());
    window.send(Command::NewSession);
    window.click("Discard changes");
    assert!(window.document().file().keep_steps, "it is remembered");
}

#[test]
fn an_animation_has_the_overlay_when_asked_for() {
    let mut window = Window::rendered();
    window.look(|view| (view.overlay.kind, view.overlay.opacity) = (Overlay::Regions, 1.0));
    let track = window.shown_track().expect("a run");
    let layer = Layer { overlay: window.view().overlay.clone(), chosen: Vec::new() };
    let (plain, over) = (exports::frames(track, None), exports::frames(track, Some(&layer)));
    assert_eq!((plain.len(), over.len()), (21, 21));
    // The middle of the cat's region, in the cat's colour; with outlines between regions.
    let at = |frame: &sextant::tensor::Picture, u: f32, v: f32| {
        let p = 3 * ((v * frame.height as f32) as usize * frame.width + (u * frame.width as f32) as usize);
        [frame.rgb[p], frame.rgb[p + 1], frame.rgb[p + 2]]
    };
    let [r, g, b, _] = sextant::studio::view::theme::token_color(2).to_array();
    for (plain, over) in plain.iter().zip(&over) {
        assert_eq!(at(over, 0.3, 0.68), [r, g, b]);
        assert_ne!(at(plain, 0.3, 0.68), [r, g, b]);
    }
}

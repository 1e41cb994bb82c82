//! The window, driven as a person drives it. The test plays the engine: it takes the requests and sends the events.

mod changed;
mod compare;
mod files;
mod films;
mod fusion;
mod history;
mod hostile;
mod imports;
mod input;
mod library;
mod manners;
mod many;
mod output;
mod recovery;
mod regions;
mod sessions;
mod shown;
mod small;
mod synthetic;
mod takes;
mod timeline;
#[allow(dead_code, reason = "the target `graphics` uses the rest")]
mod window;
mod words;

use std::{path::PathBuf, sync::Arc, time::Duration};

use egui::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use sextant::{
    engine::{Event, JobId},
    recipe::{ConceptId, ModelRef},
    studio::{
        command::Command,
        document::{demo, edit::Edit, live_run::Phase, track::Playhead},
        view::{compare::Compare, overlay::Overlay, state::Shown},
    },
};

use window::Window;

#[test]
fn it_opens_with_the_demo_and_renders_it_by_itself() {
    let (window, request) = Window::open();
    assert_eq!(request.recipe, demo::recipe());
    assert_eq!(request.recipe.prompt, "a cat and a red balloon on a beach at sunset");
    assert_eq!((request.recipe.seed, request.recipe.steps, request.recipe.cfg), (3, 20, 5.0));
    assert!(request.recipe.scfg.enabled && request.recipe.active_fusion().is_none());
    assert_eq!(window.document().run().map(|run| run.phase), Some(Phase::Waiting));
}

#[test]
fn generate_submits_the_recipe_and_a_new_job_overtakes_the_old() {
    let (mut window, first) = Window::open();
    window.harness.get_by_label("Generate").click();
    let second = window.request();
    assert_eq!(second.recipe, first.recipe);
    assert!(second.job > first.job);
    assert!(window.worker.cancel_token(&first).is_cancelled());
    assert!(!window.worker.cancel_token(&second).is_cancelled());
}

#[test]
fn steps_fill_the_strip_and_done_makes_a_take() {
    let (mut window, request) = Window::open();
    let (job, recipe) = (request.job, request.recipe.clone());
    let tokens = synthetic::tokens(&recipe.prompt);
    window.worker.send(Event::Started { job, calls: 20, tokens });
    for step in 0..5 {
        let preview = Arc::new(synthetic::picture(step as u64, 0.2));
        window.worker.send(Event::Step { job, report: synthetic::report(&recipe, step, preview) });
    }
    window.harness.run_steps(3);
    let progress = window.progress().expect("it runs");
    assert_eq!((progress.done, progress.calls, progress.resumed_at), (5, 20, None));
    assert_eq!(progress.left, Some(Duration::from_millis(41 * 15)));
    assert_eq!(window.view().shown_step(window.document()), Some(4));
    assert!(window.takes().is_empty());
    assert!(window.harness.query_by_label("Word balloon").is_some(), "tokens are shown as chips");

    let done = synthetic::finished(&recipe);
    window.worker.send(Event::Done { job, take: done.clone() });
    window.harness.run();
    assert_eq!(window.takes().len(), 1);
    let frame = window.shown_frame().expect("a picture");
    assert!(Arc::ptr_eq(&frame.picture, &done.picture), "the finished picture is on the canvas");
    assert_eq!(frame.report.map(|r| r.step), Some(19), "with the maps of the last step");
}

#[test]
fn events_of_an_overtaken_job_change_nothing() {
    let (mut window, old) = Window::open();
    window.harness.get_by_label("Generate").click();
    let new = window.request();
    window.play(&old);
    assert!(window.takes().is_empty());
    window.play(&new);
    assert_eq!(window.takes().len(), 1);
}

#[test]
fn scrubbing_moves_the_playhead_and_the_maps_with_it() {
    let mut window = Window::rendered();
    window.drag("Timeline step", &[0.52]);
    assert_eq!(window.view().playhead, Playhead::At(10));
    assert_eq!(window.shown_frame().and_then(|f| f.report).map(|r| r.step), Some(10));
    window.harness.key_press(egui::Key::ArrowLeft);
    window.harness.run();
    assert_eq!(window.view().playhead, Playhead::At(9));
    window.drag("Timeline step", &[0.3, 0.99]);
    assert_eq!(window.view().playhead, Playhead::Newest);
}

#[test]
fn a_step_that_is_not_rendered_again_yet_stays_as_it_was() {
    let mut window = Window::rendered();
    window.look(|view| view.playhead = Playhead::At(12));
    window.edit(|recipe| recipe.concepts[0].strength = 2.0);
    let request = window.request();
    let frame = window.shown_frame().expect("the picture before");
    assert_eq!(frame.report.map(|r| r.step), Some(12));
    // The engine resumes at the concept's warm-up.
    let preview = Arc::new(synthetic::picture(77, 0.5));
    window.worker.send(Event::Started { job: request.job, calls: 20, tokens: synthetic::tokens("a cat") });
    let report = synthetic::report(&request.recipe, 3, preview);
    window.worker.send(Event::Step { job: request.job, report });
    window.harness.run_steps(2);
    assert_eq!(window.progress().and_then(|p| p.resumed_at), Some(3));
    assert_eq!(window.shown_frame().and_then(|f| f.report).map(|r| r.step), Some(12));
}

#[test]
fn dragging_a_concept_through_zero_submits_the_newest_value_and_makes_one_take() {
    let mut window = Window::rendered();
    let before = window.takes().len();
    let rail = "Strength of sunglasses";
    let rect = window.harness.get_by_label(rail).rect();
    let at = |t: f32| egui::pos2(rect.left() + t * rect.width(), rect.center().y);
    window.harness.drag_at(at(0.875));
    window.harness.step();
    let mut scales = Vec::new();
    for t in [0.7, 0.5, 0.3] {
        window.harness.hover_at(at(t));
        let request = window.request();
        scales.push(request.recipe.concepts[0].strength);
        window.play(&request);
    }
    window.harness.drop_at(at(0.3));
    window.harness.run();
    assert!(scales[0] > 0.0 && scales[1] == 0.0 && scales[2] < -4.0, "{scales:?}");
    assert_eq!(window.recipe().concepts[0].strength, scales[2]);
    assert_eq!(window.takes().len(), before + 1, "one gesture, one take");
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_steps(2);
    assert_eq!(window.recipe().concepts[0].strength, 9.0, "undo takes the whole gesture back");
}

#[test]
fn a_slider_can_be_reset_and_typed_into() {
    let mut window = Window::rendered();
    let rect = window.harness.get_by_label("Strength of sunglasses").rect();
    let pos = rect.center() + egui::vec2(20.0, 0.0);
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        window.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        window.harness.step();
        if pressed {
            assert!(window.recipe().concepts[0].strength > 1.0, "a press on the rail moves the knob there");
        }
    }
    assert_eq!(window.recipe().concepts[0].strength, 0.0, "double-click resets");
    window.harness.get_by_label("Strength of sunglasses").click_modifiers(egui::Modifiers::COMMAND);
    window.harness.run_steps(2);
    assert!(window.harness.get_by_label("Strength of sunglasses value").is_focused(), "Ctrl+click types");
    window.harness.event(egui::Event::Text("-7.5".into()));
    window.harness.run_steps(2);
    window.harness.key_press(egui::Key::Enter);
    window.harness.run_steps(2);
    assert_eq!(window.recipe().concepts[0].strength, -7.5);
    assert_eq!(window.request().recipe.concepts[0].strength, -7.5);
}

#[test]
fn an_expression_becomes_concept_rows() {
    let mut window = Window::rendered();
    // Room for all cards above the timeline.
    window.harness.set_size(egui::vec2(1440.0, 1000.0));
    window.harness.get_by_label("Add a concept").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Add a concept").type_text("king - man + woman");
    window.harness.run_ok();
    window.harness.key_press(egui::Key::Enter);
    window.harness.run_steps(3);
    let request = window.request();
    let added: Vec<_> = request.recipe.concepts[2..].iter().map(|c| (c.text.as_str(), c.strength)).collect();
    assert_eq!(added, [("king", 5.0), ("man", -5.0), ("woman", 5.0)]);
    window.click("Remove man");
    assert_eq!(window.request().recipe.concepts.len(), 4);
    window.click("Mute king");
    assert!(!window.request().recipe.concepts[2].enabled);
}

#[test]
fn typing_renders_after_a_pause_not_at_every_letter() {
    let mut window = Window::rendered();
    let jobs = window.document().run().map(|run| run.job);
    window.harness.get_by_role_and_label(Role::MultilineTextInput, "Prompt").focus();
    window.harness.run_ok();
    window.harness.event(egui::Event::Text(" with rain".into()));
    window.harness.step();
    assert!(window.recipe().prompt.contains("rain"));
    assert_eq!(window.document().run().map(|run| run.job), jobs, "still typing");
    window.harness.run_steps(6);
    assert!(window.request().recipe.prompt.contains("rain"));
}

#[test]
fn overlays_switch_and_say_what_they_lack() {
    let mut window = Window::rendered();
    assert_eq!(window.view().overlay.kind, Overlay::Regions);
    assert!(window.harness.query_by_label_contains("Legend cat").is_some());
    window.click("Rate");
    assert_eq!(window.view().overlay.kind, Overlay::Rate);
    window.click("Where night acts");
    assert_eq!((window.view().overlay.kind, window.view().overlay.concept), (Overlay::Concept, Some(ConceptId(2))));
    window.click("Fusion mask");
    assert_eq!(window.view().overlay.kind, Overlay::FusionMask);
    assert!(window.harness.query_by_label_contains("Legend expert").is_none(), "no fusion, no legend");
    window.harness.get_by_role_and_label(Role::CheckBox, "Fusion").click();
    let request = window.request();
    assert_eq!(request.recipe.expert_prompt(), Some(request.recipe.prompt.as_str()), "the same words");
    window.play(&request);
    assert!(window.harness.query_by_label_contains("Legend expert").is_some());
    // In a lower window the tiles are scrolled to.
    window.harness.set_size(egui::vec2(1440.0, 900.0));
    window.harness.run_ok();
    window.click("Show saliency e");
    assert_eq!(window.view().overlay.kind, Overlay::Saliency);
}

#[test]
fn a_word_chooses_its_region() {
    let mut window = Window::rendered();
    window.click("Word cat");
    assert_eq!(window.view().selection.region, Some(2));
    window.click("Word cat");
    assert_eq!(window.view().selection.region, None);
    window.click("Word and");
    assert_eq!(window.view().selection.region, None, "it owns no region");
}

#[test]
fn takes_are_shown_pinned_compared_and_restored() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    assert_eq!(window.takes().iter().map(|t| t.name.as_str()).collect::<Vec<_>>()[1], "seed 8");
    let first = window.takes()[0].id;
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run();
    assert_eq!(window.view().shown, Shown::Take(first));
    window.click("Pin as A");
    window.click("Side by side");
    assert_eq!(window.view().comparison.mode, Compare::SideBySide);
    let sides = window.view().sides(window.document()).map(|side| side.map(|(track, _)| track.recipe.seed));
    assert_eq!(sides, [Some(3), Some(3)], "B is what is shown");
    window.click("Back to the newest");
    let sides = window.view().sides(window.document()).map(|side| side.map(|(track, _)| track.recipe.seed));
    assert_eq!(sides, [Some(3), Some(8)]);
    for mode in ["Wipe", "Difference", "Single"] {
        window.click(mode);
    }
    assert_eq!(window.view().comparison.mode, Compare::Single);
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run();
    window.click("Restore");
    assert_eq!((window.recipe().seed, window.view().shown), (3, Shown::Live));
    assert!(window.document().is_rendered(), "its steps are still there: nothing is rendered");
    window.harness.get_by_label_contains("Take 1:").click();
    window.harness.run_ok();
    window.click("Remove take (Delete)");
    assert_eq!((window.takes().len(), window.document().takes().pins()), (1, [None, None]));
}

#[test]
fn a_failure_is_a_banner_that_can_be_dismissed_and_the_next_job_runs() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.model = ModelRef::Folder("models/sd".into()));
    let request = window.request();
    let message = "models/sd has no unet/config.json: choose a diffusers folder.".to_owned();
    window.worker.send(Event::Failed { job: request.job, message: message.clone() });
    window.harness.run();
    assert!(window.harness.query_by_label(&message).is_some());
    assert!(window.shown_frame().is_some(), "the picture before is still there");
    window.click("Dismiss message");
    assert!(window.harness.query_by_label(&message).is_none());
    window.edit(|recipe| recipe.model = ModelRef::Pocket);
    let request = window.request();
    window.play(&request);
    assert_eq!(window.document().run().map(|run| run.phase), Some(Phase::Done));
}

#[test]
fn a_recipe_that_cannot_be_met_is_refused_with_its_reason() {
    let mut window = Window::rendered();
    let job = window.document().run().map(|run| run.job);
    window.edit(|recipe| recipe.concepts[0].threshold = 1.5);
    assert_eq!(window.document().run().map(|run| run.job), job, "nothing was sent");
    let banner = window.document().notices().shown.clone().expect("a reason");
    assert!(banner.message.contains("threshold of concept 1"), "{}", banner.message);
}

#[test]
fn escape_and_the_button_stop_the_job() {
    let (mut window, request) = Window::open();
    assert!(!window.worker.cancel_token(&request).is_cancelled());
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(2);
    assert!(window.worker.cancel_token(&request).is_cancelled());
    window.worker.send(Event::Stopped { job: request.job });
    window.harness.run();
    assert_eq!(window.document().run().map(|run| run.phase), Some(Phase::Stopped));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    let again = window.request();
    assert!(again.job > request.job, "Ctrl+Enter generates");
}

#[test]
fn a_lane_end_sets_the_warmup() {
    let mut window = Window::rendered();
    let strip = window.harness.get_by_label("Timeline step").rect();
    let grip = window.harness.get_by_label("Start of sunglasses lane").rect();
    let cell = strip.width() / 20.0;
    window.harness.drag_at(grip.center());
    window.harness.step();
    window.harness.hover_at(grip.center() + egui::vec2(2.0 * cell, 0.0));
    window.harness.step();
    window.harness.drop_at(grip.center() + egui::vec2(2.0 * cell, 0.0));
    window.harness.run_ok();
    assert_eq!(window.request().recipe.concepts[0].warmup, 5);
}

#[test]
fn sessions_come_back_as_they_were_saved() {
    let mut window = Window::rendered();
    let path = PathBuf::from("beach.sextant.ron");
    window.set_path(path.clone());
    window.edit(|recipe| recipe.cfg = 6.5);
    let request = window.request();
    window.play(&request);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::S);
    window.until("saved", |document| !document.is_unsaved());
    window.edit(|recipe| recipe.cfg = 2.0);
    assert!(window.document().is_unsaved(), "a change is not saved");

    window.send(Command::OpenFile(path.clone()));
    assert_eq!(window.recipe().cfg, 2.0, "first it is asked whether the change may be lost");
    window.click("Discard changes");
    window.until("opened", |document| document.recipe().cfg == 6.5);
    assert_eq!((window.takes().len(), window.document().file().path.clone()), (2, Some(path)));
    assert_eq!(window.request().recipe.cfg, 6.5, "an opened session is rendered");

    window.send(Command::OpenFile("elsewhere.ron".into()));
    window.until("refused", |document| document.notices().shown.is_some());
    assert!(window.document().notices().shown.as_ref().is_some_and(|b| b.message.contains("elsewhere.ron")));
    assert_eq!(window.takes().len(), 2, "a failed opening changes nothing");
}

#[test]
fn a_new_session_begins_with_the_demo_and_renders_it() {
    let mut window = Window::rendered();
    assert!(!window.document().is_unsaved(), "what the window rendered by itself is no work to lose");
    window.edit(|recipe| recipe.seed = 8);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::N);
    window.harness.run_ok();
    assert_eq!(window.takes().len(), 1, "first it is asked");
    window.click("Cancel");
    assert_eq!(window.takes().len(), 1);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::N);
    window.harness.run_ok();
    window.click("Discard changes");
    assert!(window.takes().is_empty());
    assert_eq!(window.request().recipe, demo::recipe());
}

#[test]
fn every_control_is_named_and_nothing_is_wider_than_its_panel() {
    let mut window = Window::rendered();
    window.send(Command::Edit(Edit::ToggleFusion));
    let request = window.request();
    window.play(&request);
    window.click("Details of sunglasses");
    window.click("Word cat");
    assert!(window.harness.query_by_label("Threshold of sunglasses").is_some());
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1296.0, 816.0));
    for node in window.harness.root().children_recursive() {
        let Some(bounds) = node.accesskit_node().raw_bounds() else { continue };
        let wide = bounds.x1 <= f64::from(screen.right()) + 0.5 && bounds.x0 >= -0.5;
        assert!(
            wide,
            "{:?} {:?} leaves the window: {bounds:?}",
            node.accesskit_node().role(),
            node.accesskit_node().label()
        );
    }
}

#[test]
fn a_late_done_of_a_job_that_was_never_begun_is_ignored() {
    let (mut window, request) = Window::open();
    let done = synthetic::finished(&request.recipe);
    window.worker.send(Event::Done { job: JobId(999), take: done });
    window.harness.run_steps(2);
    assert!(window.takes().is_empty());
}

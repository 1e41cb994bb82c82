//! Several pictures at once: Generate by seed, the contact sheet, the queue.

use egui_kittest::kittest::Queryable;
use sextant::{
    engine::Event,
    studio::{
        command::Command,
        document::queue::{Batch, QueueEdit},
        view::compare::Compare,
    },
};

use crate::{synthetic, window::Window};

fn generate(window: &mut Window, count: usize, random_seed: bool) {
    window.send(Command::SetBatch(Batch { count, random_seed }));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Enter);
    window.harness.run_steps(3);
}

fn seeds(window: &Window) -> Vec<u64> {
    window.takes().iter().map(|take| take.track.recipe.seed).collect()
}

#[test]
fn generate_by_seed_fills_a_contact_sheet_with_linked_steps() {
    let mut window = Window::rendered();
    generate(&mut window, 3, false);
    assert_eq!(window.view().comparison.mode, Compare::Sheet);
    for seed in [4, 5] {
        let request = window.request();
        assert_eq!(request.recipe.seed, seed, "the picture of seed 3 is there already");
        window.play(&request);
    }
    assert_eq!(seeds(&window), [3, 4, 5]);
    let takes = window.takes();
    assert!(takes[1].parent == Some(takes[0].id) && takes[2].parent == Some(takes[0].id), "siblings");
    assert_eq!(window.recipe().seed, 3, "the recipe stays");
    for seed in [3, 4, 5] {
        assert!(window.shows(&format!("Show seed {seed} alone")));
    }
    window.click("Show seed 5 alone");
    assert_eq!(window.view().comparison.mode, Compare::Single);
    assert_eq!(window.shown_track().map(|track| track.recipe.seed), Some(5));
}

#[test]
fn what_the_user_changes_goes_first_and_the_queue_after_it() {
    let mut window = Window::rendered();
    generate(&mut window, 3, false);
    let overtaken = window.request();
    assert_eq!(overtaken.recipe.seed, 4);
    window.edit(|recipe| recipe.cfg = 6.0);
    assert!(window.worker.cancel_token(&overtaken).is_cancelled());
    window.worker.send(Event::Stopped { job: overtaken.job });
    let own = window.request();
    assert_eq!((own.recipe.cfg, own.recipe.seed), (6.0, 3));
    window.play(&own);
    let again = window.request();
    assert_eq!((again.recipe.cfg, again.recipe.seed), (5.0, 4), "as it was when it was asked for");
    window.play(&again);
    // The take is made from what the recipe was changed from then.
    let take = window.takes().iter().find(|take| take.track.recipe.seed == 4).expect("a take");
    assert_eq!(take.parent, Some(window.takes()[0].id));
}

#[test]
fn the_queue_is_seen_reordered_skipped_and_paused() {
    let mut window = Window::rendered();
    generate(&mut window, 5, false);
    let first = window.request();
    window.send(Command::ShowQueue);
    window.click("Render seed 7 earlier");
    window.click("Skip seed 5");
    window.click("Skip seed 4");
    assert!(window.worker.cancel_token(&first).is_cancelled(), "what is rendered is given up");
    let next = window.request();
    assert_eq!(next.recipe.seed, 7);
    window.click("Pause");
    assert!(window.worker.cancel_token(&next).is_cancelled() && window.document().queue().is_paused());
    window.worker.send(Event::Stopped { job: next.job });
    window.click("Go on");
    for seed in [7, 6] {
        let request = window.request();
        assert_eq!(request.recipe.seed, seed);
        window.play(&request);
    }
    assert_eq!(seeds(&window), [3, 7, 6]);
    assert_eq!(window.document().queue().open().count(), 0);
}

#[test]
fn escape_stops_the_queue_until_it_goes_on() {
    let mut window = Window::rendered();
    generate(&mut window, 2, false);
    let request = window.request();
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(2);
    assert!(window.worker.cancel_token(&request).is_cancelled() && window.document().queue().is_paused());
    window.send(Command::Queue(QueueEdit::Pause(false)));
    assert_eq!(window.request().recipe.seed, 4);
}

#[test]
fn a_random_seed_is_a_new_one_at_every_press_and_one_step_of_undo() {
    let mut window = Window::rendered();
    generate(&mut window, 1, true);
    let request = window.request();
    assert_ne!(request.recipe.seed, 3);
    assert_eq!(window.recipe().seed, request.recipe.seed, "the recipe says which");
    window.play(&request);
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_steps(2);
    assert_eq!(window.recipe().seed, 3);
}

#[test]
fn a_recipe_is_queued_as_it_stands_and_rendered_later() {
    let mut window = Window::rendered();
    window.edit(|recipe| recipe.cfg = 8.0);
    let own = window.request();
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND.plus(egui::Modifiers::SHIFT), egui::Key::Enter);
    window.harness.run_steps(2);
    window.edit(|recipe| recipe.cfg = 2.0);
    window.worker.send(Event::Stopped { job: own.job });
    let newer = window.request();
    assert_eq!(newer.recipe.cfg, 2.0);
    window.play(&newer);
    assert_eq!(window.request().recipe.cfg, 8.0);
}

#[test]
fn a_failed_picture_says_why_and_the_next_goes_on() {
    let mut window = Window::rendered();
    generate(&mut window, 3, false);
    let request = window.request();
    window.worker.send(Event::Failed { job: request.job, message: "no memory: make the picture smaller.".into() });
    let next = window.request();
    assert_eq!(next.recipe.seed, 5);
    let tokens = synthetic::tokens(&next.recipe.prompt);
    window.worker.send(Event::Started { job: next.job, calls: 20, tokens });
    window.harness.run_steps(2);
    window.send(Command::ShowQueue);
    assert!(window.harness.query_by_label("failed").is_some() && window.shows("0/20"));
}

//! How events change the document, with made-up runs.
//!
//! Apart from the code because there is more of it.

use std::time::Duration;

use super::*;
use crate::{
    engine::{Ledger, Norms},
    recipe::RegionFactor,
    studio::document::{edit::Edit, live_run::LiveRun, regions::labels::tests::tokens, track::Playhead},
};

/// Some time in 2023.
const NOW: u64 = 1_700_000_000;

pub fn report(step: usize, calls: usize) -> Arc<StepReport> {
    Arc::new(StepReport {
        approximate: false,
        evaluations: 2,
        step,
        calls,
        timestep: 0.0,
        sigma: 0.0,
        preview: Arc::new(Picture { width: 1, height: 1, rgb: vec![step as u8; 3] }),
        scfg: None,
        concepts: Vec::new(),
        fusion: None,
        norms: Norms::default(),
        ledger: Ledger::default(),
        elapsed: Duration::from_millis(100),
    })
}

pub fn finished(recipe: &Recipe, calls: usize) -> Arc<RenderResult> {
    Arc::new(RenderResult {
        recipe: recipe.clone(),
        picture: Arc::new(Picture { width: 1, height: 1, rgb: vec![9; 3] }),
        reports: (0..calls).map(|step| report(step, calls)).collect(),
        elapsed: Duration::from_secs(1),
        branch_evaluations: 2 * calls,
        fingerprint: Arc::default(),
    })
}

/// Changes the recipe; `moving` is whether the gesture goes on.
fn change(document: &mut Document, recipe: &Recipe, moving: bool) {
    document.edit(Edit::Recipe(Box::new(recipe.clone())), NOW);
    document.watch_recipe(moving, &[]);
}

/// Renders `recipe` as job `id`.
fn play(document: &mut Document, id: u64, recipe: &Recipe) {
    let job = JobId(id);
    document.begin(job, recipe.clone());
    document.apply(Event::Started { job, calls: 4, tokens: Arc::default() }, NOW);
    document.apply(Event::Done { job, take: finished(recipe, 4) }, NOW);
}

/// Changes the recipe and renders it.
fn render(document: &mut Document, id: u64, recipe: &Recipe) {
    change(document, recipe, false);
    play(document, id, recipe);
}

fn seeds(document: &Document) -> Vec<u64> {
    document.takes().list().iter().map(|take| take.track.recipe.seed).collect()
}

fn seed(seed: u64) -> Recipe {
    Recipe { seed, ..Recipe::default() }
}

#[test]
fn a_stop_is_shown_at_once_whatever_is_still_under_way() {
    let mut document = Document::new(Recipe::default());
    let phase = |document: &Document| document.run().map(|run| run.phase);
    document.begin(JobId(1), Recipe::default());
    document.stop();
    assert_eq!(phase(&document), Some(Phase::Stopped), "one that has not begun");

    document.begin(JobId(2), Recipe::default());
    document.apply(Event::Started { job: JobId(2), calls: 4, tokens: Arc::default() }, NOW);
    document.apply(Event::Step { job: JobId(2), report: report(0, 4) }, NOW);
    document.stop();
    assert!(!document.is_busy());
    document.apply(Event::Step { job: JobId(2), report: report(1, 4) }, NOW);
    assert_eq!(phase(&document), Some(Phase::Stopped), "with a step that was under way");
    document.apply(Event::Stopped { job: JobId(2) }, NOW);
    document.begin(JobId(3), Recipe::default());
    document.apply(Event::Step { job: JobId(3), report: report(0, 4) }, NOW);
    assert!(document.is_busy(), "the next run is another one");
}

#[test]
fn progress_counts_from_where_the_job_resumed() {
    let mut document = Document::default();
    let job = JobId(1);
    document.begin(job, Recipe::default());
    let progress = |document: &Document| document.run().and_then(LiveRun::progress);
    assert_eq!(progress(&document), None);
    document.apply(Event::Started { job, calls: 10, tokens: Arc::default() }, NOW);
    for step in 6..8 {
        document.apply(Event::Step { job, report: report(step, 10) }, NOW);
    }
    let progress = progress(&document).expect("it runs");
    assert_eq!((progress.done, progress.calls, progress.resumed_at), (8, 10, Some(6)));
    assert_eq!(progress.per_step, Some(Duration::from_millis(100)));
    assert_eq!(progress.left, Some(Duration::from_millis(200)));
}

#[test]
fn only_a_settled_recipe_makes_a_take() {
    let mut document = Document::default();
    document.watch_recipe(false, &[]);
    render(&mut document, 1, &seed(1));
    for (id, value) in [(2, 2), (3, 3)] {
        change(&mut document, &seed(value), true);
        play(&mut document, id, &seed(value));
        assert_eq!(seeds(&document), [1], "the gesture goes on");
    }
    document.watch_recipe(false, &[]);
    assert_eq!(seeds(&document), [1, 3], "its end makes one take, although the picture was there before");
    assert_eq!(document.takes().list()[1].parent, Some(document.takes().list()[0].id));
}

#[test]
fn undo_and_redo_move_along_the_takes_and_make_none() {
    let mut document = Document::default();
    document.watch_recipe(false, &[]);
    for id in 1..=3 {
        render(&mut document, id, &seed(id));
    }
    let ids: Vec<_> = document.takes().list().iter().map(|take| take.id).collect();
    document.undo();
    assert_eq!((document.recipe().seed, document.takes().base()), (2, Some(ids[1])));
    assert!(document.is_rendered(), "its picture is there: nothing has to be rendered");
    document.undo();
    document.redo();
    document.redo();
    assert_eq!((document.recipe().seed, document.takes().base()), (3, Some(ids[2])));
    document.undo();
    play(&mut document, 9, &seed(2));
    assert_eq!((seeds(&document), document.history().can_redo()), (vec![1, 2, 3], true));
    render(&mut document, 10, &seed(7));
    assert_eq!(document.takes().newest().and_then(|take| take.parent), Some(ids[1]), "a branch");
    assert!(!document.history().can_redo());
    render(&mut document, 11, &seed(2));
    assert_eq!((seeds(&document), document.takes().base()), (vec![1, 2, 3, 7], Some(ids[1])), "the same take");
}

#[test]
fn a_cancelled_gesture_gives_value_and_picture_back() {
    let mut document = Document::default();
    document.watch_recipe(false, &[]);
    render(&mut document, 1, &seed(1));
    let picture = |d: &Document| d.live_track().and_then(|track| track.picture.clone()).expect("a picture");
    let before = picture(&document);
    change(&mut document, &seed(2), true);
    play(&mut document, 2, &seed(2));
    assert!(!Arc::ptr_eq(&picture(&document), &before));
    document.cancel_gesture();
    document.watch_recipe(false, &[]);
    assert_eq!((document.recipe().seed, document.is_rendered()), (1, true));
    assert!(Arc::ptr_eq(&picture(&document), &before));
    assert_eq!((seeds(&document), document.history().can_redo()), (vec![1], false));
}

/// The engine names the tokens of a prompt only once the prompt is rendered: at any time before the change settles, or
/// after.
#[test]
fn settings_that_follow_words_belong_to_the_change_of_the_prompt() {
    let prompt = |prompt: &str, position: usize| Recipe {
        prompt: prompt.into(),
        regions: vec![RegionFactor { position, factor: 1.5 }],
        ..Recipe::default()
    };
    for typing in [true, false] {
        let mut document = Document::new(prompt("a cat", 2));
        document.watch_recipe(false, &[]);
        let start = |document: &mut Document, id: u64| {
            let (job, recipe) = (JobId(id), document.recipe().clone());
            document.begin(job, recipe.clone());
            document.apply(Event::Started { job, calls: 4, tokens: tokens(&recipe.prompt) }, NOW);
        };
        start(&mut document, 1);
        document.edit(Edit::Prompt("a big cat".into()), NOW);
        document.watch_recipe(typing, &[]);
        start(&mut document, 2);
        document.watch_recipe(false, &[]);
        assert_eq!(document.recipe(), &prompt("a big cat", 3), "typing: {typing}");
        document.undo();
        assert_eq!(document.recipe(), &prompt("a cat", 2), "typing: {typing}");
        assert!(!document.history().can_undo());
        document.redo();
        assert_eq!(document.recipe(), &prompt("a big cat", 3), "typing: {typing}");
        // Two changes before the engine says a word: the factor is right at both.
        document.edit(Edit::Prompt("one very big cat".into()), NOW);
        document.watch_recipe(false, &[]);
        document.edit(Edit::ToggleScfg, NOW);
        document.watch_recipe(false, &[]);
        start(&mut document, 3);
        assert_eq!(document.recipe().regions[0].position, 4);
        document.undo();
        assert_eq!(document.recipe(), &prompt("one very big cat", 4));
    }
}

#[test]
fn what_was_shown_stays_until_the_new_job_has_a_step() {
    let mut document = Document::default();
    render(&mut document, 1, &seed(1));
    document.begin(JobId(2), seed(2));
    document.begin(JobId(3), seed(2));
    let picture = |d: &Document| d.live_track()?.frame(Playhead::Newest).map(|f| f.picture.rgb[0]);
    assert_eq!(picture(&document), Some(9));
    document.apply(Event::Step { job: JobId(2), report: report(0, 4) }, NOW);
    assert_eq!(picture(&document), Some(9), "job 2 was overtaken");
    document.apply(Event::Step { job: JobId(3), report: report(2, 4) }, NOW);
    assert_eq!(picture(&document), Some(2));
}

#[test]
fn a_failure_of_an_old_job_raises_no_notice() {
    let mut document = Document::default();
    document.begin(JobId(5), Recipe::default());
    document.apply(Event::Failed { job: JobId(4), message: "old".into() }, NOW);
    assert_eq!(document.notices().shown, None);
    document.apply(Event::Failed { job: JobId(5), message: "new".into() }, NOW);
    assert_eq!(document.notices().shown, Some(Notice::error(Topic::Rendering, "new")));
    assert_eq!(document.run().map(|run| run.phase), Some(Phase::Failed));
}

/// The document reads no clock: the caller gives the time at which a take was made.
#[test]
fn the_same_events_at_the_same_time_give_the_same_document() {
    let replayed = |now: u64| {
        let mut document = Document::default();
        let recipe = Recipe { fusion: Some(Default::default()), ..Recipe::default() };
        document.edit(Edit::Recipe(Box::new(recipe.clone())), now);
        for id in 1..=2 {
            let job = JobId(id);
            let recipe = Recipe { seed: id, ..recipe.clone() };
            change(&mut document, &recipe, false);
            document.begin(job, recipe.clone());
            document.apply(Event::Started { job, calls: 4, tokens: Arc::default() }, now);
            document.apply(Event::Done { job, take: finished(&recipe, 4) }, now);
        }
        document
    };
    let (first, second) = (replayed(NOW), replayed(NOW));
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert!(
        first.takes().list().len() == 2 && first.takes().list().iter().all(|take| take.created == NOW),
        "{first:?}"
    );
    assert!(replayed(NOW + 5).takes().list().iter().all(|take| take.created == NOW + 5));
}

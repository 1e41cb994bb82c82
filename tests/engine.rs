//! The engine with the bundled models: order of events, newest request first, cancellation, and recovery from failures.
//!
//! Separate from `resume`, which tests the cache without the worker thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use sextant::{
    engine::{self, DeviceChoice, EngineHandle, Event, JobId, ModelPair, RenderResult, Verdict},
    recipe::{
        Concept, Fusion, FusionMode, FusionRule, ModelRef, Owner, Paint, Profile, Recipe, RegionFactor, RegionGroup,
        RegionOwner, RegionPaint, Scfg,
    },
    tensor::Picture,
};

fn start() -> EngineHandle {
    engine::start(DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread")
}

fn small(seed: u64) -> Recipe {
    Recipe { prompt: "a red balloon on a beach".into(), seed, steps: 4, ..Recipe::default() }
}

/// All three methods in one recipe.
fn everything() -> Recipe {
    Recipe {
        prompt: "a cat on a beach at sunset".into(),
        steps: 4,
        seed: 3,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![
            Concept { text: "sunglasses".into(), strength: 9.0, warmup: 1, ..Concept::default() },
            Concept {
                text: "night".into(),
                strength: -4.0,
                warmup: 2,
                cooldown: Some(3),
                threshold: 0.2,
                ..Concept::default()
            },
        ],
        fusion: Some(Fusion {
            prompt: Some("a snowman on a beach".into()),
            t0: 0.0,
            k_e: 4.0,
            mode: FusionMode::High,
            ..Fusion::default()
        }),
        ..Recipe::default()
    }
}

/// The first result of `select` on the engine's events, within two minutes.
fn wait<T>(engine: &EngineHandle, mut select: impl FnMut(Event) -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(120) {
        match engine.poll() {
            Some(event) => {
                if let Some(found) = select(event) {
                    return found;
                }
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("the engine sent no such event");
}

fn finished(engine: &EngineHandle, job: JobId) -> Arc<RenderResult> {
    wait(engine, |event| match event {
        Event::Done { job: done, take } if done == job => Some(take),
        Event::Failed { message, .. } => panic!("{message}"),
        _ => None,
    })
}

#[test]
fn a_run_reports_every_step_in_order_and_then_its_picture() {
    let engine = start();
    let job = engine.submit(everything());
    let mut steps = Vec::new();
    let mut words = Vec::new();
    let take = wait(&engine, |event| match event {
        Event::Started { tokens, calls, .. } => {
            assert_eq!(calls, 4);
            words = tokens.iter().filter(|t| !t.text.is_empty()).map(|t| t.text.clone()).collect();
            None
        }
        Event::Step { report, .. } => {
            steps.push(report);
            None
        }
        Event::Done { take, job: done } => Some((take, done)),
        Event::Failed { message, .. } => panic!("{message}"),
        _ => None,
    });
    assert_eq!(take.1, job);
    assert_eq!(words, ["a", "cat", "on", "a", "beach", "at", "sunset"]);
    assert_eq!(steps.iter().map(|s| s.step).collect::<Vec<_>>(), [0, 1, 2, 3]);
    for report in &steps {
        let scfg = report.scfg.as_ref().expect("regions");
        assert_eq!((scfg.region.height, scfg.region.width), (24, 24));
        assert!((scfg.shares.iter().map(|s| s.1).sum::<f32>() - 1.0).abs() < 1e-4);
        assert_eq!(report.concepts.len(), 2);
        let fusion = report.fusion.as_ref().expect("a fusion");
        assert!(fusion.active && fusion.share > 0.0 && fusion.share < 1.0, "the expert draws a part");
        assert!(report.norms.guided.is_finite() && report.norms.guidance > 0.0);
    }
    for report in &steps {
        let ledger = &report.ledger;
        let rate = ledger.rate.expect("S-CFG is on");
        assert!(0.0 < rate.low && rate.low <= rate.high && rate.mean > 0.0, "{rate:?}");
        let cosine = ledger.cosine(0, 1);
        assert_eq!((cosine, ledger.cosine(0, 0)), (ledger.cosine(1, 0), Some(1.0)));
        // Night is not evaluated after its cool-down.
        assert_eq!(cosine.is_some(), report.step < 3);
        assert!(ledger.concepts[0].with_prompt.is_some_and(|c| c.abs() < 1.0) && ledger.concepts[0].momentum > 0.0);
        assert_eq!(ledger.concepts[1].momentum > 0.0, report.step < 2, "nothing is left for the step after the last");
    }
    let acts = |k: usize| steps.iter().map(|s| s.concepts[k].active).collect::<Vec<_>>();
    assert_eq!(acts(0), [false, true, true, true]);
    assert_eq!(acts(1), [false, false, true, false]);
    let picture = &take.0.picture;
    assert_eq!((picture.width, picture.height), (192, 192));
    // Per model: uncond, prompt and sunglasses at 4 steps, night at the 3 before its cool-down.
    assert_eq!(take.0.branch_evaluations, 2 * (3 * 4 + 3));
}

#[test]
fn fusion_rules_other_than_saliency_draw_as_they_say() {
    let engine = start();
    let by = |rule, weight, mask: Option<&str>| {
        let mut recipe = everything();
        if let Some(fusion) = &mut recipe.fusion {
            (fusion.rule, fusion.weight) = (rule, weight);
            fusion.mask = mask.map(|text| text.parse().expect("a mask"));
        }
        finished(&engine, engine.submit(recipe))
    };
    let general = by(FusionRule::General, 0.5, None);
    let mut plain = everything();
    plain.fusion = None;
    let without = finished(&engine, engine.submit(plain));
    assert!(
        general.picture == without.picture && without.branch_evaluations == 0,
        "no expert, and everything is cached"
    );
    assert_eq!(general.branch_evaluations, 3 * 4 + 3, "the expert is not evaluated");
    assert!(general.reports.iter().all(|r| r.fusion.as_ref().is_some_and(|f| !f.active && f.share == 0.0)));

    let expert = by(FusionRule::Expert, 0.5, None);
    // The general model's first step is cached; in later ones its prompt and unconditional branch are evaluated.
    assert_eq!(expert.branch_evaluations, 3 * 2 + 3 * 4 + 3);
    assert!(expert.reports.iter().all(|r| r.fusion.as_ref().is_some_and(|f| f.active && f.share == 1.0)));
    assert!(expert.reports.iter().all(|r| r.concepts.len() == 2 && r.concepts[0].magnitude.max() > 0.0));
    // The fusion's window is the whole run here, so these rules give the same picture.
    assert!(by(FusionRule::Mask, 0.5, Some("1x1: 1*1")).picture == expert.picture);
    assert!(by(FusionRule::Weighted, 1.0, None).picture == expert.picture);
    assert!(by(FusionRule::Weighted, 0.0, None).picture == general.picture);
    let half = by(FusionRule::Weighted, 0.5, None);
    assert!(half.picture != expert.picture && half.picture != general.picture);
    assert!(half.reports[0].fusion.as_ref().is_some_and(|f| f.share == 0.5));
    let left = by(FusionRule::Mask, 0.5, Some("1x2: 1*1"));
    let mask = &left.reports[0].fusion.as_ref().expect("a fusion").mask;
    assert_eq!((mask.at(5, 11), mask.at(5, 12)), (1, 0));
}

#[test]
fn a_missing_mask_is_an_error_and_models_are_compared_during_a_run() {
    let engine = start();
    let mut recipe = everything();
    if let Some(fusion) = &mut recipe.fusion {
        fusion.rule = FusionRule::Mask;
    }
    let job = engine.submit(recipe);
    let message = wait(&engine, |event| match event {
        Event::Failed { job: failed, message } if failed == job => Some(message),
        _ => None,
    });
    assert!(message.contains("there is none"), "{message}");
    let partners = ModelPair { general: ModelRef::Pocket, expert: ModelRef::PocketToon };
    let long = engine.submit(Recipe { steps: 200, ..small(1) });
    engine.compare(partners.clone());
    let fit = wait(&engine, |event| match event {
        Event::Compatibility(fit) => Some(fit),
        Event::Done { job, .. } if job == long => panic!("only after the run"),
        _ => None,
    });
    assert_eq!((fit.verdict(), fit.partners), (Verdict::Fits, partners));
    engine.stop();
}

#[test]
fn equal_recipes_give_equal_pictures_and_others_give_others() {
    let engine = start();
    let picture = |recipe: Recipe| finished(&engine, engine.submit(recipe)).picture.clone();
    let first = picture(everything());
    assert!(picture(small(1)) != first);
    assert!(picture(everything()) == first, "the same picture after other renders");
    let mut plain = everything();
    plain.scfg.enabled = false;
    assert!(picture(plain) != first, "S-CFG changes the picture");
    let mut general = everything();
    general.fusion = None;
    assert!(picture(general) != first, "the expert changes the picture");
    let mut other = everything();
    other.concepts[0].strength = -9.0;
    assert!(picture(other) != first, "the concept's direction changes the picture");
}

/// A locked concept acts only on the elements of its regions, at every step.
#[test]
fn a_locked_concept_stays_in_its_regions() {
    let engine = start();
    let mut recipe = everything();
    recipe.fusion = None;
    recipe.scfg.enabled = false;
    let cat = 2;
    recipe.concepts = vec![Concept { lock: vec![cat], threshold: 0.3, ..recipe.concepts[0].clone() }];
    let take = finished(&engine, engine.submit(recipe));
    let mut inside = 0;
    for report in &take.reports {
        let region = &report.scfg.as_ref().expect("regions without S-CFG").region;
        for (touched, owner) in report.concepts[0].mask.values.iter().zip(&region.values) {
            assert!(*touched == 0.0 || usize::from(*owner) == cat);
            inside += usize::from(*touched > 0.0);
        }
    }
    assert!(inside > 0, "the cat is somewhere");
}

/// Merged words are one region, painted cells change their owner, and a region's owner draws it with any saliencies.
#[test]
fn region_edits_decide_owners_and_fusion_mask() {
    let engine = start();
    let mut recipe = everything();
    let (cat, on, beach) = (2, 3, 5);
    let mut corner = Paint::blank(24, 24);
    (0..3).for_each(|i| corner.set(i, i, 1));
    recipe.groups = vec![RegionGroup { positions: vec![on, beach], name: String::new() }];
    recipe.painted = vec![RegionPaint { position: cat, cells: corner.clone() }];
    let take = |recipe: &Recipe| finished(&engine, engine.submit(recipe.clone()));
    let contest = take(&recipe);
    let region = |take: &RenderResult, step: usize| take.reports[step].scfg.as_ref().map(|s| s.region.clone());
    for step in 0..4 {
        let owners = region(&contest, step).expect("regions");
        assert!(owners.values.iter().all(|&p| usize::from(p) != beach), "a merged region is named by its first word");
        assert!((0..3).all(|i| usize::from(owners.at(i, i)) == cat), "painted");
    }
    for (owner, draws) in [(Owner::Expert, 1), (Owner::General, 0)] {
        let mut owned = recipe.clone();
        if let Some(fusion) = &mut owned.fusion {
            fusion.owners = vec![RegionOwner { position: cat, owner }];
        }
        let owned = take(&owned);
        for step in 0..4 {
            let owners = region(&owned, step).expect("regions");
            let mask = &owned.reports[step].fusion.as_ref().expect("a fusion").mask;
            let of_cat = owners.values.iter().zip(&mask.values).filter(|(p, _)| usize::from(**p) == cat);
            assert!(of_cat.clone().count() >= 3 && of_cat.clone().all(|(_, &m)| m == draws), "{owner} at step {step}");
        }
    }
    let mut biased = recipe.clone();
    if let Some(fusion) = &mut biased.fusion {
        fusion.bias = Paint::blank(2, 2);
        fusion.bias.set(0, 0, 30_000);
        fusion.bias.set(1, 1, -30_000);
    }
    let mask = take(&biased).reports[0].fusion.as_ref().expect("a fusion").mask.clone();
    let all = |y: usize, x: usize, model: u8| (0..12).all(|i| (0..12).all(|j| mask.at(y + i, x + j) == model));
    assert!(all(0, 0, 1) && all(12, 12, 0), "each painted quarter");
    let before = contest.reports[0].fusion.as_ref().expect("a fusion").mask.clone();
    assert!((0..12).all(|i| mask.at(i, 20) == before.at(i, 20)), "the rest as before");
}

#[test]
fn a_region_factor_of_one_changes_nothing_and_another_does() {
    let engine = start();
    let picture = |position, factor| {
        let regions = vec![RegionFactor { position, factor }];
        finished(&engine, engine.submit(Recipe { regions, ..small(2) })).picture.clone()
    };
    let plain = finished(&engine, engine.submit(small(2))).picture.clone();
    assert!(picture(6, 1.0) == plain);
    assert!(picture(6, 2.5) != plain, "the beach is guided more strongly");
}

#[test]
fn a_concept_at_zero_changes_nothing() {
    let engine = start();
    let picture = |recipe: Recipe| finished(&engine, engine.submit(recipe)).picture.clone();
    let mut zero = small(5);
    zero.concepts = vec![Concept { text: "night".into(), strength: 0.0, warmup: 0, ..Concept::default() }];
    assert!(picture(zero) == picture(small(5)));
}

#[test]
fn the_newest_request_wins_and_the_older_one_says_that_it_was_stopped() {
    let engine = start();
    let long = engine.submit(Recipe { steps: 200, ..small(1) });
    wait(&engine, |event| matches!(event, Event::Step { .. }).then_some(()));
    let jobs: Vec<_> = (2..12).map(|seed| engine.submit(small(seed))).collect();
    let newest = jobs[jobs.len() - 1];
    let mut stopped = Vec::new();
    let begun = Instant::now();
    let take = wait(&engine, |event| match event {
        Event::Stopped { job } => {
            stopped.push(job);
            None
        }
        Event::Done { take, job } if job == newest => Some(take),
        _ => None,
    });
    assert_eq!(take.recipe.seed, 11);
    assert!(stopped.contains(&long), "{stopped:?}");
    assert!(begun.elapsed() < Duration::from_secs(30), "the long run did not continue");
}

#[test]
fn stopping_takes_no_longer_than_one_branch() {
    let engine = start();
    let job = engine.submit(Recipe { steps: 500, ..small(1) });
    wait(&engine, |event| matches!(event, Event::Step { .. }).then_some(()));
    let stopped_at = Instant::now();
    engine.stop();
    wait(&engine, |event| matches!(event, Event::Stopped { job: stopped } if stopped == job).then_some(()));
    // A branch of the bundled model takes well under a second on a slow machine too.
    assert!(stopped_at.elapsed() < Duration::from_secs(2), "{:?}", stopped_at.elapsed());
}

#[test]
fn after_a_failure_the_next_request_works() {
    let engine = start();
    let message = |recipe: Recipe| {
        let job = engine.submit(recipe);
        wait(&engine, |event| match event {
            Event::Failed { job: failed, message } if failed == job => Some(message),
            Event::Done { .. } => panic!("that cannot be rendered"),
            _ => None,
        })
    };
    let missing = Recipe { model: ModelRef::Folder("no/such/model".into()), ..small(1) };
    assert!(message(missing).contains("no/such/model"));
    assert!(message(Recipe { width: 100, ..small(1) }).contains("multiple of 8"));
    // Infinite from the first guidance term on.
    let wild = Concept { text: "night".into(), strength: f32::MAX, warmup: 0, threshold: 0.0, ..Concept::default() };
    assert!(message(Recipe { concepts: vec![wild], ..small(1) }).contains("finite"));
    assert_eq!(finished(&engine, engine.submit(small(4))).reports.len(), 4);
}

#[test]
fn the_expert_is_measured_against_its_own_baseline_in_fixed_only() {
    let engine = start();
    let saliency = |profile| {
        let mut recipe = everything();
        recipe.profile = profile;
        recipe.concepts.clear();
        recipe.scfg.enabled = false;
        let take = finished(&engine, engine.submit(recipe));
        let fusion = take.reports[0].fusion.clone().expect("a fusion");
        (fusion.saliency_general.clone(), fusion.saliency_expert.clone())
    };
    let (reference, fixed) = (saliency(Profile::Reference), saliency(Profile::Fixed));
    // In the first step both profiles have the same input: the general model's saliency is equal, the expert's is not.
    assert_eq!(reference.0, fixed.0);
    assert!(reference.1 != fixed.1);
}

#[test]
fn the_window_is_woken_after_every_event_and_the_thread_ends_with_its_handle() {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = woken.clone();
    let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .expect("a thread");
    let job = engine.submit(small(1));
    finished(&engine, job);
    assert!(woken.load(Ordering::Relaxed) >= 6, "ready, busy, started, four steps, done");
    drop(engine);
    // The worker owns the closure: it is gone when the thread has ended.
    let begun = Instant::now();
    while Arc::strong_count(&woken) > 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the worker thread has not ended");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_memory_budget_can_change_while_the_engine_runs() {
    let engine = start();
    let spent = |recipe: Recipe| finished(&engine, engine.submit(recipe)).branch_evaluations;
    let fresh = spent(small(1));
    assert_eq!((fresh, spent(small(1))), (8, 0), "everything was cached");
    let used = engine.memory().used();
    assert!(used > 0 && used <= engine.memory().budget() && engine.memory().budget() == engine::MEMORY);
    engine.set_memory(0);
    let begun = Instant::now();
    while engine.memory().used() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "an idle engine drops its cache at once");
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!((spent(small(1)), spent(small(1))), (8, 8), "nothing may be cached");
    engine.set_memory(1 << 20);
    spent(small(1));
    assert!((1..=1 << 20).contains(&engine.memory().used()), "{}", engine.memory().used());
}

#[test]
fn a_run_has_a_fingerprint_with_the_probe_digest_of_its_device() {
    let run = |recipe: Recipe| {
        let engine = start();
        finished(&engine, engine.submit(recipe)).fingerprint.clone()
    };
    let (first, again, other) = (run(small(1)), run(small(1)), run(everything()));
    assert_eq!(first, again, "the same machine, the same recipe");
    assert!(first.probe_digest.is_some() && first.probe_digest == other.probe_digest, "the same for every recipe");
    assert_eq!((first.steps.len(), first.expert_hash.is_some(), other.expert_hash.is_some()), (4, false, true));
    assert!(first.steps != other.steps);
}

/// Peak signal-to-noise ratio in dB of two pictures of one size.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    let squares: f64 = a.rgb.iter().zip(&b.rgb).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0f64.powi(2) * b.rgb.len() as f64 / squares.max(1e-9)).log10()
}

#[test]
fn approximate_previews_are_like_the_pictures_that_replace_them() {
    let engine = start();
    let recipe = Recipe { steps: 12, ..small(5) };
    let job = engine.submit(recipe);
    let (mut approximate, mut done, mut ratios) = (Vec::new(), false, Vec::new());
    wait(&engine, |event| {
        match event {
            Event::Step { report, .. } if report.approximate => approximate.push((report.step, report.preview.clone())),
            Event::Done { job: of, .. } => done = of == job,
            Event::Preview { step, picture, .. } => {
                let (_, preview) =
                    approximate.iter().find(|(of, _)| *of == step).expect("only approximate previews are replaced");
                assert_eq!((preview.width, preview.height), (picture.width, picture.height), "step {step}");
                ratios.push((step, psnr(preview, &picture)));
            }
            Event::Failed { message, .. } => panic!("{message}"),
            _ => {}
        }
        (done && ratios.len() == approximate.len()).then_some(())
    });
    assert!(ratios.len() >= 4, "most previews of a fast run are approximate: {ratios:?}");
    println!("PSNR of approximate previews: {ratios:?}");
    assert!(ratios.iter().all(|(_, ratio)| *ratio > 24.0), "{ratios:?}");
}

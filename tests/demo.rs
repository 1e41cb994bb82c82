//! The session that the window opens with at first start: alive before a weight is read.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sextant::{
    engine::{self, DeviceChoice, Event},
    field::Picture,
    studio::{
        demo,
        files::{SavedSession, SavedTake, Store},
        state::Studio,
        steps,
        store::SessionStore,
        track::{Playhead, Track},
    },
};

fn asset() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.sextant.ron")
}

/// The demo's recipe, rendered, with every preview as the decoder paints it.
fn rendered() -> Track {
    let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread");
    let mut studio = Studio::default();
    let job = engine.submit(demo::recipe());
    studio.begin(job, demo::recipe(), 1);
    let begun = Instant::now();
    let drafts = |studio: &Studio| studio.takes.first().map(|take| take.track.reports.iter().flatten().filter(|r| r.draft).count());
    while drafts(&studio) != Some(0) {
        assert!(begun.elapsed() < Duration::from_secs(120), "the engine did not answer");
        match engine.poll() {
            Some(Event::Failed { message, .. }) => panic!("{message}"),
            Some(event) => studio.apply(event),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    studio.takes.remove(0).track
}

/// `cargo test --release --test demo -- --ignored` writes `assets/demo.sextant.ron` anew, as it must be when the demo's
/// recipe has changed.
#[test]
#[ignore = "writes the asset"]
fn make_the_demo() {
    let track = rendered();
    let size = steps::size(&track);
    let packed = steps::pack(&track).expect("there are steps");
    println!("the steps: {} bytes, foreseen {size}", packed.len());
    let name = "a cat and a red…".into();
    let take = SavedTake { name, track, elapsed: Duration::ZERO, created: 0, parent: None, starred: false };
    let session =
        SavedSession { recipe: demo::recipe(), takes: vec![take], keep_steps: true, ..SavedSession::default() };
    SessionStore::default().save(&asset(), &session).expect("written");
    println!("{}: {} bytes", asset().display(), std::fs::metadata(asset()).expect("it is there").len());
}

/// Mean difference of two pictures, in 8-bit values.
fn apart(a: &Picture, b: &Picture) -> f64 {
    let sum: u64 = a.rgb.iter().zip(&b.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.rgb.len() as f64
}

#[test]
fn the_demo_is_whole_without_an_engine_and_small() {
    let bytes = std::fs::metadata(asset()).expect("it is there").len();
    assert!(bytes < 400_000, "{bytes} bytes");
    let session = demo::session();
    let [take] = session.takes.as_slice() else { panic!("make the demo anew: see make_the_demo") };
    let track = &take.track;
    assert_eq!((&track.recipe, track.calls()), (&demo::recipe(), 20));
    assert!(track.reports.iter().all(Option::is_some) && track.fingerprint.is_some());
    let words: Vec<_> = track.tokens.iter().filter(|t| !t.text.is_empty()).map(|t| t.text.trim()).collect();
    assert_eq!(words.join(" "), demo::recipe().prompt);
    for step in 0..20 {
        let frame = track.frame(Playhead::At(step)).expect("a picture");
        let report = frame.report.expect("a report");
        assert_eq!((report.step, frame.picture.width, report.concepts.len()), (step, 192, 2));
        assert!(report.scfg.as_ref().is_some_and(|scfg| scfg.region.height == 24));
    }
}

#[test]
fn the_demo_is_what_the_engine_renders() {
    let kept = demo::session().takes.remove(0).track;
    let live = rendered();
    let (kept_picture, live_picture) = (kept.picture.expect("kept"), live.picture.expect("rendered"));
    assert!(apart(&kept_picture, &live_picture) < 1.0, "{}", apart(&kept_picture, &live_picture));
    for (kept, live) in kept.reports.iter().flatten().zip(live.reports.iter().flatten()) {
        let off = apart(&kept.preview, &live.preview);
        assert!(off < 4.0, "step {}: {off}", kept.step);
        let (kept, live) = (kept.scfg.as_ref().expect("kept"), live.scfg.as_ref().expect("rendered"));
        let pairs = kept.rate.values.iter().zip(&live.rate.values);
        let close = pairs.filter(|(a, b)| (*a - *b).abs() <= 1e-3 * b.abs()).count();
        assert!(close as f64 > 0.97 * live.rate.values.len() as f64, "{close} rates are close");
    }
}

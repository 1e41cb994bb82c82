//! What sessions and exports keep of a run; and the session that the window opens with, alive before a weight is read.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use safetensors::Dtype;
use sextant::{
    engine::{self, DeviceChoice, Event},
    recipe::{Concept, Fusion, FusionMode, Recipe, Scfg},
    session::{self, Document, Packed},
    studio::{
        document::{
            Document as Edited, demo,
            saved::{SavedSession, SavedTake},
            track::{Playhead, Track},
        },
        io::{demo_session, exports::GreyMaps, session_store::SessionStore, steps, store::Store},
    },
    tensor::Picture,
    tensor::arrays::Arrays,
};

fn asset() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.sextant.ron")
}

/// A recipe rendered, with every preview as the decoder paints it.
fn rendered(recipe: Recipe) -> Track {
    let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread");
    // Only a finished run of the document's own recipe becomes a take.
    let mut document = Edited::new(recipe.clone());
    let job = engine.submit(recipe.clone());
    document.begin(job, recipe);
    let begun = Instant::now();
    let approximate = |document: &Edited| {
        let take = document.takes().newest()?;
        Some(take.track.reports.iter().flatten().filter(|report| report.approximate).count())
    };
    while approximate(&document) != Some(0) {
        assert!(begun.elapsed() < Duration::from_secs(120), "the engine did not answer");
        match engine.poll() {
            Some(Event::Failed { message, .. }) => panic!("{message}"),
            Some(event) => drop(document.apply(event, 0)),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    document.takes().newest().expect("a take").track.clone()
}

/// `cargo test --release --test kept -- --ignored` writes `assets/demo.sextant.ron` anew, as it must be when the demo's
/// recipe has changed.
#[test]
#[ignore = "writes the asset"]
fn make_the_demo() {
    let track = rendered(demo::recipe());
    let size = track.packed_bytes();
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
    let session = demo_session::session();
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
    let kept = demo_session::session().takes.remove(0).track;
    let live = rendered(demo::recipe());
    let (kept_picture, live_picture) = (kept.picture.expect("kept"), live.picture.expect("rendered"));
    assert!(apart(&kept_picture, &live_picture) < 1.0, "{}", apart(&kept_picture, &live_picture));
    for (kept, live) in kept.reports.iter().flatten().zip(live.reports.iter().flatten()) {
        let off = apart(&kept.preview, &live.preview);
        assert!(off < 6.0, "step {}: {off}", kept.step);
        let (kept, live) = (kept.scfg.as_ref().expect("kept"), live.scfg.as_ref().expect("rendered"));
        let pairs = kept.rate.values.iter().zip(&live.rate.values);
        let close = pairs.filter(|(a, b)| (*a - *b).abs() <= 1e-3 * b.abs()).count();
        assert!(close as f64 > 0.97 * live.rate.values.len() as f64, "{close} rates are close");
    }
}

/// A folder and a session in it whose one take has its steps.
fn saved_demo() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.sextant.ron");
    let session = SavedSession { keep_steps: true, ..demo_session::session() };
    SessionStore::default().save(&path, &session).expect("written");
    (folder, path)
}

#[test]
fn a_session_with_steps_comes_back_to_the_same_bytes() {
    let (folder, path) = saved_demo();
    let session = SessionStore::default().load(&path).expect("whole");
    assert!(session.keep_steps && session.notice.is_none());
    let [take] = session.takes.as_slice() else { panic!("one take") };
    assert!(take.track.reports.iter().all(Option::is_some) && take.track.reports.len() == 20);
    let again = folder.path().join("b.sextant.ron");
    SessionStore::default().save(&again, &session).expect("written");
    assert!(fs::read(&path).expect("a") == fs::read(&again).expect("b"), "load and save changed the file");

    let without = SavedSession { keep_steps: false, ..session };
    SessionStore::default().save(&again, &without).expect("written");
    let small = SessionStore::default().load(&again).expect("whole");
    assert!(!small.keep_steps && !small.takes[0].track.has_steps() && small.takes[0].track.picture.is_some());
    let foreseen = Track { kept: None, ..without.takes[0].track.clone() }.packed_bytes();
    let cost = fs::metadata(&path).expect("a").len() - fs::metadata(&again).expect("b").len();
    let ratio = foreseen as f64 / cost as f64;
    assert!((0.6..1.7).contains(&ratio), "{foreseen} bytes were foreseen, {cost} it is");
}

#[test]
fn damage_to_the_steps_costs_the_scrubbing_and_nothing_else() {
    let (_folder, path) = saved_demo();
    let text = fs::read_to_string(&path).expect("text");
    let begin = text.rfind("steps: \"").expect("packed steps") + 8;
    let end = begin + text[begin..].find('"').expect("their end");
    for at in [begin, begin + 10, (begin + end) / 2, end - 3] {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        fs::write(&path, &damaged).expect("written");
        let session = SessionStore::default().load(&path).expect("the session opens");
        let notice = session.notice.expect("a notice");
        assert!(notice.contains("a cat and a red") && !notice.contains('\n'), "{notice}");
        let track = &session.takes[0].track;
        assert_eq!((session.recipe, track.has_steps()), (demo::recipe(), false));
        assert!(track.recipe == demo::recipe() && track.picture.is_some() && track.fingerprint.is_some());
    }
}

#[test]
fn steps_that_belong_to_something_else_are_refused_in_words() {
    let whole = |change: &dyn Fn(&mut Arrays)| {
        let mut arrays = Arrays::default();
        arrays.insert("format", Dtype::U8, &[1], vec![1]);
        arrays.insert_f32("calls", &[1], &[4.0]);
        arrays.insert("tokens", Dtype::U8, &[2], b"[]".to_vec());
        change(&mut arrays);
        let mut track = Track::new(Recipe::default());
        let packed = Packed::of(&arrays.to_safetensors().expect("fitting shapes"));
        let outcome = steps::unpack(&mut track, &packed);
        assert_eq!(track.kept.is_some(), outcome.is_ok());
        outcome
    };
    assert_eq!(whole(&|_| ()), Ok(()));
    let refused = |change: &dyn Fn(&mut Arrays)| whole(change).expect_err("it does not fit");
    assert!(refused(&|a| a.insert("format", Dtype::U8, &[1], vec![2])).contains("newer Sextant"));
    assert!(refused(&|a| a.insert_f32("calls", &[1], &[1e9])).contains("no run"));
    assert!(refused(&|a| a.insert("tokens", Dtype::U8, &[1], b"?".to_vec())).contains("expected"));
    assert!(refused(&|a| a.insert_f32("step.002.numbers", &[1], &[1.0])).contains("preview"));
}

#[test]
fn what_is_recovered_finds_its_steps_in_the_saved_session() {
    let (_folder, path) = saved_demo();
    let saved = Document::load(&path).expect("whole");
    let mut left = saved.clone();
    left.steps.clear();
    left.adopt_steps(&saved);
    assert_eq!(left.steps, saved.steps);
    left.takes[0].recipe.seed += 1;
    left.steps.clear();
    left.adopt_steps(&saved);
    assert!(left.steps.is_empty(), "another picture's steps");
}

/// All three methods in one short run.
fn everything() -> Recipe {
    let concept = |text: &str, strength, warmup| Concept { text: text.into(), strength, warmup, ..Concept::default() };
    Recipe {
        prompt: "a cat on a beach at sunset".into(),
        steps: 3,
        seed: 3,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![concept("sunglasses", 9.0, 1), concept("night", -4.0, 0)],
        fusion: Some(Fusion { t0: 0.0, k_e: 4.0, mode: FusionMode::High, ..Fusion::default() }),
        ..Recipe::default()
    }
    .with_concept_ids()
}

/// The values of a 16-bit grey PNG.
fn grey_values(bytes: &[u8]) -> Vec<u16> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut buffer = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut buffer).expect("whole");
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Sixteen));
    buffer.as_chunks::<2>().0.iter().map(|b| u16::from_be_bytes(*b)).collect()
}

/// Any array as floats.
fn values(file: &[u8]) -> BTreeMap<String, Vec<f32>> {
    let found = safetensors::SafeTensors::deserialize(file).expect("a safetensors file");
    let read = |view: safetensors::tensor::TensorView| match view.dtype() {
        Dtype::F32 => view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::I32 => view.data().as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect(),
        Dtype::U8 => view.data().iter().map(|&b| f32::from(b)).collect(),
        other => panic!("{other:?}"),
    };
    found.iter().map(|(name, view)| (name.to_owned(), read(view))).collect()
}

#[test]
fn exports_are_the_trace_and_carry_the_same_fingerprint() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    Document::new(everything()).save(&at("a.sextant.ron")).expect("written");
    let [session, trace, picture] = ["a.sextant.ron", "a.safetensors", "a.png"].map(at);
    let flags = ["render", "--device", "cpu", "--session"];
    let mut render = Command::new(env!("CARGO_BIN_EXE_sextant"));
    render.args(flags).arg(session).arg("--trace").arg(&trace).arg("--out").arg(&picture);
    assert!(render.output().expect("the program runs").status.success());
    let trace = values(&fs::read(trace).expect("a trace"));
    let track = rendered(everything());

    let exported = values(&steps::exact(&track).to_safetensors().expect("fitting shapes"));
    let own =
        |name: &str| ["sigma", "magnitude", "touched", "tokens", "attention"].iter().any(|word| name.contains(word));
    let mut shared = 0;
    for (name, values) in exported.iter().filter(|(name, _)| !own(name)) {
        assert!(trace.get(name) == Some(values), "{name} is not the trace's");
        shared += 1;
    }
    assert_eq!(shared, 3 * 8, "timestep, three of S-CFG and four of SNB at every step");

    let report = track.report(1).expect("a step").clone();
    let files = GreyMaps::new(&track, report).files().expect("all maps");
    let (_, sheet) = files.last().expect("a sheet");
    let sheet: serde_json::Value = serde_json::from_slice(sheet).expect("JSON");
    assert_eq!((sheet["step"].as_u64(), sheet["tokens"][2]["text"].as_str()), (Some(1), Some("cat")));
    assert_eq!(sheet["maps"].as_array().map(Vec::len), Some(files.len() - 1));
    for (entry, (file, bytes)) in sheet["maps"].as_array().expect("a list").iter().zip(&files) {
        let (name, number) =
            (entry["name"].as_str().expect("a name"), |key: &str| entry[key].as_f64().expect("a number"));
        assert_eq!(entry["file"].as_str(), Some(file.as_str()));
        let (low, high) = (number("low"), number("high"));
        let exact = &exported[name];
        for (grey, exact) in grey_values(bytes).iter().zip(exact) {
            let value = low + (high - low) * f64::from(*grey) / 65535.0;
            assert!((value - f64::from(*exact)).abs() <= 0.51 * (high - low) / 65535.0, "{name}: {value}, not {exact}");
        }
    }

    let store = SessionStore::default();
    let (out, whole) = (at("b.png"), track.picture.clone().expect("a picture"));
    store.export_png(&out, &whole, &track.recipe, track.fingerprint.as_deref()).expect("written");
    assert!(
        fs::read(&out).expect("ours") == fs::read(&picture).expect("the command's"),
        "the same picture, byte by byte"
    );
    let run = session::read_fingerprint(&fs::read(&out).expect("ours"), "b.png").expect("a fingerprint");
    assert!(run.probe_digest.is_some() && run.steps.len() == 3);
}

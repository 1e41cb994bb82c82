//! Sessions of strangers in the window: it opens them or says why not, and answers all the while.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Event as Input, pos2};
use egui_kittest::Harness;
use sextant::studio::{command::Command, io::session_store::SessionStore};

use crate::window::Window;

/// A frame may take so long in a build without optimisation on a busy machine; a loop over a number of a file never ends.
const LONGEST: Duration = Duration::from_secs(8);

/// Runs a frame and checks that it comes.
fn step(window: &mut Window, doing: &str) {
    let begun = Instant::now();
    window.harness.step();
    assert!(begun.elapsed() < LONGEST, "{doing}: a frame took {:?}", begun.elapsed());
}

/// Opens a session file, points at everything in the window, and undoes and saves what there is.
fn live_with(path: &Path) {
    let doing = path.display().to_string();
    let (mut window, request) =
        Window::open_with(Harness::builder(), |app| app.with_store(Arc::new(SessionStore::default())));
    window.play(&request);
    window.send(Command::Discard(Box::new(Command::OpenFile(path.to_owned()))));
    let begun = Instant::now();
    while window.document().file().path.as_deref() != Some(path) && window.notice().is_empty() {
        step(&mut window, &doing);
        std::thread::sleep(Duration::from_millis(2));
        assert!(begun.elapsed() < Duration::from_secs(60), "{doing}: neither opened nor refused");
    }
    for y in (20..810).step_by(66) {
        for x in (10..1290).step_by(160) {
            window.harness.event(Input::PointerMoved(pos2(x as f32, y as f32)));
            step(&mut window, &doing);
        }
    }
    for command in [Command::Undo, Command::Redo] {
        window.send(command);
        step(&mut window, &doing);
    }
}

#[test]
fn recorded_hostile_sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/hostile");
    let folders = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = folders.filter_map(|path| path.read_dir().ok()).flatten().flatten().map(|entry| entry.path());
    for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "ron")) {
        live_with(&path);
    }
}

/// Each is the fields of a session that no window writes.
const HOSTILE: &[&str] = &[
    "recipe: (steps: 18446744073709551615)",
    "recipe: (steps: 1000000000, cfg: 0.0, concepts: [(text: \"a\", warmup: 18446744073709551615, cooldown: Some(0))])",
    "recipe: (width: 18446744073709551615, height: 8)",
    "recipe: (cfg: NaN, cfg_keys: [(step: 18446744073709551615, factor: NaN), (step: 0, factor: inf)])",
    "recipe: (concepts: [(text: \"\\u{0}\\u{1b}[2J\", strength: -inf, threshold: NaN, weight: 1e38, lock: [18446744073709551615])])",
    "recipe: (scfg: (enabled: true, rate_min: NaN, rate_max: -inf, scale_cap: 0.0))",
    "recipe: (regions: [(position: 18446744073709551615, factor: NaN)], painted: [(position: 9, cells: \"256x256: 32767*65536\")])",
    "recipe: (painted_factor: \"1x1: -32768*1\", groups: [(positions: [3, 2]), (positions: [])])",
    "recipe: (fusion: Some((t0: NaN, k_g: inf, k_e: -1.0, weight: NaN, mask: Some(\"0x0:\"), bias: \"7x1: 5*7\")))",
    "recipe: (momentum: (scale: inf, beta: NaN), guidance_interval: Some((from: 9, until: 9)), adaptive_guidance: Some(NaN))",
    "layout: (overlay: \"no such\", overlay_opacity: NaN, left_width: Some(NaN), right_width: Some(-inf), bottom_height: Some(1e30))",
    "layout: (scale: Some(NaN), wipe: Some(inf), pins: (Some((7)), Some((9))), step: Some(18446744073709551615), compare: \"?\")",
    "layout: (scale: Some(1e30), theme: \"plaid\", ledger: \"x\", ledger_open: true, concept: Some((77)), region: Some(99999999999))",
    "takes: [(id: (1), name: \"\", created: 18446744073709551615, seconds: inf, thumbnail: Some(\"AAAA\"), run: Some(\"(\"))]",
    "takes: [(id: (18446744073709551615), name: \"a\\nb\\tc\", starred: true)], layout: (pins: (Some((18446744073709551615)), None))",
    "takes: [(id: (1))], steps: [(take: (1), steps: \"AAAA\"), (take: (1), steps: \"\"), (take: (5), steps: \"eJw=\")]",
];

#[test]
fn numbers_and_texts_that_no_window_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hostile.sextant.ron");
    for fields in HOSTILE {
        std::fs::write(&path, format!("(format: \"sextant-session\", version: 3, {fields})")).expect("written");
        println!("{fields}");
        live_with(&path);
    }
}

/// Lives with a session of these fields.
fn live_with_fields(fields: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.sextant.ron");
    std::fs::write(&path, format!("(format: \"sextant-session\", version: 3, {fields})")).expect("written");
    live_with(&path);
}

#[test]
fn ten_thousand_concepts() {
    live_with_fields(&format!("recipe: (concepts: [{}])", "(text: \"a\", strength: 1.0),".repeat(10_000)));
}

#[test]
fn prompts_of_ten_megabytes() {
    let long = "word ".repeat(2_000_000);
    live_with_fields(&format!("recipe: (prompt: \"{long}\", negative: \"{long}\")"));
}

#[test]
fn twenty_thousand_takes() {
    let takes: String = (1..=20_000).map(|id| format!("(id: ({id}), name: \"take {id}\"),")).collect();
    live_with_fields(&format!("takes: [{takes}]"));
}

#[test]
fn a_name_of_ten_megabytes() {
    live_with_fields(&format!("takes: [(id: (1), name: \"{}\")]", "word ".repeat(2_000_000)));
}

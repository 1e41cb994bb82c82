//! How the window feels while the CPU samples: `cargo bench --bench window`, or another device: `-- --device wgpu`.
//!
//! Frame times are of the real window over the real engine and the bundled models: events, layout, drawing lists and
//! tessellation. Rasterising is left out, since a machine without a GPU would only measure its software rasteriser.
//! Latencies are of slider edits, from the request to the first changed preview and to the exact picture.

mod shared;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use egui_kittest::Harness;
use sextant::{
    engine::{self, DeviceChoice, EngineHandle, Event},
    recipe::Recipe,
    studio::{
        App,
        command::Command,
        document::{demo, edit::Edit},
        io::session_store::SessionStore,
        view::style,
    },
};

const FRAME: Duration = Duration::from_micros(16_667);
const EDITS: usize = 40;

fn main() {
    let device = shared::word("--device").map_or(DeviceChoice::Cpu, |name| name.parse().expect("a device"));
    frames(device);
    edits(device);
}

/// The window at 60 frames a second while runs begin, go on and are overtaken.
fn frames(device: DeviceChoice) {
    let engine = engine::start(device, engine::MEMORY, || {}).expect("a thread");
    let format = eframe::egui_wgpu::wgpu::TextureFormat::Rgba8Unorm;
    let app = App::new(engine, Arc::<SessionStore>::default(), demo::recipe(), format);
    let mut harness = Harness::builder().with_size([1440.0, 900.0]).with_context_setup(style::install).build_ui_state(
        |ui, app: &mut App| {
            app.update();
            app.show(ui);
        },
        app,
    );
    let mut times = Vec::new();
    for frame in 0..900 {
        if frame % 6 == 0 && frame > 240 {
            // A drag: another value every tenth of a second.
            let mut concept = harness.state().document().recipe().concepts[0].clone();
            concept.strength = (frame % 97) as f32 / 8.0 - 6.0;
            harness.state_mut().send(Command::Edit(Edit::Concept(Box::new(concept))));
        }
        let begun = Instant::now();
        harness.step();
        let output = harness.output();
        let drawn = harness.ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        std::hint::black_box(drawn);
        times.push(begun.elapsed());
        std::thread::sleep(FRAME.saturating_sub(begun.elapsed()));
    }
    // The first frame lays out fonts.
    report("frame while sampling", &mut times[1..]);
}

/// A slider moved and let go, again and again.
fn edits(device: DeviceChoice) {
    let engine = engine::start(device, engine::MEMORY, || {}).expect("a thread");
    let mut recipe = demo::recipe();
    render(&engine, &recipe);
    let (mut previews, mut pictures, mut evaluations, mut fresh) = (Vec::new(), Vec::new(), 0, 0);
    for edit in 0..EDITS {
        recipe.concepts[0].strength = (edit as f32 * 0.37).sin() * 9.0 + 0.01;
        let (preview, picture, spent) = render(&engine, &recipe);
        previews.push(preview);
        pictures.push(picture);
        evaluations += spent;
        fresh += 4 * recipe.steps;
    }
    report("edit to first changed preview", &mut previews);
    report("edit to exact picture", &mut pictures);
    println!("branch evaluations: {evaluations} of {fresh} that fresh runs would take");
}

/// Time to the first preview that this run painted itself, to the picture, and the evaluations spent.
fn render(engine: &EngineHandle, recipe: &Recipe) -> (Duration, Duration, usize) {
    let begun = Instant::now();
    let job = engine.submit(recipe.clone());
    let acts = recipe.concepts[0].warmup;
    let mut preview = None;
    loop {
        match engine.poll() {
            Some(Event::Step { report, .. }) if report.step >= acts && preview.is_none() => {
                preview = Some(begun.elapsed());
            }
            Some(Event::Done { job: done, take }) if done == job => {
                return (preview.unwrap_or_default(), begun.elapsed(), take.branch_evaluations);
            }
            Some(Event::Failed { message, .. }) => panic!("{message}"),
            Some(_) => {}
            None => std::thread::sleep(Duration::from_micros(200)),
        }
    }
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.1} ms, p95 {:.1} ms, longest {:.1} ms ({} counted)",
        at(0.5),
        at(0.95),
        at(1.0),
        times.len()
    );
}

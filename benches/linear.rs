//! How the time of a render grows with steps, branches, resolution and takes: `cargo bench --bench linear` prints a table and
//! draws `docs/linear.svg`; with `-- --rounds 5` for more rounds.
//!
//! Each series varies one quantity. Its points are measured interleaved, and each is a median over rounds. Takes are renders
//! of different seeds with one cache, one after the other: each must add the same time, however many there are.

mod shared;

use std::{fmt::Write as _, path::Path};

use sextant::{engine, engine::prediction_cache::PredictionCache, recipe::Recipe};
use shared::{Models, flag, median, recipe, seconds};

/// The measurements of one varied quantity.
struct Series {
    title: &'static str,
    unit: &'static str,
    /// (amount, milliseconds).
    points: Vec<(f64, f64)>,
}

/// A straight line fitted to points.
struct Line {
    slope: f64,
    start: f64,
    /// The largest deviation of a point from the line, relative to the point.
    deviation: f64,
}

fn main() {
    let models = Models::bundled();
    let rounds = flag("--rounds", 3);
    let all = [steps(&models, rounds), branches(&models, rounds), sizes(&models, rounds), takes(&models, rounds)];
    println!("| varied | amounts | ms | ms for each more | farthest from the line |\n|---|---|---|---|---|");
    for series in &all {
        let list = |number: fn(&(f64, f64)) -> f64| {
            series.points.iter().map(|p| format!("{:.0}", number(p))).collect::<Vec<_>>().join(", ")
        };
        let line = Line::through(&series.points);
        let (amounts, times) = (list(|p| p.0), list(|p| p.1));
        println!(
            "| {} ({}) | {amounts} | {times} | {:.2} | {:.1} % |",
            series.title,
            series.unit,
            line.slope,
            100.0 * line.deviation
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/linear.svg");
    std::fs::write(&path, plot(&all)).expect("docs/linear.svg");
    println!("\ndrawn: docs/linear.svg");
}

/// The median time of a run for each amount, interleaved.
fn measure(rounds: usize, amounts: &[usize], mut run: impl FnMut(usize)) -> Vec<(f64, f64)> {
    let mut times = vec![Vec::new(); amounts.len()];
    run(amounts[0]);
    for _ in 0..rounds {
        for (times, &amount) in times.iter_mut().zip(amounts) {
            times.push(1e3 * seconds(|| run(amount)));
        }
    }
    amounts.iter().zip(&times).map(|(&amount, times)| (amount as f64, median(times))).collect()
}

fn denoise(models: &Models, recipe: &Recipe) {
    models.denoise(recipe, false, &mut PredictionCache::new(0), |_, _| {});
}

fn steps(models: &Models, rounds: usize) -> Series {
    let run = |steps| denoise(models, &Recipe { steps, ..recipe("cfg") });
    Series { title: "steps", unit: "of two branches", points: measure(rounds, &[5, 10, 15, 20, 30, 40], run) }
}

fn branches(models: &Models, rounds: usize) -> Series {
    let run = |concepts: usize| {
        let mut recipe = recipe(&format!("sega {concepts}"));
        if concepts == 0 {
            recipe.concepts.clear();
        }
        denoise(models, &recipe);
    };
    Series { title: "concepts", unit: "20 steps", points: measure(rounds, &[0, 1, 2, 3, 4, 6, 8], run) }
}

fn sizes(models: &Models, rounds: usize) -> Series {
    let run = |side: usize| denoise(models, &Recipe { width: side, height: side, ..recipe("cfg") });
    let points = measure(rounds, &[128, 192, 256, 320, 384], run);
    let area = |(side, time): (f64, f64)| ((side / 8.0).powi(2), time);
    Series { title: "resolution", unit: "latent elements", points: points.into_iter().map(area).collect() }
}

fn takes(models: &Models, rounds: usize) -> Series {
    let run = |count: usize| {
        let mut memory = PredictionCache::new(engine::MEMORY);
        for seed in 0..count as u64 {
            models.denoise(&Recipe { seed, ..recipe("cfg") }, false, &mut memory, |_, _| {});
        }
    };
    Series { title: "takes", unit: "20 steps each", points: measure(rounds, &[1, 2, 4, 6, 8], run) }
}

impl Line {
    /// Least squares.
    fn through(points: &[(f64, f64)]) -> Self {
        let n = points.len() as f64;
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
        let (xy, xx) =
            points.iter().fold((0.0, 0.0), |(xy, xx), p| (xy + (p.0 - x) * (p.1 - y), xx + (p.0 - x).powi(2)));
        let slope = xy / xx;
        let start = y - slope * x;
        let deviation = points.iter().map(|p| ((start + slope * p.0 - p.1) / p.1).abs()).fold(0.0, f64::max);
        Self { slope, start, deviation }
    }
}

/// Side of a diagram, and its margin, in SVG units.
const SIDE: f64 = 220.0;
const MARGIN: f64 = 52.0;

/// One diagram per series, with its points and the fitted line, side by side.
fn plot(all: &[Series]) -> String {
    let width = all.len() as f64 * (SIDE + 1.6 * MARGIN) + 0.4 * MARGIN;
    let height = SIDE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\" fill=\"#444\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (i, series) in all.iter().enumerate() {
        diagram(&mut svg, series, MARGIN + i as f64 * (SIDE + 1.6 * MARGIN));
    }
    svg + "</svg>\n"
}

fn diagram(svg: &mut String, series: &Series, left: f64) {
    let most = series.points.iter().fold((0.0, 0.0), |(x, y): (f64, f64), p| (x.max(p.0), y.max(p.1)));
    let place = |(x, y): (f64, f64)| (left + SIDE * x / most.0, MARGIN + SIDE * (1.0 - y / most.1));
    let line = Line::through(&series.points);
    let ends = [0.0, most.0].map(|x| place((x, line.start + line.slope * x)));
    let bottom = MARGIN + SIDE;
    // Writing into a string cannot fail.
    let _ = write!(
        svg,
        "<path d=\"M{left} {MARGIN}V{bottom}H{}\" fill=\"none\" stroke=\"#bbb\"/>\n\
         <text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}, up to {:.0}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.0} ms</text>\n\
         <path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"#d08020\" fill=\"none\"/>\n",
        left + SIDE,
        MARGIN - 14.0,
        series.title,
        left + SIDE / 2.0,
        bottom + 20.0,
        series.unit,
        most.0,
        left - 4.0,
        MARGIN + 8.0,
        most.1,
        ends[0].0,
        ends[0].1,
        ends[1].0,
        ends[1].1
    );
    for &point in &series.points {
        let (x, y) = place(point);
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"#2060a0\"/>");
    }
}

//! A model family in one file, rendered by the real engine with all three methods.
//!
//! The family shares nothing with latent diffusion: its latents are pixels, its denoiser is a formula, its attention is
//! another, and its texts are words between spaces, without a start token. What works here, the engine, guidance and
//! trace take from the seam and from nowhere else.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use sextant::{
    engine::{
        self, DeviceChoice, EngineHandle, Event, RenderResult,
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{
        Cancelled, Codec, CompatibilityPoint, Conditioning, Denoiser, Embedding, Geometry, Model, ModelError,
        ModelPair, ModelSource, Precomputed, Prediction, Request, StepDenoiser, Target,
    },
    recipe::{Concept, Fusion, FusionMode, Lora, ModelRef, Owner, Profile, Recipe, RegionFactor, RegionOwner, Scfg},
    sampling::ScheduleConfig,
    tensor::{AttentionMaps, HostAttention, Latents, Picture, Pixels, Token, TokenKind},
    trace::Trace,
};

// ---- The family -------------------------------------------------------------------------------------------------

/// Positions of every text: its words, an end token, padding.
const LENGTH: usize = 6;

/// What a word paints: a disc of a colour, both from its letters.
#[derive(Clone, Copy)]
struct Disc {
    /// Centre, 0..1 of the picture's height and width.
    centre: [f32; 2],
    /// In -0.3..0.3, so that guidance has room before colours saturate.
    rgb: [f32; 3],
}

impl Disc {
    fn of(word: &str) -> Self {
        let hash = word.bytes().fold(2_166_136_261_u32, |hash, b| (hash ^ u32::from(b)).wrapping_mul(16_777_619));
        let part = |i: u32| (hash.rotate_left(7 * i).wrapping_mul(2_654_435_761) >> 16) as f32 / 65_535.0;
        Self { centre: [0.2 + 0.6 * part(0), 0.2 + 0.6 * part(1)], rgb: [2, 3, 4].map(|i| 0.6 * part(i) - 0.3) }
    }

    fn from_values(v: &[f32]) -> Self {
        Self { centre: [v[0], v[1]], rgb: [v[2], v[3], v[4]] }
    }

    fn values(self) -> [f32; 5] {
        [self.centre[0], self.centre[1], self.rgb[0], self.rgb[1], self.rgb[2]]
    }

    /// 1 at the centre, falling off around it.
    fn weight(self, y: f32, x: f32) -> f32 {
        let ([cy, cx], square) = (self.centre, |v: f32| v * v);
        (-(square(y - cy) + square(x - cx)) / 0.02).exp()
    }
}

/// A model of the family: pixels, and a formula that predicts their noise exactly.
struct Toy {
    hash: &'static str,
    schedule: ScheduleConfig,
    /// How much of the next channel is mixed into each: the difference between an expert and a general model.
    turn: f32,
    levels: Vec<usize>,
    /// How long a row of a prediction takes.
    delay: Duration,
}

impl Toy {
    fn new(hash: &'static str, turn: f32) -> Self {
        // The last step ends without noise.
        let schedule = ScheduleConfig { set_alpha_to_one: Some(true), ..ScheduleConfig::default() };
        Self { hash, schedule, turn, levels: vec![2, 4, 8], delay: Duration::ZERO }
    }

    /// The picture of a text: the discs of its words on grey, `[3, height, width]` in -1..1.
    fn picture(&self, discs: &[Disc], height: usize, width: usize) -> Vec<f32> {
        let mut values = vec![0.0; 3 * height * width];
        for (i, value) in values.iter_mut().enumerate() {
            let (c, p) = (i / (height * width), i % (height * width));
            let (y, x) = ((p / width) as f32 / height as f32, (p % width) as f32 / width as f32);
            let colour = |disc: &Disc| (disc.rgb[c] + self.turn * disc.rgb[(c + 1) % 3]) / (1.0 + self.turn);
            *value = discs.iter().map(|disc| disc.weight(y, x) * colour(disc)).sum::<f32>().clamp(-1.0, 1.0);
        }
        values
    }
}

impl Model for Toy {
    fn hash(&self) -> &str {
        self.hash
    }

    fn geometry(&self) -> Geometry {
        Geometry { channels: 3, factor: 1, multiple_of: 16, native_side: Some(64) }
    }

    fn schedule(&self) -> &ScheduleConfig {
        &self.schedule
    }

    fn encode(&self, text: &str) -> Result<Conditioning, ModelError> {
        let words: Vec<&str> = text.split_whitespace().take(LENGTH - 1).collect();
        let token = |position: usize| {
            let (text, kind) = match words.get(position) {
                Some(word) => (*word, TokenKind::Word),
                None if position == words.len() => ("", TokenKind::End),
                None => ("", TokenKind::Padding),
            };
            Token { position, text: text.into(), kind }
        };
        let mut values = Vec::new();
        for word in &words {
            values.extend(Disc::of(word).values());
        }
        values.resize(5 * LENGTH, 0.0);
        let hidden = Embedding { shape: vec![1, LENGTH, 5], values };
        // How many of the positions are words: an embedding of a kind that no other family has.
        let count = Embedding { shape: vec![1], values: vec![words.len() as f32] };
        Ok(Conditioning { tokens: (0..LENGTH).map(token).collect(), hidden, others: vec![("count", count)] })
    }

    fn denoiser(&self) -> &dyn Denoiser {
        self
    }

    fn codec(&self) -> &dyn Codec {
        self
    }
}

impl Denoiser for Toy {
    fn name(&self) -> &'static str {
        "formula"
    }

    fn levels(&self) -> Vec<usize> {
        self.levels.clone()
    }

    fn prepare_text(&self, text: &Conditioning) -> Result<Precomputed, ModelError> {
        let count = text.other("count").map_or(0, |count| count.values[0] as usize);
        let discs: Vec<Disc> = text.hidden.values.chunks_exact(5).take(count).map(Disc::from_values).collect();
        Ok(Precomputed::new(discs, 0))
    }

    fn at_step<'a>(
        &'a self,
        latents: &'a Latents,
        timestep: f32,
        _prepared: Option<&Precomputed>,
    ) -> Result<Box<dyn StepDenoiser + 'a>, ModelError> {
        // Signal and noise in the latents, by the model's own schedule.
        let (from, to) = (self.schedule.beta_start.sqrt(), self.schedule.beta_end.sqrt());
        let last = (self.schedule.num_train_timesteps - 1) as f64;
        let beta = |i: usize| (from + (to - from) * i as f64 / last).powi(2);
        let signal: f64 = (0..=timestep as usize).map(|i| 1.0 - beta(i)).product();
        Ok(Box::new(ToyStep { toy: self, latents, rates: [signal.sqrt(), (1.0 - signal).sqrt()].map(|v| v as f32) }))
    }
}

struct ToyStep<'a> {
    toy: &'a Toy,
    latents: &'a Latents,
    /// Of picture and noise.
    rates: [f32; 2],
}

impl StepDenoiser for ToyStep<'_> {
    fn predict(&mut self, request: Request<'_>, is_current: &dyn Fn() -> bool) -> Result<Prediction, ModelError> {
        let discs = request.text.get::<Vec<Disc>>().ok_or_else(|| ModelError::failed("formula", "foreign text"))?;
        let (height, width) = (self.latents.height, self.latents.width);
        for _ in 0..height {
            if !is_current() {
                return Err(Cancelled.into());
            }
            thread::sleep(self.toy.delay);
        }
        let ([alpha, sigma], picture) = (self.rates, self.toy.picture(&discs, height, width));
        let noise = self.latents.values.iter().zip(&picture).map(|(x, x0)| (x - alpha * x0) / sigma);
        let layer =
            |level: &usize| -> Box<dyn AttentionMaps> { Box::new(attention(&discs, height / level, width / level)) };
        Ok(Prediction {
            output: self.latents.like(noise.collect()),
            attention: request.levels.iter().map(layer).collect(),
        })
    }
}

/// Every element attends to its surroundings, and to the words whose discs it lies in.
fn attention(discs: &[Disc], height: usize, width: usize) -> HostAttention {
    let n = height * width;
    let place = |p: usize| ((p / width) as f32 / height as f32, (p % width) as f32 / width as f32);
    let near = |from: usize, at: usize| {
        let ((y, x), (v, u)) = (place(from), place(at));
        (-((y - v).powi(2) + (x - u).powi(2)) / 0.01).exp()
    };
    let word = |k: usize, p: usize| {
        let (y, x) = place(p);
        // Between all discs the end and the padding have most of it.
        discs.get(k).map_or(0.15, |disc| 0.05 + disc.weight(y, x))
    };
    HostAttention::new([height, width], columns(n, n, near), columns(LENGTH, n, word))
}

/// A matrix `[rows, n]` whose columns sum to 1.
fn columns(rows: usize, n: usize, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let sums: Vec<f32> = (0..n).map(|p| (0..rows).map(|r| value(r, p)).sum()).collect();
    (0..rows * n).map(|i| value(i / n, i % n) / sums[i % n]).collect()
}

impl Codec for Toy {
    fn name(&self) -> &'static str {
        "pixels"
    }

    fn decode(&self, latents: &Latents, _is_current: &dyn Fn() -> bool) -> Result<Pixels, ModelError> {
        Ok(Pixels { height: latents.height, width: latents.width, values: latents.values.clone() })
    }

    fn encode(&self, picture: &Pixels, _is_current: &dyn Fn() -> bool) -> Result<Latents, ModelError> {
        Ok(Latents::new(3, picture.height, picture.width, picture.values.clone()))
    }

    fn is_cheap(&self) -> bool {
        true
    }
}

/// Gives the family's models by name.
#[derive(Default)]
struct ToySource {
    delay: Duration,
}

const GENERAL: &str = "toy";
const EXPERT: &str = "toy-turned";
/// A model that shows no attention.
const BLIND: &str = "toy-blind";

fn named(name: &str) -> ModelRef {
    ModelRef::Folder(name.into())
}

impl ModelSource for ToySource {
    fn load(&self, model: &ModelRef, _loras: &[Lora], _target: &Target) -> Result<Arc<dyn Model>, ModelError> {
        let toy = match model.to_string().as_str() {
            GENERAL => Toy::new(GENERAL, 0.0),
            EXPERT => Toy::new(EXPERT, 4.0),
            BLIND => Toy { levels: Vec::new(), ..Toy::new(BLIND, 0.0) },
            other => return Err(ModelError::load(format!("there is no toy called {other}"))),
        };
        Ok(Arc::new(Toy { delay: self.delay, ..toy }))
    }

    fn load_expert(
        &self,
        model: &ModelRef,
        _general: &Arc<dyn Model>,
        target: &Target,
    ) -> Result<Arc<dyn Model>, ModelError> {
        self.load(model, &[], target)
    }

    fn compare(&self, _pair: &ModelPair) -> Vec<CompatibilityPoint> {
        Vec::new()
    }
}

// ---- The engine on it -------------------------------------------------------------------------------------------

fn start(delay: Duration) -> EngineHandle {
    engine::start_with(Arc::new(ToySource { delay }), DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread")
}

fn plain() -> Recipe {
    Recipe {
        prompt: "sun meadow river".into(),
        model: named(GENERAL),
        width: 64,
        height: 64,
        steps: 5,
        cfg: 2.0,
        ..Recipe::default()
    }
}

/// All three methods, a factor on the first word's region, a concept locked to it, an owner.
fn everything() -> Recipe {
    let concept = |text: &str| Concept { text: text.into(), strength: 2.0, warmup: 1, ..Concept::default() };
    Recipe {
        scfg: Scfg { enabled: true, ..Scfg::default() },
        regions: vec![RegionFactor { position: 0, factor: 1.5 }],
        concepts: vec![concept("night"), Concept { threshold: 0.0, lock: vec![0], ..concept("rain") }],
        fusion: Some(Fusion {
            expert: named(EXPERT),
            t0: 500.0,
            mode: FusionMode::Low,
            owners: vec![RegionOwner { position: 2, owner: Owner::Expert }],
            ..Fusion::default()
        }),
        ..plain()
    }
}

/// The next event that `pick` takes, within a minute.
fn wait<T>(engine: &EngineHandle, mut pick: impl FnMut(Event) -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        match engine.poll() {
            Some(event) => {
                if let Some(found) = pick(event) {
                    return found;
                }
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("the engine did not answer");
}

fn render(engine: &EngineHandle, recipe: Recipe) -> Result<Arc<RenderResult>, String> {
    let job = engine.submit(recipe);
    wait(engine, |event| match event {
        Event::Done { job: done, take } if done == job => Some(Ok(take)),
        Event::Failed { job: failed, message } if failed == job => Some(Err(message)),
        _ => None,
    })
}

fn done(engine: &EngineHandle, recipe: Recipe) -> Arc<RenderResult> {
    render(engine, recipe).expect("a picture")
}

/// Largest difference in 8-bit values.
fn off(a: &Picture, b: &Picture) -> u8 {
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().expect("pixels")
}

#[test]
fn an_unguided_run_draws_the_formula_itself() {
    let engine = start(Duration::ZERO);
    let take = done(&engine, Recipe { cfg: 1.0, steps: 20, ..plain() });
    let toy = Toy::new(GENERAL, 0.0);
    let discs: Vec<Disc> = ["sun", "meadow", "river"].map(Disc::of).to_vec();
    let expected = Pixels { height: 64, width: 64, values: toy.picture(&discs, 64, 64) }.to_picture();
    assert_eq!((take.picture.width, take.picture.height), (64, 64));
    assert!(off(&take.picture, &expected) <= 1, "off by {}", off(&take.picture, &expected));
    assert!(take.reports.iter().all(|report| !report.approximate), "pixels need no approximate previews");
}

#[test]
fn all_three_methods_act() {
    let engine = start(Duration::ZERO);
    for profile in [Profile::Fixed, Profile::Reference] {
        let take = done(&engine, Recipe { profile, ..everything() });
        for report in &take.reports {
            let scfg = report.scfg.as_ref().expect("regions");
            let of =
                |position: usize| scfg.shares.iter().find(|(p, _)| *p == position).map_or(0.0, |(_, share)| *share);
            assert!(
                (0..3).all(|word| of(word) > 0.01),
                "every word owns something, the first one too: {:?}",
                scfg.shares
            );
            assert_eq!(scfg.attention.len(), LENGTH);
            assert!(scfg.rate.values.iter().any(|rate| (rate - 1.0).abs() > 0.1), "S-CFG scales");
            if profile == Profile::Fixed {
                assert!(scfg.foreground.values.iter().all(|&f| f == 1), "no start token: the whole picture");
            }
            let locked = &report.concepts[1];
            let inside = |i: usize| scfg.region.values[i] == 0;
            assert!(locked.mask.values.iter().enumerate().all(|(i, &touched)| touched == 0.0 || inside(i)));
            assert!(locked.mask.max() > 0.0 && report.concepts[0].share > 0.0);
        }
        let fused: Vec<_> = take.reports.iter().map(|report| report.fusion.clone().expect("a fusion")).collect();
        assert!(!fused[0].active, "outside its window the general model draws alone");
        assert!(fused[4].active && fused[4].share > 0.0 && fused[4].share < 1.0);
        let owned = |i: &usize| take.reports[4].scfg.as_ref().is_some_and(|s| s.region.values[*i] == 2);
        assert!((0..64 * 64).filter(owned).all(|i| fused[4].mask.values[i] == 1), "the river is the expert's");
    }
    let all = done(&engine, everything()).picture.clone();
    let without = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = everything();
        change(&mut recipe);
        done(&engine, recipe).picture.clone()
    };
    assert!(off(&all, &without(&|r| r.scfg.enabled = false)) > 2);
    assert!(off(&all, &without(&|r| r.concepts.clear())) > 2);
    assert!(off(&all, &without(&|r| r.fusion = None)) > 2);
    assert!(off(&all, &without(&|r| r.regions.clear())) > 2, "a factor on the first word");
}

#[test]
fn what_is_resumed_is_what_is_fresh() {
    let edits: [&dyn Fn(&mut Recipe); 6] = [
        &|r| r.concepts[0].cooldown = Some(3),
        &|r| r.scfg.enabled = false,
        &|r| r.regions[0].factor = 0.5,
        &|r| r.profile = Profile::Reference,
        &|r| r.prompt = "sun meadow lake".into(),
        &|r| r.fusion.iter_mut().for_each(|f| f.k_e = 3.0),
    ];
    let engine = start(Duration::ZERO);
    let full = done(&engine, everything());
    assert_eq!(done(&engine, everything()).branch_evaluations, 0, "everything is cached");
    for (i, edit) in edits.iter().enumerate() {
        let mut recipe = everything();
        edit(&mut recipe);
        let resumed = done(&engine, recipe.clone());
        let fresh = done(&start(Duration::ZERO), recipe);
        assert_eq!(resumed.fingerprint.steps, fresh.fingerprint.steps, "edit {i}: latents of every step");
        assert!(resumed.picture == fresh.picture, "edit {i}");
        assert!(resumed.branch_evaluations < fresh.branch_evaluations, "edit {i} found nothing in the cache");
    }
    assert!(full.branch_evaluations > 0);
}

#[test]
fn a_cancelled_run_stops_within_a_prediction() {
    // A prediction takes 64 rows of 10 ms.
    let engine = start(Duration::from_millis(10));
    let job = engine.submit(Recipe { steps: 500, ..plain() });
    wait(&engine, |event| matches!(event, Event::Step { .. }).then_some(()));
    let asked = Instant::now();
    engine.stop();
    wait(&engine, |event| matches!(event, Event::Stopped { job: stopped } if stopped == job).then_some(()));
    assert!(asked.elapsed() < Duration::from_millis(320), "{:?}: half a prediction", asked.elapsed());
    assert_eq!(done(&engine, Recipe { steps: 1, ..plain() }).reports.len(), 1, "the next run works");
}

#[test]
fn what_the_family_cannot_draw_is_refused() {
    let engine = start(Duration::ZERO);
    let said = |recipe: Recipe| render(&engine, recipe).expect_err("that cannot be drawn");
    assert!(said(Recipe { width: 72, ..plain() }).contains("multiples of 16"));
    assert!(said(Recipe { model: named("toy-lost"), ..plain() }).contains("toy-lost"));
    let blind = Recipe { model: named(BLIND), ..plain() };
    assert!(said(Recipe { scfg: Scfg { enabled: true, ..Scfg::default() }, ..blind.clone() }).contains("the formula"));
    let take = done(&engine, Recipe { concepts: everything().concepts[..1].to_vec(), ..blind });
    assert!(take.reports.iter().all(|r| r.scfg.is_none() && r.concepts.len() == 1), "SEGA needs no attention");
}

#[test]
fn a_trace_holds_what_the_family_has() {
    let recipe = everything();
    let (general, expert) = (Toy::new(GENERAL, 0.0), Toy::new(EXPERT, 4.0));
    let mut cache = PredictionCache::new(0);
    let mut run = Run::prepare(&recipe, &general, Some(&expert), Options::default(), &mut cache).expect("a run");
    let mut trace = Trace::new("");
    let (texts, expert_texts) = run.texts();
    trace.begin(run.init_latents(), texts, expert_texts);
    while let Some(record) = run.step(&mut cache, &|| true).expect("a step") {
        trace.step(&record);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.safetensors");
    trace.write(&path).expect("a file");
    let bytes = std::fs::read(&path).expect("a file");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a trace");
    let shape = |name: &str| file.tensor(name).expect(name).shape().to_vec();
    assert_eq!(shape("text.cond"), [1, LENGTH, 5]);
    assert_eq!(shape("text.cond_count"), [1]);
    assert_eq!(shape("step.000.latents_in"), [1, 3, 64, 64]);
    assert_eq!(shape("step.000.scfg.chat"), [LENGTH, 16, 16]);
    assert!(file.tensor("step.000.scfg.fore").is_err(), "there is no start token to compare with");
}

//! How many kernels a model needs on a card: each is compiled before the first picture, so each one counts.
//!
//! Apart from the comparison with the CPU: the kernels are counted from the runtime's own log, on whatever adapter there is.

use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex, PoisonError},
};

use burn::tensor::{Device, DeviceKind};
use log::{Level, LevelFilter, Log, Metadata, Record};
use sextant::{
    engine::{
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{LocalModels, ModelSource, Target},
    nets::Precision,
    recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Scfg},
};

use crate::common::travelling;

/// What the runtime says of a kernel that it compiles: a line for each pass, with the kernel's name in it.
const COMPILES: &str = "pliron::pass";
const FUNCTION: &str = "builtin.func @";
/// What it says of a tuning.
const TUNES: &str = "cubecl_runtime::tune";

static KERNELS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static TUNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Counter;

impl Log for Counter {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target().starts_with(COMPILES) || metadata.target().starts_with(TUNES)
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        if record.target().starts_with(TUNES) && record.level() <= Level::Info {
            TUNINGS.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            return;
        }
        let mut kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, found) in text.match_indices(FUNCTION) {
            let name = &text[at + found.len()..];
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            kernels.insert(name[..end].to_owned());
        }
    }

    fn flush(&self) {}
}

/// The first adapter of the most capable kind, be it a software rasteriser.
static DEVICE: LazyLock<Device> = LazyLock::new(|| {
    log::set_logger(&Counter).expect("no other logger in this process");
    log::set_max_level(LevelFilter::Debug);
    let kinds = [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0), DeviceKind::Cpu];
    let open = |kind| Device::wgpu_options().device_kind(kind).init().ok();
    kinds.into_iter().find_map(open).expect("an adapter that wgpu can use")
});

/// All three methods at once.
fn everything(model: ModelRef, expert: ModelRef) -> Recipe {
    Recipe {
        prompt: "a cat on a beach at sunset".into(),
        model,
        width: 64,
        height: 64,
        steps: 2,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        concepts: vec![Concept { text: "night".into(), warmup: 1, ..Concept::default() }],
        fusion: Some(Fusion { t0: 0.0, mode: FusionMode::High, expert, ..Fusion::default() }),
        ..Recipe::default()
    }
}

/// Renders a recipe on the adapter and returns the kernels that were compiled for it, those of earlier calls included.
fn kernels_after(recipe: &Recipe) -> BTreeSet<String> {
    let target = Target { device: DEVICE.clone(), precision: Precision::F32 };
    let general = LocalModels.load(&recipe.model, &[], &target).expect("the model");
    let expert = recipe
        .expert_fusion()
        .map(|fusion| LocalModels.load_expert(&fusion.expert, &general, &target).expect("the expert"));
    let mut cache = PredictionCache::new(0);
    let mut run =
        Run::prepare(recipe, general.as_ref(), expert.as_deref(), Options::default(), &mut cache).expect("a run");
    while run.step(&mut cache, &|| true).expect("a step").is_some() {}
    general.codec().decode(run.latents(), &|| true).expect("a picture");
    KERNELS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

pub fn few_are_compiled_and_none_is_tuned() {
    let pocket = kernels_after(&everything(ModelRef::Pocket, ModelRef::PocketToon));
    println!("{} kernels for the bundled model and all methods: {pocket:?}", pocket.len());
    assert!((1..=45).contains(&pocket.len()), "{} kernels: {pocket:?}", pocket.len());

    let tiny = ModelRef::Folder(travelling().join("models/tiny-sd15"));
    let all = kernels_after(&everything(tiny.clone(), tiny));
    let more: Vec<_> = all.difference(&pocket).collect();
    println!("and {} more for Stable Diffusion 1.5's layers: {more:?}", more.len());
    assert!(all.len() <= 65, "{} kernels: {all:?}", all.len());

    let tunings = TUNINGS.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(tunings.is_empty(), "tuned: {tunings:?}");
}

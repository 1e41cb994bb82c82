//! What the benchmarks render and how they count.

#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::{sync::Arc, time::Instant};

use burn::tensor::Device;
use sextant::{
    engine::{
        prediction_cache::PredictionCache,
        run::{Options, Run, StepRecord},
    },
    model::{LocalModels, Model, ModelSource, Target},
    nets::Precision,
    recipe::{Concept, Fusion, FusionMode, ModelRef, Recipe, Scfg},
    tensor::{Latents, Picture},
};

pub const METHODS: [&str; 6] = ["unguided", "s-cfg", "sega 1", "sega 3", "snb", "all"];

/// 20 DDIM steps with guidance 5 at Pocket's own size, with a method of [`METHODS`] on.
pub fn recipe(what: &str) -> Recipe {
    let plain = Recipe { prompt: "a red car on a city street at sunset".into(), seed: 7, ..Recipe::default() };
    let concepts = |count| {
        let concept = |text: &&str| Concept { text: (*text).into(), warmup: 5, ..Concept::default() };
        ["night", "rain", "old", "snow", "toy", "wet", "blue", "fog"].iter().take(count).map(concept).collect()
    };
    let scfg = Scfg { enabled: true, ..Scfg::default() };
    let fusion = Some(Fusion { t0: 0.0, k_e: 4.0, mode: FusionMode::High, ..Fusion::default() });
    match what.split_once(' ').unwrap_or((what, "")) {
        ("unguided", _) => Recipe { cfg: 1.0, ..plain },
        ("s-cfg", _) => Recipe { scfg, ..plain },
        ("sega", count) => Recipe { concepts: concepts(count.parse().unwrap_or(1)), ..plain },
        ("snb", _) => Recipe { fusion, ..plain },
        ("all", _) => Recipe { scfg, concepts: concepts(1), fusion, ..plain },
        _ => plain,
    }
}

/// The models of a recipe; the second where it asks for one.
pub struct Models {
    pub general: Arc<dyn Model>,
    pub expert: Arc<dyn Model>,
}

impl Models {
    pub fn bundled() -> Self {
        Self::read(ModelRef::Pocket, Precision::F32)
    }

    /// Pocket with its expert; other models have none, and stand in for it themselves.
    pub fn read(model: ModelRef, precision: Precision) -> Self {
        Self::on(&Device::flex(), model, precision)
    }

    /// The same on another device.
    pub fn on(device: &Device, model: ModelRef, precision: Precision) -> Self {
        let target = Target { device: device.clone(), precision };
        let general = LocalModels.load(&model, &[], &target).expect("a model");
        let expert = match model {
            ModelRef::Pocket => LocalModels.load_expert(&ModelRef::PocketToon, &general, &target).expect("Pocket Toon"),
            _ => general.clone(),
        };
        Self { general, expert }
    }

    /// All steps; `each` sees them. Gives the final latents and the evaluations spent.
    pub fn denoise(
        &self,
        recipe: &Recipe,
        segment: bool,
        memory: &mut PredictionCache,
        mut each: impl FnMut(&StepRecord, &mut PredictionCache),
    ) -> (Latents, usize) {
        let options = Options { segment, ..Options::default() };
        let mut run =
            Run::prepare(recipe, self.general.as_ref(), Some(self.expert.as_ref()), options, memory).expect("a run");
        let mut evaluations = 0;
        while let Some(record) = run.step(memory, &|| true).expect("a step") {
            evaluations += record.evaluations();
            each(&record, memory);
        }
        (run.latents().clone(), evaluations)
    }

    /// From nothing to the picture, nothing remembered.
    pub fn render(&self, recipe: &Recipe) -> (Picture, usize) {
        let (latents, evaluations) = self.denoise(recipe, false, &mut PredictionCache::new(0), |_, _| {});
        (self.decode(&latents), evaluations)
    }

    pub fn decode(&self, latents: &Latents) -> Picture {
        self.general.codec().decode(latents, &|| true).expect("a picture").to_picture()
    }
}

/// Seconds that `work` takes.
pub fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let begun = Instant::now();
    std::hint::black_box(work());
    begun.elapsed().as_secs_f64()
}

/// The middle one of some numbers.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The word behind a flag of the command line (`--device wgpu`).
pub fn word(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

/// A number behind a flag of the command line (`--rounds 5`).
pub fn flag(name: &str, usual: usize) -> usize {
    word(name).map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} {value}: not a number")))
}

//! A trace of a real run against the table of a step's arrays.

use std::collections::BTreeSet;

use safetensors::SafeTensors;

use super::*;
use crate::{
    engine::{
        prediction_cache::PredictionCache,
        run::{Options, Run},
    },
    model::{LocalModels, ModelSource, Target},
    recipe::{Concept, Fusion, ModelRef, Recipe},
    tensor::maps::TABLE,
};

/// Two steps with every method on.
fn trace_of_everything() -> Trace {
    let concept = Concept { text: "night".into(), warmup: 0, ..Concept::default() };
    let mut recipe = Recipe {
        prompt: "a cat".into(),
        steps: 2,
        width: 64,
        height: 64,
        concepts: vec![concept.clone(), concept],
        fusion: Some(Fusion { expert: ModelRef::PocketToon, t0: 0.0, ..Fusion::default() }),
        ..Recipe::default()
    };
    recipe.scfg.enabled = true;
    let general = LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).expect("Pocket");
    let expert = LocalModels.load_expert(&ModelRef::PocketToon, &general, &Target::cpu()).expect("Pocket Toon");
    let mut cache = PredictionCache::new(0);
    let mut run =
        Run::prepare(&recipe, general.as_ref(), Some(expert.as_ref()), Options::default(), &mut cache).expect("a run");
    let mut trace = Trace::new("");
    let (texts, expert_texts) = run.texts();
    trace.begin(run.init_latents(), texts, expert_texts);
    while let Some(record) = run.step(&mut cache, &|| true).expect("a step") {
        trace.step(&record);
    }
    trace
}

#[test]
fn every_array_of_a_step_is_as_the_table_says() {
    let bytes = trace_of_everything().arrays.to_safetensors().expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("a file");
    let mut seen = BTreeSet::new();
    for (key, view) in file.iter().filter(|(key, _)| key.starts_with("step.")) {
        let info = StepArray::parse(key).unwrap_or_else(|| panic!("{key} is not in the table")).info();
        assert_eq!(view.dtype(), info.element, "{key}");
        assert_eq!(view.shape().len(), info.shape.rank(), "{key}");
        seen.insert(info.name);
    }
    // Sessions and exports have these, a trace does not.
    let others = ["sigma", "scfg.attention", "sega.magnitude", "sega.touched"];
    let named: BTreeSet<&str> = TABLE.iter().map(|info| info.name).filter(|name| !others.contains(name)).collect();
    assert_eq!(seen, named);
}

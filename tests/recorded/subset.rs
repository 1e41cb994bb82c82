//! What the cases that travel with the repository must cover.

use std::{collections::BTreeSet, fs, path::Path};

use libtest_mimic::{Failed, Trial};
use sextant::recipe::Sampler;

use crate::{
    bar, common,
    entry::{self, Entry},
    samplers::{sampler_of_class, sampler_of_k_diffusion},
};

/// The stored cases and models together.
const LIMIT: u64 = 12 << 20;

/// No public recording has it; its steps are Heun's, and `tests/sampling.rs` holds the places where they repeat.
const UNRECORDED: [Sampler; 1] = [Sampler::Restart];

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("travelling::every_built_kind", every_built_kind),
        Trial::test("travelling::every_sampler", every_sampler),
        Trial::test("travelling::every_model_and_profile", every_model_and_profile),
        Trial::test("travelling::size", size),
    ]
}

fn travelling() -> Result<Vec<Entry>, Failed> {
    Ok(entry::list(&common::travelling())?)
}

fn missing<T: std::fmt::Debug>(what: &str, lacking: &[T]) -> Result<(), Failed> {
    if lacking.is_empty() { Ok(()) } else { Err(format!("tests/fixtures has no case of {what} {lacking:?}").into()) }
}

fn every_built_kind() -> Result<(), Failed> {
    let there: BTreeSet<String> = travelling()?.into_iter().map(|entry| entry.kind).collect();
    let built = bar::KINDS.iter().filter(|kind| kind.check.is_some()).map(|kind| kind.name);
    missing("kind", &built.filter(|kind| !there.contains(*kind)).collect::<Vec<_>>())
}

fn every_sampler() -> Result<(), Failed> {
    let entries = travelling()?;
    let classes = entries.iter().filter_map(|entry| sampler_of_class(entry.params["cls"].as_str()?));
    let named = entries.iter().filter_map(|entry| sampler_of_k_diffusion(entry.params["sampler"].as_str()?));
    let there: Vec<Sampler> = classes.chain(named.map(|(sampler, _)| sampler)).chain(UNRECORDED).collect();
    missing("sampler", &Sampler::ALL.iter().filter(|sampler| !there.contains(sampler)).collect::<Vec<_>>())
}

/// Whole runs of each architecture and prediction type, and SNB end to end under both profiles' baselines.
fn every_model_and_profile() -> Result<(), Failed> {
    let entries = travelling()?;
    let runs: Vec<&Entry> = entries.iter().filter(|entry| !entry.render_args.is_empty()).collect();
    let with = |word: &str| runs.iter().any(|entry| entry.render_args.iter().any(|arg| arg.ends_with(word)));
    let models = ["models/tiny-sd15", "models/tiny-sd21v", "models/tiny-sdxl", "models/tiny-sd15-expert"];
    missing("model", &models.iter().filter(|model| !with(model)).collect::<Vec<_>>())?;
    missing("profile", &["reference", "fixed"].iter().filter(|profile| !with(profile)).collect::<Vec<_>>())
}

fn size() -> Result<(), Failed> {
    let bytes = size_of(&common::stored());
    if bytes <= LIMIT { Ok(()) } else { Err(format!("tests/fixtures holds {bytes} bytes, allowed {LIMIT}").into()) }
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { size_of(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

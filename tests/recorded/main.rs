//! Recorded runs of the public reference implementations: every case of every folder, one line each.
//!
//! A target of its own with its own `main`, so that a case that cannot run is reported as ignored with its reason. Which kinds
//! and cases await a feature stands in `bar.rs`; how to run a part stands in `CONTRIBUTING.md`.

#[path = "../common/mod.rs"]
mod common;

mod autoencoders;
mod bar;
mod embeddings;
mod entry;
mod lora;
mod networks;
mod prompts;
mod renders;
mod samplers;
mod schedules;
mod subset;

use std::{path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use entry::Entry;

/// What came of a case that did not fail.
pub enum Outcome {
    Agrees,
    /// The program lacks something; says what.
    NotBuilt(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // A failed assertion is reported once, with the case that it failed in.
    std::panic::set_hook(Box::new(|_| {}));
    let mut trials: Vec<Trial> = common::folders().iter().flat_map(|folder| trials_of(folder)).collect();
    trials.extend(subset::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// One trial a case; one that fails where the folder has no list of cases.
fn trials_of(folder: &Path) -> Vec<Trial> {
    let name = entry::folder_name(folder);
    let lists = Some(folder.join("prompts.json"))
        .filter(|file| file.exists())
        .map(|file| Trial::test(format!("{name}::prompts.json"), move || prompts::lists(&file).map_err(Failed::from)));
    match entry::list(folder) {
        Ok(entries) => entries.into_iter().map(|entry| trial(&name, entry)).chain(lists).collect(),
        Err(error) => vec![Trial::test(format!("{name}::cases.json"), move || Err(error.into()))],
    }
}

fn trial(folder: &str, entry: Entry) -> Trial {
    let entry = Arc::new(entry);
    Trial::ignorable_test(format!("{folder}::{}::{}", entry.kind, entry.name), move || match run(&entry)? {
        Outcome::Agrees => Ok(Completion::Completed),
        Outcome::NotBuilt(what) => Ok(Completion::ignored_with(what)),
    })
}

/// Runs a case, unless its kind or its model is not built.
fn run(entry: &Entry) -> Result<Outcome, Failed> {
    let Some(kind) = bar::KINDS.iter().find(|kind| kind.name == entry.kind) else {
        return Err(format!("kind `{}` is not known to this program", entry.kind).into());
    };
    let Some(check) = kind.check else {
        return Ok(Outcome::NotBuilt(format!("kind `{}` is not built yet", entry.kind)));
    };
    if let Some(pipeline) = entry.pipeline().filter(|pipeline| !bar::PIPELINES.contains(&pipeline.as_str())) {
        return Ok(Outcome::NotBuilt(format!("models of `{pipeline}` are not built yet")));
    }
    let Some((_, awaited)) = bar::AWAITED.iter().find(|(name, _)| *name == format!("{}::{}", entry.kind, entry.name))
    else {
        return check(entry).map_err(Failed::from);
    };
    // The list holds in both directions: a case that runs is not listed as awaited.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(entry))) {
        Ok(Ok(Outcome::Agrees)) => Err(format!("it agrees now; take it off `AWAITED` ({awaited})").into()),
        _ => Ok(Outcome::NotBuilt((*awaited).to_owned())),
    }
}

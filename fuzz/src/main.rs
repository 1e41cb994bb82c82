//! Coverage-guided fuzzing of what Sextant reads from files; `README.md` says how.
//!
//! The modules at the top are the program's own sources. They stand at the root of this crate so that their `crate::` paths hold.
#![allow(dead_code, unused_imports, reason = "the program calls what no target does")]

#[path = "../../src/files/mod.rs"]
mod files;
#[path = "../../src/fingerprint.rs"]
mod fingerprint;
#[path = "../../src/guidance/mod.rs"]
mod guidance;
#[path = "../../src/recipe/mod.rs"]
mod recipe;
#[path = "../../src/sampling/mod.rs"]
mod sampling;
#[path = "../../src/session/mod.rs"]
mod session;
#[path = "../../src/tensor/mod.rs"]
mod tensor;

mod engine;
mod model;
mod nets;
mod studio;
mod weights;
use weights as inner;

mod corpus;
mod findings;
mod formats;
mod instrument;
mod minimise;
mod mutate;
mod random;
mod supervise;
mod targets;
mod work;

use std::{path::PathBuf, process::ExitCode};

/// What the command line asks for.
pub struct Plan {
    pub target: String,
    pub run: targets::Run,
    pub seconds: u64,
    /// Inputs are read from here, and new ones are kept here.
    pub corpus: PathBuf,
    /// More folders to read inputs from.
    pub seeds: Vec<PathBuf>,
    /// Where the smallest set of inputs with the same coverage is written to, instead of a run.
    pub minimised: Option<PathBuf>,
    /// The most bytes of that set.
    pub bytes: usize,
    /// Files to run once each, instead of a run.
    pub files: Vec<PathBuf>,
    pub is_worker: bool,
}

impl Plan {
    pub fn findings(&self) -> PathBuf {
        self.corpus.with_extension("findings")
    }

    pub fn statistics(&self) -> PathBuf {
        self.corpus.with_extension("statistics")
    }

    /// Where the worker writes the input that it is about to run.
    pub fn current(&self) -> PathBuf {
        std::env::temp_dir().join("current")
    }
}

const USAGE: &str = "TARGET [--seconds N] [--corpus DIR] [--seeds DIR]... [--minimise DIR [--bytes N]] [--run FILE...]";

fn plan() -> Result<Plan, String> {
    let mut arguments = std::env::args().skip(1);
    let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
    let target = arguments.next().ok_or_else(|| format!("{USAGE}\ntargets: {}", names.join(", ")))?;
    let known = targets::ALL.iter().find(|(name, _)| *name == target);
    let (_, run) = known.ok_or_else(|| format!("{target} is none of {}", names.join(", ")))?;
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut plan = Plan {
        run: *run,
        seconds: 60,
        corpus: own.join("work").join(&target),
        seeds: vec![own.join("corpus").join(&target)],
        minimised: None,
        bytes: 20_000,
        files: Vec::new(),
        is_worker: false,
        target,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value; {USAGE}"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match argument.as_str() {
            "--seconds" => plan.seconds = number(value()?)?,
            "--bytes" => plan.bytes = number(value()?)? as usize,
            "--corpus" => plan.corpus = value()?.into(),
            "--seeds" => plan.seeds.push(value()?.into()),
            "--minimise" => plan.minimised = Some(value()?.into()),
            "--worker" => plan.is_worker = true,
            "--run" => plan.files = arguments.by_ref().map(PathBuf::from).collect(),
            other => return Err(format!("{other} is not known; {USAGE}")),
        }
    }
    Ok(plan)
}

fn main() -> ExitCode {
    let done = plan().and_then(|plan| match &plan.minimised {
        Some(folder) => minimise::minimise(&plan, folder),
        None if !plan.files.is_empty() => work::run_files(&plan),
        None if plan.is_worker => work::work(&plan),
        None => supervise::supervise(&plan),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

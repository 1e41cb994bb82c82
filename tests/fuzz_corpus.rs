//! Every kept input of the fuzzer (`fuzz/corpus`) goes through the program's own readers: none may panic, hang or break a
//! promise. The targets are the fuzzer's own source; it says what the promises are.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sextant::{files, nets, recipe, sampling, session, studio, weights};

#[path = "../fuzz/src/targets.rs"]
mod targets;

/// For all inputs of one target together; it takes a few seconds even without optimisation.
const MOST: Duration = Duration::from_secs(120);

/// What the fuzzer reaches without networks.
mod inner {
    use std::path::Path;

    use burn::tensor::Device;
    use sextant::{
        nets::Precision,
        recipe::{Lora, ModelRef},
        weights::{self, LoadError, ModelFiles},
    };

    /// Pocket with a LoRA.
    pub fn add_lora(path: &Path, _bytes: &[u8]) -> Result<(), LoadError> {
        let lora = Lora { path: path.to_owned(), weight: 0.7 };
        weights::load_changed(&ModelRef::Pocket, &[lora], &Device::flex(), Precision::F32).map(drop)
    }

    /// Opens a model as far as its files allow.
    pub fn read_weights(files: &ModelFiles, folder: &str) -> Result<(), LoadError> {
        let config = files.text(&format!("{folder}/config.json"))?;
        drop(config);
        match files {
            ModelFiles::Folder(path) => weights::load(&ModelRef::Folder(path.clone()), &Device::flex()).map(drop),
            _ => Ok(()),
        }
    }
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

#[test]
fn every_kept_input_is_read_or_refused_in_time() {
    let mut count = 0;
    for (name, run) in targets::ALL {
        let folder = corpus().join(name);
        let begun = Instant::now();
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for file in files.flatten() {
            let bytes = fs::read(file.path()).expect("a file of this repository");
            let done = run(&bytes);
            assert_eq!(done, Ok(()), "{}", file.path().display());
            count += 1;
        }
        assert!(begun.elapsed() < MOST, "{name}: {:?}", begun.elapsed());
    }
    assert!(count >= 10 * targets::ALL.len(), "{count} inputs");
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let mut there: Vec<String> = fs::read_dir(corpus())
        .expect("there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    let mut known: Vec<String> = targets::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(there, known);
}

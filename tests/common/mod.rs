//! Recorded runs of the reference implementations: where they are, what is in them, how close is close enough.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use sextant::tensor::Latents;

/// The folder of recorded cases and tiny models: the full set where it is at hand, else the part that travels along.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let full = env::var_os("SEXTANT_FIXTURES").map_or_else(|| here.join("../shared/fixtures"), PathBuf::from);
    if full.join("models").is_dir() { full } else { here.join("tests/fixtures") }
}

pub fn model(name: &str) -> PathBuf {
    root().join("models").join(name)
}

/// A folder with all below it, so that a test can change what it holds.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // Not `fs::copy`: it would make a copy of a read-only file read-only too.
            fs::write(&target, fs::read(entry.path()).expect("a file")).expect("a write");
        }
    }
}

/// One recorded run.
pub struct Case {
    pub name: String,
    bytes: Vec<u8>,
    metadata: BTreeMap<String, Value>,
}

impl Case {
    /// All cases whose name begins with `prefix`, in order.
    pub fn all(prefix: &str) -> Vec<Self> {
        let mut names: Vec<String> = fs::read_dir(root().join("cases"))
            .expect("cases")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|file| file.strip_suffix(".safetensors").map(str::to_owned))
            .filter(|name| name.starts_with(prefix))
            .collect();
        names.sort();
        names.iter().map(|name| Self::open(name)).collect()
    }

    pub fn open(name: &str) -> Self {
        Self::read(&root().join("cases").join(format!("{name}.safetensors")))
    }

    /// Any safetensors file, a trace of ours included. What is not JSON in its metadata is passed over.
    pub fn read(path: &Path) -> Self {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let metadata = header.metadata().clone().unwrap_or_default();
        let metadata = metadata.into_iter().filter_map(|(k, v)| Some((k, serde_json::from_str(&v).ok()?))).collect();
        Self { name, bytes, metadata }
    }

    pub fn params(&self) -> &Value {
        &self.metadata["params"]
    }

    pub fn model(&self) -> PathBuf {
        model(self.params()["model"].as_str().expect("model"))
    }

    pub fn has(&self, tensor: &str) -> bool {
        self.tensors().tensor(tensor).is_ok()
    }

    pub fn shape(&self, tensor: &str) -> Vec<usize> {
        self.tensors().tensor(tensor).expect(tensor).shape().to_vec()
    }

    pub fn floats(&self, tensor: &str) -> Vec<f32> {
        let tensors = self.tensors();
        let view = tensors.tensor(tensor).expect(tensor);
        assert_eq!(view.dtype(), Dtype::F32, "{tensor}");
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
    }

    /// A `[1, C, h, w]` tensor.
    pub fn latents(&self, tensor: &str) -> Latents {
        let shape = self.shape(tensor);
        Latents::new(shape[1], shape[2], shape[3], self.floats(tensor))
    }

    pub fn ints(&self, tensor: &str) -> Vec<i32> {
        let tensors = self.tensors();
        let view = tensors.tensor(tensor).expect(tensor);
        assert_eq!(view.dtype(), Dtype::I32, "{tensor}");
        view.data().chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
    }

    /// The relative L2 distance that rounding excuses for `tensor`, as recorded with the case.
    pub fn tolerance(&self, tensor: &str) -> f64 {
        let tolerance = &self.metadata["tolerance"];
        tolerance["per_tensor"].get(tensor).unwrap_or(&tolerance["float_rel_l2"]).as_f64().expect("tolerance")
    }

    /// Fails unless `found` is the recorded `tensor`, up to its tolerance.
    pub fn assert_close(&self, tensor: &str, found: &[f32]) {
        let expected = self.floats(tensor);
        assert_eq!(found.len(), expected.len(), "{} {tensor}: element count", self.name);
        let distance = relative_l2(found, &expected);
        let tolerance = self.tolerance(tensor);
        assert!(distance <= tolerance, "{} {tensor}: relative L2 {distance:.2e} above {tolerance:.2e}", self.name);
    }

    /// Holds a trace against this case, with its own tolerances; says everything that is off.
    pub fn compare(&self, trace: &Self) -> Vec<String> {
        let (ours, theirs) = (trace.tensors(), self.tensors());
        let mut wrong = Vec::new();
        let mut compared = 0;
        for (name, want) in theirs.iter() {
            let Ok(got) = ours.tensor(name) else {
                if !OPTIONAL.iter().any(|o| name.contains(o)) {
                    wrong.push(format!("{name} is missing"));
                }
                continue;
            };
            compared += 1;
            if squeezed(want.shape()) != squeezed(got.shape()) {
                wrong.push(format!("{name} has shape {:?}, expected {:?}", got.shape(), want.shape()));
            } else if want.dtype() == Dtype::F32 {
                let (distance, limit) = (relative_l2(&floats(&got), &floats(&want)), self.tolerance(name));
                if distance > limit {
                    wrong.push(format!("{name} is {distance:.2e} off (relative L2), allowed {limit:.1e}"));
                }
            } else {
                let (share, need) = (agreement(&floats(&got), &floats(&want)), self.agreement_needed(name));
                if share < need {
                    wrong.push(format!("{name} agrees on {:.2} %, needed {:.2} %", share * 100.0, need * 100.0));
                }
            }
        }
        if compared == 0 {
            wrong.push("nothing was compared".into());
        }
        wrong
    }

    fn agreement_needed(&self, name: &str) -> f64 {
        let exact = ["ids", "timestep", ".active"].iter().any(|end| name.ends_with(end));
        if exact { 1.0 } else { self.metadata["tolerance"]["int_agreement"].as_f64().expect("an agreement") }
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("case")
    }
}

/// |a - b| / |b|, summed in f64; infinite where anything is not finite.
pub fn relative_l2(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f64| x * x;
    let distance: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = b.iter().map(|&b| square(f64::from(b))).sum();
    let relative = (distance / norm.max(f64::MIN_POSITIVE)).sqrt();
    if relative.is_finite() { relative } else { f64::INFINITY }
}

/// Names beyond the trace contract: compared where the trace has them, not missed where it has not.
const OPTIONAL: &[&str] = &[".expert.", ".snb.active", ".scfg.chat", ".scfg.fore", "_pooled", "time_ids"];

fn squeezed(shape: &[usize]) -> &[usize] {
    let lead = shape.iter().take(shape.len().saturating_sub(1)).take_while(|&&d| d == 1).count();
    &shape[lead..]
}

/// Share of equal entries.
fn agreement(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / b.len().max(1) as f64
}

/// Any of the kinds of numbers in cases and traces as f32 (whole numbers are small).
fn floats(view: &TensorView<'_>) -> Vec<f32> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect(),
        Dtype::I32 => {
            data.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().expect("four bytes")) as f32).collect()
        }
        Dtype::U8 => data.iter().map(|&b| f32::from(b)).collect(),
        other => panic!("the tests read no {other:?}"),
    }
}

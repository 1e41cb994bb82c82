//! Recorded runs of the reference implementations: where they are, what is in them, how close is close enough.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder of recorded cases and tiny models: the full set where it is at hand, else the part that travels along.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let full = env::var_os("SEXTANT_FIXTURES").map_or_else(|| here.join("../shared/fixtures"), PathBuf::from);
    if full.join("models").is_dir() { full } else { here.join("tests/fixtures") }
}

pub fn model(name: &str) -> PathBuf {
    root().join("models").join(name)
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
        let bytes = fs::read(root().join("cases").join(format!("{name}.safetensors"))).expect(name);
        let (_, header) = SafeTensors::read_metadata(&bytes).expect(name);
        let metadata = header.metadata().clone().unwrap_or_default();
        let metadata = metadata.into_iter().map(|(k, v)| (k, serde_json::from_str(&v).expect("metadata"))).collect();
        Self { name: name.to_owned(), bytes, metadata }
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
        view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }

    pub fn ints(&self, tensor: &str) -> Vec<i32> {
        let tensors = self.tensors();
        let view = tensors.tensor(tensor).expect(tensor);
        assert_eq!(view.dtype(), Dtype::I32, "{tensor}");
        view.data().chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect()
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

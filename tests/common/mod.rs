//! Shared by the integration tests: where the fixtures are, and how a case is held against a trace.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The whole set beside the checkout when it is there, else the subset that travels with the repository.
pub fn fixtures() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = std::env::var_os("SEXTANT_FIXTURES").map_or_else(|| root.join("../shared/fixtures"), PathBuf::from);
    if whole.join("cases.json").is_file() { whole } else { root.join("tests/fixtures") }
}

/// A tensor as f64 numbers.
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
    pub is_int: bool,
}

pub struct File {
    pub tensors: BTreeMap<String, Tensor>,
    pub metadata: BTreeMap<String, Value>,
}

/// Reads a safetensors file whole.
pub fn read(path: &Path) -> File {
    let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = header.metadata().iter().flatten();
    File {
        tensors: file.iter().map(|(name, view)| (name.to_owned(), tensor(&view))).collect(),
        metadata: metadata.map(|(k, v)| (k.clone(), serde_json::from_str(v).unwrap_or(Value::Null))).collect(),
    }
}

fn tensor(view: &safetensors::tensor::TensorView<'_>) -> Tensor {
    let data = view.data();
    let values = match view.dtype() {
        Dtype::F32 => data.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("4")))).collect(),
        Dtype::F64 => data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().expect("8"))).collect(),
        Dtype::I32 => data.chunks(4).map(|b| f64::from(i32::from_le_bytes(b.try_into().expect("4")))).collect(),
        Dtype::I64 => data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().expect("8")) as f64).collect(),
        Dtype::U8 => data.iter().map(|&b| f64::from(b)).collect(),
        other => panic!("the tests read no {other:?}"),
    };
    let is_int = matches!(view.dtype(), Dtype::I32 | Dtype::I64 | Dtype::U8);
    Tensor { shape: view.shape().to_vec(), values, is_int }
}

/// Names beyond the trace contract: compared where the trace has them, not missed where it has not.
const OPTIONAL: &[&str] = &[".expert.", ".snb.active", ".scfg.chat", ".scfg.fore", "_pooled", "time_ids"];

/// Holds a trace against a recorded case, with the case's own tolerances; says everything that is off.
pub fn compare(case: &File, trace: &File) -> Vec<String> {
    let tolerance = &case.metadata["tolerance"];
    let base = tolerance["float_rel_l2"].as_f64().expect("a tolerance");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, want) in &case.tensors {
        let Some(got) = trace.tensors.get(name) else {
            if !OPTIONAL.iter().any(|o| name.contains(o)) {
                wrong.push(format!("{name} is missing"));
            }
            continue;
        };
        compared += 1;
        if squeezed(&want.shape) != squeezed(&got.shape) {
            wrong.push(format!("{name} has shape {:?}, expected {:?}", got.shape, want.shape));
        } else if want.is_int {
            let exact = name.ends_with("ids") || name.ends_with("timestep") || name.ends_with(".active");
            let need = if exact { 1.0 } else { tolerance["int_agreement"].as_f64().expect("an agreement") };
            let same = want.values.iter().zip(&got.values).filter(|(a, b)| a == b).count();
            let share = same as f64 / want.values.len() as f64;
            if share < need {
                wrong.push(format!("{name} agrees on {:.2} %, needed {:.2} %", share * 100.0, need * 100.0));
            }
        } else {
            let limit = tolerance["per_tensor"][name.as_str()].as_f64().unwrap_or(base);
            let distance = relative_l2(&want.values, &got.values);
            // Not `>`: what is not a number must fail too.
            if !(distance <= limit) {
                wrong.push(format!("{name} is {distance:.2e} off (relative L2), allowed {limit:.1e}"));
            }
        }
    }
    if compared == 0 {
        wrong.push("nothing was compared".into());
    }
    wrong
}

fn squeezed(shape: &[usize]) -> &[usize] {
    let lead = shape.iter().take(shape.len().saturating_sub(1)).take_while(|&&d| d == 1).count();
    &shape[lead..]
}

pub fn relative_l2(want: &[f64], got: &[f64]) -> f64 {
    let norm: f64 = want.iter().map(|w| w * w).sum();
    let off: f64 = want.iter().zip(got).map(|(w, g)| (w - g).powi(2)).sum();
    if norm > 0.0 { (off / norm).sqrt() } else { off.sqrt() }
}

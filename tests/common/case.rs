//! One recorded run: its tensors, its parameters, and how close is close enough.
//!
//! Apart from the targets that use it, because a case and a trace of ours are the same kind of file. The rule of comparison is
//! that of `compare.py` in the folders of cases.

use std::{collections::BTreeMap, fs, path::Path};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::Value;
use sextant::tensor::Latents;

/// Parts of names beyond the trace contract: compared where the trace has them, not missed where it has not. A `$` stands for
/// the end of the name. A case may list more of its own.
const OPTIONAL: &[&str] = &[
    ".expert.",
    ".snb.active$",
    ".scfg.chat$",
    ".scfg.fore$",
    "_pooled$",
    "time_ids$",
    ".latents_unblended$",
    "vae.mean$",
    "vae.logvar$",
    ".evals$",
    ".noise_sigmas$",
    "invert.noise$",
    "invert.eps.first$",
    "invert.eps.last$",
    "invert.sigmas$",
    "final.picture$",
];

/// Ends of names of integer tensors that must agree in every entry.
const EXACT: &[&str] = &[
    "ids",
    "ids_2",
    "timestep",
    "timesteps",
    ".active",
    "_quantized",
    "tokens",
    "tokens_in",
    "tokens_out",
    "tokens_sampled",
    "buckets",
];

/// A safetensors file with JSON values in its metadata: a recorded run, or a trace of ours.
pub struct Case {
    pub name: String,
    bytes: Vec<u8>,
    metadata: BTreeMap<String, Value>,
}

impl Case {
    /// Reads any safetensors file. Metadata that is not JSON is passed over.
    pub fn read(path: &Path) -> Self {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let bytes = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let metadata = header.metadata().clone().unwrap_or_default();
        let metadata = metadata.into_iter().filter_map(|(k, v)| Some((k, serde_json::from_str(&v).ok()?))).collect();
        Self { name, bytes, metadata }
    }

    /// The parameters of the recorded run.
    pub fn params(&self) -> &Value {
        &self.metadata["params"]
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        self.tensors().names().into_iter().map(str::to_owned).collect()
    }

    pub fn has(&self, tensor: &str) -> bool {
        self.tensors().tensor(tensor).is_ok()
    }

    pub fn shape(&self, tensor: &str) -> Vec<usize> {
        self.tensors().tensor(tensor).unwrap_or_else(|e| panic!("{tensor}: {e}")).shape().to_vec()
    }

    /// The values of a tensor of any type, in f32.
    pub fn floats(&self, tensor: &str) -> Vec<f32> {
        floats(&self.tensors().tensor(tensor).unwrap_or_else(|e| panic!("{tensor}: {e}")))
    }

    /// The values of an i32 tensor.
    pub fn ints(&self, tensor: &str) -> Vec<i32> {
        let tensors = self.tensors();
        let view = tensors.tensor(tensor).unwrap_or_else(|e| panic!("{tensor}: {e}"));
        assert_eq!(view.dtype(), Dtype::I32, "{tensor}");
        each(view.data(), i32::from_le_bytes).collect()
    }

    /// A `[1, C, h, w]` tensor.
    pub fn latents(&self, tensor: &str) -> Latents {
        let shape = self.shape(tensor);
        Latents::new(shape[1], shape[2], shape[3], self.floats(tensor))
    }

    /// The `[C, h, w]` slices of a `[N, C, h, w]` tensor.
    pub fn latents_of_each(&self, tensor: &str) -> Vec<Latents> {
        let shape = self.shape(tensor);
        let values = self.floats(tensor);
        let slices = values.chunks_exact(shape[1..].iter().product());
        slices.map(|slice| Latents::new(shape[1], shape[2], shape[3], slice.to_vec())).collect()
    }

    /// The relative L2 distance that rounding excuses for `tensor`, as recorded with the case.
    pub fn tolerance(&self, tensor: &str) -> f64 {
        let tolerance = &self.metadata["tolerance"];
        tolerance["per_tensor"].get(tensor).unwrap_or(&tolerance["float_rel_l2"]).as_f64().expect("tolerance")
    }

    /// Fails unless `found` is the recorded `tensor`, up to its tolerance.
    pub fn assert_close(&self, tensor: &str, found: &[f32]) {
        let expected = self.floats(tensor);
        assert_eq!(found.len(), expected.len(), "{tensor}: element count");
        let distance = relative_l2(found, &expected);
        let tolerance = self.tolerance(tensor);
        assert!(distance <= tolerance, "{tensor}: relative L2 {distance:.2e} above {tolerance:.2e}");
    }

    /// Holds a trace against this case, with its own tolerances; gives everything that is off.
    pub fn compare(&self, trace: &Self) -> Vec<String> {
        let (ours, theirs) = (trace.tensors(), self.tensors());
        let mut wrong = Vec::new();
        let mut compared = 0;
        for (name, want) in theirs.iter() {
            match ours.tensor(name) {
                Ok(got) => wrong.extend(self.compare_tensor(name, &want, &got)),
                Err(_) if self.is_optional(name) => continue,
                Err(_) => wrong.push(format!("{name} is missing")),
            }
            compared += 1;
        }
        if compared == 0 {
            wrong.push("nothing was compared".into());
        }
        wrong
    }

    fn compare_tensor(&self, name: &str, want: &TensorView<'_>, got: &TensorView<'_>) -> Option<String> {
        if squeezed(want.shape()) != squeezed(got.shape()) {
            return Some(format!("{name} has shape {:?}, expected {:?}", got.shape(), want.shape()));
        }
        let (found, expected) = (floats(got), floats(want));
        if matches!(want.dtype(), Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let (distance, limit) = (relative_l2(&found, &expected), self.tolerance(name));
            let off = !distance.is_finite() || distance > limit;
            return off.then(|| format!("{name} is {distance:.2e} off (relative L2), allowed {limit:.1e}"));
        }
        let (share, need) = (agreement(&found, &expected), self.agreement_needed(name));
        (share < need).then(|| format!("{name} agrees on {:.2} %, needed {:.2} %", share * 100.0, need * 100.0))
    }

    fn is_optional(&self, name: &str) -> bool {
        let own = self.metadata.get("optional").and_then(Value::as_array).into_iter().flatten();
        let mut parts = own.filter_map(Value::as_str).chain(OPTIONAL.iter().copied());
        let is_part =
            |part: &str| part.strip_suffix('$').map_or_else(|| name.contains(part), |end| name.ends_with(end));
        name.starts_with("draw.") || parts.any(is_part)
    }

    fn agreement_needed(&self, name: &str) -> f64 {
        if name == "mask" || EXACT.iter().any(|end| name.ends_with(end)) {
            return 1.0;
        }
        self.metadata["tolerance"]["int_agreement"].as_f64().expect("an agreement")
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).expect("tensors")
    }
}

/// |a - b| / |b|, summed in f64; |a - b| where b is 0 everywhere; infinite where anything is not finite.
pub fn relative_l2(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f64| x * x;
    let distance: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = b.iter().map(|&b| square(f64::from(b))).sum();
    let relative = if norm > 0.0 { (distance / norm).sqrt() } else { distance.sqrt() };
    if relative.is_finite() { relative } else { f64::INFINITY }
}

/// A shape without its leading axes of one element.
fn squeezed(shape: &[usize]) -> &[usize] {
    let lead = shape.iter().take(shape.len().saturating_sub(1)).take_while(|&&d| d == 1).count();
    &shape[lead..]
}

/// Share of equal entries.
fn agreement(a: &[f32], b: &[f32]) -> f64 {
    if b.is_empty() {
        return 1.0;
    }
    a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / b.len() as f64
}

/// The values of a tensor as f32. Whole numbers in cases are small enough to be exact.
fn floats(view: &TensorView<'_>) -> Vec<f32> {
    let data = view.data();
    match view.dtype() {
        Dtype::F64 => each(data, f64::from_le_bytes).map(|v| v as f32).collect(),
        Dtype::F32 => each(data, f32::from_le_bytes).collect(),
        Dtype::F16 => each(data, f16::from_le_bytes).map(f16::to_f32).collect(),
        Dtype::BF16 => each(data, bf16::from_le_bytes).map(bf16::to_f32).collect(),
        Dtype::I64 => each(data, i64::from_le_bytes).map(|v| v as f32).collect(),
        Dtype::I32 => each(data, i32::from_le_bytes).map(|v| v as f32).collect(),
        Dtype::U8 | Dtype::BOOL => data.iter().map(|&b| f32::from(b)).collect(),
        other => panic!("no case holds {other:?}"),
    }
}

fn each<'a, T: 'a, const N: usize>(data: &'a [u8], read: impl Fn([u8; N]) -> T + 'a) -> impl Iterator<Item = T> + 'a {
    data.chunks_exact(N).map(move |bytes| read(bytes.try_into().expect("as many bytes as asked for")))
}

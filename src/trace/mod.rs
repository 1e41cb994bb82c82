//! The trace: every tensor of a run, as one safetensors file.
//!
//! It stands apart from the engine because a run does not need it. The names of a step's tensors are those of
//! [`tensor::maps`](crate::tensor::maps); they are a public contract.

use std::path::Path;

use safetensors::Dtype;

use crate::{
    engine::{
        guided_step::{Predictions, Texts},
        run::StepRecord,
    },
    files::{read, read_regular, write_atomically},
    model::Embedding,
    tensor::{
        Latents, Pixels, Plane,
        arrays::{Arrays, ArraysError},
        maps::{StepArray, StepKeys},
    },
};

/// Why a trace cannot be written, or initial latents cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    #[error("cannot write the trace {path}: {source}")]
    Write { path: String, source: std::io::Error },
    #[error("cannot put the trace together: {0}")]
    Assemble(#[from] ArraysError),
    #[error("cannot read initial latents from {path}: {why}")]
    InitLatents { path: String, why: String },
}

/// The tensors of a run, collected step by step.
pub struct Trace {
    /// Whether the run has two models: every step then records whether they were fused.
    fusing: bool,
    arrays: Arrays,
}

impl Trace {
    /// No tensors yet; `recipe` is the run's recipe as text.
    pub fn new(recipe: impl Into<String>) -> Self {
        Self { fusing: false, arrays: Arrays::with_recipe(recipe) }
    }

    /// Adds the noise that the run starts from, and its texts as the denoisers get them.
    pub fn begin(&mut self, init_latents: &Latents, general: &Texts, expert: Option<&Texts>) {
        self.arrays.insert_latents("init_latents", init_latents);
        self.texts("text", general);
        for (k, text) in general.concepts.iter().enumerate() {
            self.embedding(format!("text.concept.{k}"), &text.encoding.hidden);
        }
        self.fusing = expert.is_some();
        if let Some(expert) = expert {
            self.texts("text.expert", expert);
        }
    }

    fn texts(&mut self, prefix: &str, texts: &Texts) {
        for (name, text) in [("uncond", &texts.uncond), ("cond", &texts.cond)] {
            self.embedding(format!("{prefix}.{name}"), &text.encoding.hidden);
            for (other, embedding) in &text.encoding.others {
                self.embedding(format!("{prefix}.{name}_{other}"), embedding);
            }
        }
    }

    fn embedding(&mut self, name: String, embedding: &Embedding) {
        self.arrays.insert_f32(name, &embedding.shape, &embedding.values);
    }

    /// Adds the tensors of one step.
    pub fn step(&mut self, record: &StepRecord) {
        let keys = StepKeys::new(record.step);
        self.arrays.insert_f32(keys.key(StepArray::Timestep), &[1], &[record.timestep]);
        self.arrays.insert_latents(keys.key(StepArray::LatentsIn), &record.latents_in);
        self.arrays.insert_latents(keys.key(StepArray::LatentsOut), &record.latents_out);
        self.arrays.insert_latents(keys.key(StepArray::EpsGuided), &record.guided);
        self.predictions(&keys, &record.general);
        if let Some(expert) = &record.expert {
            self.predictions(&keys.expert(), expert);
        }
        if let Some(choice) = &record.choice {
            self.arrays.insert_plane(keys.key(StepArray::SaliencyGeneral), &choice.saliency_general);
            self.arrays.insert_plane(keys.key(StepArray::SaliencyExpert), &choice.saliency_expert);
            self.arrays.insert_bytes(keys.key(StepArray::FusionMask), &choice.mask);
        }
        if self.fusing {
            let active = vec![u8::from(record.choice.is_some())];
            self.arrays.insert(keys.key(StepArray::FusionActive), Dtype::U8, &[1], active);
        }
    }

    fn predictions(&mut self, keys: &StepKeys, p: &Predictions) {
        if let Some(uncond) = &p.uncond {
            self.arrays.insert_latents(keys.key(StepArray::EpsUncond), uncond);
        }
        self.arrays.insert_latents(keys.key(StepArray::EpsCond), &p.cond);
        for (k, concept) in p.concepts.iter().enumerate() {
            if let Some(concept) = concept {
                self.arrays.insert_latents(keys.concept(StepArray::EpsConcept, k), concept);
            }
        }
        if let (Some(s), Some(rate)) = (&p.segmentation, &p.rate) {
            self.arrays.insert_owners(keys.key(StepArray::Region), &s.region());
            self.arrays.insert_bytes(keys.key(StepArray::Foreground), &s.foreground);
            self.arrays.insert_plane(keys.key(StepArray::Rate), rate);
            self.stack(keys.key(StepArray::TokenMaps), &s.tokens);
            if let Some(fore) = &s.fore {
                self.stack(keys.key(StepArray::ForegroundMaps), fore);
            }
        }
        if let Some(s) = &p.sega {
            self.arrays.insert_latents(keys.key(StepArray::SegaTerm), &s.term);
            for (k, concept) in s.concepts.iter().enumerate() {
                if let Some(mask) = &concept.mask {
                    let shape = [s.term.channels, s.term.height, s.term.width];
                    let bits = mask.iter().map(|&m| u8::from(m)).collect();
                    self.arrays.insert(keys.concept(StepArray::SegaMask, k), Dtype::U8, &shape, bits);
                }
            }
        }
    }

    fn stack(&mut self, name: String, planes: &[Plane]) {
        let values: Vec<f32> = planes.iter().flat_map(|p| p.values.iter().copied()).collect();
        self.arrays.insert_f32(name, &[planes.len(), planes[0].height, planes[0].width], &values);
    }

    /// Adds the result: the latents, and the picture as `[1, 3, H, W]` in 0..1.
    pub fn finish(&mut self, latents: &Latents, pixels: &Pixels) {
        self.arrays.insert_latents("final.latents", latents);
        let image: Vec<f32> = pixels.values.iter().map(|v| (v * 0.5 + 0.5).clamp(0.0, 1.0)).collect();
        self.arrays.insert_f32("final.image", &[1, 3, pixels.height, pixels.width], &image);
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`TraceError::Write`], and [`TraceError::Assemble`] for a tensor that does not fit its shape.
    pub fn write(&self, path: &Path) -> Result<(), TraceError> {
        let bytes = self.arrays.to_safetensors()?;
        write_atomically(path, &bytes).map_err(|source| TraceError::Write { path: path.display().to_string(), source })
    }
}

/// Reads the tensor `init_latents` (f32 `[1, C, h, w]` or `[C, h, w]`, standard normal) of a safetensors file.
///
/// # Errors
/// [`TraceError::InitLatents`] with the reason.
pub fn read_init_latents(path: &Path) -> Result<Latents, TraceError> {
    let fail = |why: String| TraceError::InitLatents { path: path.display().to_string(), why };
    let bytes = read_regular(path, read::PICTURE).map_err(|e| fail(e.to_string()))?;
    let file = safetensors::SafeTensors::deserialize(&bytes)
        .map_err(|e| fail(format!("it is not a whole safetensors file ({e})")))?;
    let tensor = file.tensor("init_latents").map_err(|_| fail("it has no tensor \"init_latents\"".into()))?;
    if tensor.dtype() != Dtype::F32 {
        return Err(fail(format!("\"init_latents\" is {:?}, but must be F32", tensor.dtype())));
    }
    let shape = tensor.shape();
    let [c, h, w] = match *shape {
        [1, c, h, w] | [c, h, w] => [c, h, w],
        _ => return Err(fail(format!("\"init_latents\" has shape {shape:?}, but must be [1, C, h, w]"))),
    };
    let values: Vec<f32> = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err(fail("\"init_latents\" holds numbers that are not finite".into()));
    }
    Ok(Latents::new(c, h, w, values))
}

#[cfg(test)]
mod tests;

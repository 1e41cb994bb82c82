//! LoRA files: low-rank updates of a model's matrices (Hu et al., ICLR 2022), added to the weights as they are read.
//!
//! Separate from the readers of models: a LoRA wraps any source of weights, and networks do not see it.
//!
//! W' = W + weight · alpha / rank · up · down, where `down` is `[rank, inputs]` and `up` is `[outputs, rank]`. For a
//! convolution, `down` has the kernel and `up` is 1x1, so the same product holds when the kernel counts as inputs. Without
//! an alpha in the file, alpha is the rank.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rayon::prelude::*;
use safetensors::SafeTensors;
use sha2::{Digest as _, Sha256};

use super::{error::LoadError, hash::hex, safetensors_format as format};
use crate::{
    files::read_regular,
    nets::{ParamError, TensorSource},
    recipe::Lora,
};

/// Prefixes of module keys: one for each network that a LoRA can change.
pub(super) const UNET: &str = "unet_";
pub(super) const TEXT: &str = "te_";

/// No LoRA is larger, in bytes: whole models are.
const MAX_BYTES: u64 = 8 << 30;

/// All the LoRAs of a model.
#[derive(Default)]
pub(super) struct Loras(Vec<LoraFile>);

struct LoraFile {
    path: String,
    weight: f32,
    /// By [`module_key`].
    modules: BTreeMap<String, LowRank>,
    /// Modules that no network has asked for so far.
    unused: RefCell<BTreeSet<String>>,
}

/// The low-rank update of one matrix.
#[derive(Default)]
struct LowRank {
    /// `[rank, inputs]` and its values, row-major.
    down: Option<(usize, usize, Vec<f32>)>,
    /// `[outputs, rank]` and its values, row-major.
    up: Option<(usize, usize, Vec<f32>)>,
    alpha: Option<f32>,
}

/// The role of a tensor in a LoRA file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Down,
    Up,
    Alpha,
}

/// Suffixes of tensor names, in kohya's files and those of diffusers and PEFT, old and new.
const SUFFIXES: [(&str, Role); 11] = [
    (".lora_down.weight", Role::Down),
    (".lora_up.weight", Role::Up),
    (".lora_A.default.weight", Role::Down),
    (".lora_B.default.weight", Role::Up),
    (".lora_A.weight", Role::Down),
    (".lora_B.weight", Role::Up),
    (".lora_linear_layer.down.weight", Role::Down),
    (".lora_linear_layer.up.weight", Role::Up),
    (".lora.down.weight", Role::Down),
    (".lora.up.weight", Role::Up),
    (".alpha", Role::Alpha),
];

/// Parts of tensor names that show another kind of update, which is not the product above.
const UNSUPPORTED_KINDS: [(&str, &str); 5] = [
    ("hada_", "a LoHa"),
    ("lokr_", "a LoKr"),
    ("lora_mid", "a LoCon with a third matrix"),
    ("dora_scale", "a DoRA"),
    (".diff", "a full difference of weights"),
];

impl Loras {
    /// Reads LoRA files. Also gives the SHA-256 over them and their weights, if there are any.
    ///
    /// # Errors
    /// [`LoadError`] for files that cannot be read, are damaged or pickles, or hold another kind of update.
    pub(super) fn read(loras: &[Lora]) -> Result<(Self, Option<String>), LoadError> {
        let mut hash = Sha256::new();
        let files = loras.iter().map(|lora| LoraFile::read(&lora.path, lora.weight, &mut hash));
        let files: Vec<LoraFile> = files.collect::<Result<_, _>>()?;
        let content_hash = (!files.is_empty()).then(|| hex(hash));
        Ok((Self(files), content_hash))
    }

    /// Adds the updates of all files to the tensor `name` of `network`.
    fn add_to(&self, network: &str, name: &str, values: &mut [f32]) {
        let Some(module) = name.strip_suffix(".weight") else { return };
        let key = module_key(network, module);
        for file in &self.0 {
            if let Some(update) = file.modules.get(&key) {
                update.add_to(values, file.weight);
                file.unused.borrow_mut().remove(&key);
            }
        }
    }

    /// Checks that the LoRAs fit a network: an update has as many inputs and outputs as its matrix.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for the first that does not fit.
    pub(super) fn check_fit(&self, network: &str, shapes: &impl TensorSource, names: &[&str]) -> Result<(), LoadError> {
        for name in names {
            let Some(shape) = shapes.shape_of(name).filter(|_| name.ends_with(".weight")) else { continue };
            let key = module_key(network, name.trim_end_matches(".weight"));
            for file in &self.0 {
                let Some((outputs, inputs)) = file.modules.get(&key).and_then(LowRank::sides) else { continue };
                if shape.first() != Some(&outputs) || shape.iter().product::<usize>() != outputs * inputs {
                    let what =
                        format!("\"{key}\" is {outputs} by {inputs}, but the model's {name} has shape {shape:?}");
                    return Err(LoadError::Lora { path: file.path.clone(), what });
                }
            }
        }
        Ok(())
    }

    /// Once all networks are read: logs a warning about modules that none of them has.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for a file of which no module fits.
    pub(super) fn report_unused(&self) -> Result<(), LoadError> {
        for file in &self.0 {
            let unused = file.unused.borrow();
            let Some(first) = unused.first() else { continue };
            if unused.len() == file.modules.len() {
                let what = format!("the model has none of its modules, the first of which is \"{first}\"");
                return Err(LoadError::Lora { path: file.path.clone(), what });
            }
            let path = &file.path;
            log::warn!("{path}: the model lacks {} of its modules, the first is \"{first}\"", unused.len());
        }
        Ok(())
    }
}

/// The key of a network's module: the network's prefix and the module's name with underscores for dots. kohya's names and
/// those of diffusers give the same key.
fn module_key(network: &str, module: &str) -> String {
    // Some text encoders are stored without their root's name.
    let nested = if network == TEXT && !module.starts_with("text_model.") { "text_model_" } else { "" };
    format!("{network}{nested}{}", module.replace('.', "_"))
}

impl LoraFile {
    fn read(path: &Path, weight: f32, hash: &mut Sha256) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        let bytes = read_regular(path, MAX_BYTES).map_err(|source| LoadError::Read { path: shown(), source })?;
        if format::is_pickle(&bytes) {
            return Err(LoadError::Pickle { path: shown() });
        }
        hash.update(&bytes);
        hash.update(weight.to_le_bytes());
        let parsed = SafeTensors::deserialize(&bytes);
        let parsed = parsed.map_err(|source| LoadError::Safetensors { path: shown(), source })?;
        let modules = modules(&parsed).map_err(|what| LoadError::Lora { path: shown(), what })?;
        let unused = modules.keys().cloned().collect();
        Ok(Self { path: shown(), weight, modules, unused: RefCell::new(unused) })
    }
}

/// The updates of a file, by module key.
///
/// # Errors
/// What is wrong with the file, in words that complete "the LoRA cannot be used: …".
fn modules(file: &SafeTensors<'_>) -> Result<BTreeMap<String, LowRank>, String> {
    let mut modules: BTreeMap<String, LowRank> = BTreeMap::new();
    for (name, tensor) in file.iter() {
        if let Some((_, kind)) = UNSUPPORTED_KINDS.iter().find(|(part, _)| name.contains(part)) {
            return Err(format!("it is {kind}, which cannot be added to the weights here"));
        }
        let Some((key, role)) = module_of(name) else { continue };
        let values = format::to_f32(tensor.dtype(), tensor.data())
            .ok_or_else(|| format!("tensor \"{name}\" has element type {:?}", tensor.dtype()))?;
        let rows = tensor.shape().first().copied().unwrap_or(1);
        let columns = values.len() / rows.max(1);
        let module = modules.entry(key).or_default();
        match role {
            Role::Down => module.down = Some((rows, columns, values)),
            Role::Up => module.up = Some((rows, columns, values)),
            Role::Alpha => module.alpha = values.first().copied(),
        }
    }
    modules.retain(|_, module| module.down.is_some() || module.up.is_some());
    if let Some((key, _)) = modules.iter().find(|(_, module)| module.sides().is_none()) {
        return Err(format!("the two matrices of \"{key}\" do not fit together"));
    }
    if modules.is_empty() {
        return Err("it holds no LoRA that is known here".to_owned());
    }
    Ok(modules)
}

/// The key of the module that a tensor belongs to, and the tensor's role in it; `None` for other tensors.
fn module_of(name: &str) -> Option<(String, Role)> {
    const PREFIXES: [(&str, &str); 5] =
        [("lora_unet_", UNET), ("lora_te1_", TEXT), ("lora_te_", TEXT), ("unet.", UNET), ("text_encoder.", TEXT)];
    let found = SUFFIXES.iter().find_map(|(suffix, role)| Some((name.strip_suffix(suffix)?.to_owned(), *role)));
    let (module, role) = found.or_else(|| attention_processor(name))?;
    let module = module.strip_prefix("base_model.model.").unwrap_or(&module);
    let known = PREFIXES.iter().find_map(|(prefix, network)| Some((module.strip_prefix(prefix)?, *network)));
    let (rest, network) = known.unwrap_or((module, UNET));
    Some((format!("{network}{}", rest.replace('.', "_")), role))
}

/// The module and role of a tensor in diffusers' layout before PEFT, which kept LoRAs in attention processors.
fn attention_processor(name: &str) -> Option<(String, Role)> {
    let (module, end) = name.rsplit_once("_lora.")?;
    let role = if end == "down.weight" { Role::Down } else { Role::Up };
    let module = module.replace(".processor.", ".");
    Some((if module.ends_with("to_out") { module + ".0" } else { module }, role))
}

impl LowRank {
    /// Outputs and inputs, if the two matrices fit together.
    fn sides(&self) -> Option<(usize, usize)> {
        let ((rank, inputs, _), (outputs, columns, _)) = (self.down.as_ref()?, self.up.as_ref()?);
        (rank == columns && *rank > 0 && *inputs > 0 && *outputs > 0).then_some((*outputs, *inputs))
    }

    /// Adds the update, times `weight`, to a matrix `[outputs, inputs]`.
    fn add_to(&self, matrix: &mut [f32], weight: f32) {
        let (Some((rank, inputs, down)), Some((_, _, up))) = (&self.down, &self.up) else { return };
        let scale = weight * self.alpha.unwrap_or(*rank as f32) / *rank as f32;
        matrix.par_chunks_mut((*inputs).max(1)).zip(up.par_chunks(*rank)).for_each(|(row, factors)| {
            for (factor, direction) in factors.iter().zip(down.chunks(*inputs)) {
                let factor = scale * factor;
                row.iter_mut().zip(direction).for_each(|(value, part)| *value += factor * part);
            }
        });
    }
}

/// A network's weights with the updates of LoRAs added: a [`TensorSource`] around another.
pub(super) struct WithLoras<'a, S> {
    pub base: &'a S,
    pub loras: &'a Loras,
    pub network: &'static str,
}

impl<S: TensorSource> TensorSource for WithLoras<'_, S> {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.base.shape_of(name)
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let mut values = self.base.values(name)?;
        self.loras.add_to(self.network, name, &mut values);
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_naming_schemes_give_the_same_module_key() {
        let query = "unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
        let out = "unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0";
        let text = "te_text_model_encoder_layers_2_self_attn_q_proj";
        let long = "down_blocks.0.attentions.0.transformer_blocks.0.attn1";
        for (name, module, role) in [
            (format!("lora_{query}.lora_down.weight"), query, Role::Down),
            (format!("lora_{query}.alpha"), query, Role::Alpha),
            (format!("unet.{long}.to_q.lora_A.weight"), query, Role::Down),
            (format!("base_model.model.{long}.to_q.lora_B.default.weight"), query, Role::Up),
            (format!("unet.{long}.processor.to_q_lora.up.weight"), query, Role::Up),
            (
                "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_out_lora.down.weight".into(),
                out,
                Role::Down,
            ),
            (
                "text_encoder.text_model.encoder.layers.2.self_attn.q_proj.lora_linear_layer.up.weight".into(),
                text,
                Role::Up,
            ),
            (format!("lora_{text}.lora_up.weight"), text, Role::Up),
        ] {
            assert_eq!(module_of(&name), Some((module.to_owned(), role)), "{name}");
        }
        assert_eq!(module_of("unet.conv_in.weight"), None);
        assert_eq!(module_key(UNET, &format!("{long}.to_q")), query);
        assert_eq!(module_key(TEXT, "encoder.layers.2.self_attn.q_proj"), text);
        assert_eq!(module_key(TEXT, "text_model.encoder.layers.2.self_attn.q_proj"), text);
    }
}

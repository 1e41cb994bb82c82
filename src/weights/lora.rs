//! LoRA files: low-rank changes of a model's matrices (Hu et al., ICLR 2022), added to the weights as they are read.
//!
//! W' = W + weight · alpha / rank · up · down, where `down` is `[rank, inputs]` and `up` is `[outputs, rank]`. Of a
//! convolution `down` has the kernel and `up` is of one pixel, so the same product holds with the kernel among the
//! inputs. Without an alpha it is the rank.

use std::{cell::RefCell, collections::BTreeMap, fs, path::Path};

use rayon::prelude::*;
use safetensors::SafeTensors;
use sha2::{Digest as _, Sha256};

use super::{LoadError, checkpoint, model::hex};
use crate::{
    nets::{ParamError, TensorSource},
    recipe::Lora,
};

/// The networks that a LoRA can change, as their modules' names begin here.
pub(super) const UNET: &str = "unet_";
pub(super) const TEXT: &str = "te_";

/// All the LoRAs of a model.
#[derive(Default)]
pub(super) struct Loras(Vec<File>);

struct File {
    path: String,
    weight: f32,
    /// By network and module, with underscores for dots: so the two ways of naming are one.
    modules: BTreeMap<String, Module>,
    /// Modules that the model does not have so far.
    unused: RefCell<BTreeMap<String, ()>>,
}

/// The change of one matrix.
#[derive(Default)]
struct Module {
    /// Rows by columns.
    down: Option<(usize, usize, Vec<f32>)>,
    up: Option<(usize, usize, Vec<f32>)>,
    alpha: Option<f32>,
}

/// What a tensor of a LoRA file is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Down,
    Up,
    Alpha,
}

/// What a tensor's name ends with, in kohya's files and those of diffusers and PEFT, old and new.
const ENDINGS: [(&str, Role); 11] = [
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

/// Names of other ways to change a matrix, which the product above is not.
const OTHER_KINDS: [(&str, &str); 5] = [
    ("hada_", "a LoHa"),
    ("lokr_", "a LoKr"),
    ("lora_mid", "a LoCon with a third matrix"),
    ("dora_scale", "a DoRA"),
    (".diff", "a full difference of weights"),
];

impl Loras {
    /// Reads LoRA files; gives SHA-256 over them and their weights, too, if there are any.
    ///
    /// # Errors
    /// [`LoadError`] for files that cannot be read, are damaged or pickles, or hold another kind of change.
    pub(super) fn read(wanted: &[Lora]) -> Result<(Self, Option<String>), LoadError> {
        let mut hash = Sha256::new();
        let files = wanted.iter().map(|lora| File::read(&lora.path, lora.weight, &mut hash));
        let files: Vec<File> = files.collect::<Result<_, _>>()?;
        let changes = (!files.is_empty()).then(|| hex(hash));
        Ok((Self(files), changes))
    }

    /// Adds every change of a matrix.
    fn change(&self, network: &str, name: &str, values: &mut [f32]) {
        let Some(module) = name.strip_suffix(".weight") else { return };
        let key = key(network, module);
        for file in &self.0 {
            if let Some(module) = file.modules.get(&key) {
                module.add(file.weight, values);
                file.unused.borrow_mut().remove(&key);
            }
        }
    }

    /// Whether the LoRAs fit a network: the matrices that they change have as many inputs and outputs.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for the first that does not fit.
    pub(super) fn check(&self, network: &str, shapes: &impl TensorSource, names: &[&str]) -> Result<(), LoadError> {
        for name in names {
            let Some(shape) = shapes.shape_of(name).filter(|_| name.ends_with(".weight")) else { continue };
            let key = key(network, name.trim_end_matches(".weight"));
            for file in &self.0 {
                let Some((outputs, inputs)) = file.modules.get(&key).and_then(Module::sides) else { continue };
                if shape.first() != Some(&outputs) || shape.iter().product::<usize>() != outputs * inputs {
                    let what =
                        format!("\"{key}\" is {outputs} by {inputs}, but the model's {name} has shape {shape:?}");
                    return Err(LoadError::Lora { path: file.path.clone(), what });
                }
            }
        }
        Ok(())
    }

    /// Tells of what did not fit anywhere, once all networks are read.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for a file of which nothing fits.
    pub(super) fn finish(&self) -> Result<(), LoadError> {
        for file in &self.0 {
            let unused = file.unused.borrow();
            let Some((first, ())) = unused.first_key_value() else { continue };
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

/// A module's name as both ways of naming have it.
fn key(network: &str, module: &str) -> String {
    // Some encoders are stored without the name of the whole.
    let nested = if network == TEXT && !module.starts_with("text_model.") { "text_model_" } else { "" };
    format!("{network}{nested}{}", module.replace('.', "_"))
}

impl File {
    fn read(path: &Path, weight: f32, hash: &mut Sha256) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        let bytes = fs::read(path).map_err(|source| LoadError::Read { path: shown(), source })?;
        if checkpoint::is_pickle(&bytes) {
            return Err(LoadError::Pickle { path: shown() });
        }
        hash.update(&bytes);
        hash.update(weight.to_le_bytes());
        let parsed = SafeTensors::deserialize(&bytes);
        let parsed = parsed.map_err(|source| LoadError::Safetensors { path: shown(), source })?;
        let wrong = |what: String| LoadError::Lora { path: shown(), what };
        let mut modules: BTreeMap<String, Module> = BTreeMap::new();
        for (name, tensor) in parsed.iter() {
            if let Some((_, kind)) = OTHER_KINDS.iter().find(|(part, _)| name.contains(part)) {
                return Err(wrong(format!("it is {kind}, which cannot be added to the weights here")));
            }
            let Some((key, role)) = module_of(name) else { continue };
            let values = checkpoint::floats(tensor.dtype(), tensor.data())
                .ok_or_else(|| wrong(format!("tensor \"{name}\" has element type {:?}", tensor.dtype())))?;
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
            return Err(wrong(format!("the two matrices of \"{key}\" do not fit together")));
        }
        if modules.is_empty() {
            return Err(wrong("it holds no LoRA that is known here".to_owned()));
        }
        let unused = modules.keys().map(|key| (key.clone(), ())).collect();
        Ok(Self { path: shown(), weight, modules, unused: RefCell::new(unused) })
    }
}

/// The module that a tensor changes, and what it is of it.
fn module_of(name: &str) -> Option<(String, Role)> {
    let found = ENDINGS.iter().find_map(|(ending, role)| Some((name.strip_suffix(ending)?.to_owned(), *role)));
    let (module, role) = found.or_else(|| {
        // Before PEFT, diffusers kept them in attention processors.
        let (module, end) = name.rsplit_once("_lora.")?;
        let role = if end == "down.weight" { Role::Down } else { Role::Up };
        let module = module.replace(".processor.", ".");
        Some((if module.ends_with("to_out") { module + ".0" } else { module }, role))
    })?;
    let module = module.strip_prefix("base_model.model.").unwrap_or(&module);
    let beginnings =
        [("lora_unet_", UNET), ("lora_te1_", TEXT), ("lora_te_", TEXT), ("unet.", UNET), ("text_encoder.", TEXT)];
    let (rest, network) = beginnings
        .iter()
        .find_map(|(beginning, network)| Some((module.strip_prefix(beginning)?, *network)))
        .unwrap_or((module, UNET));
    Some((format!("{network}{}", rest.replace('.', "_")), role))
}

impl Module {
    /// Outputs and inputs, if the two matrices fit together.
    fn sides(&self) -> Option<(usize, usize)> {
        let ((rank, inputs, _), (outputs, columns, _)) = (self.down.as_ref()?, self.up.as_ref()?);
        (rank == columns && *rank > 0 && *inputs > 0 && *outputs > 0).then_some((*outputs, *inputs))
    }

    /// Adds the change to a matrix, row by row.
    fn add(&self, weight: f32, values: &mut [f32]) {
        let (Some((rank, inputs, down)), Some((_, _, up))) = (&self.down, &self.up) else { return };
        let scale = weight * self.alpha.unwrap_or(*rank as f32) / *rank as f32;
        values.par_chunks_mut((*inputs).max(1)).zip(up.par_chunks(*rank)).for_each(|(row, factors)| {
            for (factor, direction) in factors.iter().zip(down.chunks(*inputs)) {
                let factor = scale * factor;
                row.iter_mut().zip(direction).for_each(|(value, part)| *value += factor * part);
            }
        });
    }
}

/// A network's weights with the changes added.
pub(super) struct Changed<'a, S> {
    pub base: &'a S,
    pub loras: &'a Loras,
    pub network: &'static str,
}

impl<S: TensorSource> TensorSource for Changed<'_, S> {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.base.shape_of(name)
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let mut values = self.base.values(name)?;
        self.loras.change(self.network, name, &mut values);
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_naming_mean_the_same_module() {
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
        assert_eq!(key(UNET, &format!("{long}.to_q")), query);
        assert_eq!(key(TEXT, "encoder.layers.2.self_attn.q_proj"), text);
        assert_eq!(key(TEXT, "text_model.encoder.layers.2.self_attn.q_proj"), text);
    }
}

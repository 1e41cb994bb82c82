//! LoRA files: low-rank updates of a model's matrices (Hu et al., ICLR 2022) and their relatives, added to the weights as
//! they are read.
//!
//! Separate from the readers of models: a LoRA wraps any source of weights, and networks do not see it. Without LoRAs the
//! weights are read as they are, so that taking one away restores them bit for bit.

mod build;
mod factor;
mod file;
mod names;
mod settings;
mod targets;
mod update;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use sha2::{Digest as _, Sha256};

pub(super) use names::Network;

use self::{file::LoraFile, update::Update};
use super::{error::LoadError, hash::hex};
use crate::{
    nets::{ParamError, TensorSource},
    recipe::Lora,
};

/// All the LoRAs of a model, in the order in which they are applied.
#[derive(Default)]
pub(super) struct Loras {
    files: Vec<LoraFile>,
    /// Index of the file and name of the module, for each module that a network has.
    used: RefCell<BTreeSet<(usize, String)>>,
}

impl Loras {
    /// Reads LoRA files. Also gives the SHA-256 over them and their weights, if there are any.
    ///
    /// # Errors
    /// [`LoadError`] for files that cannot be read, are damaged or pickles, or hold something that cannot be applied.
    pub(super) fn read(loras: &[Lora]) -> Result<(Self, Option<String>), LoadError> {
        let mut hash = Sha256::new();
        let files = loras.iter().map(|lora| LoraFile::read(&lora.path, lora.weight, &mut hash));
        let files: Vec<LoraFile> = files.collect::<Result<_, _>>()?;
        let content_hash = (!files.is_empty()).then(|| hex(hash));
        Ok((Self { files, used: RefCell::default() }, content_hash))
    }

    /// The weights of `network`, whose tensors are `names`, with all updates added.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for the first update that does not fit its tensor.
    pub(super) fn onto<'a, S: TensorSource>(
        &'a self,
        network: Network,
        base: &'a S,
        names: &[&str],
    ) -> Result<WithLoras<'a, S>, LoadError> {
        let mut changes: BTreeMap<String, Vec<(f32, &Update)>> = BTreeMap::new();
        if !self.files.is_empty() {
            let modules = targets::modules_by_key(network, names);
            for (index, file) in self.files.iter().enumerate() {
                for (name, (place, updates)) in &file.modules {
                    let Some(module) = modules.get(&place.key).filter(|_| place.network == network) else { continue };
                    for (update, kind) in [(&updates.weight, "weight"), (&updates.bias, "bias")] {
                        let Some(update) = update else { continue };
                        let tensor = format!("{module}.{kind}");
                        check_fit(base, update, &tensor, name, &file.path)?;
                        changes.entry(tensor).or_default().push((file.weight, update));
                    }
                    self.used.borrow_mut().insert((index, name.clone()));
                }
            }
        }
        Ok(WithLoras { base, changes })
    }

    /// Once all networks are read: logs a warning about modules that none of them has.
    ///
    /// # Errors
    /// [`LoadError::Lora`] for a file of which no module fits.
    pub(super) fn report_unused(&self) -> Result<(), LoadError> {
        let used = self.used.borrow();
        for (index, file) in self.files.iter().enumerate() {
            let unused: Vec<&String> =
                file.modules.keys().filter(|name| !used.contains(&(index, (*name).clone()))).collect();
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

fn check_fit(
    base: &impl TensorSource,
    update: &Update,
    tensor: &str,
    module: &str,
    path: &str,
) -> Result<(), LoadError> {
    let refused = |what| Err(LoadError::Lora { path: path.to_owned(), what });
    match base.shape_of(tensor) {
        Some(shape) if update.fits(&shape) => Ok(()),
        Some(shape) => {
            let (outputs, inputs) = update.sides();
            refused(format!("\"{module}\" is {outputs} by {inputs}, but the model's {tensor} has shape {shape:?}"))
        }
        None => refused(format!("it changes \"{tensor}\", which the model does not have")),
    }
}

/// A network's weights with the updates of LoRAs added: a [`TensorSource`] around another.
pub(super) struct WithLoras<'a, S> {
    base: &'a S,
    /// By tensor: the weights of the files, and their updates.
    changes: BTreeMap<String, Vec<(f32, &'a Update)>>,
}

impl<S: TensorSource> TensorSource for WithLoras<'_, S> {
    fn shape_of(&self, name: &str) -> Option<Vec<usize>> {
        self.base.shape_of(name)
    }

    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError> {
        let mut values = self.base.values(name)?;
        let shape = self.base.shape_of(name).unwrap_or_default();
        for (weight, update) in self.changes.get(name).into_iter().flatten() {
            update.apply(&mut values, &shape, *weight);
        }
        Ok(values)
    }
}

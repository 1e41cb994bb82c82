//! From the names of a single file to those of diffusers.
//!
//! Separate from the networks' own tables of names, which all use it.

use std::{collections::BTreeMap, path::Path};

use super::header::Tensors;
use crate::weights::{error::LoadError, safetensors_format::TensorSlice};

/// The weights of one network, under diffusers names.
#[derive(Debug, Default)]
pub(in crate::weights) struct Weights {
    /// By diffusers name.
    pub slices: BTreeMap<String, TensorSlice>,
    /// By module name in diffusers, and by tensor name where only one tensor was mapped: the name in the file.
    file_modules: BTreeMap<String, String>,
}

impl Weights {
    /// The name that a weight has in the file, or would have if it were there.
    pub fn name_in_file(&self, name: &str) -> String {
        if let Some(in_file) = self.file_modules.get(name) {
            return in_file.clone();
        }
        let mut module = name;
        while let Some((parent, _)) = module.rsplit_once('.') {
            module = parent;
            if let Some(in_file) = self.file_modules.get(module) {
                return format!("{in_file}{}", &name[module.len()..]);
            }
        }
        name.to_owned()
    }
}

/// Collects the tensors of one network by name, module by module. Tensors that no module names are left out.
pub(super) struct WeightMapper<'a> {
    pub tensors: &'a Tensors,
    prefix: &'static str,
    pub weights: Weights,
    path: &'a Path,
}

impl<'a> WeightMapper<'a> {
    /// For the tensors of the file at `path` whose names start with `prefix`. All names below are without it.
    pub fn new(tensors: &'a Tensors, prefix: &'static str, path: &'a Path) -> Self {
        Self { tensors, prefix, weights: Weights::default(), path }
    }

    /// The shape of a tensor, if it is there.
    fn shape(&self, name: &str) -> Option<&'a [usize]> {
        self.tensors.get(&format!("{}{name}", self.prefix)).map(|slice| slice.shape.as_slice())
    }

    pub fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// One side of a tensor that has to be there.
    ///
    /// # Errors
    /// [`LoadError::NoTensor`] where it is not, or has no such axis.
    pub fn side(&self, name: &str, axis: usize) -> Result<usize, LoadError> {
        let missing =
            || LoadError::NoTensor { path: self.path.display().to_string(), name: format!("{}{name}", self.prefix) };
        self.shape(name).and_then(|shape| shape.get(axis)).copied().filter(|&side| side > 0).ok_or_else(missing)
    }

    /// Maps every tensor of module `ldm` to module `diffusers`. Missing tensors are reported when the network is built.
    pub fn map_module(&mut self, ldm: &str, diffusers: &str) {
        let from = format!("{}{ldm}.", self.prefix);
        for (name, slice) in self.tensors.below(&from) {
            self.weights.slices.insert(format!("{diffusers}.{}", &name[from.len()..]), slice.clone());
        }
        let module = from.trim_end_matches('.').to_owned();
        self.weights.file_modules.entry(diffusers.to_owned()).or_insert(module);
    }

    /// Maps one tensor, or what `change` makes of it. A missing one is reported when the network is built.
    pub fn map_tensor(&mut self, ldm: &str, diffusers: &str, change: impl FnOnce(TensorSlice) -> Option<TensorSlice>) {
        let name = format!("{}{ldm}", self.prefix);
        let found = self.tensors.get(&name).cloned().and_then(change);
        self.weights.slices.extend(found.map(|slice| (diffusers.to_owned(), slice)));
        self.weights.file_modules.entry(diffusers.to_owned()).or_insert(name);
    }

    /// Maps the layers of a block, given as pairs of names in LDM and diffusers.
    pub fn map_layers(&mut self, ldm: &str, diffusers: &str, layers: &[(&str, &str)]) {
        for (ldm_layer, diffusers_layer) in layers {
            self.map_module(&format!("{ldm}.{ldm_layer}"), &format!("{diffusers}.{diffusers_layer}"));
        }
    }
}

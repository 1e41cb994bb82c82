//! The tree of weight names that networks load their tensors from.
//!
//! Separate from files: a network asks a [`TensorSource`], which `weights` implements.

use burn::tensor::{Device, Tensor, TensorData};

use super::{ParamError, Precision, TensorSource};

/// A node in the tree of weight names, such as `down_blocks.0.resnets.1`, with what layers need to load from there.
#[derive(Clone)]
pub struct Params<'a> {
    source: &'a dyn TensorSource,
    device: &'a Device,
    precision: Precision,
    prefix: String,
}

impl<'a> Params<'a> {
    /// The root of `source`'s names. Tensors are put on `device`, and layers multiply in f32.
    pub fn root(source: &'a dyn TensorSource, device: &'a Device) -> Self {
        Self { source, device, precision: Precision::F32, prefix: String::new() }
    }

    /// The same node, for layers that multiply in `precision` as far as the device supports it (see [`Precision`]).
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub fn device(&self) -> &'a Device {
        self.device
    }

    /// The descendant `name`, which may contain dots.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.full_name(&name.to_string()), ..self.clone() }
    }

    /// Element `index` of the list `name`.
    pub fn nth(&self, name: &str, index: usize) -> Self {
        self.at(format_args!("{name}.{index}"))
    }

    /// Whether there is a tensor `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.source.shape_of(&self.full_name(name)).is_some()
    }

    /// The tensor `name` of exactly `shape`.
    pub(super) fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>, ParamError> {
        self.tensor_of(name, shape, &[&shape])
    }

    /// The tensor `name` as `shape`, stored with any one of the shapes `stored`, which have as many elements.
    pub(super) fn tensor_of<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        stored: &[&[usize]],
    ) -> Result<Tensor<D>, ParamError> {
        let values = self.values_of(name, &shape, stored)?;
        Ok(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    /// The values of tensor `name`, row-major, stored with any one of the shapes `stored`, which have as many elements.
    pub(super) fn values(&self, name: &str, stored: &[&[usize]]) -> Result<Vec<f32>, ParamError> {
        self.values_of(name, stored[0], stored)
    }

    fn values_of(&self, name: &str, expected: &[usize], stored: &[&[usize]]) -> Result<Vec<f32>, ParamError> {
        let name = self.full_name(name);
        let found = self.source.shape_of(&name).ok_or_else(|| ParamError::Missing { name: name.clone() })?;
        if !stored.contains(&found.as_slice()) {
            return Err(ParamError::Shape { name, found, expected: expected.to_vec() });
        }
        self.source.values(&name)
    }

    /// The name from the root.
    fn full_name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }
}

//! What networks are built from: weights by name, and the errors of weights and configs.
//!
//! Separate from files: a network asks a [`TensorSource`], which `weights` implements.

use burn::tensor::{Device, Tensor, TensorData};

use super::Precision;

/// The source of a network's weights, by diffusers names.
pub trait TensorSource {
    /// The shape of tensor `name`, if it is there.
    fn shape_of(&self, name: &str) -> Option<Vec<usize>>;

    /// The values of tensor `name`, row-major, in f32. The tensor counts as used from then on.
    ///
    /// # Errors
    /// [`ParamError`] where there is no such tensor, where it cannot be read, and where its element type is no float.
    fn values(&self, name: &str) -> Result<Vec<f32>, ParamError>;
}

/// Why a network does not get a weight that it needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    #[error("tensor \"{name}\" is missing: the file does not fit its config.json")]
    Missing { name: String },
    #[error("tensor \"{name}\" has shape {found:?}, but config.json asks for {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("tensor \"{name}\" can no longer be read ({reason}): keep the file in place while it is loaded")]
    Unreadable { name: String, reason: String },
    #[error("tensor \"{name}\" has values that are no finite numbers: the file is damaged, copy or download it again")]
    NotFinite { name: String },
    #[error("tensor \"{name}\" has element type {dtype}, but only floats of 8, 16, 32 and 64 bits can be read")]
    Dtype { name: String, dtype: String },
}

/// Why a `config.json` is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("it is not the JSON that was expected: {0}")]
    Json(#[from] serde_json::Error),
    /// A setting of a network that is not implemented.
    #[error("\"{field}\" is {given}, but must be {known}")]
    Unsupported { field: &'static str, given: String, known: String },
}

impl ConfigError {
    /// `Ok` where `holds`, else [`ConfigError::Unsupported`] with the value of `field` and what it must be.
    pub(super) fn require(
        holds: bool,
        field: &'static str,
        given: impl std::fmt::Debug,
        known: &str,
    ) -> Result<(), Self> {
        if holds {
            Ok(())
        } else {
            Err(Self::Unsupported { field, given: format!("{given:?}"), known: known.to_owned() })
        }
    }
}

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

//! What networks are built from: weights by name, and the errors of weights and configs.
//!
//! Separate from the tensors that are made of them, so that files are read without a device.

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

//! Single-file checkpoints of Stable Diffusion 1.x, 2.x and XL: all networks in one `.safetensors` file, under the names of
//! the LDM code that trained them.
//!
//! Separate from the loaders: a file is presented as the diffusers folder that it corresponds to, with its weights under
//! diffusers names, and with the config files that its shapes, a `.yaml` beside it and the published models of its family
//! imply.

mod configs;
mod file;
mod generation;
mod header;
mod hints;
mod kind;
mod mapping;
mod taesd;
mod text;
mod unet;
mod vae;

pub use file::SingleFile;
pub(super) use file::{TEXT, TEXT_2, UNET, VAE};

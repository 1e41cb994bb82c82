//! From files to networks: diffusers folders and single-file checkpoints on disk, and the two models inside the program.
//!
//! Separate from `nets`, so that no network depends on files. [`load`] gives a complete model. [`load_expert`] also takes
//! a folder with nothing but a U-Net, which then shares text encoder, autoencoder and scheduler with a complete one.

mod autoencoder;
mod bundled;
mod checkpoint;
mod chunks;
mod clip_vocabulary;
mod embeddings;
mod error;
mod files;
mod hash;
mod inspect;
mod ldm_names;
mod lora;
mod model;
mod names;
mod outline;
mod safetensors_format;
mod single;
mod text;
mod weighted_text;
mod words;

pub use autoencoder::load_vae;
pub use chunks::Chunk;
pub use error::LoadError;
pub use files::ModelFiles;
pub use inspect::changed_weight;
pub use model::{Family, LoadedModel, load, load_changed, load_expert, load_with, load_with_additions};
pub use outline::{Outline, Rest};
pub use single::SingleFile;
pub use text::{EncodeError, TextStack};
pub use words::LearnedWords;

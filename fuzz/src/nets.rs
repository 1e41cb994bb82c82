//! What the networks read from files, without the networks.

#[path = "../../src/nets/cancelled.rs"]
mod cancelled;
#[path = "../../src/nets/clip_config.rs"]
mod clip_config;
#[path = "../../src/nets/source.rs"]
mod source;
#[path = "../../src/nets/tokenizer.rs"]
mod tokenizer;
#[path = "../../src/nets/unet_config.rs"]
mod unet_config;
#[path = "../../src/nets/vae_config.rs"]
mod vae_config;

pub use cancelled::Cancelled;
pub use clip_config::{ClipActivation, ClipConfig};
pub use source::{ConfigError, ParamError, TensorSource};
pub use tokenizer::{Tokenized, Tokenizer, TokenizerError, TokenizerSettings};
pub use unet_config::{Level, UNetConfig};
pub use vae_config::VaeConfig;

//! Plain host arrays that cross module borders: latents, noise predictions and the maps made of them.
//!
//! Networks work on device tensors; everything that decides *what* is drawn (samplers, guidance, trace, panels) works
//! on these, in f32 on the CPU. That keeps results independent of the device, and the UI free of burn.

pub mod arrays;
mod attention;
mod latents;
pub mod maps;
mod picture;
mod pixels;
mod plane;
mod reading;
mod token;

pub use attention::{AttentionError, AttentionMaps, HostAttention};
pub use latents::Latents;
pub use picture::{Picture, shrink};
pub use pixels::Pixels;
pub use plane::Plane;
pub use reading::{ReadWord, Standing, TextReading, WordGroup};
pub use token::{Token, TokenKind, background_position};

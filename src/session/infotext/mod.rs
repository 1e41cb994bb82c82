//! The form of the `parameters` text that A1111 and many other tools write: reading and writing.
//!
//! Apart from the importers, which say what the settings mean.
//!
//! ```text
//! prompt, over any number of lines
//! Negative prompt: likewise, and left out where it is empty
//! Steps: 20, Sampler: Euler a, Lora hashes: "a: 0a1b, b: 2c3d", Version: v1.10.1
//! ```

mod line;
mod piece;
mod text;

pub use self::{piece::Piece, text::Infotext};

//! The steps of a run as named arrays, in sessions and in exports.

mod names;
mod pack;
mod preview;
mod read;

pub use pack::{exact, pack};
pub use read::unpack;

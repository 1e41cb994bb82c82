//! The chosen region: its name, numbers and own factor, what is painted for it, and which model draws it.

pub mod locks;
mod merge;
pub mod owners;
pub mod paint;
mod panel;

pub use panel::show;

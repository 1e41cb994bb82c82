//! SEGA concepts: one card each, with a slider to both sides.

mod arithmetic;
mod card;
mod details;
mod interference;
mod kinds;
mod panel;

pub use panel::Concepts;

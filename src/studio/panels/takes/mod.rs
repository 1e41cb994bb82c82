//! The strip of finished results: show, name, restore, pin for comparison.

mod actions;
mod details;
mod keys;
mod strip;
mod thumbnail;
mod tree;

pub use strip::TakeStrip;

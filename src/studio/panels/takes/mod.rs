//! The strip of finished results: show, name, restore, pin for comparison.

mod actions;
mod details;
mod drags;
mod keys;
mod search;
mod strip;
mod thumbnail;
mod tree;

pub use strip::TakeStrip;

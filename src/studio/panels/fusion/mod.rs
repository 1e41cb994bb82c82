//! SNB: which model draws which part, and what that is compared with.

mod panel;
mod tiles;

pub use panel::FusionPanel;

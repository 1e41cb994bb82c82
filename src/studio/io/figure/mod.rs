//! Figures: one picture of many, with captions, for a paper or a talk.
//!
//! [`steps`] sets the steps of a run side by side, with everything that was decided in them below; [`grid`] is the grid
//! over two parameters with its labels.

mod content;
mod page;
mod paper;

pub use content::{grid, steps};
pub use page::Figure;

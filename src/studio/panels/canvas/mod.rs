//! The canvas: the picture as it forms, maps over it, and every number under the pointer.

mod bar;
mod brush;
mod compare;
mod gpu;
mod grid;
mod legend;
mod pane;
mod panel;
mod probe;
mod sheet;
mod tip;
mod why;
mod why_card;

pub use panel::{BOTTOM, Canvas, TOP};

//! What the window consists of: each panel shows the document and the view, and sends commands.

mod arrangement;
mod banner;
pub mod canvas;
pub mod columns;
pub mod compatibility;
pub mod concepts;
pub mod confirm;
pub mod context;
pub mod device;
pub mod drop_hint;
pub mod fusion;
pub mod guidance;
pub mod hints;
pub mod keys;
pub mod leftovers;
pub mod log_window;
pub mod memory;
pub mod models;
pub mod palette;
pub mod panel_set;
pub mod prompt;
pub mod regions;
pub mod sampling;
pub mod takes;
pub mod timeline;
pub mod toolbar;
mod words;

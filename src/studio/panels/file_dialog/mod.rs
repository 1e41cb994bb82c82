//! The window's own file dialog: for systems that have none, and for whoever prefers it.

mod list;
mod panel;
mod sides;
mod state;

pub use panel::FileDialog;

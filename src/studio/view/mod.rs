//! What is looked at, and the colours that it is shown in.

pub mod brush;
pub mod colormap;
pub mod compare;
pub mod file_dialog;
pub mod layout;
pub mod ledger;
pub mod maps;
pub mod overlay;
pub mod state;
pub mod style;
pub mod theme;
pub mod zoom;

pub use state::View;

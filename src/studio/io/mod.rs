//! Files: sessions, pictures, exports, figures, and what is kept against a crash.

pub mod autosave;
pub mod browser;
pub mod demo_session;
pub mod exports;
pub mod figure;
mod file_names;
pub mod files;
pub mod output;
mod preview;
mod reveal;
pub mod session_files;
pub mod session_store;
pub mod steps;
pub mod store;
mod system_dialog;
pub mod tasks;
pub mod verify;

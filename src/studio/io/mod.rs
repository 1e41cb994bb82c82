//! Files: sessions, pictures, exports, figures, and what is kept against a crash.

pub mod autosave;
pub mod demo_session;
pub mod exports;
pub mod figure;
pub mod files;
pub mod output;
pub mod session_store;
pub mod steps;
pub mod store;
pub mod tasks;

//! The kept steps of takes, without the window that shows them.

#[path = "document.rs"]
pub mod document;
#[path = "io.rs"]
pub mod io;

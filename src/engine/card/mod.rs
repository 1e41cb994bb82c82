//! The graphics card beside the processor.
//!
//! A driver may take minutes, crash, or compute wrongly. So the processor draws from the first moment. A child process checks
//! the card ([`child`] starts it, [`check`] is what it does), a thread of its own then prepares it here ([`prepare`]), and the
//! worker takes it over between two runs.

pub mod adapters;
pub mod check;
pub mod child;
pub mod pace;
pub mod prepare;
pub mod protocol;
pub mod self_test;
pub mod state;
pub mod verdicts;

pub use state::{CardState, Preference};

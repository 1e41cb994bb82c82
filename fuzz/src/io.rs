//! Reading kept steps.

#[path = "../../src/studio/io/steps/mod.rs"]
pub mod steps;

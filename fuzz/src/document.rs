//! What kept steps are read into.

#[path = "../../src/studio/document/track.rs"]
pub mod track;

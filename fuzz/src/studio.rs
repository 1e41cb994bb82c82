//! The kept steps of takes, without the window that shows them.

pub mod document {
    #[path = "../../../src/studio/document/track.rs"]
    pub mod track;
}

pub mod io {
    #[path = "../../../src/studio/io/steps/mod.rs"]
    pub mod steps;
}

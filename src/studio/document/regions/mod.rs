//! Regions of the picture as the recipe names them: by the positions of their words.

pub mod follow;
pub mod labels;
pub mod merge;
pub mod parked;
pub mod prompt;
pub mod settings;

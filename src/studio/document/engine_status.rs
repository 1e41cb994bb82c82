//! What the engine says of itself, apart from the jobs that it carries out.

use super::readers::Readers;
use crate::engine::{CardState, Compatibility, Preference};

/// What the prediction cache holds, and how much it may, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    pub used: usize,
    pub budget: usize,
}

/// The engine's device and what it is busy with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineStatus {
    /// The device's display name, once it is chosen.
    pub device: Option<String>,
    /// How far the graphics card is.
    pub card: CardState,
    /// The graphics cards of this machine, once they are known; the preferred one first.
    pub cards: Vec<String>,
    /// The graphics card that the user has chosen; `None` for the first.
    pub chosen_card: Option<String>,
    /// Which device the user prefers.
    pub preference: Preference,
    pub memory: MemoryUse,
    /// What the engine is busy with besides denoising.
    pub busy: Option<String>,
    /// Whether the models of a fusion fit together, as the engine said last.
    pub compatibility: Option<Compatibility>,
    /// How the models read texts, once they are loaded.
    pub readers: Readers,
}

//! How far a graphics card is, without the card: events name it.

#[path = "../../src/engine/card/state.rs"]
mod state;

pub use state::CardState;

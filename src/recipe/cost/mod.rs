//! The cost of an edit, known before it is made: the first step it can change, and the U-Net evaluations it needs.
//!
//! Apart from the recipe because it compares two recipes. It holds for results that are cached step by step: up to and
//! including the first changed step the latents are the same as before, so only branches that were not evaluated there
//! are needed; after it, all of them.

mod edit;
mod evaluations;
mod touched;

pub use self::edit::{EditCost, edit_cost};

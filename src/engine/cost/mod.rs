//! The cost of an edit, known before it is made: the first step it can change, and the evaluations it needs.
//!
//! Apart from the recipe, which is plain data: when a method acts is part of its maths, in [`crate::guidance`]. It holds for results that are cached step by step: up to and
//! including the first changed step the latents are the same as before, so only branches that were not evaluated there
//! are needed; after it, all of them.

mod edit;
mod evaluations;
mod touched;

pub use self::edit::{EditCost, edit_cost};

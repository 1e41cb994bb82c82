//! The syntax of prompts: which text holds at a step, which of its parts weigh how much, and the tags in it.
//!
//! Apart from tokenizers, which know words alone, and from recipes, which hold a prompt as it was typed. Reference: A1111's
//! `modules/prompt_parser.py`, and for [`weigh_round_brackets`] ComfyUI's `comfy/sd1_clip.py`.

mod brackets;
mod emphasis;
mod reweigh;
mod schedule;
mod tags;
mod traced;

pub use brackets::weigh_round_brackets;
pub use emphasis::{Piece, weigh};
pub use reweigh::reweigh;
pub use schedule::{Schedule, Timing};
pub use tags::{NetworkTag, without_tags};
pub use traced::Traced;

//! Import of recipes from files of this program and of others: pictures, sessions and texts.
//!
//! It stands apart from the session document, which is this program's own format.

mod comfy;
mod exif;
mod extensions;
mod imported;
mod json;
mod json_settings;
mod parameters;
mod pictures;
mod prompt_syntax;
mod read;
mod sampler_names;
mod settings;
mod stealth;
mod xmp;

pub use imported::{Imported, PlainPrompts, Source};
pub use read::{import, import_bytes};

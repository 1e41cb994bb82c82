//! What is kept on disk: the session document, and pictures that carry their recipe.
//!
//! Apart from the window because the command line reads and writes the same files. Every file is written whole or not at
//! all, and what cannot be read is reported in one sentence.
//!
//! ```
//! use sextant::{recipe::Recipe, session::Document};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("beach.sextant.ron");
//! let recipe = Recipe { prompt: "a cat on a beach".into(), ..Recipe::default() };
//! Document::new(recipe.clone()).save(&path)?;
//! assert_eq!(Document::load(&path)?.recipe, recipe);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod animation;
mod chunks;
pub mod crash;
mod document;
mod error;
mod files;
mod import;
mod infotext;
mod layout;
mod library;
mod mask;
mod output;
mod packed;
mod parameters;
mod png;
mod recovery;
mod settings;
mod take;

pub use animation::{ANIMATIONS, save_animation};
pub use document::{Document, ModelUse, VERSION};
pub use error::SessionError;
pub use files::write_whole;
pub use import::{Imported, PlainPrompts, Source, import, import_bytes};
pub use infotext::{Infotext, Piece};
pub use layout::Layout;
pub use library::{Library, Named, put, styled};
pub use mask::read_mask;
pub use output::{OutputRule, OutputSettings};
pub use packed::{KeptSteps, Packed, UnpackBudget};
pub use parameters::parameters_text;
pub use png::{
    Metadata, decode_picture, encode_grey16, encode_picture, read_fingerprint, read_recipe, read_texts, save_picture,
    thumbnail, thumbnail_picture,
};
pub use recovery::{Recovery, first_start};
pub use settings::Settings;
pub use take::{Take, TakeId};

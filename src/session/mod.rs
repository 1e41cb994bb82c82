//! What is kept on disk: the session document, and pictures that carry their recipe.
//!
//! Apart from the window because the command line reads and writes the same files. Every file is written whole or not at
//! all, and what cannot be read is told in one sentence.

mod chunks;
mod document;
mod error;
mod files;
mod folders;
mod import;
mod infotext;
mod layout;
mod mask;
mod packed;
mod parameters;
mod png;
mod recovery;
mod settings;
mod take;

pub use document::{Document, ModelUse, VERSION};
pub use error::SessionError;
pub use files::write_whole;
pub use folders::state_folder;
pub use import::{Imported, PlainPrompts, Source, import, import_bytes};
pub use infotext::{Infotext, Piece};
pub use layout::Layout;
pub use mask::read_mask;
pub use packed::{KeptSteps, Packed};
pub use parameters::parameters_text;
pub use png::{
    Metadata, decode_picture, encode_grey16, encode_picture, read_fingerprint, read_recipe, read_texts, save_animation,
    save_picture, thumbnail, thumbnail_picture,
};
pub use recovery::{Recovery, first_start};
pub use settings::Settings;
pub use take::{Take, TakeId};

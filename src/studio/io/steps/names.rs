//! What writing and reading packed steps have in common, besides the table of maps.

/// The version of the form in which a session keeps steps.
pub const FORMAT: u8 = 1;
/// Numbers of a step in the order in which they are kept, before those of its concepts.
pub const NUMBERS: usize = 7;
pub const CONCEPT_NUMBERS: usize = 3;
/// Arrays of a step that only sessions have.
pub const NUMBERS_KEY: &str = "numbers";
pub const LEDGER_KEY: &str = "ledger";
pub const LUMA_KEY: &str = "preview.luma";
pub const CHROMA_KEY: &str = "preview.chroma";
/// Levels in which a session keeps shares of attention.
pub const SHARE_LEVELS: f32 = 255.0;

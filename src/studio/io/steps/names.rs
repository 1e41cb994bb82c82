//! What writing and reading packed steps have in common: names and counts.

use crate::engine::TokenKind;

/// The version of the form in which a session keeps steps.
pub const FORMAT: u8 = 1;
/// Numbers of a step in the order in which they are kept, before those of its concepts.
pub const NUMBERS: usize = 7;
pub const CONCEPT_NUMBERS: usize = 3;
/// Levels in which a session keeps shares of attention.
pub const SHARE_LEVELS: f32 = 255.0;

/// The name of an array of a step.
pub fn named(step: usize, rest: &str) -> String {
    format!("step.{step:03}.{rest}")
}

/// The name of a kind of token in files.
pub fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Start => "start",
        TokenKind::Word => "word",
        TokenKind::End => "end",
        TokenKind::Padding => "padding",
    }
}

//! Text from files, as it may be printed.
//!
//! Apart because every line that goes to a terminal passes here: a name or a prompt from a stranger may hold characters that
//! a terminal obeys.

use std::borrow::Cow;

/// The text as one line without control characters: line ends and tabs become spaces, others the replacement character. Marks
/// that reverse the direction of what follows are replaced too.
pub fn one_printable_line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { replaced(c) }).collect()
}

/// As [`one_printable_line`], but line ends stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| c != '\n' && is_obeyed(c)) {
        return text.into();
    }
    text.chars().map(|c| if c == '\n' { c } else { replaced(c) }).collect()
}

fn replaced(c: char) -> char {
    if is_obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }
}

/// Control characters of ASCII and Latin-1, and embeddings and overrides of the writing direction.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(one_printable_line("a cat, größer 狐"), "a cat, größer 狐");
        assert_eq!(
            one_printable_line("a\x1b[2Jb\u{9b}c\r\nd\u{202e}e\x07"),
            "a\u{fffd}[2Jb\u{fffd}c  d\u{fffd}e\u{fffd}"
        );
        assert_eq!(printable_lines("a\nb\x1bc"), "a\nb\u{fffd}c");
    }
}

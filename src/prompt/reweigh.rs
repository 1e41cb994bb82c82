//! Another weight for a word of a prompt, as typed: `cat`, `(cat:1.1)`, `(cat:1.2)` and back.
//!
//! Apart from reading weights, because it edits the text.

use std::ops::Range;

/// The text with the weight of a selection changed by `change`, and where the selection then is; nothing where there is no word.
/// Without a selection it is the word at the cursor. A weight of 1 takes its brackets away.
pub fn reweigh(text: &str, selection: Range<usize>, change: f64) -> Option<(String, Range<usize>)> {
    let word = chosen(text, selection)?;
    let (around, weight) = enclosing(text, &word).unwrap_or((word.clone(), 1.0));
    let weight = ((weight + change) * 100.0).round() / 100.0;
    let said = &text[word.clone()];
    let (before, after) = (&text[..around.start], &text[around.end..]);
    if weight == 1.0 {
        let start = before.len();
        return Some((format!("{before}{said}{after}"), start..start + said.len()));
    }
    let start = before.len() + 1;
    Some((format!("{before}({said}:{weight}){after}"), start..start + said.len()))
}

/// What is selected without the spaces around it, or the word at the cursor.
fn chosen(text: &str, selection: Range<usize>) -> Option<Range<usize>> {
    let selected = text.get(selection.clone())?;
    let range = if selected.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '\'');
        let start = text[..selection.start].trim_end_matches(is_part).len();
        let after = &text[selection.start..];
        start..selection.start + (after.len() - after.trim_start_matches(is_part).len())
    } else {
        let start = selection.end - selected.trim_start().len();
        start..start + selected.trim().len()
    };
    (!range.is_empty()).then_some(range)
}

/// The brackets that hold a word and nothing else, and the weight that they give it.
fn enclosing(text: &str, word: &Range<usize>) -> Option<(Range<usize>, f64)> {
    let start = text[..word.start].strip_suffix('(')?.len();
    if text[..start].ends_with('\\') {
        return None;
    }
    let after = &text[word.end..];
    let close = after.find(')')?;
    let weight = match after[..close].trim() {
        "" => 1.1,
        number => number.strip_prefix(':')?.trim().parse().ok()?,
    };
    Some((start..word.end + close + 1, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_gets_a_weight_and_loses_it_again() {
        let mut text = "a red cat, big".to_owned();
        let mut at = 3..3;
        for wanted in ["a (red:1.1) cat, big", "a (red:1.2) cat, big", "a (red:1.3) cat, big"] {
            (text, at) = reweigh(&text, at, 0.1).expect("a word");
            assert_eq!((text.as_str(), &text[at.clone()]), (wanted, "red"));
        }
        for wanted in ["a (red:1.2) cat, big", "a (red:1.1) cat, big", "a red cat, big", "a (red:0.9) cat, big"] {
            (text, at) = reweigh(&text, at, -0.1).expect("a word");
            assert_eq!((text.as_str(), &text[at.clone()]), (wanted, "red"));
        }
    }

    #[test]
    fn selections_brackets_and_places_without_a_word() {
        let changed = |text: &str, selection| reweigh(text, selection, 0.1).map(|(text, _)| text);
        assert_eq!(changed("a red cat ", 2..10).as_deref(), Some("a (red cat:1.1) "));
        assert_eq!(changed("(кот)", 1..1).as_deref(), Some("(кот:1.2)"));
        assert_eq!(changed("\\(cat)", 3..3).as_deref(), Some("\\((cat:1.1))"));
        assert_eq!(changed("(a cat:1.5)", 3..3).as_deref(), Some("(a (cat:1.1):1.5)"));
        assert_eq!(changed("a , b", 2..2), None);
        assert_eq!(changed("кот", 1..1), None, "inside a letter");
        assert_eq!(changed("", 0..0), None);
    }
}

//! Parses concepts that are typed as a sum: `king - man + 2 "black-and-white photo"`.
//!
//! Apart from the list of concepts, because it is text processing without widgets.

/// One term of a sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// 1 or -1.
    pub sign: f32,
    /// The number before the words; 1 if there is none.
    pub weight: f32,
    pub text: String,
}

/// A term while it is parsed.
struct PartialTerm {
    sign: f32,
    /// Whether a sign precedes it. A bare number is a weight only after a sign, so "2 cats" alone has no weight.
    signed: bool,
    /// Whether it begins with a quotation mark. Quoted text is never parsed for a weight.
    quoted: bool,
    text: String,
}

impl PartialTerm {
    fn new(sign: f32, signed: bool) -> Self {
        Self { sign, signed, quoted: false, text: String::new() }
    }

    fn finish(self) -> Option<Term> {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let weighted = if self.quoted { None } else { weighted(&text, self.signed) };
        let (weight, text) = weighted.unwrap_or((1.0, &text));
        let text = text.to_owned();
        (!text.is_empty()).then_some(Term { sign: self.sign, weight, text })
    }
}

/// The terms of a line. A sign at the start of a word begins a new term. Hyphens inside words and text in quotation
/// marks separate nothing.
pub fn parse(line: &str) -> Vec<Term> {
    let mut terms = vec![PartialTerm::new(1.0, false)];
    let mut rest = line;
    let mut begins_word = true;
    while let Some(c) = rest.chars().next() {
        // The list is never empty: it begins with one term, and terms are only added.
        let Some(term) = terms.last_mut() else { break };
        let blank = term.text.trim().is_empty();
        let quotation = begins_word.then(|| quotation(rest)).flatten();
        match (sign(c).filter(|_| begins_word), quotation) {
            // Signs in a row multiply: two minus signs are a plus.
            (Some(sign), _) if blank && term.signed => term.sign *= sign,
            (Some(sign), _) => terms.push(PartialTerm::new(sign, true)),
            (None, Some((words, after))) => {
                term.quoted |= blank;
                term.text.push_str(words);
                (rest, begins_word) = (after, false);
                continue;
            }
            (None, None) => term.text.push(c),
        }
        // A word also begins directly after a sign, as in "-man".
        begins_word = c.is_whitespace() || begins_word && sign(c).is_some();
        rest = &rest[c.len_utf8()..];
    }
    terms.into_iter().filter_map(PartialTerm::finish).collect()
}

/// 1 for a plus sign, -1 for a minus sign. Hyphens, dashes and full-width forms count as signs, because
/// keyboards and copied texts have them instead.
fn sign(c: char) -> Option<f32> {
    match c {
        '+' | '＋' | '﹢' => Some(1.0),
        '-' | '−' | '‐' | '‑' | '–' | '—' | '﹣' | '－' => Some(-1.0),
        _ => None,
    }
}

/// The words between quotation marks at the start of `text`, and the rest; `None` if there is no closing mark.
fn quotation(text: &str) -> Option<(&str, &str)> {
    let mut chars = text.chars();
    let closing: &[char] = match chars.next()? {
        '"' => &['"'],
        '“' | '„' => &['”', '“'],
        '«' => &['»'],
        _ => return None,
    };
    let inside = chars.as_str();
    let end = inside.find(closing)?;
    let after = &inside[end..];
    Some((&inside[..end], &after[after.chars().next().map_or(0, char::len_utf8)..]))
}

/// Number and words of `2 glasses`, `1,5 glasses`, `2* glasses` or `2×glasses`. A number without `*` or `×` counts only
/// after a sign.
fn weighted(text: &str, signed: bool) -> Option<(f32, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').filter(|&end| end > 0)?;
    let weight: f32 = text[..digits].replace(',', ".").parse().ok()?;
    let rest = &text[digits..];
    let times = rest.trim_start().strip_prefix(['*', '×']);
    let words = times.or_else(|| rest.strip_prefix(' ').filter(|_| signed))?.trim_start();
    (!words.is_empty() && weight.is_finite()).then_some((weight, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(line: &str) -> Vec<(f32, String)> {
        parse(line).into_iter().map(|term| (term.sign * term.weight, term.text)).collect()
    }

    fn expect(line: &str, expected: &[(f32, &str)]) {
        let expected: Vec<(f32, String)> = expected.iter().map(|(w, t)| (*w, (*t).to_owned())).collect();
        assert_eq!(terms(line), expected, "{line}");
    }

    #[test]
    fn signs_at_the_start_of_words_separate_terms() {
        let expected = [(1.0, "king"), (-1.0, "man"), (1.0, "woman")];
        for line in [
            "king - man + woman",
            "king -man +woman",
            "king − man ＋ woman",
            "  king – man  + woman ",
            "king — man + woman",
        ] {
            expect(line, &expected);
        }
        expect("  − rain ", &[(-1.0, "rain")]);
        expect("night - - rain + -snow", &[(1.0, "night"), (1.0, "rain"), (-1.0, "snow")]);
    }

    #[test]
    fn hyphens_inside_words_stay_and_nothing_gives_nothing() {
        expect("close-up of a half-timbered house", &[(1.0, "close-up of a half-timbered house")]);
        expect("well‑lit - x-ray", &[(1.0, "well‑lit"), (-1.0, "x-ray")]);
        expect(" + - ", &[]);
        expect("", &[]);
    }

    #[test]
    fn a_number_after_a_sign_is_a_weight() {
        expect("king + 2 glasses - 0.5 beard", &[(1.0, "king"), (2.0, "glasses"), (-0.5, "beard")]);
        expect("-1,5 rain", &[(-1.5, "rain")]);
        expect("2 * snow + 3×fog", &[(2.0, "snow"), (3.0, "fog")]);
        expect("2 cats", &[(1.0, "2 cats")]);
        expect("+ 3d render - 1980s", &[(1.0, "3d render"), (-1.0, "1980s")]);
        expect("+ 2", &[(1.0, "2")]);
    }

    #[test]
    fn quoted_words_are_taken_as_they_are() {
        expect("\"black - and - white\" + night", &[(1.0, "black - and - white"), (1.0, "night")]);
        expect("king + \"2 cats\" - 2 “red + blue”", &[(1.0, "king"), (1.0, "2 cats"), (-2.0, "red + blue")]);
        expect("a 12\" disc - \"open", &[(1.0, "a 12\" disc"), (-1.0, "\"open")]);
    }
}

//! Rust source as tokens: what is left once comments, texts and blanks are gone.
//!
//! Apart from what is read off the tokens. A whole parser is not needed, and would have to be built with every test.

/// A token and the line that it begins on, from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Token {
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// Names and numbers, `::`, `->` and single signs. Texts and characters become `""`, comments and lifetimes nothing.
pub fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let (text, end) = next(&chars, at);
        if let Some(text) = text {
            found.push(Token { text, line });
        }
        line += chars[at..end].iter().filter(|&&c| c == '\n').count();
        at = end;
    }
    found
}

/// The token at `at`, if it is one, and where it ends.
fn next(chars: &[char], at: usize) -> (Option<String>, usize) {
    let (c, following) = (chars[at], chars.get(at + 1).copied().unwrap_or(' '));
    match (c, following) {
        ('/', '/') => (None, find(chars, at, |c| c == '\n')),
        ('/', '*') => (None, block_comment_end(chars, at)),
        ('"', _) => (Some("\"\"".into()), text_end(chars, at)),
        ('\'', _) => character_or_lifetime(chars, at),
        _ if c.is_alphanumeric() || c == '_' => {
            let end = find(chars, at, |c| !(c.is_alphanumeric() || c == '_'));
            let word: String = chars[at..end].iter().collect();
            match (word.as_str(), chars.get(end)) {
                ("r" | "br", Some('"' | '#')) => raw(chars, at, end),
                ("b", Some('"')) => (Some("\"\"".into()), text_end(chars, end)),
                ("b", Some('\'')) => character_or_lifetime(chars, end),
                _ => (Some(word), end),
            }
        }
        (':', ':') | ('-', '>') | ('=', '>') => (Some([c, following].iter().collect()), at + 2),
        _ if c.is_whitespace() => (None, at + 1),
        _ => (Some(c.to_string()), at + 1),
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(char) -> bool) -> usize {
    (from..chars.len()).find(|&i| stop(chars[i])).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut i = at;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

/// Behind the closing quote of a text with escapes.
fn text_end(chars: &[char], at: usize) -> usize {
    let mut i = at + 1;
    while i < chars.len() && chars[i] != '"' {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

fn character_or_lifetime(chars: &[char], at: usize) -> (Option<String>, usize) {
    let is_character = chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'');
    if !is_character {
        return (None, find(chars, at + 1, |c| !(c.is_alphanumeric() || c == '_')));
    }
    let first = if chars[at + 1] == '\\' { at + 3 } else { at + 2 };
    (Some("\"\"".into()), (find(chars, first, |c| c == '\'') + 1).min(chars.len()))
}

/// A raw text, or a name behind `r#`.
fn raw(chars: &[char], at: usize, end: usize) -> (Option<String>, usize) {
    let open = find(chars, end, |c| c != '#');
    if chars.get(open) != Some(&'"') {
        let name_end = find(chars, open, |c| !(c.is_alphanumeric() || c == '_'));
        return (Some(chars[open..name_end].iter().collect()), name_end.max(at + 1));
    }
    let hashes = open - end;
    let closes =
        |i: usize| chars[i] == '"' && chars[i + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
    let close = (open + 1..chars.len()).find(|&i| closes(i)).unwrap_or(chars.len());
    (Some("\"\"".into()), (close + 1 + hashes).min(chars.len()))
}

/// The index of the bracket that closes the one at `open`; the last token where none does.
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 1 => return i,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

/// The tokens without items under `#[cfg(test)]`: tests may import what they like.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        if is_attribute(tokens, i) {
            let end = closing(tokens, i + 1) + 1;
            let attribute: Vec<&str> = tokens[i..end].iter().map(|t| t.text.as_str()).collect();
            let is_test =
                attribute.get(2) == Some(&"cfg") && attribute.contains(&"test") && !attribute.contains(&"not");
            if is_test {
                i = item_end(tokens, end);
                continue;
            }
        }
        kept.push(tokens[i].clone());
        i += 1;
    }
    kept
}

fn is_attribute(tokens: &[Token], i: usize) -> bool {
    tokens[i].is("#") && tokens.get(i + 1).is_some_and(|t| t.is("["))
}

/// Behind the item, field or statement that begins at `i`.
fn item_end(tokens: &[Token], mut i: usize) -> usize {
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            "{" => return closing(tokens, i) + 1,
            ";" | "," => return i + 1,
            "}" => return i,
            "(" | "[" => i = closing(tokens, i) + 1,
            _ => i += 1,
        }
    }
    i
}

//! Lengths: of functions, files and structs.

use crate::tokens::{Token, closing};

/// The name and the lines of every function that has a body.
pub fn functions(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(i + 1).filter(|t| token.is("fn") && t.is_name()) else { continue };
        let Some(open) = body(tokens, i + 2) else { continue };
        let end = closing(tokens, open);
        found.push((name.text.clone(), tokens[end].line - token.line + 1));
    }
    found
}

/// Where the body of a function opens; `None` for a declaration.
fn body(tokens: &[Token], mut i: usize) -> Option<usize> {
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            "{" => return Some(i),
            ";" => return None,
            "(" | "[" => i = closing(tokens, i) + 1,
            _ => i += 1,
        }
    }
    None
}

/// The name and the number of fields of every struct.
pub fn structs(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Some(name) = tokens.get(i + 1).filter(|t| token.is("struct") && t.is_name()) else { continue };
        let open = (i + 2..tokens.len()).find(|&k| ["{", "(", ";"].iter().any(|sign| tokens[k].is(sign)));
        let Some(open) = open.filter(|&k| !tokens[k].is(";")) else { continue };
        found.push((name.text.clone(), fields(&tokens[open + 1..closing(tokens, open)])));
    }
    found
}

/// The number of parts between commas that stand in no bracket.
fn fields(tokens: &[Token]) -> usize {
    let (mut count, mut filled, mut angles, mut i) = (0, false, 0_i32, 0);
    while i < tokens.len() {
        match tokens[i].text.as_str() {
            "," if angles == 0 => (count, filled) = (count + usize::from(filled), false),
            "<" => angles += 1,
            ">" => angles -= 1,
            "(" | "[" | "{" => (i, filled) = (closing(tokens, i), true),
            _ => filled = true,
        }
        i += 1;
    }
    count + usize::from(filled)
}

pub fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

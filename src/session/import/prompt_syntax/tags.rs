//! Tags in angle brackets: `<lora:name:0.8>` and others.
//!
//! They stand apart because they are removed before brackets are paired: a tag may contain them.

use super::constructs::{Constructs, Kind};

/// The length in bytes above which a text in angle brackets is no tag.
const MAX_TAG: usize = 512;

/// Removes the tags that name networks to load. Other tags stay in the text.
pub(super) fn removed(text: &str, found: &mut Constructs) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let Some((name, content)) = tag(from) else {
            out.push('<');
            rest = &from[1..];
            continue;
        };
        let (whole, after) = from.split_at(name.len() + content.len() + 3);
        match name.to_ascii_lowercase().as_str() {
            "lora" | "lyco" | "locon" | "loha" => found.add(Kind::Lora, &loaded(content)),
            "hypernet" | "hypernetwork" => found.add(Kind::Hypernetwork, &loaded(content)),
            _ => {
                found.add(Kind::Tag, whole);
                out.push_str(whole);
                rest = after;
                continue;
            }
        }
        rest = close_gap(&mut out, after);
    }
    out + rest
}

/// Name and content of the tag at the beginning of a text.
fn tag(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.bytes().take(MAX_TAG).position(|b| matches!(b, b'>' | b'<' | b'\n'))?;
    let (inside, after) = inside.split_at(end);
    let (name, content) = inside.split_once(':').filter(|_| after.starts_with('>'))?;
    // SwarmUI has tags with a number in brackets after the name.
    let word = name.split('[').next().unwrap_or(name);
    let is_name = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic());
    is_name.then_some((name, content))
}

/// Formats `name:0.8` as "name, weight 0.8"; a second number is the weight of the U-Net.
fn loaded(content: &str) -> String {
    match content.split_once(':') {
        Some((name, weight)) => format!("{name}, weight {weight}"),
        None => content.to_owned(),
    }
}

/// Removes the spaces and the comma around a removed tag that now separate nothing. Returns the rest of the text.
fn close_gap<'a>(out: &mut String, after: &'a str) -> &'a str {
    let next = after.trim_start_matches(' ');
    let done = out.trim_end_matches(' ');
    if done.is_empty() || done.ends_with([',', '\n']) {
        // The separator between the tag and the next words.
        return next.strip_prefix(',').map_or(next, |next| next.trim_start_matches(' '));
    }
    if next.is_empty() || next.starts_with([',', '\n']) {
        out.truncate(done.len());
        return next;
    }
    if done.len() < out.len() { next } else { after }
}

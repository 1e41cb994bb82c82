//! Tags in angle brackets that name networks to load: `<lora:name:0.8>`.
//!
//! Apart because they are taken out before anything else is read.

use super::traced::Traced;

/// The longest tag in bytes; a longer text in angle brackets is none.
const MAX_TAG: usize = 512;
/// Kinds of tags that add a LoRA, and those that ask for a network which is left out.
const KINDS: [&str; 4] = ["lora", "lyco", "locon", "loha"];
const LEFT_OUT: [&str; 2] = ["hypernet", "hypernetwork"];

/// A network that a prompt asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkTag {
    /// The file's name without its extension.
    pub name: String,
    pub weight: f32,
}

/// The text without the tags that name networks, and the LoRAs among them in their order. Other texts in angle brackets stay.
pub fn without_tags(text: &Traced) -> (Traced, Vec<NetworkTag>) {
    let (mut rest, mut tags) = (Traced::default(), Vec::new());
    let whole = text.text();
    let (mut at, mut kept) = (0, 0);
    while let Some(start) = whole[at..].find('<').map(|found| at + found) {
        let end = whole.as_bytes()[start..].iter().take(MAX_TAG).position(|byte| *byte == b'>').map(|n| start + n);
        match end.and_then(|end| Some((end, read(&whole[start + 1..end])?))) {
            Some((end, tag)) => {
                rest.push(text, kept..start);
                tags.extend(tag);
                (at, kept) = (end + 1, end + 1);
            }
            None => at = start + 1,
        }
    }
    rest.push(text, kept..whole.len());
    (rest, tags)
}

/// `lora:NAME:WEIGHT`; of two weights the first is the one of the text encoder and the second the one of the U-Net.
/// `Some(None)` for a tag that is taken out and adds nothing.
fn read(inside: &str) -> Option<Option<NetworkTag>> {
    let mut parts = inside.split(':');
    let kind = parts.next()?.to_ascii_lowercase();
    let name = parts.next().map(str::trim).filter(|name| !name.is_empty())?;
    if LEFT_OUT.contains(&kind.as_str()) {
        return Some(None);
    }
    if !KINDS.contains(&kind.as_str()) {
        return None;
    }
    let weights: Vec<f32> = parts.map(|part| part.trim().parse()).collect::<Result<_, _>>().ok()?;
    let weight = weights.last().copied().unwrap_or(1.0);
    weight.is_finite().then(|| Some(NetworkTag { name: name.to_owned(), weight }))
}

//! Prompts of tools in which signs have a meaning, as plain words.
//!
//! The text encoder here knows no weights, no switching over time and no tags. So the words stay, in their order, the
//! signs go, and every one of them is told of. Text in which no sign has a meaning stays as it is, to the letter.

mod brackets;
mod compel;
mod novel_ai;
mod tags;

use super::Source;

/// How a tool's prompts are to be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Dialect {
    /// A1111 and what follows it: `(x)`, `(x:1.2)`, `[x]`, `[a:b:0.5]`, `[a|b]`, `\(`, `BREAK`, `AND`, `<lora:…>`.
    A1111,
    /// The same without square brackets.
    Comfy,
    /// `{x}`, `[x]`, `1.2::x::`.
    NovelAi,
    /// InvokeAI's: `word+`, `(x)1.2`.
    Compel,
    /// Signs mean nothing.
    Plain,
}

impl Dialect {
    /// The dialect of prompts that are found in such writing.
    pub fn of(source: Source) -> Self {
        match source {
            Source::Session | Source::Recipe | Source::ParametersRecipe => Self::Plain,
            Source::Parameters | Source::Fooocus | Source::DrawThings | Source::Json => Self::A1111,
            Source::ComfyUi | Source::SwarmUi => Self::Comfy,
            Source::InvokeAi => Self::Compel,
            Source::NovelAi => Self::NovelAi,
        }
    }
}

/// A prompt in plain words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    pub plain: String,
    /// What its signs said, a line for each kind.
    pub notes: Vec<String>,
}

/// Reads a prompt; its words come out in their order.
pub(super) fn read(prompt: &str, dialect: Dialect) -> Words {
    let mut notes = Notes::default();
    let plain = match dialect {
        Dialect::Plain => prompt.to_owned(),
        Dialect::A1111 | Dialect::Comfy => {
            let untagged = tags::taken_out(prompt, &mut notes);
            brackets::plain(&untagged, dialect == Dialect::Comfy, &mut notes)
        }
        Dialect::NovelAi => novel_ai::plain(prompt, &mut notes),
        Dialect::Compel => compel::plain(prompt, &mut notes),
    };
    Words { plain, notes: notes.lines() }
}

/// Signs by kind: the first of them as they were written, and how many there are.
#[derive(Default)]
struct Notes(Vec<(Kind, Vec<String>, usize)>);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Lora,
    Hypernetwork,
    Emphasis,
    Switching,
    Break,
    And,
    Tag,
    Wildcard,
    Blend,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Lora => "LoRA",
            Self::Hypernetwork => "hypernetwork",
            Self::Emphasis => "emphasis",
            Self::Switching => "switching",
            Self::Break => "BREAK",
            Self::And => "AND",
            Self::Tag => "tag",
            Self::Wildcard => "wildcard",
            Self::Blend => "blending",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Lora | Self::Hypernetwork => "not loaded",
            Self::Emphasis => "not applied: the words count as they stand",
            Self::Switching => "not applied: all the words count in every step",
            Self::Break => "not applied: the text is encoded as one",
            Self::And => "not applied: the parts are encoded as one text",
            Self::Tag | Self::Wildcard | Self::Blend => "not understood here: left in the prompt as it stands",
        }
    }
}

/// As many signs of a kind are written out, and as many characters of each.
const SHOWN: usize = 12;
const LETTERS: usize = 80;

impl Notes {
    fn add(&mut self, kind: Kind, what: &str) {
        let at = self.0.iter().position(|(k, ..)| *k == kind).unwrap_or_else(|| {
            self.0.push((kind, Vec::new(), 0));
            self.0.len() - 1
        });
        let (_, shown, count) = &mut self.0[at];
        *count += 1;
        if shown.len() < SHOWN {
            let mut chars = what.chars().map(|c| if c == '\n' { ' ' } else { c });
            let mut text: String = chars.by_ref().take(LETTERS).collect();
            text.extend(chars.next().map(|_| '…'));
            shown.push(text);
        }
    }

    fn lines(self) -> Vec<String> {
        let line = |(kind, shown, count): (Kind, Vec<String>, usize)| {
            let more = count - shown.len();
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("{}: {}{more} ({})", kind.title(), shown.join(", "), kind.reason())
        };
        self.0.into_iter().map(line).collect()
    }
}

/// A number as weights are written.
fn number(text: &str) -> Option<f32> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'));
    text.parse().ok().filter(|_| is_plain)
}

/// A change of a text: the bytes of a range become others.
struct Edit {
    range: std::ops::Range<usize>,
    with: &'static str,
}

impl Edit {
    fn drop(range: std::ops::Range<usize>) -> Self {
        Self { range, with: "" }
    }
}

/// The text after all edits. Of edits that overlap the one that begins first counts.
fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        if edit.range.start >= at {
            out.push_str(&text[at..edit.range.start]);
            out.push_str(edit.with);
            at = edit.range.end;
        }
    }
    out + &text[at..]
}

#[cfg(test)]
mod tests;

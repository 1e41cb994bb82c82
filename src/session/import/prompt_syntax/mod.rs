//! The prompt syntax of other tools, reduced to plain words.
//!
//! It stands apart from the import of settings because it knows nothing of files. The text encoder supports no weights, no
//! switching over time and no tags. So the words stay in their order, the syntax is removed, and every construct is
//! reported. A prompt without syntax stays unchanged, to the byte.

mod brackets;
mod compel;
mod novel_ai;
mod tags;

use super::Source;

/// The syntax of a tool's prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PromptSyntax {
    /// A1111 and what follows it: `(x)`, `(x:1.2)`, `[x]`, `[a:b:0.5]`, `[a|b]`, `\(`, `BREAK`, `AND`, `<lora:…>`.
    A1111,
    /// The same without square brackets.
    Comfy,
    /// `{x}`, `[x]`, `1.2::x::`.
    NovelAi,
    /// InvokeAI's: `word+`, `(x)1.2`.
    Compel,
    /// There is none.
    Plain,
}

impl PromptSyntax {
    /// The syntax of prompts in a form.
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

/// A prompt reduced to plain words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PlainPrompt {
    pub plain: String,
    /// Its constructs, a line for each kind.
    pub notes: Vec<String>,
}

/// Removes the syntax of a prompt; its words stay in their order.
pub(super) fn read(prompt: &str, syntax: PromptSyntax) -> PlainPrompt {
    let mut found = Constructs::default();
    let plain = match syntax {
        PromptSyntax::Plain => prompt.to_owned(),
        PromptSyntax::A1111 | PromptSyntax::Comfy => {
            let untagged = tags::removed(prompt, &mut found);
            brackets::plain(&untagged, syntax == PromptSyntax::Comfy, &mut found)
        }
        PromptSyntax::NovelAi => novel_ai::plain(prompt, &mut found),
        PromptSyntax::Compel => compel::plain(prompt, &mut found),
    };
    PlainPrompt { plain, notes: found.lines() }
}

/// Constructs by kind: the first of them as written, and their number.
#[derive(Default)]
struct Constructs(Vec<(Kind, Vec<String>, usize)>);

/// A kind of construct.
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

/// The number of constructs of a kind that are written out.
const SHOWN: usize = 12;
/// The number of characters of each that are written out.
const LETTERS: usize = 80;

impl Constructs {
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

/// Parses a number in the form of weights: no exponent, no words.
fn number(text: &str) -> Option<f32> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'));
    text.parse().ok().filter(|_| is_plain)
}

/// A replacement of a range of bytes in a text.
struct Edit {
    range: std::ops::Range<usize>,
    with: &'static str,
}

impl Edit {
    fn drop(range: std::ops::Range<usize>) -> Self {
        Self { range, with: "" }
    }
}

/// Applies edits to a text. Of edits that overlap, the one that begins first counts.
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

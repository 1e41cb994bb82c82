//! Prompts reduced to plain words.
//!
//! It stands apart from the syntaxes of the tools, each of which is a file of its own.

use super::{brackets, compel, constructs::Constructs, novel_ai, tags};
use crate::session::import::imported::Source;

/// The syntax of a tool's prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PromptSyntax {
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
pub struct PlainPrompt {
    pub plain: String,
    /// Its constructs, a line for each kind.
    pub notes: Vec<String>,
}

/// Removes the syntax of a prompt; its words stay in their order.
pub fn read(prompt: &str, syntax: PromptSyntax) -> PlainPrompt {
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

#[cfg(test)]
mod tests;

//! Prompts reduced to plain words.
//!
//! It stands apart from the syntaxes of the tools, each of which is a file of its own.

use super::{brackets, compel, constructs::Constructs, novel_ai, tags};
use crate::{recipe::PromptSyntax, session::import::imported::Source};

/// The syntax of a tool's prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolSyntax {
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

impl ToolSyntax {
    /// The syntax of a recipe that takes the prompts over as they are.
    pub fn of_recipe(self) -> Option<PromptSyntax> {
        match self {
            Self::A1111 => Some(PromptSyntax::A1111),
            Self::Comfy => Some(PromptSyntax::Comfy),
            Self::NovelAi | Self::Compel | Self::Plain => None,
        }
    }

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
pub fn read(prompt: &str, syntax: ToolSyntax) -> PlainPrompt {
    let mut found = Constructs::default();
    let plain = match syntax {
        ToolSyntax::Plain => prompt.to_owned(),
        ToolSyntax::A1111 | ToolSyntax::Comfy => {
            let untagged = tags::removed(prompt, &mut found);
            brackets::plain(&untagged, syntax == ToolSyntax::Comfy, &mut found)
        }
        ToolSyntax::NovelAi => novel_ai::plain(prompt, &mut found),
        ToolSyntax::Compel => compel::plain(prompt, &mut found),
    };
    PlainPrompt { plain, notes: found.lines() }
}

/// A prompt for a recipe with the syntax itself: without the tags of networks, whose files an import does not have. Its notes
/// are the constructs that such a recipe does not follow either.
pub fn untagged(prompt: &str, syntax: ToolSyntax) -> PlainPrompt {
    let mut found = Constructs::default();
    let untagged = tags::removed(prompt, &mut found);
    brackets::plain(&untagged, syntax == ToolSyntax::Comfy, &mut found);
    PlainPrompt { plain: untagged, notes: found.without_applied().lines() }
}

#[cfg(test)]
mod tests;

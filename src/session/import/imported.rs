//! What an import gives: the recipe, where it was found, and what it does not hold.
//!
//! It stands apart because every form of settings makes one.

use std::fmt;

use serde::Serialize;

use crate::recipe::Recipe;

/// A recipe that was found in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Imported {
    pub recipe: Recipe,
    pub found: Source,
    /// Settings that the recipe does not hold, as "Key: value", with the reason where it could hold others.
    pub not_restored: Vec<String>,
    /// The prompts without what another tool interprets and this program does not, where they have any: foreign syntax, and
    /// tags of networks. The recipe has the prompts as they are in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plain: Option<PlainPrompts>,
}

/// Prompts without syntax: only their words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlainPrompts {
    pub prompt: String,
    pub negative: String,
}

impl Imported {
    /// The recipe to render: its prompts are the plain ones.
    pub fn into_plain_recipe(self) -> Recipe {
        match self.plain {
            Some(PlainPrompts { prompt, negative }) => Recipe { prompt, negative, ..self.recipe },
            None => self.recipe,
        }
    }

    /// A recipe that holds all of its source.
    pub(super) fn complete(recipe: Recipe, found: Source) -> Self {
        Self { recipe, found, not_restored: Vec::new(), plain: None }
    }
}

/// The form in which a recipe was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Source {
    /// A session's current recipe.
    Session,
    /// The recipe chunk of a picture that this program wrote.
    Recipe,
    /// The recipe of this program inside a `parameters` text.
    ParametersRecipe,
    /// The settings of a `parameters` text.
    Parameters,
    ComfyUi,
    SwarmUi,
    Fooocus,
    InvokeAi,
    NovelAi,
    DrawThings,
    /// Settings as JSON, of an unknown tool.
    Json,
}

impl Source {
    /// The form's name in the interface.
    pub fn title(self) -> &'static str {
        match self {
            Self::Session => "a Sextant session",
            Self::Recipe => "the Sextant recipe",
            Self::ParametersRecipe => "the Sextant recipe in the parameters text",
            Self::Parameters => "the parameters text",
            Self::ComfyUi => "a ComfyUI graph",
            Self::SwarmUi => "SwarmUI settings",
            Self::Fooocus => "Fooocus settings",
            Self::InvokeAi => "InvokeAI settings",
            Self::NovelAi => "NovelAI settings",
            Self::DrawThings => "Draw Things settings",
            Self::Json => "settings in JSON",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// What a text must have to count as a picture's settings.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Required {
    /// A prompt: the keyword tells what the text is.
    Prompt,
    /// A line of settings: comments and text files may be about anything.
    Settings,
}

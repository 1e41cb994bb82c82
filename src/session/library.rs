//! What the user keeps by name for all sessions: looks, concepts, styles, and the prompts that were used lately.
//!
//! Apart from the settings of the window because these are work of the user's.

use serde::{Deserialize, Serialize};

use crate::recipe::{Concept, Recipe};

/// So many prompts are remembered.
const PROMPTS: usize = 40;
/// Where a style puts the prompt.
pub const PLACE: &str = "{prompt}";

/// Everything that is kept by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Library {
    /// Settings without the words, the seed and the size.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<Named<Recipe>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concepts: Vec<Named<Concept>>,
    /// Words around a prompt: `{prompt}` stands for it; without that they follow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub styles: Vec<Named<String>>,
    /// The prompts of finished pictures, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<String>,
}

/// Something with the name that the user gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Named<T> {
    pub name: String,
    pub value: T,
}

impl Library {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Notes that a picture of this prompt was finished.
    pub fn used_prompt(&mut self, prompt: &str) {
        let prompt = prompt.trim();
        if prompt.is_empty() || self.prompts.first().is_some_and(|newest| newest == prompt) {
            return;
        }
        self.prompts.retain(|known| known != prompt);
        self.prompts.insert(0, prompt.to_owned());
        self.prompts.truncate(PROMPTS);
    }
}

/// Puts something under its name, in the place of what had that name.
pub fn put<T>(list: &mut Vec<Named<T>>, name: &str, value: T) {
    let name = name.trim().to_owned();
    match list.iter_mut().find(|known| known.name == name) {
        Some(known) => known.value = value,
        None => list.push(Named { name, value }),
    }
}

/// A prompt in a style.
pub fn styled(prompt: &str, style: &str) -> String {
    let (prompt, style) = (prompt.trim(), style.trim());
    match (style.contains(PLACE), prompt.is_empty()) {
        (true, _) => style.replace(PLACE, prompt),
        (false, true) => style.to_owned(),
        (false, false) => format!("{prompt}, {style}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_remembered_once_the_newest_first() {
        let mut library = Library::default();
        for prompt in ["a cat", " ", "a dog", "a cat ", "a cat"] {
            library.used_prompt(prompt);
        }
        assert_eq!(library.prompts, ["a cat", "a dog"]);
        (0..100).for_each(|k| library.used_prompt(&format!("prompt {k}")));
        assert_eq!((library.prompts.len(), library.prompts[0].as_str()), (PROMPTS, "prompt 99"));
    }

    #[test]
    fn a_name_is_given_once_and_a_style_surrounds_the_prompt() {
        let mut styles = Vec::new();
        put(&mut styles, "night", "at night".to_owned());
        put(&mut styles, " night ", "by moonlight".to_owned());
        assert_eq!(styles, [Named { name: "night".into(), value: "by moonlight".to_owned() }]);
        assert_eq!(styled("a cat ", "by moonlight"), "a cat, by moonlight");
        assert_eq!(styled("a cat", "a photo of {prompt} in rain"), "a photo of a cat in rain");
        assert_eq!(styled("", "in rain"), "in rain");
    }
}

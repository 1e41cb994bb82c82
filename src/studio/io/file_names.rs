//! Suggested names of files: what a file holds, from the recipe that it was made from.
//!
//! Apart from the tasks so that all names are made alike.

use crate::recipe::Recipe;

/// Words that say nothing of a picture.
const SMALL_WORDS: [&str; 12] = ["a", "an", "the", "and", "of", "on", "in", "at", "with", "to", "by", "for"];
const LONGEST: usize = 40;

/// "cat-red-balloon-beach-sunset.sextant.ron".
pub fn session(recipe: &Recipe) -> String {
    format!("{}.sextant.ron", words(&recipe.prompt))
}

/// "cat-red-balloon-beach-sunset-seed-3.png".
pub fn picture(recipe: &Recipe) -> String {
    named(recipe, &format!("seed-{}", recipe.seed), "png")
}

/// The recipe's words, then what the file shows of it.
pub fn named(recipe: &Recipe, what: &str, extension: &str) -> String {
    format!("{}-{what}.{extension}", words(&recipe.prompt))
}

/// A figure, whose own name says what it shows.
pub fn figure(recipe: &Recipe, name: &str) -> String {
    format!("{}-{name}", words(&recipe.prompt))
}

/// The telling words of a prompt, as they can stand in a file's name.
fn words(prompt: &str) -> String {
    let lower = prompt.to_lowercase();
    let all = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = String::new();
    for word in all.filter(|word| !SMALL_WORDS.contains(word)) {
        let next = if name.is_empty() { word.to_owned() } else { format!("{name}-{word}") };
        if next.chars().count() > LONGEST {
            break;
        }
        name = next;
    }
    if name.is_empty() { "untitled".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_saved() {
        let of = |prompt: &str| Recipe { prompt: prompt.into(), seed: 3, ..Recipe::default() };
        let demo = of("a cat and a red balloon on a beach at sunset");
        assert_eq!(session(&demo), "cat-red-balloon-beach-sunset.sextant.ron");
        assert_eq!(picture(&demo), "cat-red-balloon-beach-sunset-seed-3.png");
        assert_eq!(named(&demo, "maps", "safetensors"), "cat-red-balloon-beach-sunset-maps.safetensors");
        assert_eq!(session(&of("  ../../etc/passwd: (Ünïcode:1.3) ")), "etc-passwd-ünïcode-1-3.sextant.ron");
        assert_eq!(session(&of("???")), "untitled.sextant.ron");
        assert!(session(&of(&"word ".repeat(99))).len() < 60);
    }
}

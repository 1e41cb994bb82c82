//! When a changed recipe is sent: at once for sliders and switches, after a pause for typing.
//!
//! Apart from sending, so that it can be tested without an engine.

use std::time::Duration;

use crate::recipe::Recipe;

/// Debounce of typing: the pause before a changed text is rendered.
const TYPING_PAUSE: f64 = 0.4;

/// The pause after which typing counts as done. Longer than the one before: what is half typed is rendered, but makes no
/// take and no entry of the history.
const SETTLING_PAUSE: f64 = 1.5;

/// Watches the recipe from frame to frame.
#[derive(Default)]
pub struct Submitter {
    /// What was last sent, or refused, with everything left out that the engine would not compute.
    settled: Option<Recipe>,
    /// The newest recipe seen and when it was first seen.
    seen: Option<(Recipe, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Nothing,
    /// Look again after this time.
    Later(Duration),
    Send,
}

impl Submitter {
    /// Decides for `recipe` as it is at `now` (seconds). `typing` is whether a text field has the keyboard.
    pub fn decide(&mut self, recipe: &Recipe, now: f64, typing: bool) -> Decision {
        let canonical = recipe.canonical();
        if self.settled.as_ref() == Some(&canonical) {
            return Decision::Nothing;
        }
        let since = match &self.seen {
            Some((seen, since)) if *seen == canonical => *since,
            _ => now,
        };
        let words_only = self.settled.as_ref().is_some_and(|s| without_words(s) == without_words(&canonical));
        self.seen = Some((canonical, since));
        if typing && words_only && now - since < TYPING_PAUSE {
            return Decision::Later(Duration::from_secs_f64(TYPING_PAUSE - (now - since)));
        }
        Decision::Send
    }

    /// Notes that `recipe` was sent or refused: it is not tried again until it changes.
    pub fn settle(&mut self, recipe: &Recipe) {
        self.settled = Some(recipe.canonical());
    }
}

/// Tells when typing has settled: once the field is left, at Enter, or after a pause.
#[derive(Default)]
pub struct Gesture {
    /// The newest recipe seen and when it was first seen.
    seen: Option<(Recipe, f64)>,
}

impl Gesture {
    /// How long typing goes on from `now` (seconds) if nothing more is typed; `None` once it has settled.
    pub fn time_left(&mut self, recipe: &Recipe, now: f64, typing: bool) -> Option<Duration> {
        let since = match &self.seen {
            Some((seen, since)) if seen == recipe => *since,
            _ => {
                self.seen = Some((recipe.clone(), now));
                now
            }
        };
        let left = SETTLING_PAUSE - (now - since);
        (typing && left > 0.0).then(|| Duration::from_secs_f64(left))
    }
}

fn without_words(recipe: &Recipe) -> Recipe {
    let mut part = recipe.clone();
    part.prompt.clear();
    part.negative.clear();
    part.concepts.iter_mut().for_each(|c| c.text.clear());
    if let Some(fusion) = &mut part.fusion {
        fusion.prompt = None;
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Concept;

    fn settled(recipe: &Recipe) -> Submitter {
        let mut s = Submitter::default();
        s.settle(recipe);
        s
    }

    #[test]
    fn the_first_recipe_is_sent_and_an_unchanged_one_is_not() {
        let recipe = Recipe::default();
        let mut s = Submitter::default();
        assert_eq!(s.decide(&recipe, 0.0, false), Decision::Send);
        s.settle(&recipe);
        assert_eq!(s.decide(&recipe, 1.0, false), Decision::Nothing);
    }

    #[test]
    fn numbers_go_at_once_words_after_a_pause() {
        let base = Recipe::default();
        let mut s = settled(&base);
        assert_eq!(s.decide(&Recipe { cfg: 6.0, ..base.clone() }, 0.0, true), Decision::Send);
        let typed = Recipe { prompt: "a c".into(), ..base.clone() };
        assert!(matches!(s.decide(&typed, 1.0, true), Decision::Later(_)));
        let more = Recipe { prompt: "a ca".into(), ..base.clone() };
        assert!(matches!(s.decide(&more, 1.3, true), Decision::Later(_)), "a further letter starts the pause anew");
        assert_eq!(s.decide(&more, 1.3 + TYPING_PAUSE, true), Decision::Send);
        assert_eq!(s.decide(&typed, 9.0, false), Decision::Send, "leaving the field does not wait");
    }

    #[test]
    fn typing_settles_after_a_pause_or_when_the_field_is_left() {
        let recipe = |prompt: &str| Recipe { prompt: prompt.into(), ..Recipe::default() };
        let mut gesture = Gesture::default();
        assert!(gesture.time_left(&recipe("a c"), 0.0, true).is_some());
        assert!(gesture.time_left(&recipe("a ca"), 1.4, true).is_some(), "a further letter starts the pause anew");
        assert!(gesture.time_left(&recipe("a ca"), 2.0, true).is_some());
        assert_eq!(gesture.time_left(&recipe("a ca"), 2.0, false), None);
        assert_eq!(gesture.time_left(&recipe("a ca"), 2.9, true), None);
    }

    #[test]
    fn what_is_switched_off_renders_nothing() {
        let muted = Concept { text: "night".into(), enabled: false, ..Concept::default() };
        let base = Recipe { concepts: vec![muted.clone()], ..Recipe::default() };
        let mut s = settled(&base);
        let moved = Concept { strength: -3.0, ..muted };
        assert_eq!(s.decide(&Recipe { concepts: vec![moved], ..base }, 0.0, false), Decision::Nothing);
    }
}

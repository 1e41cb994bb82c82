//! What was set for words that have left the prompt: a word that is typed again gets its settings back.
//!
//! Apart from moving settings along because these belong to no position.

use super::{merge, settings};
use crate::{
    engine::{Token, TokenKind},
    recipe::{ConceptId, Owner, Paint, Recipe, RegionFactor, RegionGroup, RegionPaint, first_of, group_of},
};

/// A word of a prompt: its text, and how many equal words come before it.
pub type Word = (String, usize);

/// The settings of words that have left the prompt, at most one entry a word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParkedSettings(Vec<Parked>);

/// The settings of one word, or of the region that it was a part of.
#[derive(Clone, Debug, PartialEq)]
struct Parked {
    word: Word,
    /// The words of its group, itself among them, and the group's name.
    group: Option<(Vec<Word>, String)>,
    factor: Option<f32>,
    paint: Option<Paint>,
    owner: Option<Owner>,
    locks: Vec<ConceptId>,
}

/// The word at a position.
pub fn word_at(tokens: &[Token], position: usize) -> Option<Word> {
    let is_word = |t: &&Token| t.kind == TokenKind::Word;
    let text = tokens.iter().filter(is_word).find(|t| t.position == position)?.text.trim();
    let before = tokens.iter().filter(is_word).filter(|t| t.position < position && t.text.trim() == text);
    Some((text.to_owned(), before.count()))
}

/// The position of a word.
pub fn position_of(tokens: &[Token], word: &Word) -> Option<usize> {
    let same = tokens.iter().filter(|t| t.kind == TokenKind::Word && t.text.trim() == word.0);
    same.map(|t| t.position).nth(word.1)
}

fn words(tokens: &[Token]) -> impl Iterator<Item = (usize, Word)> {
    tokens.iter().filter_map(|t| Some((t.position, word_at(tokens, t.position)?)))
}

impl ParkedSettings {
    /// Takes note of the settings of every word of `before` that `now` lacks. `recipe` is still the one of `before`.
    pub fn park(&mut self, recipe: &Recipe, before: &[Token], now: &[Token]) {
        for (position, word) in words(before).filter(|(_, word)| position_of(now, word).is_none()) {
            self.0.retain(|parked| parked.word != word);
            self.0.extend(Parked::of(recipe, before, position, word));
        }
    }

    /// Gives every word of `now` that `before` lacks its settings back. `recipe` is already the one of `now`.
    pub fn give_back(&mut self, recipe: &mut Recipe, before: &[Token], now: &[Token]) {
        let mut new: Vec<(usize, Word)> = words(now).filter(|(_, word)| position_of(before, word).is_none()).collect();
        while !new.is_empty() {
            let (position, word) = new.remove(0);
            if let Some(at) = self.0.iter().position(|parked| parked.word == word) {
                // Words that have nothing yet cannot have kept the settings of their region.
                let has_nothing: Vec<usize> = new.iter().map(|(position, _)| *position).collect();
                self.0.remove(at).give_back(recipe, now, position, &has_nothing);
            }
        }
    }
}

impl Parked {
    /// What is set for a word; `None` where that is nothing.
    fn of(recipe: &Recipe, tokens: &[Token], position: usize, word: Word) -> Option<Self> {
        let region = first_of(&recipe.groups, position);
        let group = group_of(&recipe.groups, position).map(|group| {
            let words = group.positions.iter().filter_map(|&p| word_at(tokens, p)).collect();
            (words, group.name.clone())
        });
        let locked = recipe.concepts.iter().filter(|concept| concept.lock.contains(&region));
        let owners = recipe.fusion.iter().flat_map(|fusion| &fusion.owners);
        let parked = Self {
            word,
            group,
            factor: recipe.regions.iter().find(|r| r.position == region).map(|r| r.factor),
            paint: recipe.painted.iter().find(|layer| layer.position == region).map(|layer| layer.cells.clone()),
            owner: owners.into_iter().find(|o| o.position == region).map(|o| o.owner),
            locks: locked.map(|concept| concept.id).collect(),
        };
        let says_something = parked.group.is_some()
            || parked.factor.is_some()
            || parked.paint.is_some()
            || parked.owner.is_some()
            || !parked.locks.is_empty();
        says_something.then_some(parked)
    }

    /// Sets all of it for the word at `position`. Words of its group that kept the settings meanwhile go before it.
    fn give_back(self, recipe: &mut Recipe, tokens: &[Token], position: usize, has_nothing: &[usize]) {
        let others = self.group.as_ref().is_some_and(|(words, name)| {
            let there = words.iter().filter_map(|word| position_of(tokens, word));
            let mates = there.filter(|&p| p != position && !has_nothing.contains(&p));
            // A word that the user has merged with others meanwhile stays with these.
            let whole = |group| is_part(group, tokens, words);
            let mates = mates.filter(|&p| group_of(&recipe.groups, p).is_none_or(whole)).collect();
            join(recipe, position, mates, name)
        });
        if !others {
            self.set(recipe, position);
        }
        merge::gather(recipe);
    }

    fn set(self, recipe: &mut Recipe, position: usize) {
        if let Some(factor) = self.factor {
            recipe.regions.push(RegionFactor { position, factor });
        }
        if let Some(cells) = self.paint {
            recipe.painted.push(RegionPaint { position, cells });
        }
        if let Some((owner, fusion)) = self.owner.zip(recipe.fusion.as_mut()) {
            settings::set_owner(&mut fusion.owners, position, owner);
        }
        for concept in recipe.concepts.iter_mut().filter(|concept| self.locks.contains(&concept.id)) {
            concept.lock.push(position);
        }
    }
}

/// Makes the word at `position` one region again with its `mates`. Returns whether there are any, which then have the
/// settings of the region.
fn join(recipe: &mut Recipe, position: usize, mates: Vec<usize>, name: &str) -> bool {
    let mut given = mates.iter().filter_map(|&p| group_of(&recipe.groups, p)).map(|group| group.name.clone());
    let name = given.find(|name| !name.is_empty()).unwrap_or_else(|| name.to_owned());
    let has_mates = !mates.is_empty();
    recipe.groups.retain(|group| !mates.contains(&group.positions[0]));
    let mut positions = mates;
    positions.push(position);
    positions.sort_unstable();
    if has_mates || !name.is_empty() {
        recipe.groups.push(RegionGroup { positions, name });
        recipe.groups.sort_by_key(|group| group.positions[0]);
    }
    has_mates
}

/// Whether all words of a group are among `words`.
fn is_part(group: &RegionGroup, tokens: &[Token], words: &[Word]) -> bool {
    group.positions.iter().all(|&p| word_at(tokens, p).is_some_and(|word| words.contains(&word)))
}

#[cfg(test)]
mod tests {
    use crate::{
        recipe::{Concept, Fusion, Owner, Paint, Recipe, RegionFactor, RegionGroup, RegionOwner, RegionPaint},
        studio::document::regions::{follow::follow_words, labels::tests::tokens, parked::ParkedSettings},
    };

    /// What is set for "red balloon", one region with a name of its own.
    fn said() -> Recipe {
        Recipe {
            regions: vec![RegionFactor { position: 2, factor: 0.5 }, RegionFactor { position: 5, factor: 1.5 }],
            groups: vec![RegionGroup { positions: vec![5, 6], name: "prize".into() }],
            painted: vec![RegionPaint { position: 5, cells: Paint::blank(2, 2) }],
            concepts: vec![Concept { lock: vec![2, 5], ..Concept::default() }],
            fusion: Some(Fusion {
                owners: vec![RegionOwner { position: 5, owner: Owner::Expert }],
                ..Fusion::default()
            }),
            ..Recipe::default()
        }
        .with_concept_ids()
    }

    /// Takes a recipe through prompts, from the first to the last.
    fn typed(mut recipe: Recipe, prompts: &[&str]) -> Recipe {
        let mut parked = ParkedSettings::default();
        for pair in prompts.windows(2) {
            follow_words(&mut recipe, &mut parked, &tokens(pair[0]), &tokens(pair[1]));
        }
        recipe
    }

    const WHOLE: &str = "a cat and a red balloon";

    #[test]
    fn a_word_that_is_typed_again_gets_everything_back() {
        for gone in ["a cat and a red", "a cat and a balloon", "a cat and", "", "a cat and a blue balloon"] {
            assert_eq!(typed(said(), &[WHOLE, gone, WHOLE]), said(), "through {gone:?}");
        }
        let steps = [WHOLE, "a cat and a red", "a cat and a", "", "a cat", "a cat and a red", WHOLE];
        assert_eq!(typed(said(), &steps), said(), "one word after the other");
    }

    #[test]
    fn it_comes_back_at_another_place_too() {
        let moved = typed(said(), &[WHOLE, "a cat", "red balloon and a cat"]);
        assert_eq!(moved.groups, [RegionGroup { positions: vec![1, 2], name: "prize".into() }]);
        assert_eq!((moved.region_factor(1), moved.region_factor(5)), (1.5, 0.5));
    }

    #[test]
    fn what_was_taken_away_meanwhile_does_not_come_back() {
        let mut parked = ParkedSettings::default();
        let mut recipe = said();
        follow_words(&mut recipe, &mut parked, &tokens(WHOLE), &tokens("a dog"));
        follow_words(&mut recipe, &mut parked, &tokens("a dog"), &tokens(WHOLE));
        recipe.regions.retain(|region| region.position != 2);
        follow_words(&mut recipe, &mut parked, &tokens(WHOLE), &tokens("a dog"));
        follow_words(&mut recipe, &mut parked, &tokens("a dog"), &tokens(WHOLE));
        assert_eq!((recipe.region_factor(2), recipe.region_factor(5)), (1.0, 1.5));
    }
}

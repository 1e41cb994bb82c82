//! Concepts keep their identity: whatever is edited, reordered, removed, undone, saved and read again, a reference to a
//! concept means that concept or none, never another.

use std::{collections::HashMap, path::Path};

use sextant::{
    recipe::{Concept, ConceptId, Key, Recipe, RegionGroup},
    session::Document,
    studio::{
        grid::{Parameter, Side},
        state::Studio,
    },
};

fn concept(text: &str) -> Concept {
    Concept { text: text.into(), ..Concept::default() }
}

fn with(texts: &[&str]) -> Studio {
    Studio::new(Recipe { concepts: texts.iter().map(|text| concept(text)).collect(), ..Recipe::default() })
}

/// Texts of the concepts that are heard.
fn heard(studio: &Studio) -> Vec<&str> {
    studio.recipe.active_concepts().map(|concept| concept.text.as_str()).collect()
}

#[test]
fn those_that_were_muted_come_back_after_a_removal() {
    let mut studio = with(&["hat", "snow", "night"]);
    let [hat, snow] = [0, 1].map(|row| studio.recipe.concepts[row].id);
    // The user has muted one of the three; the key mutes the other two.
    studio.recipe.concept_mut(snow).expect("it is there").enabled = false;
    studio.flip_concepts();
    assert_eq!(heard(&studio), [""; 0]);
    studio.remove_concept(hat);
    studio.flip_concepts();
    assert_eq!(heard(&studio), ["night"], "not the one that the user has muted");
}

#[test]
fn an_undone_removal_brings_the_muted_concept_back_too() {
    let mut studio = with(&["hat", "snow"]);
    studio.flip_concepts();
    let before = studio.recipe.clone();
    studio.remove_concept(before.concepts[0].id);
    studio.recipe = before;
    studio.flip_concepts();
    assert_eq!(heard(&studio), ["hat", "snow"]);
}

#[test]
fn a_removed_id_is_not_given_again() {
    let mut studio = with(&["hat", "snow"]);
    let last = studio.recipe.last_concept_id();
    studio.remove_concept(last);
    assert!(studio.add_concept(concept("night")) > last);
}

#[test]
fn an_axis_of_the_grid_follows_its_concept() {
    let mut studio = with(&["hat", "snow"]);
    let [hat, snow] = [0, 1].map(|row| studio.recipe.concepts[row].id);
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    *studio.grid.sides(&studio.recipe) =
        [side(Parameter::Strength(snow), -3.0, 3.0), side(Parameter::Threshold(snow), 0.2, 0.4)];
    studio.recipe.concepts.reverse();
    studio.remove_concept(hat);
    studio.grid.start(&studio.recipe);
    assert_eq!(Parameter::Strength(snow).title(&studio.recipe), "Strength of snow");
    let cells: Vec<_> = studio
        .grid
        .cells
        .iter()
        .map(|cell| (cell.recipe.concepts[0].strength, cell.recipe.concepts[0].threshold))
        .collect();
    assert_eq!(cells, [(-3.0, 0.2), (3.0, 0.2), (-3.0, 0.4), (3.0, 0.4)]);
    // An axis whose concept is gone runs over something that is there.
    studio.remove_concept(snow);
    let sides = *studio.grid.sides(&studio.recipe);
    assert!(sides.iter().all(|side| Parameter::all(&studio.recipe).contains(&side.parameter)), "{sides:?}");
}

#[test]
fn two_concepts_with_one_id_in_a_file_get_ids_of_their_own() {
    let text = "(format: \"sextant-session\", version: 3, recipe: (concepts: [
        (id: 4, text: \"a\"), (text: \"b\"), (id: 4, text: \"c\"), (id: 4294967295, text: \"d\"), (id: 2, text: \"e\")]))";
    let document = Document::from_text(text, Path::new("x")).expect("a session");
    let ids: Vec<_> = document.recipe.concepts.iter().map(|concept| (concept.text.as_str(), concept.id.0)).collect();
    assert_eq!(ids, [("a", 4), ("b", 5), ("c", 6), ("d", 7), ("e", 2)]);
}

/// A sequence of numbers that looks random and is the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % sides
    }
}

/// A studio, and what its concepts are expected to be.
struct Trial {
    studio: Studio,
    expected: HashMap<ConceptId, Concept>,
    /// Every id that was ever given, with the text that it was given for.
    given: HashMap<ConceptId, String>,
    past: Vec<Recipe>,
    words: usize,
}

impl Trial {
    fn new() -> Self {
        let studio = Studio::new(Recipe::default());
        Self { studio, expected: HashMap::new(), given: HashMap::new(), past: Vec::new(), words: 0 }
    }

    fn pick(&self, dice: &mut Dice) -> Option<ConceptId> {
        let concepts = &self.studio.recipe.concepts;
        (!concepts.is_empty()).then(|| concepts[dice.roll(concepts.len())].id)
    }

    /// Changes a concept in the studio and in what is expected.
    fn change(&mut self, id: ConceptId, edit: impl Fn(&mut Concept)) {
        edit(self.studio.recipe.concept_mut(id).expect("a concept of the recipe"));
        edit(self.expected.get_mut(&id).expect("an expected concept"));
    }

    fn add(&mut self) {
        self.words += 1;
        let text = format!("word {}", self.words);
        let id = self.studio.add_concept(concept(&text));
        assert!(self.given.insert(id, text.clone()).is_none(), "{id:?} was given before");
        self.expected.insert(id, Concept { id, ..concept(&text) });
    }

    fn undo(&mut self) {
        let Some(recipe) = self.past.pop() else { return };
        self.expected = recipe.concepts.iter().map(|concept| (concept.id, concept.clone())).collect();
        self.studio.recipe = recipe;
    }

    /// Saves the recipe and reads it again.
    fn reopen(&mut self) {
        let text = Document::new(self.studio.recipe.clone()).to_text().expect("text");
        self.studio.recipe = Document::from_text(&text, Path::new("x")).expect("a session").recipe;
    }

    fn step(&mut self, dice: &mut Dice) {
        let action = dice.roll(12);
        if action < 11 {
            self.past.push(self.studio.recipe.clone());
        }
        let picked = self.pick(dice);
        match (action, picked) {
            (0 | 1, _) | (_, None) => self.add(),
            (2, Some(id)) => {
                self.studio.remove_concept(id);
                self.expected.remove(&id);
            }
            (3, _) => {
                let count = self.studio.recipe.concepts.len();
                self.studio.recipe.concepts.swap(dice.roll(count), dice.roll(count));
            }
            (4, _) => {
                let count = self.studio.recipe.concepts.len();
                self.studio.recipe.concepts.rotate_left(dice.roll(count));
            }
            (5, Some(id)) => self.change(id, |concept| concept.strength = -concept.strength - 1.0),
            (6, Some(id)) => {
                let position = dice.roll(9);
                self.change(id, |concept| concept.lock = vec![position]);
            }
            (7, Some(id)) => {
                let step = dice.roll(9);
                self.change(id, |concept| concept.keys = vec![Key { step, factor: 0.5 }]);
            }
            (8, Some(id)) => self.change(id, |concept| concept.enabled = !concept.enabled),
            (9, _) => self.flip(),
            (10, _) => self.reopen(),
            _ => self.undo(),
        }
        self.check();
    }

    /// Mutes all, or brings back those that were muted together: which these are, the ids alone say.
    fn flip(&mut self) {
        let any = self.expected.values().any(|concept| concept.enabled);
        let muted = self.studio.muted.clone();
        let there = muted.iter().any(|id| self.expected.contains_key(id));
        for (id, concept) in &mut self.expected {
            concept.enabled = !any && (concept.enabled || !there || muted.contains(id));
        }
        self.studio.flip_concepts();
    }

    fn check(&self) {
        let recipe = &self.studio.recipe;
        assert_eq!(recipe.concepts.len(), self.expected.len());
        for concept in &recipe.concepts {
            assert_eq!(self.expected.get(&concept.id), Some(concept), "its settings went to another");
            assert_eq!(self.given.get(&concept.id), Some(&concept.text), "its id was another's");
            assert_eq!(recipe.concept(concept.id), Some(concept), "two have one id");
        }
        assert!(self.studio.muted.iter().all(|id| self.given.contains_key(id)), "a muted one that never was");
        for side in self.studio.grid.sides.iter().flatten() {
            if let Parameter::Strength(id) | Parameter::Threshold(id) = side.parameter {
                assert!(self.given.contains_key(&id), "an axis of a concept that never was");
            }
        }
    }
}

#[test]
fn ids_stay_unique_and_references_valid_whatever_is_done() {
    for seed in 1..=40 {
        let dice = &mut Dice(seed * 0x9e37_79b9_7f4a_7c15);
        let mut trial = Trial::new();
        trial.studio.recipe.groups = vec![RegionGroup { positions: vec![2, 3], name: "pair".into() }];
        for turn in 0..150 {
            trial.step(dice);
            if turn % 10 == 0 {
                // The axes are looked at: each names something that the recipe has.
                let recipe = trial.studio.recipe.clone();
                let axis = trial.pick(dice).map_or(Parameter::Seed, Parameter::Strength);
                let sides = trial.studio.grid.sides(&recipe);
                assert!(sides.iter().all(|side| Parameter::all(&recipe).contains(&side.parameter)));
                sides[0] = Side::new(axis, &recipe);
            }
        }
        let group = RegionGroup { positions: vec![2, 3], name: "pair".into() };
        assert_eq!(trial.studio.recipe.groups, [group], "merged words are no matter of concepts");
    }
}

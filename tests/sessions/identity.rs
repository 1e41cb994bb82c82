//! Concepts keep their identity: whatever is edited, reordered, removed, undone, saved and read again, a reference to a
//! concept means that concept or none, never another.

use std::{collections::HashMap, path::Path};

use sextant::{
    recipe::{Concept, ConceptId, Key, Recipe, RegionGroup},
    session::Document as SessionDocument,
    studio::document::{
        Document,
        edit::Edit,
        grid::{Parameter, Side},
    },
};

fn concept(text: &str) -> Concept {
    Concept { text: text.into(), ..Concept::default() }
}

fn with(texts: &[&str]) -> Document {
    Document::new(Recipe { concepts: texts.iter().map(|text| concept(text)).collect(), ..Recipe::default() })
}

fn edit(document: &mut Document, edit: Edit) {
    document.edit(edit, 0);
}

/// Changes the recipe as a whole.
fn change(document: &mut Document, change: impl FnOnce(&mut Recipe)) {
    let mut recipe = document.recipe().clone();
    change(&mut recipe);
    edit(document, Edit::Recipe(Box::new(recipe)));
}

/// Texts of the concepts that are enabled.
fn enabled(document: &Document) -> Vec<&str> {
    document.recipe().active_concepts().map(|concept| concept.text.as_str()).collect()
}

#[test]
fn those_that_were_muted_come_back_after_a_removal() {
    let mut document = with(&["hat", "snow", "night"]);
    let [hat, snow] = [0, 1].map(|row| document.recipe().concepts[row].id);
    // The user has muted one of the three; the key mutes the other two.
    change(&mut document, |recipe| recipe.concept_mut(snow).expect("it is there").enabled = false);
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(enabled(&document), [""; 0]);
    edit(&mut document, Edit::RemoveConcept(hat));
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(enabled(&document), ["night"], "not the one that the user has muted");
}

#[test]
fn an_undone_removal_brings_the_muted_concept_back_too() {
    let mut document = with(&["hat", "snow"]);
    document.watch_recipe(false, &[]);
    edit(&mut document, Edit::ToggleConcepts);
    document.watch_recipe(false, &[]);
    let hat = document.recipe().concepts[0].id;
    edit(&mut document, Edit::RemoveConcept(hat));
    document.watch_recipe(false, &[]);
    document.undo();
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(enabled(&document), ["hat", "snow"]);
}

#[test]
fn a_removed_id_is_not_given_again() {
    let mut document = with(&["hat", "snow"]);
    let last = document.recipe().last_concept_id();
    edit(&mut document, Edit::RemoveConcept(last));
    edit(&mut document, Edit::AddConcepts(vec![concept("night")]));
    assert!(document.recipe().last_concept_id() > last);
}

#[test]
fn an_axis_of_the_grid_follows_its_concept() {
    let mut document = with(&["hat", "snow"]);
    let [hat, snow] = [0, 1].map(|row| document.recipe().concepts[row].id);
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    let sides = [side(Parameter::Strength(snow), -3.0, 3.0), side(Parameter::Threshold(snow), 0.2, 0.4)];
    edit(&mut document, Edit::GridSides(sides));
    edit(&mut document, Edit::MoveConcept { from: 0, to: 1 });
    edit(&mut document, Edit::RemoveConcept(hat));
    edit(&mut document, Edit::StartGrid);
    assert_eq!(Parameter::Strength(snow).title(document.recipe()), "Strength of snow");
    let cells: Vec<_> = document
        .grid()
        .cells
        .iter()
        .map(|cell| (cell.recipe.concepts[0].strength, cell.recipe.concepts[0].threshold))
        .collect();
    assert_eq!(cells, [(-3.0, 0.2), (3.0, 0.2), (-3.0, 0.4), (3.0, 0.4)]);
    // An axis whose concept is gone runs over something that is there.
    edit(&mut document, Edit::RemoveConcept(snow));
    let (recipe, sides) = (document.recipe(), document.grid().sides(document.recipe()));
    assert!(sides.iter().all(|side| Parameter::all(recipe).contains(&side.parameter)), "{sides:?}");
}

#[test]
fn two_concepts_with_one_id_in_a_file_get_ids_of_their_own() {
    let text = "(format: \"sextant-session\", version: 3, recipe: (concepts: [
        (id: 4, text: \"a\"), (text: \"b\"), (id: 4, text: \"c\"), (id: 4294967295, text: \"d\"), (id: 2, text: \"e\")]))";
    let document = SessionDocument::from_text(text, Path::new("x")).expect("a session");
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

/// A document, and what its concepts are expected to be.
struct Trial {
    document: Document,
    expected: HashMap<ConceptId, Concept>,
    /// Every id that was ever given, with the text that it was given for.
    given: HashMap<ConceptId, String>,
    /// The concepts that were muted together.
    muted: Vec<ConceptId>,
    past: Vec<Recipe>,
    words: usize,
}

impl Trial {
    fn new() -> Self {
        let document = Document::new(Recipe::default());
        let (expected, given) = (HashMap::new(), HashMap::new());
        Self { document, expected, given, muted: Vec::new(), past: Vec::new(), words: 0 }
    }

    fn pick(&self, dice: &mut Dice) -> Option<ConceptId> {
        let concepts = &self.document.recipe().concepts;
        (!concepts.is_empty()).then(|| concepts[dice.roll(concepts.len())].id)
    }

    /// Changes a concept in the document and in what is expected.
    fn change(&mut self, id: ConceptId, change: impl Fn(&mut Concept)) {
        let mut concept = self.document.recipe().concept(id).expect("a concept of the recipe").clone();
        change(&mut concept);
        edit(&mut self.document, Edit::Concept(Box::new(concept)));
        change(self.expected.get_mut(&id).expect("an expected concept"));
    }

    fn add(&mut self) {
        self.words += 1;
        let text = format!("word {}", self.words);
        edit(&mut self.document, Edit::AddConcepts(vec![concept(&text)]));
        let id = self.document.recipe().concepts.last().expect("it was added").id;
        assert!(self.given.insert(id, text.clone()).is_none(), "{id:?} was given before");
        self.expected.insert(id, Concept { id, ..concept(&text) });
    }

    fn undo(&mut self) {
        let Some(recipe) = self.past.pop() else { return };
        self.expected = recipe.concepts.iter().map(|concept| (concept.id, concept.clone())).collect();
        edit(&mut self.document, Edit::Recipe(Box::new(recipe)));
    }

    /// Saves the recipe and reads it again.
    fn reopen(&mut self) {
        let text = SessionDocument::new(self.document.recipe().clone()).to_text().expect("text");
        let recipe = SessionDocument::from_text(&text, Path::new("x")).expect("a session").recipe;
        edit(&mut self.document, Edit::Recipe(Box::new(recipe)));
    }

    fn step(&mut self, dice: &mut Dice) {
        let action = dice.roll(12);
        if action < 11 {
            self.past.push(self.document.recipe().clone());
        }
        let picked = self.pick(dice);
        let count = self.document.recipe().concepts.len();
        match (action, picked) {
            (0 | 1, _) | (_, None) => self.add(),
            (2, Some(id)) => {
                edit(&mut self.document, Edit::RemoveConcept(id));
                self.expected.remove(&id);
            }
            (3, _) => {
                let (from, to) = (dice.roll(count), dice.roll(count));
                edit(&mut self.document, Edit::MoveConcept { from, to });
            }
            (4, _) => {
                let by = dice.roll(count);
                change(&mut self.document, |recipe| recipe.concepts.rotate_left(by));
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
            (9, _) => self.toggle(),
            (10, _) => self.reopen(),
            _ => self.undo(),
        }
        self.check();
    }

    /// Mutes all, or brings back those that were muted together: which these are, the ids alone say.
    fn toggle(&mut self) {
        let any = self.expected.values().any(|concept| concept.enabled);
        let muted = std::mem::take(&mut self.muted);
        let there = muted.iter().any(|id| self.expected.contains_key(id));
        if any {
            self.muted = self.expected.values().filter(|concept| concept.enabled).map(|concept| concept.id).collect();
        }
        for (id, concept) in &mut self.expected {
            concept.enabled = !any && (!there || muted.contains(id));
        }
        edit(&mut self.document, Edit::ToggleConcepts);
    }

    fn check(&self) {
        let recipe = self.document.recipe();
        assert_eq!(recipe.concepts.len(), self.expected.len());
        for concept in &recipe.concepts {
            assert_eq!(self.expected.get(&concept.id), Some(concept), "its settings went to another");
            assert_eq!(self.given.get(&concept.id), Some(&concept.text), "its id was another's");
            assert_eq!(recipe.concept(concept.id), Some(concept), "two have one id");
        }
        for side in self.document.grid().sides.iter().flatten() {
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
        let group = RegionGroup { positions: vec![2, 3], name: "pair".into() };
        change(&mut trial.document, |recipe| recipe.groups = vec![group.clone()]);
        for turn in 0..150 {
            trial.step(dice);
            if turn % 10 == 0 {
                // The axes are looked at: each names something that the recipe has.
                let axis = trial.pick(dice).map_or(Parameter::Seed, Parameter::Strength);
                let recipe = trial.document.recipe();
                let mut sides = trial.document.grid().sides(recipe);
                assert!(sides.iter().all(|side| Parameter::all(recipe).contains(&side.parameter)));
                sides[0] = Side::new(axis, recipe);
                edit(&mut trial.document, Edit::GridSides(sides));
            }
        }
        assert_eq!(trial.document.recipe().groups, [group], "merged words are no matter of concepts");
    }
}

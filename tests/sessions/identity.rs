//! Concepts keep their identity: after they are edited, reordered, removed, undone, saved and read again, a reference to a
//! concept means that concept or none, never another.

use std::{collections::HashMap, path::Path};

use sextant::{
    recipe::{Concept, ConceptId, Key, Recipe, RegionGroup},
    session::Document as Session,
    studio::document::{
        Document, Edit,
        grid::{Parameter, Side},
    },
};

use crate::dice::Dice;

const NOW: u64 = 0;

fn concept(text: &str) -> Concept {
    Concept { text: text.into(), ..Concept::default() }
}

fn with(texts: &[&str]) -> Document {
    let recipe = Recipe { concepts: texts.iter().map(|text| concept(text)).collect(), ..Recipe::default() };
    let mut document = Document::new(recipe);
    document.watch_recipe(false, &[]);
    document
}

/// Applies an edit as one gesture.
fn edit(document: &mut Document, edit: Edit) {
    document.edit(edit, NOW);
    document.watch_recipe(false, &[]);
}

/// The id of the concept in a row.
fn id(document: &Document, row: usize) -> ConceptId {
    document.recipe().concepts[row].id
}

/// Texts of the active concepts.
fn active(document: &Document) -> Vec<&str> {
    document.recipe().active_concepts().map(|concept| concept.text.as_str()).collect()
}

#[test]
fn those_that_were_muted_come_back_after_a_removal() {
    let mut document = with(&["hat", "snow", "night"]);
    // The user has muted one of the three; the key mutes the other two.
    let snow = Concept { enabled: false, ..document.recipe().concepts[1].clone() };
    edit(&mut document, Edit::Concept(Box::new(snow)));
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(active(&document), [""; 0]);
    let hat = id(&document, 0);
    edit(&mut document, Edit::RemoveConcept(hat));
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(active(&document), ["night"], "not the one that the user has muted");
}

#[test]
fn an_undone_removal_brings_the_muted_concept_back_too() {
    let mut document = with(&["hat", "snow"]);
    edit(&mut document, Edit::ToggleConcepts);
    let hat = id(&document, 0);
    edit(&mut document, Edit::RemoveConcept(hat));
    document.undo();
    edit(&mut document, Edit::ToggleConcepts);
    assert_eq!(active(&document), ["hat", "snow"]);
}

#[test]
fn a_removed_id_is_not_given_again() {
    let mut document = with(&["hat", "snow"]);
    let last = document.recipe().last_concept_id();
    edit(&mut document, Edit::RemoveConcept(last));
    edit(&mut document, Edit::AddConcepts(vec![concept("night")]));
    assert!(id(&document, 1) > last);
}

#[test]
fn an_axis_of_the_grid_follows_its_concept() {
    let mut document = with(&["hat", "snow"]);
    let (hat, snow) = (id(&document, 0), id(&document, 1));
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    let sides = [side(Parameter::Strength(snow), -3.0, 3.0), side(Parameter::Threshold(snow), 0.2, 0.4)];
    edit(&mut document, Edit::GridSides(sides));
    edit(&mut document, Edit::MoveConcept { from: 1, to: 0 });
    edit(&mut document, Edit::RemoveConcept(hat));
    edit(&mut document, Edit::StartGrid);
    assert_eq!(Parameter::Strength(snow).title(document.recipe()), "Strength of snow");
    let settings = |recipe: &Recipe| (recipe.concepts[0].strength, recipe.concepts[0].threshold);
    let cells: Vec<_> = document.grid().cells.iter().map(|cell| settings(&cell.recipe)).collect();
    assert_eq!(cells, [(-3.0, 0.2), (3.0, 0.2), (-3.0, 0.4), (3.0, 0.4)]);
    // An axis whose concept is gone runs over something that is there.
    edit(&mut document, Edit::RemoveConcept(snow));
    let sides = document.grid().sides(document.recipe());
    assert!(sides.iter().all(|side| Parameter::all(document.recipe()).contains(&side.parameter)), "{sides:?}");
}

#[test]
fn two_concepts_with_one_id_in_a_file_get_ids_of_their_own() {
    let text = "(format: \"sextant-session\", version: 3, recipe: (concepts: [
        (id: 4, text: \"a\"), (text: \"b\"), (id: 4, text: \"c\"), (id: 4294967295, text: \"d\"), (id: 2, text: \"e\")]))";
    let document = Session::from_text(text, Path::new("x")).expect("a session");
    let ids: Vec<_> = document.recipe.concepts.iter().map(|concept| (concept.text.as_str(), concept.id.0)).collect();
    assert_eq!(ids, [("a", 4), ("b", 5), ("c", 6), ("d", 7), ("e", 2)]);
}

/// A document, and what its concepts are expected to be.
struct Trial {
    document: Document,
    expected: HashMap<ConceptId, Concept>,
    /// Every id that was ever given, with the text that it was given for.
    given: HashMap<ConceptId, String>,
    /// The concepts that were muted together.
    muted: Vec<ConceptId>,
    past: Vec<Vec<Concept>>,
}

impl Trial {
    fn new() -> Self {
        let groups = vec![RegionGroup { positions: vec![2, 3], name: "pair".into() }];
        let mut document = Document::new(Recipe { groups, ..Recipe::default() });
        document.watch_recipe(false, &[]);
        Self { document, expected: HashMap::new(), given: HashMap::new(), muted: Vec::new(), past: Vec::new() }
    }

    fn concepts(&self) -> &[Concept] {
        &self.document.recipe().concepts
    }

    /// One gesture, with its entry in the history if it changes the recipe.
    fn edit(&mut self, change: Edit) {
        let before = self.concepts().to_vec();
        edit(&mut self.document, change);
        if before != self.concepts() {
            self.past.push(before);
        }
    }

    /// Changes a concept in the document and in what is expected.
    fn change(&mut self, id: ConceptId, change: impl Fn(&mut Concept)) {
        let concept = self.expected.get_mut(&id).expect("an expected concept");
        change(concept);
        let concept = Box::new(concept.clone());
        self.edit(Edit::Concept(concept));
    }

    fn add(&mut self) {
        let text = format!("word {}", self.given.len());
        self.edit(Edit::AddConcepts(vec![concept(&text)]));
        let id = self.concepts().last().expect("the new one").id;
        assert!(self.given.insert(id, text.clone()).is_none(), "{id:?} was given before");
        self.expected.insert(id, Concept { id, ..concept(&text) });
    }

    fn remove(&mut self, id: ConceptId) {
        self.edit(Edit::RemoveConcept(id));
        self.expected.remove(&id);
    }

    /// Mutes all concepts, or brings those back that were muted together: the ids alone say which these are.
    fn toggle(&mut self) {
        let enabled: Vec<ConceptId> = self.concepts().iter().filter(|c| c.enabled).map(|c| c.id).collect();
        if enabled.is_empty() {
            let muted = std::mem::take(&mut self.muted);
            let any_left = muted.iter().any(|id| self.expected.contains_key(id));
            let back = self.expected.iter_mut().filter(|(id, _)| !any_left || muted.contains(id));
            back.for_each(|(_, concept)| concept.enabled = true);
        } else {
            self.expected.values_mut().for_each(|concept| concept.enabled = false);
            self.muted = enabled;
        }
        self.edit(Edit::ToggleConcepts);
    }

    /// Saves the recipe and reads it again.
    fn reopen(&mut self) {
        let text = Session::new(self.document.recipe().clone()).to_text().expect("text");
        let recipe = Session::from_text(&text, Path::new("x")).expect("a session").recipe;
        self.edit(Edit::Recipe(Box::new(recipe)));
    }

    fn undo(&mut self) {
        let Some(before) = self.past.pop() else { return };
        self.document.undo();
        self.document.watch_recipe(false, &[]);
        assert_eq!(self.concepts(), before);
        self.expected = before.into_iter().map(|concept| (concept.id, concept)).collect();
    }

    fn step(&mut self, dice: &mut Dice) {
        let count = self.concepts().len();
        if count == 0 {
            return self.add();
        }
        let (row, other, number) = (dice.roll(count), dice.roll(count), dice.roll(9));
        let id = self.concepts()[row].id;
        match dice.roll(12) {
            0 | 1 => self.add(),
            2 => self.remove(id),
            3 | 4 => self.edit(Edit::MoveConcept { from: row, to: other }),
            5 => self.change(id, |concept| concept.strength = -concept.strength - 1.0),
            6 => self.change(id, |concept| concept.lock = vec![number]),
            7 => self.change(id, |concept| concept.keys = vec![Key { step: number, factor: 0.5 }]),
            8 => self.change(id, |concept| concept.enabled = !concept.enabled),
            9 => self.toggle(),
            10 => self.reopen(),
            _ => self.undo(),
        }
    }

    fn check(&self) {
        let recipe = self.document.recipe();
        assert_eq!(recipe.concepts.len(), self.expected.len());
        for concept in &recipe.concepts {
            assert_eq!(self.expected.get(&concept.id), Some(concept), "its settings went to another");
            assert_eq!(self.given.get(&concept.id), Some(&concept.text), "its id was another's");
            assert_eq!(recipe.concept(concept.id), Some(concept), "two have one id");
        }
        let all = Parameter::all(recipe);
        let sides = self.document.grid().sides(recipe);
        assert!(sides.iter().all(|side| all.contains(&side.parameter)), "an axis of nothing: {sides:?}");
        let group = RegionGroup { positions: vec![2, 3], name: "pair".into() };
        assert_eq!(recipe.groups, [group], "merged words are no matter of concepts");
    }

    /// Chooses axes of two concepts.
    fn choose_axes(&mut self, dice: &mut Dice) {
        let recipe = self.document.recipe();
        let axis = |of: fn(ConceptId) -> Parameter, roll: usize| {
            let concept = recipe.concepts.get(roll % recipe.concepts.len().max(1));
            Side::new(concept.map_or(Parameter::Seed, |concept| of(concept.id)), recipe)
        };
        let sides = [axis(Parameter::Strength, dice.roll(97)), axis(Parameter::Threshold, dice.roll(97))];
        edit(&mut self.document, Edit::GridSides(sides));
    }
}

#[test]
fn ids_stay_unique_and_references_valid_whatever_is_done() {
    for seed in 1..=40_u64 {
        let dice = &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut trial = Trial::new();
        for turn in 0..150 {
            trial.step(dice);
            trial.check();
            if turn % 10 == 0 {
                trial.choose_axes(dice);
            }
        }
        assert!(trial.given.len() > 15, "hardly anything was tried");
    }
}

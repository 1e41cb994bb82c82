//! Whatever is done to a document, it can be undone and done again, its takes are those of its recipes, and once it has come
//! to rest it shows one recipe.

use std::{sync::Arc, time::Duration};

use sextant::{
    engine::{Event, JobId, Ledger, Norms, RenderResult, StepReport, Token, TokenKind},
    recipe::{Concept, ConceptId, Recipe, RegionGroup},
    studio::document::{
        Document, Edit,
        takes::{Take, TakeId},
    },
    tensor::Picture,
};

use crate::dice::Dice;

const PROMPTS: [&str; 6] = [
    "a cat and a red balloon",
    "a cat and a balloon",
    "a big cat and a red balloon on a beach",
    "red balloon",
    "a dog",
    "a cat and a cat and a red dog",
];

fn tokens(prompt: &str) -> Arc<Vec<Token>> {
    let token = |position, text: &str, kind| Token { position, text: text.to_owned(), kind };
    let words = prompt.split_whitespace().enumerate().map(|(i, text)| token(i + 1, text, TokenKind::Word));
    Arc::new(std::iter::once(token(0, "", TokenKind::Start)).chain(words).collect())
}

fn picture() -> Arc<Picture> {
    Arc::new(Picture { width: 1, height: 1, rgb: vec![9; 3] })
}

fn finished(recipe: &Recipe) -> Arc<RenderResult> {
    let report = StepReport {
        approximate: false,
        evaluations: 2,
        step: 0,
        calls: 1,
        timestep: 0.0,
        sigma: 0.0,
        preview: picture(),
        scfg: None,
        concepts: Vec::new(),
        fusion: None,
        norms: Norms::default(),
        ledger: Ledger::default(),
        elapsed: Duration::ZERO,
    };
    Arc::new(RenderResult {
        recipe: recipe.clone(),
        picture: picture(),
        reports: vec![Arc::new(report)],
        elapsed: Duration::from_secs(1),
        branch_evaluations: 2,
        fingerprint: Arc::default(),
    })
}

/// A document with an engine that may be slow: it sends the events that the real one sends.
struct Driver {
    document: Document,
    dice: Dice,
    jobs: u64,
    /// The recipe that was sent last, in its canonical form.
    sent: Option<Recipe>,
    /// The job that is under way.
    job: Option<(JobId, Recipe)>,
}

/// What undo and redo have to bring back.
type State = (Recipe, Vec<(TakeId, Option<TakeId>, String, bool, Recipe)>, Option<TakeId>);

impl Driver {
    fn new(seed: u64) -> Self {
        let concept = Concept { text: "night".into(), ..Concept::default() };
        let recipe = Recipe { prompt: PROMPTS[0].into(), concepts: vec![concept], ..Recipe::default() };
        let document = Document::new(recipe);
        let dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (seed << 7));
        let mut desk = Self { document, dice, jobs: 0, sent: None, job: None };
        desk.rest();
        desk
    }

    /// One frame of the window: the recipe is looked at and sent where its picture is not there.
    fn frame(&mut self, moving: bool) {
        self.document.watch_recipe(moving, &[]);
        let canonical = self.document.recipe().canonical();
        if self.sent.as_ref() == Some(&canonical) {
            return;
        }
        self.sent = Some(canonical);
        self.job = None;
        if self.document.is_rendered() {
            return self.document.overtaken();
        }
        self.jobs += 1;
        let (job, recipe) = (JobId(self.jobs), self.document.recipe().clone());
        self.document.begin(job, recipe.clone());
        self.job = Some((job, recipe));
    }

    /// The engine gets as far as chance will have it; `whole` is to the end.
    fn engine(&mut self, whole: bool) {
        let Some((job, recipe)) = self.job.clone() else { return };
        let far = if whole { 2 } else { self.dice.roll(3) };
        if far > 0 {
            self.document.apply(Event::Started { job, calls: 1, tokens: tokens(&recipe.prompt) }, 0);
        }
        if far > 1 {
            self.document.apply(Event::Done { job, take: finished(&recipe) }, 0);
            self.job = None;
        }
    }

    /// Until nothing is under way any more.
    fn rest(&mut self) {
        self.frame(false);
        while self.job.is_some() {
            self.engine(true);
            self.frame(false);
        }
    }

    fn edit(&mut self, edit: Edit, moving: bool) {
        self.document.edit(edit, 0);
        self.frame(moving);
        self.engine(false);
    }

    fn change(&mut self, moving: bool, change: impl FnOnce(&mut Recipe)) {
        let mut recipe = self.document.recipe().clone();
        change(&mut recipe);
        self.edit(Edit::Recipe(Box::new(recipe)), moving);
    }

    fn some_take(&mut self) -> TakeId {
        let takes = self.document.takes().list();
        takes[self.dice.roll(takes.len())].id
    }

    /// A word of the prompt, by its position.
    fn some_word(&mut self) -> usize {
        1 + self.dice.roll(self.document.recipe().prompt.split_whitespace().count())
    }

    fn drag(&mut self) {
        for _ in 0..1 + self.dice.roll(4) {
            let cfg = 1.0 + self.dice.roll(12) as f32;
            self.change(true, |recipe| recipe.cfg = cfg);
        }
        if self.dice.roll(4) == 0 {
            let before = self.document.takes().list().len();
            self.document.cancel_gesture();
            self.sent = None;
            assert_eq!(self.document.takes().list().len(), before);
            assert!(!self.document.is_moving());
        }
    }

    /// Types another prompt word by word, with pauses in which the engine gets somewhere.
    fn retype(&mut self) {
        let whole = PROMPTS[self.dice.roll(PROMPTS.len())];
        for (end, _) in whole.match_indices(' ') {
            if self.dice.roll(3) == 0 {
                self.edit(Edit::Prompt(whole[..end].to_owned()), true);
            }
        }
        self.edit(Edit::Prompt(whole.to_owned()), true);
    }

    fn set_region(&mut self) {
        let region = self.some_word();
        match self.dice.roll(3) {
            0 => {
                let factor = 0.5 * self.dice.roll(5) as f32;
                self.edit(Edit::RegionFactor { region, factor }, false);
            }
            1 => self.edit(Edit::RenameRegion { positions: vec![region], name: "Tom".into() }, false),
            _ => self.change(false, |recipe| recipe.concepts[0].lock = vec![region]),
        }
    }

    fn travel(&mut self, go: fn(&mut Document)) {
        for _ in 0..1 + self.dice.roll(4) {
            go(&mut self.document);
            self.sent = None;
        }
    }

    fn gesture(&mut self, removes: bool) {
        match self.dice.roll(12) {
            0..=2 => self.drag(),
            3 | 4 => self.retype(),
            5 => self.set_region(),
            6 => {
                let seed = self.dice.roll(4) as u64;
                self.change(false, |recipe| recipe.seed = seed);
            }
            7 => self.travel(Document::undo),
            8 => self.travel(Document::redo),
            9 => {
                let take = self.some_take();
                self.sent = None;
                self.edit(Edit::RestoreTake(take), false);
            }
            10 => {
                let (take, name) = (self.some_take(), format!("name {}", self.dice.roll(99)));
                let edit = if self.dice.roll(2) == 0 { Edit::RenameTake(take, name) } else { Edit::ToggleStar(take) };
                self.edit(edit, false);
            }
            _ if removes && self.document.takes().list().len() > 1 => {
                let take = self.some_take();
                self.edit(Edit::RemoveTake(take), false);
            }
            _ => self.edit(Edit::ToggleConcepts, false),
        }
        // What is half done may be left alone for a while.
        if self.dice.roll(3) > 0 {
            self.rest();
        }
    }

    fn state(&self) -> State {
        let kept = |take: &Take| (take.id, take.parent, take.name.clone(), take.starred, take.track.recipe.clone());
        let takes = self.document.takes();
        (self.document.recipe().clone(), takes.list().iter().map(kept).collect(), takes.base())
    }

    /// What holds whenever the document has come to rest.
    fn check(&self, log: &str) {
        let document = &self.document;
        assert!(!document.is_moving() && document.is_rendered(), "{log}");
        let shown = document.live_track().expect("a picture");
        let key = document.recipe().canonical();
        assert_eq!(shown.recipe.canonical(), key, "two recipes: {log}");
        let base = document.takes().base().and_then(|id| document.take(id));
        let own = document.takes().of_picture(document.recipe());
        if own.is_some() {
            assert_eq!(base.map(|take| take.track.recipe.canonical()), Some(key), "another take: {log}");
        }
        // The positions are those of the prompt's own words.
        let words = document.recipe().prompt.split_whitespace().count();
        let recipe = document.recipe();
        let locks = recipe.concepts.iter().flat_map(|concept| concept.lock.iter().copied());
        let groups = recipe.groups.iter().flat_map(|group: &RegionGroup| group.positions.iter().copied());
        let mut positions = recipe.regions.iter().map(|region| region.position).chain(locks).chain(groups);
        assert!(positions.all(|position| position <= words), "{recipe:?}: {log}");
    }

    /// No two takes are of one recipe.
    fn check_takes(&self, log: &str) {
        let mut keys: Vec<String> =
            self.document.takes().list().iter().map(|take| format!("{:?}", take.track.recipe.canonical())).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), self.document.takes().list().len(), "{log}");
    }
}

#[test]
fn undo_all_and_redo_all_give_the_same_document_and_the_same_takes() {
    for seed in 1..=150 {
        let mut desk = Driver::new(seed);
        let first = desk.document.recipe().clone();
        let removes = seed % 2 == 0;
        for _ in 0..40 {
            desk.gesture(removes);
        }
        desk.rest();
        let log = format!("seed {seed}");
        desk.check(&log);
        if !removes {
            desk.check_takes(&log);
        }
        while desk.document.history().can_redo() {
            desk.travel(Document::redo);
            desk.rest();
        }
        let last = desk.state();
        let mut steps = 0;
        while desk.document.history().can_undo() {
            desk.document.undo();
            desk.sent = None;
            desk.rest();
            desk.check(&format!("{log}, undo {steps}"));
            steps += 1;
        }
        assert_eq!(desk.document.recipe(), &first, "{log}");
        for step in 0..steps {
            assert!(desk.document.history().can_redo(), "{log}: {step} of {steps}");
            desk.document.redo();
            desk.sent = None;
            desk.rest();
            desk.check(&format!("{log}, redo {step}"));
        }
        assert_eq!(desk.state(), last, "{log}");
    }
}

#[test]
fn a_settled_document_never_shows_two_recipes() {
    for seed in 200..=300 {
        let mut desk = Driver::new(seed);
        for at in 0..40 {
            desk.gesture(true);
            desk.rest();
            desk.check(&format!("seed {seed}, gesture {at}"));
        }
        let known = |concept: &Concept| concept.id == ConceptId(1);
        assert!(desk.document.recipe().concepts.iter().all(known));
    }
}

//! Filmstrips: what the picture would be at five values of one slider, rendered while nothing else is wanted.
//!
//! Apart from the grid because nobody asks for them: they come last of all, are cancelled at once, and are kept small.

use std::sync::Arc;

use super::{parameter::Parameter, render_status::RenderStatus};
use crate::{
    engine::{Event, JobId},
    recipe::Recipe,
    tensor::Picture,
};

/// Pictures under one slider.
pub const FRAMES: usize = 5;
/// Pictures are kept with at most so many texels a side, and so many of them: about 4 MiB.
const TEXELS: usize = 96;
const KEPT: usize = 160;

/// The slider whose filmstrip is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FilmOf {
    pub parameter: Parameter,
    /// The slider's ends.
    pub ends: [f32; 2],
}

impl FilmOf {
    /// The values, evenly spread between the slider's ends.
    pub fn values(&self) -> [f32; FRAMES] {
        let [low, high] = self.ends;
        let whole = self.parameter.is_whole();
        std::array::from_fn(|k| {
            let value = low + (high - low) * k as f32 / (FRAMES - 1) as f32;
            if whole { value.round() } else { value }
        })
    }

    /// The recipe with a value of the slider.
    fn recipe(&self, recipe: &Recipe, value: f32) -> Recipe {
        let mut changed = recipe.clone();
        self.parameter.set(&mut changed, value);
        changed
    }
}

/// How far a picture of a filmstrip is.
pub type FilmStatus = RenderStatus<Arc<Picture>>;

/// One picture under a slider.
#[derive(Clone, Debug)]
pub struct FilmFrame {
    pub value: f32,
    pub status: FilmStatus,
}

#[derive(Clone, Debug)]
struct Kept {
    /// The canonical form of its recipe.
    key: Recipe,
    status: FilmStatus,
}

/// The pictures of all filmstrips; the newest are kept.
#[derive(Clone, Debug, Default)]
pub struct Films {
    list: Vec<Kept>,
}

impl Films {
    /// The pictures under a slider of `recipe`.
    pub fn frames(&self, of: FilmOf, recipe: &Recipe) -> [FilmFrame; FRAMES] {
        of.values().map(|value| {
            let key = of.recipe(recipe, value).canonical();
            let status = self.list.iter().find(|kept| kept.key == key).map(|kept| kept.status.clone());
            FilmFrame { value, status: status.unwrap_or(FilmStatus::Waiting) }
        })
    }

    /// The next recipe to render for a slider of `recipe`, the nearest to its own value first; `None` while one is being
    /// rendered, or when all are there.
    pub(super) fn next(&mut self, of: FilmOf, recipe: &Recipe) -> Option<Recipe> {
        if self.is_rendering() {
            return None;
        }
        let own = of.parameter.value(recipe)?;
        let mut frames = self.frames(of, recipe);
        frames.sort_by(|a, b| (a.value - own).abs().total_cmp(&(b.value - own).abs()));
        for frame in frames.iter().filter(|frame| frame.status == FilmStatus::Waiting) {
            let changed = of.recipe(recipe, frame.value);
            match changed.validate() {
                Ok(()) => return Some(changed),
                Err(reason) => self.put(changed.canonical(), FilmStatus::Failed(reason.to_string())),
            }
        }
        None
    }

    pub(super) fn is_rendering(&self) -> bool {
        self.list.iter().any(|kept| kept.status.is_rendering())
    }

    /// Notes that `recipe` was sent as `job`.
    pub(super) fn sent(&mut self, recipe: &Recipe, job: JobId) {
        self.put(recipe.canonical(), FilmStatus::Rendering(job));
    }

    /// Keeps the picture of a finished run: one of the user's own need not be rendered again.
    pub(super) fn keep(&mut self, recipe: &Recipe, picture: &Picture) {
        self.put(recipe.canonical(), FilmStatus::Done(Arc::new(picture.shrunk_to(TEXELS))));
    }

    fn put(&mut self, key: Recipe, status: FilmStatus) {
        self.list.retain(|kept| kept.key != key);
        self.list.push(Kept { key, status });
        self.list.drain(..self.list.len().saturating_sub(KEPT));
    }

    /// Another job was sent: the current one was cancelled.
    pub(super) fn overtaken(&mut self) {
        self.list.retain(|kept| !kept.status.is_rendering());
    }

    /// Applies an event of a filmstrip's job; returns whether it was one.
    pub(super) fn apply(&mut self, event: &Event) -> bool {
        let Some(job) = event.job() else { return false };
        let Some(at) = self.list.iter().position(|kept| kept.status.is_job(job)) else { return false };
        match event {
            Event::Done { take, .. } => {
                self.list[at].status = FilmStatus::Done(Arc::new(take.picture.shrunk_to(TEXELS)));
            }
            Event::Failed { message, .. } => self.list[at].status = FilmStatus::Failed(message.clone()),
            Event::Stopped { .. } => drop(self.list.remove(at)),
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recipe::Concept, studio::document::event::tests::finished};

    fn recipe() -> Recipe {
        let concept = Concept { text: "hat".into(), strength: 5.0, ..Concept::default() };
        Recipe { prompt: "a cat".into(), concepts: vec![concept], ..Recipe::default() }.with_concept_ids()
    }

    fn strength(recipe: &Recipe) -> FilmOf {
        FilmOf { parameter: Parameter::Strength(recipe.concepts[0].id), ends: [-12.0, 12.0] }
    }

    fn done(films: &mut Films, recipe: &Recipe, job: u64) {
        films.sent(recipe, JobId(job));
        assert!(films.apply(&Event::Done { job: JobId(job), take: finished(recipe, 2) }));
    }

    #[test]
    fn the_nearest_value_is_rendered_first_and_each_once() {
        let (mut films, recipe) = (Films::default(), recipe());
        let of = strength(&recipe);
        let mut order = Vec::new();
        while let Some(next) = films.next(of, &recipe) {
            order.push(next.concepts[0].strength);
            done(&mut films, &next, order.len() as u64);
        }
        assert_eq!(order, [6.0, 0.0, 12.0, -6.0, -12.0]);
        // Another value of the same slider asks for nothing: the pictures are of the other values.
        let mut moved = recipe.clone();
        moved.concepts[0].strength = -3.0;
        assert!(films.next(of, &moved).is_none());
        assert!(films.frames(of, &moved).iter().all(|frame| matches!(frame.status, FilmStatus::Done(_))));
        assert!(films.next(of, &Recipe { seed: 9, ..recipe }).is_some());
    }

    #[test]
    fn what_is_overtaken_is_forgotten_and_tried_again() {
        let (mut films, recipe) = (Films::default(), recipe());
        let of = strength(&recipe);
        let next = films.next(of, &recipe).expect("one is wanted");
        films.sent(&next, JobId(1));
        assert!(films.next(of, &recipe).is_none(), "one is under way");
        films.overtaken();
        assert!(!films.apply(&Event::Stopped { job: JobId(1) }), "no longer its own");
        assert_eq!(films.next(of, &recipe), Some(next));
    }

    #[test]
    fn memory_is_bounded_and_what_cannot_be_met_is_passed_over() {
        let mut films = Films::default();
        let large = Picture { width: 400, height: 200, rgb: vec![7; 3 * 400 * 200] };
        for seed in 0..(KEPT as u64 + 50) {
            films.keep(&Recipe { seed, ..Recipe::default() }, &large);
        }
        assert_eq!(films.list.len(), KEPT);
        let FilmStatus::Done(kept) = &films.list[0].status else { panic!("a picture") };
        assert!(kept.width <= TEXELS && kept.height <= TEXELS);
        let of = FilmOf { parameter: Parameter::Cfg, ends: [0.0, 4000.0] };
        let mut films = Films::default();
        assert_eq!(films.next(of, &Recipe::default()).map(|recipe| recipe.cfg), Some(0.0));
        let zero = films.next(of, &Recipe::default()).expect("0 is a value");
        done(&mut films, &zero, 1);
        assert!(films.next(of, &Recipe::default()).is_none());
        assert!(matches!(films.frames(of, &Recipe::default())[4].status, FilmStatus::Failed(_)));
    }
}

//! Each of the two models alone, to be seen beside their fusion: rendered while nobody waits for anything else.

use std::sync::Arc;

use super::canonical::canonical;
use crate::{
    engine::{Event, JobId, RenderResult, Token},
    recipe::{FusionRule, Recipe},
};

/// Which model draws alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelRole {
    General,
    Expert,
}

impl ModelRole {
    pub const BOTH: [Self; 2] = [Self::General, Self::Expert];

    fn rule(self) -> FusionRule {
        match self {
            Self::General => FusionRule::General,
            Self::Expert => FusionRule::Expert,
        }
    }

    /// As in "the general model alone".
    pub fn model(self) -> &'static str {
        match self {
            Self::General => "general model",
            Self::Expert => "expert",
        }
    }

    /// As in "general only".
    pub fn name(self) -> &'static str {
        match self {
            Self::General => "general only",
            Self::Expert => "expert only",
        }
    }

    /// The recipe with this model alone; nothing without a fusion.
    pub fn alone(self, recipe: &Recipe) -> Option<Recipe> {
        recipe.active_fusion()?;
        let mut alone = recipe.clone();
        if let Some(fusion) = &mut alone.fusion {
            fusion.rule = self.rule();
        }
        Some(alone)
    }
}

#[derive(Clone, Debug)]
pub enum State {
    Waiting,
    Rendering(JobId),
    /// With the tokens of its prompt.
    Done(Arc<RenderResult>, Arc<Vec<Token>>),
    /// With the reason.
    Failed(String),
}

#[derive(Clone, Debug)]
struct Baseline {
    /// The part of its recipe that decides the picture.
    wanted: Recipe,
    state: State,
    tokens: Arc<Vec<Token>>,
}

/// Results of one model alone; the newest few are kept.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    list: Vec<Baseline>,
    /// Stopped by hand, until something else is rendered.
    paused: bool,
}

/// Pairs of results that are kept besides the shown one: enough to go back and forth between a few settings.
const KEPT: usize = 8;

impl Baselines {
    /// What there is of `recipe` with one model alone.
    pub fn state(&self, recipe: &Recipe, whose: ModelRole) -> Option<&State> {
        let wanted = canonical(&whose.alone(recipe)?);
        self.list.iter().find(|solo| solo.wanted == wanted).map(|solo| &solo.state)
    }

    /// The next recipe to render; nothing while one is under way, or when there is no fusion, or all is there.
    pub fn next(&mut self, recipe: &Recipe) -> Option<(usize, Recipe)> {
        let rendering = |solo: &Baseline| matches!(solo.state, State::Rendering(_));
        if self.paused || self.list.iter().any(rendering) {
            return None;
        }
        for whose in ModelRole::BOTH {
            let alone = whose.alone(recipe)?;
            let at = self.place(canonical(&alone));
            match (&self.list[at].state, alone.validate()) {
                (State::Waiting, Ok(())) => return Some((at, alone)),
                (State::Waiting, Err(reason)) => self.list[at].state = State::Failed(reason.to_string()),
                _ => {}
            }
        }
        None
    }

    /// Where the result for `wanted` is, or will be.
    fn place(&mut self, wanted: Recipe) -> usize {
        if let Some(at) = self.list.iter().position(|solo| solo.wanted == wanted) {
            return at;
        }
        self.list.drain(..self.list.len().saturating_sub(KEPT - 1));
        self.list.push(Baseline { wanted, state: State::Waiting, tokens: Arc::default() });
        self.list.len() - 1
    }

    /// Notes that a result was sent for as `job`.
    pub fn sent(&mut self, at: usize, job: JobId) {
        if let Some(solo) = self.list.get_mut(at) {
            solo.state = State::Rendering(job);
        }
    }

    /// Gives up what is under way, until something else is rendered.
    pub fn stop(&mut self) {
        self.overtaken();
        self.paused = true;
    }

    /// Another job was sent: what was under way waits for its turn again.
    pub fn overtaken(&mut self) {
        self.paused = false;
        for solo in self.list.iter_mut().filter(|solo| matches!(solo.state, State::Rendering(_))) {
            solo.state = State::Waiting;
        }
    }

    /// Takes an event of a job of its own; says whether it was one.
    pub fn apply(&mut self, event: &Event) -> bool {
        let Some(job) = event.job() else { return false };
        let own = |solo: &&mut Baseline| matches!(solo.state, State::Rendering(rendering) if rendering == job);
        let Some(solo) = self.list.iter_mut().find(own) else { return false };
        match event {
            Event::Started { tokens, .. } => solo.tokens = tokens.clone(),
            Event::Done { take, .. } => solo.state = State::Done(take.clone(), solo.tokens.clone()),
            Event::Failed { message, .. } => solo.state = State::Failed(message.clone()),
            Event::Stopped { .. } => solo.state = State::Waiting,
            _ => {}
        }
        true
    }

    /// A run of the studio's own may be just what is wanted.
    pub fn keep(&mut self, finished: &Arc<RenderResult>, tokens: &Arc<Vec<Token>>) {
        let rule = finished.recipe.active_fusion().map(|fusion| fusion.rule);
        if ModelRole::BOTH.iter().any(|whose| Some(whose.rule()) == rule) {
            let at = self.place(canonical(&finished.recipe));
            self.list[at].state = State::Done(finished.clone(), tokens.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        recipe::{Concept, Fusion},
        tensor::Picture,
    };

    fn recipe() -> Recipe {
        let muted = Concept { text: "hat".into(), enabled: false, ..Concept::default() };
        Recipe { concepts: vec![muted], fusion: Some(Fusion::default()), ..Recipe::default() }
    }

    fn done(job: u64, recipe: &Recipe) -> Event {
        let finished = RenderResult {
            recipe: recipe.clone(),
            picture: Arc::new(Picture { width: 1, height: 1, rgb: vec![9; 3] }),
            reports: Vec::new(),
            elapsed: Duration::from_secs(1),
            branch_evaluations: 0,
            fingerprint: Arc::default(),
        };
        Event::Done { job: JobId(job), take: Arc::new(finished) }
    }

    #[test]
    fn one_after_the_other_once_and_not_without_a_fusion() {
        let mut baselines = Baselines::default();
        assert!(baselines.next(&Recipe::default()).is_none());
        let (at, general) = baselines.next(&recipe()).expect("the general model alone");
        assert_eq!(general.fusion.as_ref().map(|f| f.rule), Some(FusionRule::General));
        baselines.sent(at, JobId(1));
        assert!(baselines.next(&recipe()).is_none(), "one is under way");
        assert!(!baselines.apply(&Event::Stopped { job: JobId(7) }), "another's");
        assert!(baselines.apply(&done(1, &general)));
        let (at, expert) = baselines.next(&recipe()).expect("the expert alone");
        baselines.sent(at, JobId(2));
        baselines.overtaken();
        let (at, again) = baselines.next(&recipe()).expect("it waits for its turn again");
        assert_eq!(again, expert);
        baselines.sent(at, JobId(3));
        assert!(baselines.apply(&Event::Failed { job: JobId(3), message: "no".into() }));
        assert!(baselines.next(&recipe()).is_none());
        // What neither model alone depends on asks for nothing.
        let mut sharper = recipe();
        sharper.fusion = Some(Fusion { k_e: 5.0, rule: FusionRule::Weighted, ..Fusion::default() });
        sharper.concepts[0].scale = 2.0;
        assert!(baselines.next(&sharper).is_none());
        assert!(matches!(baselines.state(&sharper, ModelRole::General), Some(State::Done(..))));
        assert!(baselines.next(&Recipe { seed: 4, ..sharper }).is_some());
    }

    #[test]
    fn stopping_lasts_until_something_else_is_rendered() {
        let mut baselines = Baselines::default();
        let (at, _) = baselines.next(&recipe()).expect("one waits");
        baselines.sent(at, JobId(1));
        baselines.stop();
        assert!(baselines.next(&recipe()).is_none());
        baselines.overtaken();
        assert!(baselines.next(&recipe()).is_some());
    }
}

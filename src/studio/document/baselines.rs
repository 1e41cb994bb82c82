//! Each of the two models alone, to be seen beside their fusion.
//!
//! Apart from takes: baselines are rendered in the background, and only one that is pinned becomes a take.

use std::sync::Arc;

use super::render_status::RenderStatus;
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

    /// The recipe with this model alone; `None` without a fusion.
    pub fn alone(self, recipe: &Recipe) -> Option<Recipe> {
        recipe.active_fusion()?;
        let mut alone = recipe.clone();
        if let Some(fusion) = &mut alone.fusion {
            fusion.rule = self.rule();
        }
        Some(alone)
    }
}

/// A finished baseline.
#[derive(Clone, Debug)]
pub struct BaselineResult {
    pub result: Arc<RenderResult>,
    /// The tokens of its prompt.
    pub tokens: Arc<Vec<Token>>,
}

/// How far a baseline is.
pub type BaselineStatus = RenderStatus<BaselineResult>;

#[derive(Clone, Debug)]
struct Baseline {
    /// The canonical form of its recipe.
    recipe_key: Recipe,
    status: BaselineStatus,
    tokens: Arc<Vec<Token>>,
}

/// Results of one model alone; the newest few are kept.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    list: Vec<Baseline>,
    /// The user has stopped them; ends with the next job.
    paused: bool,
}

/// So many results are kept: enough to go back and forth between a few settings.
const KEPT: usize = 8;

impl Baselines {
    /// The result of `recipe` with one model alone; `None` before it was asked for.
    pub fn status(&self, recipe: &Recipe, role: ModelRole) -> Option<&BaselineStatus> {
        let recipe_key = role.alone(recipe)?.canonical();
        self.list.iter().find(|baseline| baseline.recipe_key == recipe_key).map(|baseline| &baseline.status)
    }

    pub(super) fn is_rendering(&self) -> bool {
        self.list.iter().any(|baseline| baseline.status.is_rendering())
    }

    /// The next recipe to render with its place; `None` while one is being rendered, without a fusion, or when both exist.
    pub fn next(&mut self, recipe: &Recipe) -> Option<(usize, Recipe)> {
        if self.paused || self.is_rendering() {
            return None;
        }
        for role in ModelRole::BOTH {
            let alone = role.alone(recipe)?;
            let at = self.place(alone.canonical());
            match (&self.list[at].status, alone.validate()) {
                (RenderStatus::Waiting, Ok(())) => return Some((at, alone)),
                (RenderStatus::Waiting, Err(reason)) => {
                    self.list[at].status = RenderStatus::Failed(reason.to_string());
                }
                _ => {}
            }
        }
        None
    }

    /// The place of the result for `recipe_key`; made if there is none.
    fn place(&mut self, recipe_key: Recipe) -> usize {
        if let Some(at) = self.list.iter().position(|baseline| baseline.recipe_key == recipe_key) {
            return at;
        }
        self.list.drain(..self.list.len().saturating_sub(KEPT - 1));
        self.list.push(Baseline { recipe_key, status: RenderStatus::Waiting, tokens: Arc::default() });
        self.list.len() - 1
    }

    /// Notes that the baseline at `at` was sent as `job`.
    pub fn sent(&mut self, at: usize, job: JobId) {
        if let Some(baseline) = self.list.get_mut(at) {
            baseline.status = RenderStatus::Rendering(job);
        }
    }

    /// Gives the current job up and starts none until something else is rendered.
    pub fn stop(&mut self) {
        self.overtaken();
        self.paused = true;
    }

    /// Another job was sent: the current one was cancelled and waits again.
    pub fn overtaken(&mut self) {
        self.paused = false;
        for baseline in self.list.iter_mut().filter(|baseline| baseline.status.is_rendering()) {
            baseline.status = RenderStatus::Waiting;
        }
    }

    /// Applies an event of a background job; returns whether it was one.
    pub fn apply(&mut self, event: &Event) -> bool {
        let Some(job) = event.job() else { return false };
        let Some(baseline) = self.list.iter_mut().find(|baseline| baseline.status.is_job(job)) else { return false };
        match event {
            Event::Started { tokens, .. } => baseline.tokens = tokens.clone(),
            Event::Done { take, .. } => {
                let done = BaselineResult { result: take.clone(), tokens: baseline.tokens.clone() };
                baseline.status = RenderStatus::Done(done);
            }
            Event::Failed { message, .. } => baseline.status = RenderStatus::Failed(message.clone()),
            Event::Stopped { .. } => baseline.status = RenderStatus::Waiting,
            _ => {}
        }
        true
    }

    /// Keeps a finished run of the window if it is of one model alone.
    pub fn keep(&mut self, finished: &Arc<RenderResult>, tokens: &Arc<Vec<Token>>) {
        let rule = finished.recipe.active_fusion().map(|fusion| fusion.rule);
        if ModelRole::BOTH.iter().any(|role| Some(role.rule()) == rule) {
            let at = self.place(finished.recipe.canonical());
            let done = BaselineResult { result: finished.clone(), tokens: tokens.clone() };
            self.list[at].status = RenderStatus::Done(done);
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
        sharper.concepts[0].strength = 2.0;
        assert!(baselines.next(&sharper).is_none());
        assert!(matches!(baselines.status(&sharper, ModelRole::General), Some(RenderStatus::Done(_))));
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

//! How the engine's events change the document.
//!
//! Apart from edits because the user has no hand in it: what happens here is never undone.

use std::sync::Arc;

use super::{
    live_run::{LiveRun, Phase},
    notice::Notice,
    regions::follow::follow_words,
    state::Document,
    takes::Kept,
    track::Track,
};
use crate::{
    engine::{Event, JobId, RenderResult, StepReport, Token},
    recipe::Recipe,
    tensor::Picture,
};

/// A run of the recipe that ended with its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinishedRun {
    pub steps: usize,
}

impl Document {
    /// Notes that `recipe` was sent as `job`. What was shown stays until the job has something of its own.
    pub fn begin(&mut self, job: JobId, recipe: Recipe, gesture: u64) {
        self.grid.overtaken();
        self.baselines.overtaken();
        let before = self.run.take();
        self.run = Some(LiveRun::sent(job, recipe, gesture, before));
    }

    /// Applies one event at the time `now`, in seconds since 1970-01-01 UTC. Events of jobs that were overtaken change
    /// nothing. Returns the run that it finished.
    pub fn apply(&mut self, event: Event, now: u64) -> Option<FinishedRun> {
        if self.grid.apply(&event) || self.baselines.apply(&event) {
            self.engine.busy = None;
            return None;
        }
        match event {
            Event::Ready { device } => {
                self.engine.device = Some(device);
                self.engine.busy = None;
            }
            Event::Compatibility(compatibility) => self.engine.compatibility = Some(compatibility),
            Event::Busy { message } => self.engine.busy = Some(message),
            Event::Started { job, calls, tokens } => self.started(job, calls, tokens),
            Event::Step { job, report } => self.step(job, report),
            Event::Preview { job, step, picture } => self.refine(job, step, &picture),
            Event::Done { job, take } => return self.done(job, &take, now),
            Event::Stopped { job } => self.end(job, Phase::Stopped),
            Event::Failed { job, message } => {
                if self.current(job).is_some() {
                    self.notify(Notice::error(message));
                    self.end(job, Phase::Failed);
                }
            }
        }
        None
    }

    fn started(&mut self, job: JobId, calls: usize, tokens: Arc<Vec<Token>>) {
        self.engine.busy = None;
        self.follow_words(job, &tokens);
        if let Some(run) = self.current(job) {
            run.phase = Phase::Running;
            run.calls = calls;
            run.track.tokens = tokens;
            run.track.reports.resize(calls, None);
        }
    }

    /// Factors and locks name words by their position in the prompt: when the prompt has changed, they follow their
    /// words. That is part of the change of the prompt, not a step of its own to undo.
    fn follow_words(&mut self, job: JobId, now: &[Token]) {
        let Some(run) = self.run.as_ref().filter(|run| run.job == job && run.track.recipe.prompt == self.recipe.prompt)
        else {
            return;
        };
        let words = (run.track.recipe.prompt.clone(), now.to_vec());
        let Some((prompt, before)) = self.context.words.replace(words) else { return };
        if prompt != self.recipe.prompt {
            follow_words(&mut self.recipe, &before, now);
            self.history.amend(&self.recipe);
        }
    }

    fn current(&mut self, job: JobId) -> Option<&mut LiveRun> {
        self.run.as_mut().filter(|run| run.job == job)
    }

    fn end(&mut self, job: JobId, phase: Phase) {
        self.engine.busy = None;
        if let Some(run) = self.current(job) {
            run.phase = phase;
        }
    }

    fn step(&mut self, job: JobId, report: Arc<StepReport>) {
        if let Some(run) = self.current(job) {
            run.step(report);
        }
    }

    /// Puts a decoded preview in the place of a draft: in the run itself and in the take that came of it.
    fn refine(&mut self, job: JobId, step: usize, picture: &Arc<Picture>) {
        let Some(run) = self.current(job) else { return };
        run.track.refine(step, picture);
        let recipe = run.track.recipe.clone();
        if let Some(track) = self.takes.track_of_mut(&recipe) {
            track.refine(step, picture);
        }
    }

    fn done(&mut self, job: JobId, finished: &Arc<RenderResult>, now: u64) -> Option<FinishedRun> {
        self.engine.busy = None;
        let run = self.current(job)?;
        run.phase = Phase::Done;
        run.before = None;
        run.track = Track::finished(finished, run.track.tokens.clone());
        let (track, gesture) = (run.track.clone(), run.gesture);
        self.baselines.keep(finished, &track.tokens);
        // A picture that the window has rendered by itself is no work that could be lost.
        let untouched = !self.is_unsaved() && self.takes.is_empty();
        if self.takes.keep(track, finished.elapsed, gesture, now) == Kept::New {
            self.file.touch();
            if untouched {
                self.file.saved = self.file.version;
            }
        }
        Some(FinishedRun { steps: finished.reports.len() })
    }
}

//! How the engine's events change the document.
//!
//! Apart from edits because the user has no hand in it: what happens here is never undone.

use std::sync::Arc;

use super::{
    background_work::BackgroundWork,
    live_run::{LiveRun, Phase},
    notice::{Notice, Topic},
    render_status::RenderStatus,
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
    pub fn begin(&mut self, job: JobId, recipe: Recipe) {
        self.overtaken();
        let (dragged, before) = (self.is_moving(), self.run.take());
        self.run = Some(LiveRun::sent(job, recipe, before, dragged));
    }

    /// Notes that the engine was told to give up what it renders in the background, which is tried again later.
    pub fn overtaken(&mut self) {
        self.background.overtaken();
    }

    /// Applies one event at the time `now`, in seconds since 1970-01-01 UTC. Events of jobs that were overtaken change
    /// nothing. Returns the run that it finished.
    pub fn apply(&mut self, event: Event, now: u64) -> Option<FinishedRun> {
        let BackgroundWork { grid, baselines, films, .. } = &mut self.background;
        if grid.apply(&event) || baselines.apply(&event) || films.apply(&event) {
            self.engine.busy = None;
            return None;
        }
        if self.background.queue.entry_of(&event).is_some() {
            self.engine.busy = None;
            return self.queued(event, now);
        }
        match event {
            Event::Ready { device } => {
                self.engine.device = Some(device);
                self.engine.busy = None;
            }
            Event::Card(state) => self.engine.card = state,
            Event::Cards(names) => self.engine.cards = names,
            Event::Compatibility(compatibility) => self.engine.compatibility = Some(compatibility),
            Event::Busy { message } => self.engine.busy = Some(message),
            Event::Texts { model, reader } => self.engine.readers.put(model, reader),
            Event::Started { job, calls, tokens } => self.started(job, calls, tokens),
            Event::Step { job, report } => self.step(job, report),
            Event::Preview { job, step, picture } => self.refine(job, step, &picture),
            Event::Done { job, take } => return self.done(job, &take, now),
            Event::Stopped { job } => self.end(job, Phase::Stopped),
            Event::Failed { job, message } => {
                if self.current(job).is_some() {
                    self.notify(Notice::error(Topic::Rendering, message));
                    self.end(job, Phase::Failed);
                }
            }
        }
        None
    }

    fn started(&mut self, job: JobId, calls: usize, tokens: Arc<Vec<Token>>) {
        self.engine.busy = None;
        let Some(run) = self.current(job) else { return };
        run.begin();
        run.calls = calls;
        run.track.tokens = tokens.clone();
        run.track.reports.resize(calls, None);
        let prompt = run.track.recipe.prompt.clone();
        self.learn_tokens(&prompt, &tokens);
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

    /// Puts a decoded preview in place of an approximate one: in the run itself and in the take that came of it.
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
        run.unkept = Some((finished.elapsed, now));
        let tokens = run.track.tokens.clone();
        self.background.baselines.keep(finished, &tokens);
        self.background.films.keep(&finished.recipe, &finished.picture);
        self.keep_settled();
        Some(FinishedRun { steps: finished.reports.len() })
    }

    /// Applies an event of an entry of the queue; its finished picture becomes a take.
    fn queued(&mut self, event: Event, now: u64) -> Option<FinishedRun> {
        let entry = self.background.queue.entry_of(&event)?;
        let finished = entry.apply(event)?;
        let (tokens, parent) = (entry.track.tokens.clone(), entry.parent);
        let track = Track { recipe: entry.recipe.clone(), ..Track::finished(&finished, tokens) };
        let (id, kept) = self.takes.keep_from(parent, track, finished.elapsed, now);
        (entry.status, entry.track) = (RenderStatus::Done(id), Track::default());
        if kept == Kept::New {
            self.file.touch();
        }
        Some(FinishedRun { steps: finished.reports.len() })
    }

    /// Makes a take of the newest job once it is finished and its recipe is settled: half-typed prompts and the values
    /// between the ends of a drag make none. Neither do recipes that undo leads to: their run waits until it is asked for.
    pub(super) fn keep_settled(&mut self) {
        let settled = self.history.settled().map_or(&self.recipe, |settled| &settled.recipe);
        let finished = self.run.as_mut().filter(|run| run.unkept.is_some());
        let Some(run) = finished.filter(|run| run.track.recipe.canonical() == settled.canonical()) else { return };
        if self.history.travelled && self.takes.of_picture(settled).is_none() {
            return;
        }
        let Some((elapsed, now)) = run.unkept.take() else { return };
        let track = Track { recipe: settled.clone(), ..run.track.clone() };
        // A picture that the window has rendered by itself is no work that could be lost.
        let untouched = !self.is_unsaved() && self.takes.is_empty();
        if self.takes.keep(track, elapsed, now) == Kept::New {
            self.file.touch();
            if untouched {
                self.file.saved = self.file.version;
            }
        }
    }
}

#[cfg(test)]
pub mod tests;

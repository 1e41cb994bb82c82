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
            Event::Card(state) => self.engine.card = state,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        engine::{Ledger, Norms},
        studio::document::{edit::Edit, live_run::LiveRun, track::Playhead},
    };

    /// Some time in 2023.
    const NOW: u64 = 1_700_000_000;

    fn report(step: usize, calls: usize) -> Arc<StepReport> {
        Arc::new(StepReport {
            approximate: false,
            evaluations: 2,
            step,
            calls,
            timestep: 0.0,
            sigma: 0.0,
            preview: Arc::new(Picture { width: 1, height: 1, rgb: vec![step as u8; 3] }),
            scfg: None,
            concepts: Vec::new(),
            fusion: None,
            norms: Norms::default(),
            ledger: Ledger::default(),
            elapsed: Duration::from_millis(100),
        })
    }

    fn finished(recipe: &Recipe, calls: usize) -> Arc<RenderResult> {
        Arc::new(RenderResult {
            recipe: recipe.clone(),
            picture: Arc::new(Picture { width: 1, height: 1, rgb: vec![9; 3] }),
            reports: (0..calls).map(|step| report(step, calls)).collect(),
            elapsed: Duration::from_secs(1),
            branch_evaluations: 2 * calls,
            fingerprint: Arc::default(),
        })
    }

    /// Renders `recipe` as job `id` within `gesture`.
    fn render(document: &mut Document, id: u64, recipe: &Recipe, gesture: u64) {
        let job = JobId(id);
        document.begin(job, recipe.clone(), gesture);
        document.apply(Event::Started { job, calls: 4, tokens: Arc::default() }, NOW);
        document.apply(Event::Done { job, take: finished(recipe, 4) }, NOW);
    }

    #[test]
    fn progress_counts_from_where_the_job_resumed() {
        let mut document = Document::default();
        let job = JobId(1);
        document.begin(job, Recipe::default(), 1);
        let progress = |document: &Document| document.run().and_then(LiveRun::progress);
        assert_eq!(progress(&document), None);
        document.apply(Event::Started { job, calls: 10, tokens: Arc::default() }, NOW);
        for step in 6..8 {
            document.apply(Event::Step { job, report: report(step, 10) }, NOW);
        }
        let progress = progress(&document).expect("it runs");
        assert_eq!((progress.done, progress.calls, progress.resumed_at), (8, 10, Some(6)));
        assert_eq!(progress.per_step, Some(Duration::from_millis(100)));
        assert_eq!(progress.left, Some(Duration::from_millis(200)));
    }

    #[test]
    fn one_gesture_keeps_one_take_unless_it_is_pinned() {
        let mut document = Document::default();
        let seed = |seed| Recipe { seed, ..Recipe::default() };
        render(&mut document, 1, &seed(1), 1);
        render(&mut document, 2, &seed(2), 2);
        render(&mut document, 3, &seed(3), 2);
        let seeds = |d: &Document| d.takes().list().iter().map(|t| t.track.recipe.seed).collect::<Vec<_>>();
        assert_eq!(seeds(&document), [1, 3]);
        let take = document.takes().list()[1].id;
        document.edit(Edit::TogglePin { side: 0, take }, NOW);
        render(&mut document, 4, &seed(4), 2);
        assert_eq!(seeds(&document), [1, 3, 4]);
    }

    #[test]
    fn what_was_shown_stays_until_the_new_job_has_a_step() {
        let mut document = Document::default();
        render(&mut document, 1, &Recipe::default(), 1);
        document.begin(JobId(2), Recipe::default(), 2);
        document.begin(JobId(3), Recipe::default(), 2);
        let picture = |d: &Document| d.live_track()?.frame(Playhead::Newest).map(|f| f.picture.rgb[0]);
        assert_eq!(picture(&document), Some(9));
        document.apply(Event::Step { job: JobId(2), report: report(0, 4) }, NOW);
        assert_eq!(picture(&document), Some(9), "job 2 was overtaken");
        document.apply(Event::Step { job: JobId(3), report: report(2, 4) }, NOW);
        assert_eq!(picture(&document), Some(2));
    }

    #[test]
    fn a_failure_of_an_old_job_raises_no_notice() {
        let mut document = Document::default();
        document.begin(JobId(5), Recipe::default(), 1);
        document.apply(Event::Failed { job: JobId(4), message: "old".into() }, NOW);
        assert_eq!(document.notices().shown, None);
        document.apply(Event::Failed { job: JobId(5), message: "new".into() }, NOW);
        assert_eq!(document.notices().shown, Some(Notice::error("new")));
        assert_eq!(document.run().map(|run| run.phase), Some(Phase::Failed));
    }

    /// The document reads no clock: the caller gives the time at which a take was made.
    #[test]
    fn the_same_events_at_the_same_time_give_the_same_document() {
        let replayed = |now: u64| {
            let mut document = Document::default();
            let recipe = Recipe { fusion: Some(Default::default()), ..Recipe::default() };
            document.edit(Edit::Recipe(Box::new(recipe.clone())), now);
            for id in 1..=2 {
                let job = JobId(id);
                document.begin(job, Recipe { seed: id, ..recipe.clone() }, id);
                document.apply(Event::Started { job, calls: 4, tokens: Arc::default() }, now);
                document.apply(Event::Done { job, take: finished(&Recipe { seed: id, ..recipe.clone() }, 4) }, now);
            }
            document
        };
        let (first, second) = (replayed(NOW), replayed(NOW));
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
        assert!(first.takes().list().iter().all(|take| take.created == NOW), "{first:?}");
        assert!(replayed(NOW + 5).takes().list().iter().all(|take| take.created == NOW + 5));
    }
}

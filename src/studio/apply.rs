//! How the engine's events change the document. Pure: no widgets, no clock, no channel.

use std::{sync::Arc, time::Duration};

use super::{
    naming, regions,
    state::{LiveRun, Phase, Shown, Studio, Take, TakeId},
    track::{Playhead, Track},
};
use crate::{
    engine::{Event, JobId, RenderResult, StepReport, Token},
    recipe::Recipe,
    tensor::Picture,
};

/// Steps of older takes are dropped beyond this many bytes; their pictures and recipes stay.
const STEP_MEMORY: usize = 768 << 20;

/// How far the newest job is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub done: usize,
    pub calls: usize,
    /// Mean time of the steps it computed itself.
    pub per_step: Option<Duration>,
    pub left: Option<Duration>,
    pub resumed_at: Option<usize>,
}

impl Studio {
    /// Notes that `recipe` was sent as `job`. What is on the canvas stays until the job has something of its own.
    pub fn begin(&mut self, job: JobId, recipe: Recipe, gesture: u64) {
        let before = self.run.take().map(|run| {
            let keep = run.track.has_steps() || run.track.picture.is_some();
            if keep { Some(Box::new(run.track)) } else { run.before }
        });
        self.run = Some(LiveRun {
            job,
            track: Track::new(recipe),
            phase: Phase::Waiting,
            gesture,
            calls: 0,
            resumed_at: None,
            spent: (Duration::ZERO, 0),
            before: before.flatten(),
        });
        self.shown = Shown::Live;
        self.playing = false;
    }

    /// Applies one event. Events of jobs that were overtaken change nothing.
    pub fn apply(&mut self, event: Event) {
        if self.grid.apply(&event) || self.baselines.apply(&event) {
            self.busy = None;
            return;
        }
        match event {
            Event::Ready { device } => {
                self.device = Some(device);
                self.busy = None;
            }
            Event::Compatibility(fit) => self.fit = Some(fit),
            Event::Busy { message } => self.busy = Some(message),
            Event::Started { job, calls, tokens } => {
                self.busy = None;
                self.follow_words(job, &tokens);
                if let Some(run) = self.current(job) {
                    run.phase = Phase::Running;
                    run.calls = calls;
                    run.track.tokens = tokens;
                    run.track.reports.resize(calls, None);
                }
            }
            Event::Step { job, report } => self.step(job, report),
            Event::Preview { job, step, picture } => self.refine(job, step, &picture),
            Event::Done { job, take } => self.done(job, &take),
            Event::Stopped { job } => self.end(job, Phase::Stopped),
            Event::Failed { job, message } => {
                if self.current(job).is_some() {
                    self.complain(message);
                    self.end(job, Phase::Failed);
                }
            }
        }
    }

    /// Factors and locks name words by their place in the prompt: when the prompt has changed, they follow their words.
    fn follow_words(&mut self, job: JobId, now: &[Token]) {
        let Some(run) = self.run.as_ref().filter(|run| run.job == job && run.track.recipe.prompt == self.recipe.prompt)
        else {
            return;
        };
        let Some(before) = self.words_of.replace((run.track.recipe.prompt.clone(), now.to_vec())) else { return };
        if before.0 != self.recipe.prompt {
            regions::follow_words(&mut self.recipe, &before.1, now);
            self.amended = true;
        }
    }

    fn current(&mut self, job: JobId) -> Option<&mut LiveRun> {
        self.run.as_mut().filter(|run| run.job == job)
    }

    fn end(&mut self, job: JobId, phase: Phase) {
        self.busy = None;
        if let Some(run) = self.current(job) {
            run.phase = phase;
        }
    }

    fn step(&mut self, job: JobId, report: Arc<StepReport>) {
        let Some(run) = self.current(job) else { return };
        run.phase = Phase::Running;
        if report.evaluations > 0 {
            run.resumed_at.get_or_insert(report.step);
            run.spent.0 += report.elapsed;
            run.spent.1 += 1;
        }
        run.calls = report.calls;
        run.track.put(report);
    }

    /// Puts a decoded preview in the place of a draft: in the run itself and in the take that came of it.
    fn refine(&mut self, job: JobId, step: usize, picture: &Arc<Picture>) {
        let Some(run) = self.current(job) else { return };
        run.track.refine(step, picture);
        let recipe = run.track.recipe.clone();
        if let Some(take) = self.takes.iter_mut().rev().find(|take| take.track.recipe == recipe) {
            take.track.refine(step, picture);
        }
    }

    fn done(&mut self, job: JobId, finished: &Arc<RenderResult>) {
        self.busy = None;
        let Some(run) = self.current(job) else { return };
        run.phase = Phase::Done;
        run.before = None;
        run.track = Track::finished(finished, run.track.tokens.clone());
        let (track, gesture) = (run.track.clone(), run.gesture);
        self.baselines.keep(finished, &track.tokens);
        self.keep(track, finished.elapsed, gesture);
        self.trim_steps();
        if let Playhead::At(step) = self.playhead
            && step + 1 >= finished.reports.len()
        {
            self.playhead = Playhead::Newest;
        }
    }

    /// Adds a take, or replaces the last one when both come from the same uninterrupted gesture. A recipe that came
    /// from a take and is as it was there gives that take its steps back.
    fn keep(&mut self, track: Track, elapsed: Duration, gesture: u64) {
        let base = self.base;
        if let Some(same) =
            self.takes.iter_mut().find(|take| Some(take.id) == base && take.track.recipe.same_settings(&track.recipe))
        {
            same.track = track;
            return;
        }
        // A picture that the window has rendered by itself is no work that could be lost.
        let untouched = !self.is_unsaved() && self.takes.is_empty();
        self.add(track, elapsed, gesture);
        self.touch();
        if untouched {
            self.saved = self.version;
        }
    }

    fn add(&mut self, track: Track, elapsed: Duration, gesture: u64) {
        let pins = self.pins;
        // A take of this very gesture is about to be replaced: what counts is what that one was made from.
        let own = self.base.filter(|id| self.take(*id).is_some_and(|take| take.gesture == gesture));
        let parent = own.map_or(self.base, |id| self.take(id).and_then(|take| take.parent));
        let before = parent.and_then(|id| self.take(id));
        let name = naming::name(&track.recipe, before.map(|take| &take.track.recipe));
        if let Some(last) = self.takes.last_mut()
            && last.gesture == gesture
            && !pins.contains(&Some(last.id))
        {
            (last.name, last.track, last.elapsed) = (name, track, elapsed);
            return;
        }
        self.next_take += 1;
        let id = TakeId(self.next_take);
        let parent = own.or(parent);
        self.base = Some(id);
        self.takes.push(Take {
            id,
            name,
            track,
            elapsed,
            created: super::store::now(),
            gesture,
            parent,
            starred: false,
        });
    }

    /// Drops the steps of the oldest takes that are neither pinned nor shown, while all steps together take too much.
    fn trim_steps(&mut self) {
        let held = |take: &Take| take.track.reports.iter().flatten().map(|r| bytes(r)).sum::<usize>();
        let mut total: usize = self.takes.iter().map(held).sum();
        let (pins, shown) = (self.pins, self.shown);
        let newest = self.takes.last().map(|take| take.id);
        for take in &mut self.takes {
            if total <= STEP_MEMORY {
                break;
            }
            let wanted = pins.contains(&Some(take.id)) || shown == Shown::Take(take.id) || newest == Some(take.id);
            if !wanted {
                total -= held(take);
                take.track.reports.clear();
            }
        }
    }

    /// How far the newest job is; `None` before its first event.
    pub fn progress(&self) -> Option<Progress> {
        let run = self.run.as_ref().filter(|run| run.calls > 0)?;
        let done =
            if run.phase == Phase::Done { run.calls } else { run.track.newest_step().map_or(0, |step| step + 1) };
        let per_step = run.spent.0.checked_div(run.spent.1);
        let left = per_step.map(|each| each * (run.calls - done.min(run.calls)) as u32);
        let resumed_at = run.resumed_at.filter(|&step| step > 0);
        Some(Progress { done, calls: run.calls, per_step, left, resumed_at })
    }
}

/// A report's size in memory, roughly.
pub(super) fn bytes(report: &StepReport) -> usize {
    let area = report.scfg.as_ref().map_or(0, |s| s.rate.values.len());
    let maps = 2 + 2 * report.concepts.len() + 3 * usize::from(report.fusion.is_some());
    let attention: usize = report.scfg.iter().flat_map(|s| &s.attention).map(|map| map.values.len()).sum();
    report.preview.rgb.len() + 4 * (area * maps + attention)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Ledger, Norms},
        tensor::Picture,
    };

    fn report(step: usize, calls: usize) -> Arc<StepReport> {
        Arc::new(StepReport {
            draft: false,
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
    fn render(studio: &mut Studio, id: u64, recipe: &Recipe, gesture: u64) {
        let job = JobId(id);
        studio.begin(job, recipe.clone(), gesture);
        studio.apply(Event::Started { job, calls: 4, tokens: Arc::default() });
        studio.apply(Event::Done { job, take: finished(recipe, 4) });
    }

    #[test]
    fn progress_counts_from_where_the_job_resumed() {
        let mut studio = Studio::default();
        let job = JobId(1);
        studio.begin(job, Recipe::default(), 1);
        assert_eq!(studio.progress(), None);
        studio.apply(Event::Started { job, calls: 10, tokens: Arc::default() });
        for step in 6..8 {
            studio.apply(Event::Step { job, report: report(step, 10) });
        }
        let progress = studio.progress().expect("it runs");
        assert_eq!((progress.done, progress.calls, progress.resumed_at), (8, 10, Some(6)));
        assert_eq!(progress.per_step, Some(Duration::from_millis(100)));
        assert_eq!(progress.left, Some(Duration::from_millis(200)));
    }

    #[test]
    fn one_gesture_keeps_one_take_unless_it_is_pinned() {
        let mut studio = Studio::default();
        let seed = |seed| Recipe { seed, ..Recipe::default() };
        render(&mut studio, 1, &seed(1), 1);
        render(&mut studio, 2, &seed(2), 2);
        render(&mut studio, 3, &seed(3), 2);
        let seeds = |s: &Studio| s.takes.iter().map(|t| t.track.recipe.seed).collect::<Vec<_>>();
        assert_eq!(seeds(&studio), [1, 3]);
        studio.pins[0] = Some(studio.takes[1].id);
        render(&mut studio, 4, &seed(4), 2);
        assert_eq!(seeds(&studio), [1, 3, 4]);
    }

    #[test]
    fn what_was_shown_stays_until_the_new_job_has_a_step() {
        let mut studio = Studio::default();
        render(&mut studio, 1, &Recipe::default(), 1);
        studio.begin(JobId(2), Recipe::default(), 2);
        studio.begin(JobId(3), Recipe::default(), 2);
        let picture = |s: &Studio| s.shown_frame().map(|f| f.picture.rgb[0]);
        assert_eq!(picture(&studio), Some(9));
        studio.apply(Event::Step { job: JobId(2), report: report(0, 4) });
        assert_eq!(picture(&studio), Some(9), "job 2 was overtaken");
        studio.apply(Event::Step { job: JobId(3), report: report(2, 4) });
        assert_eq!(picture(&studio), Some(2));
    }

    #[test]
    fn a_failure_of_an_old_job_raises_no_banner() {
        let mut studio = Studio::default();
        studio.begin(JobId(5), Recipe::default(), 1);
        studio.apply(Event::Failed { job: JobId(4), message: "old".into() });
        assert_eq!(studio.banner, None);
        studio.apply(Event::Failed { job: JobId(5), message: "new".into() });
        assert_eq!(studio.banner.map(|b| b.message), Some("new".into()));
        assert_eq!(studio.run.map(|run| run.phase), Some(Phase::Failed));
    }
}

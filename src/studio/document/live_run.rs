//! The newest job as it forms.
//!
//! Apart from takes because only a finished run becomes one.

use std::{sync::Arc, time::Duration};

use super::track::Track;
use crate::{
    engine::{JobId, StepReport},
    recipe::Recipe,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Sent, not yet begun.
    Waiting,
    Running,
    Done,
    Stopped,
    Failed,
}

/// How far the newest job is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub done: usize,
    pub calls: usize,
    /// Mean time of the steps that the job computed itself.
    pub per_step: Option<Duration>,
    pub left: Option<Duration>,
    pub resumed_at: Option<usize>,
}

/// The newest job.
#[derive(Clone, Debug)]
pub struct LiveRun {
    pub job: JobId,
    pub track: Track,
    pub phase: Phase,
    /// Calls of the denoiser, once known.
    pub calls: usize,
    /// The first step that this job computed itself; earlier ones came from the prediction cache.
    pub resumed_at: Option<usize>,
    /// Times of the steps that were computed, summed, and their count.
    pub spent: (Duration, u32),
    /// How long the finished run took and when it ended, in seconds since 1970-01-01 UTC; `None` once it is a take.
    pub unkept: Option<(Duration, u64)>,
    /// What was shown before, until this run has a step of its own.
    pub before: Option<Box<Track>>,
    /// It was sent while something was being dragged: what was shown before stays until there is something better.
    pub dragged: bool,
}

impl LiveRun {
    /// A job that was just sent; `before` is the job that it replaces.
    pub(super) fn sent(job: JobId, recipe: Recipe, before: Option<Self>, dragged: bool) -> Self {
        let before = before.and_then(|run| {
            let keep = if dragged { run.is_formed() } else { run.track.has_steps() || run.track.picture.is_some() };
            if keep { Some(Box::new(run.track)) } else { run.before }
        });
        Self { phase: Phase::Waiting, before, dragged, ..Self::of_track(job, Track::new(recipe)) }
    }

    /// A finished run that no job of this window made: one read from a session.
    pub(super) fn kept(track: Track) -> Self {
        Self { calls: track.calls(), ..Self::of_track(JobId(0), track) }
    }

    fn of_track(job: JobId, track: Track) -> Self {
        let spent = (Duration::ZERO, 0);
        let (phase, resumed_at, unkept, before) = (Phase::Done, None, None, None);
        Self { job, track, phase, calls: 0, resumed_at, spent, unkept, before, dragged: false }
    }

    /// Whether it has something better to show than an early guess: its picture, or a preview of the second half.
    pub fn is_formed(&self) -> bool {
        self.track.picture.is_some() || self.track.newest_step().is_some_and(|step| 2 * (step + 1) >= self.calls)
    }

    pub fn is_busy(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Running)
    }

    /// Notes that the engine is at it. A run that was told to stop does not run again for what is still under way.
    pub(super) fn begin(&mut self) {
        if self.phase != Phase::Stopped {
            self.phase = Phase::Running;
        }
    }

    /// Notes a finished step.
    pub(super) fn step(&mut self, report: Arc<StepReport>) {
        self.begin();
        if report.evaluations > 0 {
            self.resumed_at.get_or_insert(report.step);
            self.spent.0 += report.elapsed;
            self.spent.1 += 1;
        }
        self.calls = report.calls;
        self.track.put(report);
    }

    /// How far the job is; `None` before its first event.
    pub fn progress(&self) -> Option<Progress> {
        if self.calls == 0 {
            return None;
        }
        let done =
            if self.phase == Phase::Done { self.calls } else { self.track.newest_step().map_or(0, |step| step + 1) };
        let per_step = self.spent.0.checked_div(self.spent.1);
        let left = per_step.map(|each| each * (self.calls - done.min(self.calls)) as u32);
        let resumed_at = self.resumed_at.filter(|&step| step > 0);
        Some(Progress { done, calls: self.calls, per_step, left, resumed_at })
    }
}

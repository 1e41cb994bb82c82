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
}

impl LiveRun {
    /// A job that was just sent; `before` is the job that it replaces.
    pub(super) fn sent(job: JobId, recipe: Recipe, before: Option<Self>) -> Self {
        let before = before.and_then(|run| {
            let keep = run.track.has_steps() || run.track.picture.is_some();
            if keep { Some(Box::new(run.track)) } else { run.before }
        });
        Self { phase: Phase::Waiting, before, ..Self::of_track(job, Track::new(recipe)) }
    }

    /// A finished run that no job of this window made: one read from a session.
    pub(super) fn kept(track: Track) -> Self {
        Self { calls: track.calls(), ..Self::of_track(JobId(0), track) }
    }

    fn of_track(job: JobId, track: Track) -> Self {
        let spent = (Duration::ZERO, 0);
        Self { job, track, phase: Phase::Done, calls: 0, resumed_at: None, spent, unkept: None, before: None }
    }

    pub fn is_busy(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Running)
    }

    /// Notes a finished step.
    pub(super) fn step(&mut self, report: Arc<StepReport>) {
        self.phase = Phase::Running;
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

//! What is rendered while nothing else is: cells of the grid, then each model of a fusion alone.

use super::{live_run::Phase, state::Document};
use crate::{engine::JobId, recipe::Recipe};

/// A recipe that is rendered in the background, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundJob {
    Cell(usize),
    Baseline(usize),
}

impl Document {
    /// The next recipe to render in the background; `None` while one is under way, or when there is none.
    pub fn next_background(&mut self) -> Option<(BackgroundJob, Recipe)> {
        if let Some((at, recipe)) = self.grid.next_cell() {
            return Some((BackgroundJob::Cell(at), recipe));
        }
        if self.grid.running {
            return None;
        }
        self.baselines.next(&self.recipe).map(|(at, recipe)| (BackgroundJob::Baseline(at), recipe))
    }

    /// Notes that it was sent as `job`.
    pub fn background_sent(&mut self, background: BackgroundJob, job: JobId) {
        match background {
            BackgroundJob::Cell(at) => self.grid.sent(at, job),
            BackgroundJob::Baseline(at) => self.baselines.sent(at, job),
        }
    }

    /// Notes that the engine was told to stop: for the window the run has stopped, however long the operation takes that is
    /// under way. Nothing goes on in the background either.
    pub fn stop(&mut self) {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_busy()) {
            run.phase = Phase::Stopped;
        }
        self.grid.stop();
        self.baselines.stop();
    }
}

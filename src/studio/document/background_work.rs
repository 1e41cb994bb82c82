//! Everything that is rendered while the newest job is not: the queue, the grid, each model of a fusion alone, filmstrips.
//!
//! Apart from when each has its turn (`background.rs`), which the whole document decides.

use super::{baselines::Baselines, films::Films, grid::Grid, queue::Queue};

/// What is rendered in the background.
#[derive(Clone, Debug, Default)]
pub struct BackgroundWork {
    pub queue: Queue,
    pub grid: Grid,
    pub baselines: Baselines,
    pub films: Films,
}

impl BackgroundWork {
    /// The engine was told to give up what it renders in the background, which is tried again later.
    pub(super) fn overtaken(&mut self) {
        self.queue.overtaken();
        self.grid.overtaken();
        self.baselines.overtaken();
        self.films.overtaken();
    }

    /// Whether the engine has any of it.
    pub(super) fn is_rendering(&self) -> bool {
        let Self { queue, grid, baselines, films } = self;
        queue.is_rendering() || grid.is_rendering() || baselines.is_rendering() || films.is_rendering()
    }

    /// Nothing goes on until the user wants it.
    pub(super) fn stop(&mut self) {
        self.queue.stop();
        self.grid.stop();
        self.baselines.stop();
        self.films.overtaken();
    }
}

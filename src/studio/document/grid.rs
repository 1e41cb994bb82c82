//! A grid over two parameters: one picture for every pair of values.
//!
//! Apart from takes: cells are rendered in the background, and only one that is restored and rendered becomes a take.

use std::sync::Arc;

pub use super::parameter::{MOST, Parameter};
use super::render_status::RenderStatus;
use crate::{
    engine::{Event, JobId},
    recipe::Recipe,
    tensor::Picture,
};

/// One side of the grid: values spread evenly from `from` to `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    pub parameter: Parameter,
    pub from: f32,
    pub to: f32,
    pub count: usize,
}

impl Side {
    pub fn new(parameter: Parameter, recipe: &Recipe) -> Self {
        let [from, to] = parameter.span(recipe);
        Self { parameter, from, to, count: parameter.usual_count() }
    }

    pub fn values(&self) -> Vec<f32> {
        let count = self.count.clamp(1, MOST);
        let spread = |i: usize| {
            let t = if count == 1 { 0.0 } else { i as f32 / (count - 1) as f32 };
            let value = self.from + (self.to - self.from) * t;
            if self.parameter.is_whole() { value.round() } else { value }
        };
        (0..count).map(spread).collect()
    }
}

/// How far a cell is.
pub type CellStatus = RenderStatus<Arc<Picture>>;

#[derive(Clone, Debug)]
pub struct Cell {
    pub recipe: Recipe,
    pub status: CellStatus,
}

/// The grid: what it runs over, and its cells, row after row.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    /// Across and down; `None` until the grid is first looked at.
    pub sides: Option<[Side; 2]>,
    pub cells: Vec<Cell>,
    /// The sides that the cells were made for.
    pub made: Option<[Side; 2]>,
    pub running: bool,
}

impl Grid {
    /// The sides, at first chosen from the recipe: its first concept against its guidance scale. A side whose parameter
    /// the recipe no longer has, such as that of a removed concept, runs over the guidance scale.
    pub fn sides(&self, recipe: &Recipe) -> [Side; 2] {
        let all = Parameter::all(recipe);
        let first = || {
            let concept = recipe.concepts.first().map(|concept| Parameter::Strength(concept.id));
            let across = concept.filter(|parameter| all.contains(parameter)).unwrap_or(Parameter::Seed);
            [Side::new(across, recipe), Side::new(Parameter::Cfg, recipe)]
        };
        let existing = |side: Side| {
            if all.contains(&side.parameter) { side } else { Side::new(Parameter::Cfg, recipe) }
        };
        self.sides.map_or_else(first, |sides| sides.map(existing))
    }

    /// Makes all cells anew from `recipe` and starts rendering them.
    pub fn start(&mut self, recipe: &Recipe) {
        let sides = self.sides(recipe);
        let across = sides[0].values();
        let cell = |x: f32, y: f32| {
            let mut recipe = recipe.clone();
            sides[1].parameter.set(&mut recipe, y);
            sides[0].parameter.set(&mut recipe, x);
            Cell { recipe, status: CellStatus::Waiting }
        };
        self.cells = sides[1].values().into_iter().flat_map(|y| across.iter().map(move |&x| cell(x, y))).collect();
        self.made = Some(sides);
        self.running = true;
    }

    pub(super) fn is_rendering(&self) -> bool {
        self.cells.iter().any(|cell| cell.status.is_rendering())
    }

    /// The next recipe to render with its place; `None` while one is being rendered or when all are done. A recipe that
    /// is not valid fails with its reason and is passed over.
    pub fn next_cell(&mut self) -> Option<(usize, Recipe)> {
        if !self.running || self.is_rendering() {
            return None;
        }
        for (at, cell) in self.cells.iter_mut().enumerate().filter(|(_, cell)| cell.status == CellStatus::Waiting) {
            match cell.recipe.validate() {
                Ok(()) => return Some((at, cell.recipe.clone())),
                Err(reason) => cell.status = CellStatus::Failed(reason.to_string()),
            }
        }
        self.running = false;
        None
    }

    /// Notes that the cell at `at` was sent as `job`.
    pub fn sent(&mut self, at: usize, job: JobId) {
        if let Some(cell) = self.cells.get_mut(at) {
            cell.status = CellStatus::Rendering(job);
        }
    }

    /// Gives up the cells that are not rendered yet.
    pub fn stop(&mut self) {
        self.running = false;
        for cell in self.cells.iter_mut().filter(|cell| cell.status.is_rendering()) {
            cell.status = CellStatus::Waiting;
        }
    }

    /// Applies an event of a cell's job; returns whether it was one. A cancelled cell waits again.
    pub fn apply(&mut self, event: &Event) -> bool {
        let (job, status) = match event {
            Event::Done { job, take } => (job, Some(CellStatus::Done(take.picture.clone()))),
            Event::Failed { job, message } => (job, Some(CellStatus::Failed(message.clone()))),
            Event::Stopped { job } => (job, Some(CellStatus::Waiting)),
            Event::Started { job, .. } | Event::Step { job, .. } | Event::Preview { job, .. } => (job, None),
            Event::Ready { .. }
            | Event::Card(_)
            | Event::Cards(_)
            | Event::Busy { .. }
            | Event::Texts { .. }
            | Event::Compatibility(_) => return false,
        };
        let Some(cell) = self.cells.iter_mut().find(|cell| cell.status.is_job(*job)) else {
            return false;
        };
        if let Some(status) = status {
            cell.status = status;
        }
        true
    }

    /// Another job was sent: the cell's is cancelled, even if it never began and no event will say so.
    pub fn overtaken(&mut self) {
        let running = self.running;
        self.stop();
        self.running = running;
    }

    /// How many cells are finished, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        let open = |cell: &&Cell| matches!(cell.status, CellStatus::Waiting | CellStatus::Rendering(_));
        (self.cells.len() - self.cells.iter().filter(open).count(), self.cells.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Concept, ConceptId};

    fn recipe() -> Recipe {
        let concept = Concept { text: "hat".into(), enabled: false, ..Concept::default() };
        Recipe { prompt: "a cat".into(), concepts: vec![concept], ..Recipe::default() }.with_concept_ids()
    }

    #[test]
    fn every_pair_of_values_is_a_cell() {
        let sides = [
            Side { parameter: Parameter::Strength(ConceptId(1)), from: -4.0, to: 4.0, count: 3 },
            Side { parameter: Parameter::Seed, from: 3.0, to: 4.0, count: 2 },
        ];
        let mut grid = Grid { sides: Some(sides), ..Grid::default() };
        grid.start(&recipe());
        let cells: Vec<_> = grid.cells.iter().map(|c| (c.recipe.concepts[0].strength, c.recipe.seed)).collect();
        assert_eq!(cells, [(-4.0, 3), (0.0, 3), (4.0, 3), (-4.0, 4), (0.0, 4), (4.0, 4)]);
        assert!(grid.cells.iter().all(|c| c.recipe.concepts[0].enabled), "a muted concept would show nothing");
    }

    #[test]
    fn one_cell_at_a_time_and_an_overtaken_one_again() {
        let mut grid = Grid::default();
        grid.start(&recipe());
        let (at, _) = grid.next_cell().expect("nine wait");
        grid.sent(at, JobId(5));
        assert!(grid.next_cell().is_none(), "one is under way");
        assert!(!grid.apply(&Event::Stopped { job: JobId(4) }));
        assert!(grid.apply(&Event::Stopped { job: JobId(5) }));
        assert_eq!(grid.next_cell().map(|(at, _)| at), Some(at));
        grid.sent(at, JobId(6));
        assert!(grid.apply(&Event::Failed { job: JobId(6), message: "no".into() }));
        assert_eq!((grid.next_cell().map(|(at, _)| at), grid.progress()), (Some(at + 1), (1, 9)));
    }

    #[test]
    fn what_cannot_be_met_is_passed_over_and_the_grid_ends() {
        let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
        let sides = [side(Parameter::Cfg, 500.0, 600.0), side(Parameter::Seed, 1.0, 2.0)];
        let mut grid = Grid { sides: Some(sides), ..Grid::default() };
        grid.start(&recipe());
        assert!(grid.next_cell().is_none() && !grid.running);
        assert!(matches!(&grid.cells[0].status, CellStatus::Failed(reason) if reason.contains("guidance scale")));
    }
}

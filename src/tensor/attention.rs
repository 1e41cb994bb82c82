//! Attention probabilities as guidance reads them, wherever a network holds them.
//!
//! Apart because networks supply these maps and guidance reads them, and neither may name the other.

use std::error::Error;

/// Attention maps that could not be read from the device that holds them.
#[derive(Debug, thiserror::Error)]
#[error("the attention maps cannot be read from the device: {0}")]
pub struct AttentionError(pub Box<dyn Error + Send + Sync>);

/// Attention probabilities of one layer for one picture: after softmax, averaged over heads.
///
/// The layer asks from N = height × width positions of its own grid. `S` `[N, N]` are its probabilities over those
/// positions (self-attention), `C` `[L, N]` those over the L positions of the text (cross-attention). Rows are what is
/// attended to, columns are queries. Each column of `S` and each column of `C` sums to 1, except where a network takes
/// one softmax over both: there a column of both together does.
pub trait AttentionMaps: Send + Sync {
    /// Height and width of the grid.
    fn grid(&self) -> [usize; 2];

    /// Text positions, L.
    fn positions(&self) -> usize;

    /// `C`, row-major: `L * N` values.
    ///
    /// # Errors
    /// [`AttentionError`] when the device does not give them.
    fn cross(&self) -> Result<Vec<f32>, AttentionError>;

    /// The sum over r of `weights[r - 1] * S^r m` for each map m of `maps`, which are N values each, one after another.
    /// `(S m)(p)` is the mean of m over what position p attends to.
    ///
    /// # Errors
    /// [`AttentionError`] when the device does not give them.
    fn spread(&self, maps: &[f32], weights: &[f32]) -> Result<Vec<f32>, AttentionError>;

    /// How many maps a call of [`AttentionMaps::spread`] should have at most, so that several threads share the work.
    /// A device that divides its work by itself takes all at once.
    fn maps_per_call(&self) -> usize {
        usize::MAX
    }
}

/// Attention maps in host memory, multiplied by plain loops: for models without a network of ours, and for tests.
#[derive(Clone, Debug, PartialEq)]
pub struct HostAttention {
    grid: [usize; 2],
    self_map: Vec<f32>,
    cross_map: Vec<f32>,
}

impl HostAttention {
    /// `self_map` `[N, N]` and `cross_map` `[L, N]`, row-major, for a `grid` of N positions.
    pub fn new(grid: [usize; 2], self_map: Vec<f32>, cross_map: Vec<f32>) -> Self {
        let n = grid[0] * grid[1];
        assert!(self_map.len() == n * n && cross_map.len().is_multiple_of(n), "attention maps of another grid");
        Self { grid, self_map, cross_map }
    }

    fn n(&self) -> usize {
        self.grid[0] * self.grid[1]
    }
}

impl AttentionMaps for HostAttention {
    fn grid(&self) -> [usize; 2] {
        self.grid
    }

    fn positions(&self) -> usize {
        self.cross_map.len() / self.n()
    }

    fn cross(&self) -> Result<Vec<f32>, AttentionError> {
        Ok(self.cross_map.clone())
    }

    fn spread(&self, maps: &[f32], weights: &[f32]) -> Result<Vec<f32>, AttentionError> {
        let n = self.n();
        let mut sum = vec![0.0; maps.len()];
        let mut power = maps.to_vec();
        for &weight in weights {
            let mut next = vec![0.0; maps.len()];
            for (map, next) in power.chunks_exact(n).zip(next.chunks_exact_mut(n)) {
                for (&value, row) in map.iter().zip(self.self_map.chunks_exact(n)) {
                    next.iter_mut().zip(row).for_each(|(next, s)| *next += value * s);
                }
            }
            sum.iter_mut().zip(&next).for_each(|(sum, value)| *sum += weight * value);
            power = next;
        }
        Ok(sum)
    }
}

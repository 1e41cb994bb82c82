//! Where the tiles of a task lie in its scratch memory: blocks of columns, as wide as a full tile of the inner loop.
//!
//! Apart because both the transforms and the products between them walk it.

use std::ops::Range;

use super::{
    super::{instruction_set::MAX_LANES, matrix::ROWS},
    filtering::PLACES,
};

/// Tiles that lie side by side in the map and in a block of columns.
pub(super) struct Piece {
    /// Place of the first in the map of tiles.
    pub(super) down: usize,
    pub(super) right: usize,
    pub(super) len: usize,
    /// Its block of columns, and its place there.
    pub(super) block: usize,
    pub(super) place: usize,
}

/// The blocks of a task, for vectors of `lanes`.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    pub(super) lanes: usize,
    /// Vectors of a full block, and columns.
    pub(super) vectors: usize,
    pub(super) full: usize,
    /// All columns of the task.
    pub(super) total: usize,
}

impl Blocks {
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        self.total.div_ceil(self.full)
    }

    /// Vectors of a block.
    #[inline(always)]
    pub(super) fn vectors_of(self, block: usize) -> usize {
        (self.total - block * self.full).div_ceil(self.lanes).min(self.vectors)
    }

    /// Start of a place of a block among the transformed inputs of `channels`.
    #[inline(always)]
    pub(super) fn inputs(self, block: usize, place: usize, channels: usize) -> usize {
        (block * PLACES + place) * (self.full * channels + MAX_LANES)
    }

    /// Start of a place of a block among the sums.
    #[inline(always)]
    pub(super) fn sums(self, panel: usize, place: usize, block: usize) -> usize {
        ((panel * PLACES + place) * self.count() + block) * ROWS * self.full
    }

    /// `tiles` of a map that is `across` tiles wide, in pieces.
    pub(super) fn pieces(self, tiles: Range<usize>, across: usize) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut tile = tiles.start;
        while tile < tiles.end {
            let (down, right) = (tile / across, tile % across);
            let (block, place) = ((tile - tiles.start) / self.full, (tile - tiles.start) % self.full);
            let len = (across - right).min(tiles.end - tile).min(self.full - place);
            pieces.push(Piece { down, right, len, block, place });
            tile += len;
        }
        pieces
    }
}

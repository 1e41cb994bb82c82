//! Maps spread along self-attention.
#![allow(unsafe_code, reason = "a product fills a buffer that is wholly its own")]

use super::{
    product::{Columns, Matrix, Places, Product, pack_columns, packed_len},
    tile::Target,
};

/// Self-attention `[n, n]`, laid out once for several products.
pub(in super::super) struct Spreading {
    n: usize,
    panels: Vec<f32>,
    starts: Vec<usize>,
}

impl Spreading {
    /// # Panics
    /// Where `attention` has another length than `n * n`.
    pub(in super::super) fn new(attention: &[f32], n: usize) -> Self {
        assert_eq!(attention.len(), n * n, "attention");
        let mut panels = vec![0.0; packed_len(n, n)];
        pack_columns(&mut panels, [n, n], attention);
        Self { n, panels, starts: Vec::new() }
    }

    /// `out[p, k] = sum over q of attention[q, p] * maps[q, k]`, on this thread: `maps` and `out` are `[n, count]`.
    ///
    /// # Panics
    /// Where a slice has another length than that.
    pub(in super::super) fn spread(&mut self, maps: &[f32], out: &mut [f32]) {
        let Self { n, panels, starts } = self;
        let n = *n;
        let count = maps.len() / n.max(1);
        assert!(maps.len() == count * n && out.len() == maps.len(), "sizes of maps");
        starts.clear();
        starts.extend((0..n).map(|q| q * count));
        let columns = Columns { data: maps, starts, height: 1, width: count, stride: count };
        let matrix = Matrix { panels, rows: n, depth: n, taps: 1 };
        let product = Product { matrix, columns, bias: None, residual: None, places: Places::dense(count, count) };
        // SAFETY: `out` is exclusively borrowed and holds `n` rows of `count` floats, checked above.
        unsafe { product.fill_here(Target::of_values(out)) };
    }
}

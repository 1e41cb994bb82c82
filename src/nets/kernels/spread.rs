//! Maps spread along self-attention.
#![allow(unsafe_code, reason = "a product fills a buffer that is wholly its own")]

use super::{
    product::{Columns, Matrix, Places, Product, pack, packed_len},
    tile::Target,
};

/// `out[k, p] = sum over q of maps[k, q] * attention[q, p]`, on this thread: `maps` and `out` are `[count, n]`,
/// `attention` `[n, n]`.
///
/// # Panics
/// Where a slice has another length than that.
pub(in super::super) fn spread(attention: &[f32], n: usize, maps: &[f32], out: &mut [f32]) {
    let count = maps.len() / n.max(1);
    assert!(attention.len() == n * n && maps.len() == count * n && out.len() == maps.len(), "sizes of maps");
    let mut panels = vec![0.0; packed_len(count, n)];
    pack(&mut panels, [count, n, 1], |map, q| maps[map * n + q]);
    let starts: Vec<usize> = (0..n).map(|q| q * n).collect();
    let columns = Columns { data: attention, starts: &starts, height: 1, width: n, stride: n };
    let matrix = Matrix { panels: &panels, rows: count, depth: n, taps: 1 };
    let product = Product { matrix, columns, bias: None, residual: None, places: Places::dense(n, n) };
    // SAFETY: `out` is exclusively borrowed and holds `count` rows of `n` floats, checked above.
    unsafe { product.fill_here(Target::of_values(out)) };
}

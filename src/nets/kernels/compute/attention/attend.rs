//! Attention on all threads.
//!
//! Apart from the blocks that compute it: this cuts heads and queries into them.
#![allow(unsafe_code, reason = "outputs are written before their vector gets its length, by several threads")]

use super::{
    super::{
        disjoint::WriteTarget,
        instruction_set::Kernel,
        memory::{filled, recycle},
        parallel,
    },
    block::{Block, QUERIES},
    mean::mean_over_heads,
    packed::{Packed, Sizes},
};

/// Query `[batch, width, n]`, key and value `[batch, width, l]` to `[batch, width, n]`; `dims` are `[batch, width, n, l]`.
/// `causal` hides keys after the query's own position. With `map`, also the first sample's probabilities `[l, n]`, mean
/// over heads.
///
/// # Panics
/// If slices have other sizes, `width` is no multiple of `heads`, or there are no keys.
pub(crate) fn attend(
    [query, key, value]: [&[f32]; 3],
    [batch, width, n, l]: [usize; 4],
    heads: usize,
    causal: bool,
    map: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    assert!(width.is_multiple_of(heads) && l > 0, "heads and keys");
    assert!(query.len() == batch * width * n, "queries");
    assert!(key.len() == batch * width * l && value.len() == key.len(), "keys and values");
    let d = width / heads;
    let sizes = Sizes { heads, d, n, l, causal };
    let packed = pack(sizes, key, value, batch * heads);
    let blocks = n.div_ceil(QUERIES);
    let mut out = Vec::new();
    // SAFETY: each task writes all rows of its head for the queries of its block, in `out` and, of the first sample, in
    // `seen`; together that is everything.
    let seen = unsafe {
        filled(if map { heads * sizes.kept() } else { 0 }, |seen| {
            let seen = WriteTarget::new(seen);
            out = filled(batch * heads * d * n, |out| {
                let out = WriteTarget::new(out);
                parallel::each(batch * heads * blocks, |task| {
                    let (head, first) = (task / blocks, task % blocks * QUERIES);
                    let queries = [first, (first + QUERIES).min(n)];
                    let own = |size: usize| head * size..(head + 1) * size;
                    let (query, out) = (&query[own(d * n)], out.part(own(d * n)));
                    let kept = (map && head < heads).then(|| seen.part(own(sizes.kept())));
                    // Each task has a head and queries of its own, which is what this asks for.
                    Block::with_room(sizes, &packed[head], (query, queries), out, kept, |block| block.dispatch());
                });
            });
        })
    };
    let map = map.then(|| mean_over_heads(&seen, sizes));
    recycle(seen);
    (out, map)
}

fn pack(sizes: Sizes, key: &[f32], value: &[f32], heads: usize) -> Vec<Packed> {
    let size = sizes.d * sizes.l;
    let mut packed: Vec<Packed> = (0..heads).map(|_| Packed::empty()).collect();
    parallel::each_part(&mut packed, 1, |head, packed| {
        packed[0] = Packed::new(sizes, &key[head * size..][..size], &value[head * size..][..size]);
    });
    packed
}

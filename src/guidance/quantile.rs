//! Quantiles (algorithms.md §0.2).
//!
//! Apart because SEGA's threshold and the spread of S-CFG's rates both take them.

/// Quantile `q` in 0..=1 of at least one value, with linear interpolation between the two nearest ranks
/// (torch.quantile): rank `q * (N - 1)`.
pub fn quantile(values: &[f32], q: f32) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let position = q * (sorted.len() - 1) as f32;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    let t = position - position.floor();
    // The two forms of torch's lerp: each exact at its own end.
    if t < 0.5 { below + t * (above - below) } else { above - (above - below) * (1.0 - t) }
}

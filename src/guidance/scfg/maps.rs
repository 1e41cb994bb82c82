//! Which attention maps a segmentation is made of (algorithms.md §1.2): the levels, and the token maps of each branch.
//!
//! Apart because the engine needs the levels before there are any maps.

use crate::tensor::{AttentionError, AttentionMaps};

/// The attention of one layer.
pub type Layer = Box<dyn AttentionMaps>;

/// The published levels: a quarter and an eighth of the latent side.
const PUBLISHED: [usize; 2] = [4, 8];

/// Which levels to use of those at which a network attends to the text: the published two, else its two coarsest.
pub fn levels(available: &[usize]) -> Vec<usize> {
    if PUBLISHED.iter().all(|level| available.contains(level)) {
        return PUBLISHED.to_vec();
    }
    let mut sorted = available.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.split_off(sorted.len().saturating_sub(PUBLISHED.len()))
}

/// Which maps of a layer are refined.
#[derive(Clone, Copy)]
pub(super) enum MapsOf<'a> {
    /// Those that make token regions: every position's.
    EveryToken,
    /// Those that make the foreground: the sum of the maps of the start tokens, at ascending positions, and the sum of all
    /// others. Whatever is done to maps before they are normalised is linear, so that they can be summed first.
    StartAndRest { starts: &'a [usize] },
}

impl MapsOf<'_> {
    /// How many maps of a layer.
    pub(super) fn count(self, layer: &Layer) -> usize {
        match self {
            Self::EveryToken => layer.positions(),
            Self::StartAndRest { .. } => 2,
        }
    }

    /// One map after another, N elements each.
    pub(super) fn read(self, layer: &Layer) -> Result<Vec<f32>, AttentionError> {
        let mut maps = layer.cross()?;
        if let Self::StartAndRest { starts } = self {
            let [height, width] = layer.grid();
            let n = height * width;
            let mut sums = vec![0.0; 2 * n];
            let (start, rest) = sums.split_at_mut(n);
            for (position, map) in maps.chunks_exact(n).enumerate() {
                let sum = if starts.contains(&position) { &mut *start } else { &mut *rest };
                sum.iter_mut().zip(map).for_each(|(sum, value)| *sum += *value);
            }
            maps = sums;
        }
        Ok(maps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::HostAttention;

    #[test]
    fn the_rest_is_the_sum_of_all_but_the_start() {
        let cross = vec![1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
        let layer: Layer = Box::new(HostAttention::new([1, 2], vec![1.0, 0.0, 0.0, 1.0], cross.clone()));
        let maps = |of: MapsOf| of.read(&layer).expect("maps on the host");
        assert_eq!(maps(MapsOf::EveryToken), cross);
        assert_eq!(maps(MapsOf::StartAndRest { starts: &[0] }), [1.0, 2.0, 110.0, 220.0]);
        assert_eq!(maps(MapsOf::StartAndRest { starts: &[2] }), [100.0, 200.0, 11.0, 22.0]);
        assert_eq!(maps(MapsOf::StartAndRest { starts: &[0, 2] }), [101.0, 202.0, 10.0, 20.0], "a start a chunk");
    }
}

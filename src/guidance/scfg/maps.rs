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
pub(super) enum MapsOf {
    /// Those that make token regions: every position's.
    EveryToken,
    /// Those that make the foreground: the map of position `start`, and the sum of all others. Whatever is done to maps
    /// before they are normalised is linear, so that they can be summed first.
    StartAndRest { start: usize },
}

impl MapsOf {
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
        if let Self::StartAndRest { start } = self {
            let [height, width] = layer.grid();
            let n = height * width;
            if start > 0 {
                let (before, from) = maps.split_at_mut(start * n);
                before[..n].swap_with_slice(&mut from[..n]);
            }
            let mut tokens = maps[n..].chunks_exact_mut(n);
            if let Some(rest) = tokens.next() {
                for token in tokens {
                    rest.iter_mut().zip(token).for_each(|(rest, value)| *rest += *value);
                }
            }
            maps.resize(2 * n, 0.0);
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
        assert_eq!(maps(MapsOf::StartAndRest { start: 0 }), [1.0, 2.0, 110.0, 220.0]);
        assert_eq!(maps(MapsOf::StartAndRest { start: 2 }), [100.0, 200.0, 11.0, 22.0]);
    }
}

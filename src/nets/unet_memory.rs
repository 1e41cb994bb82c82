//! What a U-Net holds in memory beside its weights, by its sizes alone.
//!
//! Apart from the sizes because it is an estimate, which no result depends on.

use super::unet_config::{Level, UNetConfig};

impl UNetConfig {
    /// The values that one prediction holds at most at latents of `[height, width]`: the maps that the up blocks take from the
    /// down blocks, and a few of the widest.
    pub fn activations(&self, [height, width]: [usize; 2]) -> usize {
        /// A residual block holds its input, two normalised maps and its output; a feed-forward layer four times its width.
        const WIDEST: usize = 6;
        let area = |level: &Level| height * width / (level.factor * level.factor);
        let skipped: usize = self.levels.iter().map(|level| (level.layers + 1) * level.channels * area(level)).sum();
        let widest = self.levels.iter().map(|level| level.channels * area(level)).max().unwrap_or(0);
        skipped + WIDEST * widest
    }

    /// The values of the self-attention maps of one text at the levels with these factors: one map `[N, N]` a block.
    pub fn kept_attention(&self, [height, width]: [usize; 2], factors: &[usize]) -> usize {
        let last = self.levels.len().saturating_sub(1);
        let kept = self.levels.iter().enumerate().filter(|(_, level)| factors.contains(&level.factor));
        let maps = |(i, level): (usize, &Level)| {
            let down = if level.down_attention { level.layers } else { 0 };
            let up = if level.up_attention { level.layers + 1 } else { 0 };
            let middle = usize::from(i == last && self.middle);
            let positions = height * width / (level.factor * level.factor);
            (down + up + middle) * level.transformer_layers * positions * positions
        };
        kept.map(maps).sum()
    }
}

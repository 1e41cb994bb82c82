//! The kinds of shapes, ranges and palettes that arrays of a step have.
//!
//! Apart from the table, whose columns these types are.

use crate::tensor::plane::Plane;

/// The axes of an array: C channels, T token positions, h and w of the latent grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[1]`.
    One,
    /// `[h, w]`.
    Map,
    /// `[C, h, w]`.
    Channels,
    /// `[T, h, w]`, on the grid of the attention maps.
    Tokens,
    /// `[2, h, w]`, on the grid of the attention maps.
    Pair,
    /// `[1, C, h, w]`.
    Latents,
}

impl Shape {
    /// The number of axes.
    pub fn rank(self) -> usize {
        match self {
            Self::One => 1,
            Self::Map => 2,
            Self::Channels | Self::Tokens | Self::Pair => 3,
            Self::Latents => 4,
        }
    }
}

/// The values that the ends of a colour scale stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    Fixed(f32, f32),
    /// The smallest and the largest value of the map.
    Observed,
    /// 0 and the largest value of the map.
    FromZero,
    /// 1 in the middle, at least 0.75 to 1.25.
    AroundOne,
}

impl Range {
    /// The values at both ends for `map`. Low may equal high.
    pub fn bounds(self, map: &Plane) -> [f32; 2] {
        match self {
            Self::Fixed(low, high) => [low, high],
            Self::Observed => [map.min(), map.max()],
            Self::FromZero => [0.0, map.max().max(f32::MIN_POSITIVE)],
            Self::AroundOne => {
                let furthest = map.values.iter().map(|v| (v - 1.0).abs()).fold(0.25, f32::max);
                [1.0 - furthest, 1.0 + furthest]
            }
        }
    }
}

/// How a map is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// It is never drawn.
    None,
    /// One colour per token position.
    Regions,
    /// Blue below 1, amber above.
    AroundOne,
    /// Dark to light.
    Magma,
    /// One colour per model: 0 the general one, 1 the expert.
    Models,
}

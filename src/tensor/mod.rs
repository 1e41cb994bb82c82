//! Plain host arrays that cross module borders: latents, noise predictions and the maps made of them.
//!
//! Networks work on device tensors; everything that decides *what* is drawn (samplers, guidance, trace, panels) works
//! on these, in f32 on the CPU. That keeps results independent of the device, and the UI free of burn.

pub mod arrays;
mod attention;
mod pixels;

use serde::{Deserialize, Serialize};

pub use attention::{AttentionError, AttentionMaps, HostAttention};
pub use pixels::Pixels;

/// A latent-shaped array `[channels, height, width]` of one picture: latents, noise or a model prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    /// Row-major, `channels * height * width` values.
    pub values: Vec<f32>,
}

impl Latents {
    /// Wraps `values`; their count must be `channels * height * width`.
    pub fn new(channels: usize, height: usize, width: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), channels * height * width, "latents: wrong number of values");
        Self { channels, height, width, values }
    }

    pub fn zeros(channels: usize, height: usize, width: usize) -> Self {
        Self::new(channels, height, width, vec![0.0; channels * height * width])
    }

    /// An array of the same shape with other values.
    pub fn like(&self, values: Vec<f32>) -> Self {
        Self::new(self.channels, self.height, self.width, values)
    }

    /// Element count of one channel.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    pub fn channel(&self, c: usize) -> &[f32] {
        &self.values[c * self.area()..(c + 1) * self.area()]
    }

    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        self.like(self.values.iter().map(|&v| f(v)).collect())
    }

    /// Element by element with an array of the same shape.
    pub fn zip(&self, other: &Self, f: impl Fn(f32, f32) -> f32) -> Self {
        assert_eq!(self.values.len(), other.values.len(), "latents: shapes differ");
        self.like(self.values.iter().zip(&other.values).map(|(&a, &b)| f(a, b)).collect())
    }

    /// Euclidean norm over channels at every element: `[height, width]`.
    pub fn channel_norm(&self) -> Plane {
        let area = self.area();
        let values = (0..area)
            .map(|p| (0..self.channels).map(|c| self.values[c * area + p].powi(2)).sum::<f32>().sqrt())
            .collect();
        Plane::new(self.height, self.width, values)
    }

    /// Euclidean norm of the whole array, summed in f64.
    pub fn norm(&self) -> f32 {
        self.values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt() as f32
    }
}

/// A map over the latent grid (or a coarser one): `[height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plane<T = f32> {
    pub height: usize,
    pub width: usize,
    /// Row-major, `height * width` values.
    pub values: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// Wraps `values`; their count must be `height * width`.
    pub fn new(height: usize, width: usize, values: Vec<T>) -> Self {
        assert_eq!(values.len(), height * width, "plane: wrong number of values");
        Self { height, width, values }
    }

    pub fn filled(height: usize, width: usize, value: T) -> Self {
        Self::new(height, width, vec![value; height * width])
    }

    pub fn at(&self, y: usize, x: usize) -> T {
        self.values[y * self.width + x]
    }

    pub fn map<U: Copy>(&self, f: impl Fn(T) -> U) -> Plane<U> {
        Plane::new(self.height, self.width, self.values.iter().map(|&v| f(v)).collect())
    }

    /// Nearest-neighbour resize, source index `floor(i * from / to)` as torch's `nearest`.
    pub fn resize_nearest(&self, height: usize, width: usize) -> Self {
        let mut values = Vec::with_capacity(height * width);
        for y in 0..height {
            for x in 0..width {
                values.push(self.at(y * self.height / height, x * self.width / width));
            }
        }
        Self::new(height, width, values)
    }
}

impl Plane<f32> {
    pub fn mean(&self) -> f32 {
        (self.values.iter().map(|&v| f64::from(v)).sum::<f64>() / self.values.len().max(1) as f64) as f32
    }

    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// An 8-bit RGB picture, row-major, three bytes a pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// One position of the encoded prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Position in the encoded sequence.
    pub position: usize,
    /// The text it stands for; empty for start, end and padding.
    pub text: String,
    pub kind: TokenKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Start,
    Word,
    End,
    Padding,
}

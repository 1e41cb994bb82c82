//! Latent-shaped arrays of one picture.
//!
//! They stand apart from maps because they have channels: samplers and guidance compute on them, panels never see them.

use super::plane::Plane;

/// A latent-shaped array `[channels, height, width]` of one picture: latents, noise or a model prediction, in f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Latents {
    pub channels: usize,
    /// In elements of the latent grid.
    pub height: usize,
    /// In elements of the latent grid.
    pub width: usize,
    /// Row-major, `channels * height * width` values.
    pub values: Vec<f32>,
}

impl Latents {
    /// Wraps `values`.
    ///
    /// # Panics
    /// If there are not `channels * height * width` of them.
    pub fn new(channels: usize, height: usize, width: usize, values: Vec<f32>) -> Self {
        assert_eq!(values.len(), channels * height * width, "latents: wrong number of values");
        Self { channels, height, width, values }
    }

    pub fn zeros(channels: usize, height: usize, width: usize) -> Self {
        Self::new(channels, height, width, vec![0.0; channels * height * width])
    }

    /// An array of the same shape with other values.
    ///
    /// # Panics
    /// As [`Latents::new`].
    pub fn like(&self, values: Vec<f32>) -> Self {
        Self::new(self.channels, self.height, self.width, values)
    }

    /// Element count of one channel.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// The values of channel `c`, `[height, width]`.
    ///
    /// # Panics
    /// If there is no such channel.
    pub fn channel(&self, c: usize) -> &[f32] {
        &self.values[c * self.area()..(c + 1) * self.area()]
    }

    /// Applies `f` to every value.
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        self.like(self.values.iter().map(|&v| f(v)).collect())
    }

    /// Combines every value with that of `other`, an array of the same shape.
    ///
    /// # Panics
    /// If the two have different numbers of values.
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

//! Maps: one value per element of a grid.
//!
//! They stand apart from latents because they have no channels and hold any type: rates, masks, owners, colours.

use serde::{Deserialize, Serialize};

/// A map over the latent grid, or over a coarser one: `[height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plane<T = f32> {
    pub height: usize,
    pub width: usize,
    /// Row-major, `height * width` values.
    pub values: Vec<T>,
}

impl<T: Copy> Plane<T> {
    /// Wraps `values`.
    ///
    /// # Panics
    /// If there are not `height * width` of them.
    pub fn new(height: usize, width: usize, values: Vec<T>) -> Self {
        assert_eq!(values.len(), height * width, "plane: wrong number of values");
        Self { height, width, values }
    }

    /// A map of one value.
    pub fn filled(height: usize, width: usize, value: T) -> Self {
        Self::new(height, width, vec![value; height * width])
    }

    /// The value in row `y`, column `x`.
    ///
    /// # Panics
    /// If it lies below the last row.
    pub fn at(&self, y: usize, x: usize) -> T {
        self.values[y * self.width + x]
    }

    /// Applies `f` to every value.
    pub fn map<U: Copy>(&self, f: impl Fn(T) -> U) -> Plane<U> {
        Plane::new(self.height, self.width, self.values.iter().map(|&v| f(v)).collect())
    }

    /// Nearest-neighbour resize, source index `floor(i * from / to)` as torch's `nearest`. Values stay exact, which
    /// labels and masks need; pictures are made smaller by [`super::Picture::shrunk_to`].
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
    /// The mean of all values, summed in f64; 0 for a map without any.
    pub fn mean(&self) -> f32 {
        (self.values.iter().map(|&v| f64::from(v)).sum::<f64>() / self.values.len().max(1) as f64) as f32
    }

    /// The largest value; negative infinity for a map without any.
    pub fn max(&self) -> f32 {
        self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// The smallest value; infinity for a map without any.
    pub fn min(&self) -> f32 {
        self.values.iter().copied().fold(f32::INFINITY, f32::min)
    }
}

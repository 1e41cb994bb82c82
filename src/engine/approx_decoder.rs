//! An approximation of a model's decoder, fitted to the pictures that it has decoded.
//!
//! Every element of the latents stands for a square of pixels. The approximation takes those pixels for a linear function
//! of the element and its eight neighbours, fitted by ridge regression to the latents that were decoded last. It costs
//! next to nothing beside the decoder, and shows edges and colours where a projection of single elements shows only
//! patches. Apart from `preview` as pure arithmetic.

use crate::tensor::{Latents, Picture};

/// The element and its eight neighbours.
const NEIGHBOURS: usize = 9;

/// The weight of everything learned before when a picture is learned.
const RETENTION: f64 = 0.6;

/// Ridge, as a share of the mean square of the inputs: bounds the weights of inputs that hardly vary.
const RIDGE: f64 = 1e-3;

/// Latents of a smaller mean square than this count as if they had this one.
const MIN_ENERGY: f32 = 0.1;

/// At most about so many elements of a picture are used: more do not improve the fit.
const SAMPLES: usize = 1024;

/// A linear approximation of one decoder.
#[derive(Default)]
pub struct ApproxDecoder {
    shape: Shape,
    /// Sum of products of inputs, `inputs * inputs`.
    gram: Vec<f64>,
    /// Sum of products of inputs and pixels, `inputs * outputs`.
    cross: Vec<f64>,
    /// Pixels for inputs, `inputs * outputs`; empty until something was learned.
    weights: Vec<f32>,
    /// The smallest mean square of latents learned from; 0 until something was learned.
    min_energy: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shape {
    channels: usize,
    /// Pixels across one element of the latents.
    factor: usize,
}

impl Shape {
    fn of(latents: &Latents, picture: &Picture) -> Option<Self> {
        let factor = picture.width / latents.width.max(1);
        let fits = factor > 0 && picture.width == factor * latents.width && picture.height == factor * latents.height;
        fits.then_some(Self { channels: latents.channels, factor })
    }

    /// Values that a square of pixels is made from, with the constant.
    fn inputs(self) -> usize {
        NEIGHBOURS * self.channels + 1
    }

    /// Values of a square of pixels.
    fn outputs(self) -> usize {
        3 * self.factor * self.factor
    }
}

impl ApproxDecoder {
    /// Whether a picture of `latents` would improve the fit: nothing was learned yet, or only from latents of much more
    /// energy.
    pub fn would_gain(&self, latents: &Latents) -> bool {
        self.weights.is_empty()
            || latents.channels != self.shape.channels
            || 2.0 * mean_square(latents) < self.min_energy
    }

    /// Learns from `picture`, which the decoder made of `latents`. A picture of another shape discards what was learned.
    ///
    /// The first steps' predictions of x0 are far from anything that the decoder was trained on and say little of how it
    /// decodes others: latents count the less, the more energy they have.
    pub fn learn(&mut self, latents: &Latents, picture: &Picture) {
        let Some(shape) = Shape::of(latents, picture) else { return };
        let size = mean_square(latents);
        if !size.is_finite() {
            // Latents that are not finite would spoil every later fit.
            return;
        }
        let (n, m) = (shape.inputs(), shape.outputs());
        if shape != self.shape {
            *self = Self { shape, gram: vec![0.0; n * n], cross: vec![0.0; n * m], ..Self::default() };
        }
        self.gram.iter_mut().chain(&mut self.cross).for_each(|sum| *sum *= RETENTION);
        let size = size.max(MIN_ENERGY);
        self.min_energy = if self.min_energy == 0.0 { size } else { size.min(self.min_energy) };
        let share = size.powi(-4);
        let stride = (latents.area() / SAMPLES).isqrt().max(1);
        let (mut inputs, mut square) = (vec![0.0; n], vec![0.0; m]);
        for y in (0..latents.height).step_by(stride) {
            for x in (0..latents.width).step_by(stride) {
                gather(latents, y, x, &mut inputs);
                read_square(picture, shape.factor, y, x, &mut square);
                for (i, &input) in inputs.iter().enumerate() {
                    add(&mut self.gram[i * n..(i + 1) * n], share * input, &inputs);
                    add(&mut self.cross[i * m..(i + 1) * m], share * input, &square);
                }
            }
        }
        self.solve();
    }

    /// The square of pixels for `inputs`.
    fn mix(&self, inputs: &[f32], square: &mut [f32]) {
        square.fill(0.0);
        for (&input, row) in inputs.iter().zip(self.weights.chunks_exact(square.len())) {
            square.iter_mut().zip(row).for_each(|(sum, weight)| *sum += input * weight);
        }
    }

    /// An approximate picture of `latents` at the decoder's size; `None` until something was learned of such latents.
    pub fn picture(&self, latents: &Latents) -> Option<Picture> {
        let Shape { channels, factor } = self.shape;
        if self.weights.is_empty() || latents.channels != channels {
            return None;
        }
        let (width, height) = (factor * latents.width, factor * latents.height);
        let mut picture = Picture { width, height, rgb: vec![0; 3 * width * height] };
        let (mut inputs, mut square) = (vec![0.0; self.shape.inputs()], vec![0.0; self.shape.outputs()]);
        for y in 0..latents.height {
            for x in 0..latents.width {
                gather(latents, y, x, &mut inputs);
                self.mix(&inputs, &mut square);
                write_square(&mut picture, factor, y, x, &square);
            }
        }
        Some(picture)
    }

    /// Solves `(gram + ridge) weights = cross` by Cholesky's factors.
    fn solve(&mut self) {
        let (n, m) = (self.shape.inputs(), self.shape.outputs());
        let mean = (0..n).map(|i| self.gram[i * n + i]).sum::<f64>() / n as f64;
        let mut lower = self.gram.clone();
        for i in 0..n {
            lower[i * n + i] += RIDGE * mean;
        }
        if !factorise(&mut lower, n) {
            return;
        }
        let mut solution = self.cross.clone();
        for i in 0..n {
            for k in 0..i {
                eliminate(&mut solution, m, i, k, lower[i * n + k]);
            }
            solution[i * m..(i + 1) * m].iter_mut().for_each(|value| *value /= lower[i * n + i]);
        }
        for i in (0..n).rev() {
            for k in i + 1..n {
                eliminate(&mut solution, m, i, k, lower[k * n + i]);
            }
            solution[i * m..(i + 1) * m].iter_mut().for_each(|value| *value /= lower[i * n + i]);
        }
        self.weights = solution.iter().map(|&value| value as f32).collect();
    }
}

fn mean_square(latents: &Latents) -> f32 {
    latents.norm().powi(2) / latents.values.len().max(1) as f32
}

/// The element at `y`, `x` and its neighbours in every channel, the edge repeated, and a one.
fn gather(latents: &Latents, y: usize, x: usize, inputs: &mut [f32]) {
    let (height, width) = (latents.height, latents.width);
    let around = |at: usize, end: usize| [at.saturating_sub(1), at, (at + 1).min(end - 1)];
    let mut next = inputs.iter_mut();
    for plane in latents.values.chunks_exact(height * width) {
        for row in around(y, height) {
            for column in around(x, width) {
                if let Some(input) = next.next() {
                    *input = plane[row * width + column];
                }
            }
        }
    }
    if let Some(constant) = next.next() {
        *constant = 1.0;
    }
}

fn add(sums: &mut [f64], scale: f32, values: &[f32]) {
    sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(scale) * f64::from(value));
}

/// Row `i` less `share` of row `k`.
fn eliminate(rows: &mut [f64], width: usize, i: usize, k: usize, share: f64) {
    for column in 0..width {
        rows[i * width + column] -= share * rows[k * width + column];
    }
}

/// Cholesky's lower factor in place; false where the matrix is not positive definite.
fn factorise(matrix: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - known;
            if i == j && rest <= 0.0 {
                return false;
            }
            matrix[i * n + j] = if i == j { rest.sqrt() } else { rest / matrix[j * n + j] };
        }
    }
    true
}

fn read_square(picture: &Picture, factor: usize, y: usize, x: usize, square: &mut [f32]) {
    for (row, values) in square.chunks_exact_mut(3 * factor).enumerate() {
        let begin = 3 * ((y * factor + row) * picture.width + x * factor);
        values.iter_mut().zip(&picture.rgb[begin..begin + 3 * factor]).for_each(|(v, &level)| *v = f32::from(level));
    }
}

fn write_square(picture: &mut Picture, factor: usize, y: usize, x: usize, square: &[f32]) {
    for (row, values) in square.chunks_exact(3 * factor).enumerate() {
        let begin = 3 * ((y * factor + row) * picture.width + x * factor);
        let levels = &mut picture.rgb[begin..begin + 3 * factor];
        levels.iter_mut().zip(values).for_each(|(level, &v)| *level = v.clamp(0.0, 255.0).round() as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Latents in small steps, so that the picture below holds them without rounding much.
    fn latents(seed: u64) -> Latents {
        let mut state = seed;
        let values = (0..2 * 6 * 5).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 24) as f32 - 0.5
        });
        Latents::new(2, 6, 5, values.collect())
    }

    /// A decoder that is linear itself: pixels from the element and its right neighbour.
    fn decoder(latents: &Latents) -> Picture {
        let (height, width) = (latents.height, latents.width);
        let mut picture = Picture { width: 2 * width, height: 2 * height, rgb: vec![0; 12 * width * height] };
        for y in 0..2 * height {
            for x in 0..2 * width {
                let at = |c: usize, dx: usize| {
                    latents.values[c * height * width + y / 2 * width + (x / 2 + dx).min(width - 1)]
                };
                let level = |mixed: f32| (128.0 + 100.0 * mixed).round() as u8;
                let colours = [level(at(0, 0)), level(at(1, 1)), level(0.5 * at(0, 1) + (y % 2) as f32 * at(1, 0))];
                picture.rgb[3 * (y * 2 * width + x)..][..3].copy_from_slice(&colours);
            }
        }
        picture
    }

    #[test]
    fn a_linear_decoder_is_learned_from_a_few_pictures() {
        let mut approx = ApproxDecoder::default();
        assert!(approx.picture(&latents(9)).is_none());
        for seed in 1..8 {
            approx.learn(&latents(seed), &decoder(&latents(seed)));
        }
        let (found, expected) = (approx.picture(&latents(9)).unwrap(), decoder(&latents(9)));
        assert_eq!((found.width, found.height), (expected.width, expected.height));
        let off = found.rgb.iter().zip(&expected.rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(off <= Some(2), "off by {off:?} of 255");
    }

    #[test]
    fn latents_that_are_not_finite_are_not_learned() {
        let mut approx = ApproxDecoder::default();
        approx.learn(&latents(1), &decoder(&latents(1)));
        let before = approx.picture(&latents(2)).unwrap();
        for wild in [f32::NAN, f32::INFINITY] {
            let mut broken = latents(3);
            broken.values[5] = wild;
            approx.learn(&broken, &decoder(&latents(3)));
            assert!(approx.picture(&latents(2)).unwrap() == before, "{wild}");
        }
    }

    #[test]
    fn latents_of_another_shape_discard_what_was_learned() {
        let mut approx = ApproxDecoder::default();
        approx.learn(&latents(1), &decoder(&latents(1)));
        let three = Latents::zeros(3, 4, 4);
        assert!(approx.picture(&three).is_none());
        approx.learn(&three, &Picture { width: 4, height: 4, rgb: vec![7; 48] });
        assert_eq!(approx.picture(&three).unwrap().rgb[0], 7);
        assert!(approx.picture(&latents(1)).is_none());
    }
}

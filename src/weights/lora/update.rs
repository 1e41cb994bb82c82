//! The arithmetic of an update of one tensor, for each kind of file.
//!
//! Separate from names and files: plain numbers in, plain numbers out.
//!
//! | kind | W' | source |
//! |---|---|---|
//! | LoRA, LoCon | W + s · up · down | Hu et al., ICLR 2022 |
//! | LoCon in Tucker form | W + s · core ×₁ up ×₂ down | LyCORIS |
//! | LoHa | W + s · A ∘ B | Hyeon-Woo et al., ICLR 2022 |
//! | LoKr | W + s · A ⊗ B | LyCORIS |
//! | (IA)³ | W · (1 + v) along outputs or inputs | Liu et al., NeurIPS 2022 |
//! | difference, norms | W + D | LyCORIS |
//! | DoRA | m · V / ‖V‖, where V is one of the above | Liu et al., ICML 2024 |
//!
//! s is alpha / rank. The weight of the file is a factor on W' - W.

use super::factor::{Factor, Part};

/// The change of one tensor.
#[derive(Debug)]
pub(super) struct Update {
    pub change: Change,
    pub scale: Scale,
    pub magnitude: Option<Magnitude>,
}

/// What is added to a tensor before a magnitude acts.
#[derive(Debug)]
pub(super) enum Change {
    /// One matrix: LoRA, LoCon, a whole difference.
    Sum(Factor),
    /// Element-wise product of two matrices: LoHa.
    Hadamard(Factor, Factor),
    /// Kronecker product of two matrices: LoKr.
    Kronecker(Factor, Factor),
    /// Each output's or input's weights times `values`: (IA)³.
    Rescale { values: Vec<f32>, on_input: bool },
}

/// `alpha / divisor`, in two numbers, so that the product is rounded as it always was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub alpha: f32,
    pub divisor: f32,
}

impl Scale {
    pub const ONE: Self = Self { alpha: 1.0, divisor: 1.0 };
}

/// DoRA's magnitude: the norm that each output's or each input's weights get.
#[derive(Debug)]
pub(super) struct Magnitude {
    pub values: Vec<f32>,
    pub on_input: bool,
}

impl Update {
    /// A whole difference.
    pub fn difference(part: Part, scale: Scale) -> Self {
        Self { change: Change::Sum(Factor::Whole(part)), scale, magnitude: None }
    }

    /// Whether a tensor of `shape` can be changed so.
    pub fn fits(&self, shape: &[usize]) -> bool {
        let (outputs, inputs) = (shape.first().copied().unwrap_or(0), shape.get(1).copied().unwrap_or(0));
        let axis = |on_input: bool| if on_input { inputs } else { outputs };
        let magnitude = self.magnitude.as_ref().is_none_or(|m| m.values.len() == axis(m.on_input));
        magnitude
            && match &self.change {
                Change::Rescale { values, on_input } => values.len() == axis(*on_input),
                _ => {
                    let (rows, columns) = self.sides();
                    rows == outputs && Some(shape.iter().product()) == rows.checked_mul(columns)
                }
            }
    }

    /// Outputs and inputs; of a rescaling, the number of its values and 1.
    pub fn sides(&self) -> (usize, usize) {
        match &self.change {
            Change::Sum(factor) | Change::Hadamard(factor, _) => factor.sides(),
            Change::Kronecker(first, second) => {
                let ((rows, columns), (more_rows, more_columns)) = (first.sides(), second.sides());
                (rows.saturating_mul(more_rows), columns.saturating_mul(more_columns))
            }
            Change::Rescale { values, .. } => (values.len(), 1),
        }
    }

    /// Changes a tensor of `shape`, which it fits. `weight` is the file's.
    pub fn apply(&self, values: &mut [f32], shape: &[usize], weight: f32) {
        let Some(magnitude) = &self.magnitude else { return self.add_to(values, shape, weight) };
        let mut merged = values.to_vec();
        self.add_to(&mut merged, shape, 1.0);
        magnitude.impose(&mut merged, shape);
        values.iter_mut().zip(merged).for_each(|(value, merged)| *value += weight * (merged - *value));
    }

    /// Adds the change times `weight`, without the magnitude.
    fn add_to(&self, values: &mut [f32], shape: &[usize], weight: f32) {
        let scale = weight * self.scale.alpha / self.scale.divisor;
        match &self.change {
            Change::Sum(factor) => factor.add_to(values, scale),
            Change::Hadamard(first, second) => {
                let products = first.dense().into_iter().zip(second.dense()).map(|(a, b)| a * b);
                values.iter_mut().zip(products).for_each(|(value, product)| *value += scale * product);
            }
            Change::Kronecker(first, second) => add_kronecker(values, scale, first, second),
            Change::Rescale { values: factors, on_input } => {
                for_each_factor(values, shape, *on_input, factors, |value, factor| *value += scale * factor * *value);
            }
        }
    }
}

/// Row a·n + b of the product is row b of `second`, once for each element of row a of `first`, times that element.
fn add_kronecker(values: &mut [f32], scale: f32, first: &Factor, second: &Factor) {
    let ((_, inputs), (rows, columns)) = (first.sides(), second.sides());
    let (first, second) = (first.dense(), second.dense());
    for (row, cells) in values.chunks_mut(inputs * columns).enumerate() {
        let factors = first.chunks(inputs).nth(row / rows).unwrap_or_default();
        let part = second.chunks(columns).nth(row % rows).unwrap_or_default();
        for (cells, factor) in cells.chunks_mut(columns).zip(factors) {
            cells.iter_mut().zip(part).for_each(|(cell, value)| *cell += scale * factor * value);
        }
    }
}

impl Magnitude {
    /// Gives the weights of each output or input the norm that the magnitude says.
    fn impose(&self, values: &mut [f32], shape: &[usize]) {
        let mut squares = vec![0.0f64; self.values.len()];
        let inputs = shape.get(1).copied().unwrap_or(1).max(1);
        let kernel = shape.iter().skip(2).product::<usize>().max(1);
        for (i, value) in values.iter().enumerate() {
            let channel = if self.on_input { i / kernel % inputs } else { i / (kernel * inputs) };
            squares[channel] += f64::from(*value) * f64::from(*value);
        }
        // As in LyCORIS, so that a channel of zeros stays zero.
        let norm = |square: f64| square.sqrt() as f32 + f32::EPSILON;
        let factors: Vec<f32> = self.values.iter().zip(squares).map(|(m, square)| m / norm(square)).collect();
        for_each_factor(values, shape, self.on_input, &factors, |value, factor| *value *= factor);
    }
}

/// Calls `change` with each value of a tensor and the factor of its output or input.
fn for_each_factor(
    values: &mut [f32],
    shape: &[usize],
    on_input: bool,
    factors: &[f32],
    change: impl Fn(&mut f32, f32),
) {
    let kernel = shape.iter().skip(2).product::<usize>().max(1);
    let inputs = shape.get(1).copied().unwrap_or(1).max(1);
    let span = if on_input { kernel } else { kernel * inputs };
    for (cells, factor) in values.chunks_mut(span).zip(factors.iter().cycle()) {
        cells.iter_mut().for_each(|value| change(value, *factor));
    }
}

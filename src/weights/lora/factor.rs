//! The factors that an update of weights is made of: a matrix, a product of two, or a Tucker form.
//!
//! Separate from the updates, because LoRA, LoHa and LoKr put the same factors together in different ways.

use rayon::prelude::*;

/// A tensor of a file: shape and values, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Part {
    /// Size of the first axis; 1 for a number.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Values per entry of the first axis.
    pub fn columns(&self) -> usize {
        self.values.len().checked_div(self.rows()).unwrap_or(0)
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        let (rows, columns) = (self.rows(), self.columns());
        let value = |i: usize| self.values[(i % rows) * columns + i / rows];
        Self { shape: vec![columns, rows], values: (0..self.values.len()).map(value).collect() }
    }
}

/// A matrix `[outputs, inputs · kernel]`, whole or in factors.
#[derive(Debug)]
pub(super) enum Factor {
    Whole(Part),
    /// `up` is `[outputs, rank]`, `down` is `[rank, inputs · kernel]`.
    Product {
        up: Part,
        down: Part,
    },
    /// Tucker decomposition: `core` is `[ranks, ranks', kernel…]`, `up` is `[outputs, ranks]`, `down` is `[ranks', inputs]`.
    Tucker {
        core: Part,
        up: Part,
        down: Part,
    },
}

impl Factor {
    /// The product, if the two fit together.
    pub fn product(up: Part, down: Part) -> Option<Self> {
        let fits = up.columns() == down.rows() && down.rows() > 0 && !up.values.is_empty() && !down.values.is_empty();
        fits.then_some(Self::Product { up, down })
    }

    /// The Tucker form, if the three fit together.
    pub fn tucker(core: Part, up: Part, down: Part) -> Option<Self> {
        let inner = core.shape.get(1).copied().unwrap_or(0);
        let fits = core.shape.len() > 2
            && up.columns() == core.rows()
            && down.rows() == inner
            && [&core, &up, &down].iter().all(|part| !part.values.is_empty());
        fits.then_some(Self::Tucker { core, up, down })
    }

    /// Outputs and inputs (the kernel's elements count as inputs).
    pub fn sides(&self) -> (usize, usize) {
        match self {
            Self::Whole(part) => (part.rows(), part.columns()),
            Self::Product { up, down } => (up.rows(), down.columns()),
            Self::Tucker { core, up, down } => (up.rows(), down.columns() * kernel(core)),
        }
    }

    /// The rank, by which alpha is divided; none of a whole matrix.
    pub fn rank(&self) -> Option<usize> {
        match self {
            Self::Whole(_) => None,
            Self::Product { down, .. } | Self::Tucker { down, .. } => Some(down.rows()),
        }
    }

    /// Adds `scale` times the matrix to `matrix`, which has as many values.
    pub fn add_to(&self, matrix: &mut [f32], scale: f32) {
        let (_, inputs) = self.sides();
        match self {
            Self::Whole(part) => matrix.iter_mut().zip(&part.values).for_each(|(m, v)| *m += scale * v),
            Self::Product { up, down } => {
                let rank = down.rows();
                matrix.par_chunks_mut(inputs).zip(up.values.par_chunks(rank)).for_each(|(row, factors)| {
                    for (factor, direction) in factors.iter().zip(down.values.chunks(inputs)) {
                        let factor = scale * factor;
                        row.iter_mut().zip(direction).for_each(|(value, part)| *value += factor * part);
                    }
                });
            }
            Self::Tucker { core, up, down } => add_tucker(matrix, scale, [core, up, down]),
        }
    }

    /// The whole matrix.
    pub fn dense(&self) -> Vec<f32> {
        let (outputs, inputs) = self.sides();
        let mut matrix = vec![0.0; outputs * inputs];
        self.add_to(&mut matrix, 1.0);
        matrix
    }
}

fn kernel(core: &Part) -> usize {
    core.shape.iter().skip(2).product()
}

/// matrix[o, i, k] += scale · Σ core[r, s, k] · up[o, r] · down[s, i].
fn add_tucker(matrix: &mut [f32], scale: f32, [core, up, down]: [&Part; 3]) {
    let (kernel, inputs) = (kernel(core), down.columns());
    // Of each rank: [inputs, kernel].
    let of_rank = |core: &[f32]| {
        let mut plane = vec![0.0; inputs * kernel];
        for (core, down) in core.chunks(kernel).zip(down.values.chunks(inputs)) {
            for (cells, &factor) in plane.chunks_mut(kernel).zip(down) {
                cells.iter_mut().zip(core).for_each(|(cell, value)| *cell += factor * value);
            }
        }
        plane
    };
    let planes: Vec<Vec<f32>> = core.values.par_chunks(core.columns()).map(of_rank).collect();
    matrix.par_chunks_mut(inputs * kernel).zip(up.values.par_chunks(up.columns())).for_each(|(row, factors)| {
        for (factor, plane) in factors.iter().zip(&planes) {
            row.iter_mut().zip(plane).for_each(|(value, part)| *value += scale * factor * part);
        }
    });
}

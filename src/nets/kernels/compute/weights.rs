//! The weights of convolutions and linear layers in the layout that products read.
//!
//! Apart because they are packed once, when a network is loaded.

use std::{array, sync::OnceLock};

use super::{
    element::{Element, Pair},
    matrix::{Matrix, pack},
};

/// The matrix of a convolution or linear layer with its bias.
pub(crate) struct Weights {
    pub(super) packed: Packed,
    pub(super) rows: usize,
    pub(super) bias: Option<Vec<f32>>,
}

/// Panels of what products multiply.
pub(super) enum Packed {
    Singles(Panels<f32>),
    Pairs(Panels<Pair>),
}

impl Weights {
    /// Packs `[rows, depth]`, row-major, as f32 or, if `bf16`, rounded to bf16. A convolution's weight
    /// `[outputs, inputs, k, k]` is such a matrix with depth = inputs * `taps`, taps = k * k; a linear layer has 1 tap.
    ///
    /// # Panics
    /// If `values` is not a matrix of so many rows and whole sets of taps, or the bias has another length.
    pub(crate) fn pack(values: &[f32], [rows, taps]: [usize; 2], bf16: bool, bias: Option<Vec<f32>>) -> Self {
        assert!(values.len().is_multiple_of((rows * taps).max(1)), "rows and taps of a weight");
        assert!(bias.as_ref().is_none_or(|bias| bias.len() == rows), "a bias");
        let packed = if bf16 {
            Packed::Pairs(Panels::new(values, rows, taps))
        } else {
            Packed::Singles(Panels::new(values, rows, taps))
        };
        Self { packed, rows, bias }
    }

    /// Output channels.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The bias of one sample: its own plus `shift`, which has a value per output channel.
    pub(super) fn shifted(&self, shift: Option<&[f32]>) -> Option<Vec<f32>> {
        match (&self.bias, shift) {
            (Some(bias), Some(shift)) => Some(bias.iter().zip(shift).map(|(b, s)| b + s).collect()),
            (bias, None) => bias.clone(),
            (None, Some(shift)) => Some(shift.to_vec()),
        }
    }
}

/// Panels of one kind of element. In their depth an element holds a tap of SPAN channels, a plane. A product with
/// several taps takes two planes at a time, tap by tap: `[planes / 2][taps][2]`.
pub(super) struct Panels<E> {
    panels: Vec<E>,
    rows: usize,
    /// Channels of the input.
    inputs: usize,
    depth: usize,
    taps: usize,
    /// See [`Panels::doubling`].
    doubling: OnceLock<[Vec<E>; 4]>,
}

impl<E: Element> Panels<E> {
    pub(super) fn new(values: &[f32], rows: usize, taps: usize) -> Self {
        let row_len = values.len() / rows.max(1);
        let inputs = row_len / taps.max(1);
        let depth = planes::<E>(inputs, taps) * taps;
        let panels = pack([rows, depth, taps], |row, k| {
            let (plane, tap) = plane_and_tap(k, taps);
            let channel = plane * E::SPAN;
            // A channel that is missing counts as zero.
            E::of(|i| if channel + i < inputs { values[row * row_len + (channel + i) * taps + tap] } else { 0.0 })
        });
        Self { panels, rows, inputs, depth, taps, doubling: OnceLock::new() }
    }

    pub(super) fn matrix(&self) -> Matrix<'_, E> {
        Matrix::new(&self.panels, [self.rows, self.depth, self.taps])
    }

    /// Channels of the input.
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// Elements of all panels.
    pub(super) fn len(&self) -> usize {
        self.panels.len()
    }

    /// The matrices of [`Panels::doubling`], by phase: row parity, then column parity.
    pub(super) fn doubled(&self) -> [Matrix<'_, E>; 4] {
        let depth = self.depth / self.taps * 4;
        let panels = self.doubling();
        array::from_fn(|phase| Matrix::new(&panels[phase], [self.rows, depth, 4]))
    }

    /// The start of each element of depth in a grid of planes that are `plane` apart, with `taps` taps, each at its place
    /// in a plane.
    pub(super) fn starts(&self, plane: usize, taps: usize, place: impl Fn(usize) -> usize) -> Vec<usize> {
        let last = self.inputs.div_ceil(E::SPAN).saturating_sub(1);
        let start = |k: usize| {
            let (at, tap) = plane_and_tap(k, taps);
            // A plane that is missing is multiplied by zeros: any other will do.
            at.min(last) * plane + place(tap)
        };
        (0..self.depth / self.taps * taps).map(start).collect()
    }

    /// A 3x3 convolution of a map doubled by nearest neighbours sees each value of the small map in 1, 2 or 4 taps.
    /// These are the summed taps: for outputs of even and odd rows, and even and odd columns within those, the panels
    /// of a 2x2 convolution of the small map. 4 multiplications take the place of 9.
    fn doubling(&self) -> &[Vec<E>; 4] {
        // Which of the three taps fall on the first of two values, at even outputs, and at odd ones.
        const FIRST: [usize; 2] = [1, 2];
        let taps = |odd: usize, second: usize| if second == 0 { 0..FIRST[odd] } else { FIRST[odd]..3 };
        let matrix = self.matrix();
        let at = |row: usize, k: usize| matrix.at(row, k);
        self.doubling.get_or_init(|| {
            array::from_fn(|phase| {
                let depth = self.depth / self.taps * 4;
                pack([self.rows, depth, 4], |row, k| {
                    let (plane, tap) = plane_and_tap(k, 4);
                    let line = |ky: usize| taps(phase % 2, tap % 2).map(move |kx| ky * 3 + kx);
                    let seen = || taps(phase / 2, tap / 2).flat_map(line).map(|tap| element(plane, tap, 9));
                    E::of(|i| seen().map(|k| f64::from(at(row, k).value(i))).sum::<f64>() as f32)
                })
            })
        })
    }
}

/// Planes of a product of this many channels: with several taps an even number.
fn planes<E: Element>(channels: usize, taps: usize) -> usize {
    let planes = channels.div_ceil(E::SPAN);
    if taps > 1 { planes.next_multiple_of(2) } else { planes }
}

/// The element of depth that holds `tap` of `plane`.
fn element(plane: usize, tap: usize, taps: usize) -> usize {
    if taps > 1 { (plane / 2 * taps + tap) * 2 + plane % 2 } else { plane }
}

/// The inverse of [`element`].
fn plane_and_tap(k: usize, taps: usize) -> (usize, usize) {
    if taps > 1 { (k / (2 * taps) * 2 + k % 2, k / 2 % taps) } else { (k, 0) }
}

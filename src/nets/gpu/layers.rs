//! Linear layers, convolutions and attention on a GPU, each as launches of the kernels beside.
//!
//! Apart from the kernels, which know buffers and sizes alone, and from `nets::layers`, which chooses between devices.

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::{
    super::kernels::Geometry,
    product::{Extent, Left, Out, Right, Terms, Window, product},
    softmax::{mean_over_heads, softmax_of_keys},
    tensors::{empty_like, float_values, stored_values, to_tensor},
};

/// What is added to a layer's product, as far as it is there.
pub(in super::super) struct Added<const D: usize> {
    /// As many values as there are outputs.
    pub bias: Option<Tensor<D>>,
    /// `[batch, outputs, 1]`.
    pub shift: Option<Tensor<3>>,
    /// Of the result's shape.
    pub residual: Option<Tensor<D>>,
}

/// A weight `[1, outputs, inputs]` times `[batch, inputs, n]`, plus what is added: `[batch, outputs, n]`. `None` where the
/// tensors are on no GPU.
pub(in super::super) fn linear(x: &Tensor<3>, weight: &Tensor<3>, added: Added<3>) -> Option<Tensor<3>> {
    let ([batch, inputs, n], [_, rows, _]) = (x.dims(), weight.dims());
    let (x, weight) = (float_values(x.clone()).ok()?, stored_values(weight.clone()).ok()?);
    let y = empty_like(&x, [batch, rows, n]);
    let left = Left { values: weight, batch: 0, transposed: false };
    let right = Right { values: x, batch: inputs * n, channel: n, first: 0, window: Window::none(n) };
    let out = Out { values: y.clone(), batch: rows * n, row: n, first: 0 };
    product(left, right, &terms(added)?, &out, Extent { batch, rows, columns: n, inputs });
    Some(to_tensor(y))
}

/// A convolution of `[batch, inputs, h, w]` by a weight `[outputs, inputs, kernel, kernel]` whose memory is
/// `[outputs, kernel, kernel, inputs]`, plus what is added. The input is first resized to `size` `[height, width]`, where given,
/// by nearest neighbours. `None` where the tensors are on no GPU.
pub(in super::super) fn convolve(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    geometry: Geometry,
    size: Option<[usize; 2]>,
    added: Added<4>,
) -> Option<Tensor<4>> {
    let ([batch, inputs, h, w], [rows, ..]) = (x.dims(), weight.dims());
    let Geometry { kernel, stride, padding: (before, _) } = geometry;
    let (x, weight) = (float_values(x.clone()).ok()?, stored_values(weight.clone().permute([0, 2, 3, 1])).ok()?);
    let resized = size.unwrap_or([h, w]);
    let [height, width] = resized.map(|side| geometry.output(side));
    let y = empty_like(&x, [batch, rows, height, width]);
    let window = Window { kernel, stride, padding: before, stored: [h, w], resized, out_width: width };
    let left = Left { values: weight, batch: 0, transposed: false };
    let right = Right { values: x, batch: inputs * h * w, channel: h * w, first: 0, window };
    let columns = height * width;
    let out = Out { values: y.clone(), batch: rows * columns, row: columns, first: 0 };
    product(left, right, &terms(added)?, &out, Extent { batch, rows, columns, inputs });
    Some(to_tensor(y))
}

fn terms<const D: usize>(added: Added<D>) -> Option<Terms> {
    Some(Terms {
        bias: added.bias.map(float_values).transpose().ok()?,
        shift: added.shift.map(float_values).transpose().ok()?,
        residual: added.residual.map(float_values).transpose().ok()?,
    })
}

/// Multi-head attention of queries `[batch, width, n]` to keys and values `[batch, width, l]`: `[batch, width, n]` and, with
/// `tap`, the first sample's probabilities `[l, n]`, averaged over heads. Queries go in blocks, so that at most `budget` scores
/// exist at once. `None` where the tensors are on no GPU.
pub(in super::super) fn attend(
    [query, key, value]: [&Tensor<3>; 3],
    heads: usize,
    causal: bool,
    tap: bool,
    budget: usize,
) -> Option<(Tensor<3>, Option<Tensor<2>>)> {
    let ([batch, width, n], [_, _, l]) = (query.dims(), key.dims());
    let on_gpu = |x: &Tensor<3>| float_values(x.clone()).ok();
    let (query, key, value) = (on_gpu(query)?, on_gpu(key)?, on_gpu(value)?);
    let output = empty_like(&query, [batch, width, n]);
    let map = tap.then(|| empty_like(&query, [l, n]));
    let head = Head { count: batch * heads, channels: width / heads, n, l };
    let block = (budget / (head.count * l)).clamp(1, n);
    for first in (0..n).step_by(block) {
        let columns = block.min(n - first);
        let scores = head.scores(&query, &key, first, columns);
        softmax_of_keys(&scores, [head.count, l, columns], head.scale(), causal.then_some(first));
        if let Some(map) = &map {
            mean_over_heads(&scores, map, [heads, l, columns], [n, first]);
        }
        head.weigh(&value, scores, &output, first, columns);
    }
    Some((to_tensor(output), map.map(to_tensor)))
}

/// Sizes of an attention whose samples and heads are taken as one axis.
#[derive(Clone, Copy)]
struct Head {
    count: usize,
    channels: usize,
    /// Queries.
    n: usize,
    /// Keys.
    l: usize,
}

impl Head {
    fn scale(self) -> f32 {
        1.0 / (self.channels as f32).sqrt()
    }

    /// `k^T q` of `columns` queries from `first` on: `[count, l, columns]`.
    fn scores(self, query: &CubeTensor, key: &CubeTensor, first: usize, columns: usize) -> CubeTensor {
        let Self { count, channels, n, l } = self;
        let scores = empty_like(query, [count, l, columns]);
        let left = Left { values: key.clone(), batch: channels * l, transposed: true };
        let window = Window::none(columns);
        let right = Right { values: query.clone(), batch: channels * n, channel: n, first, window };
        let out = Out { values: scores.clone(), batch: l * columns, row: columns, first: 0 };
        product(left, right, &Terms::default(), &out, Extent { batch: count, rows: l, columns, inputs: channels });
        scores
    }

    /// Writes the values, weighted by the probabilities, to the same columns of `output`.
    fn weigh(self, value: &CubeTensor, probabilities: CubeTensor, output: &CubeTensor, first: usize, columns: usize) {
        let Self { count, channels, n, l } = self;
        let left = Left { values: value.clone(), batch: channels * l, transposed: false };
        let window = Window::none(columns);
        let right = Right { values: probabilities, batch: l * columns, channel: columns, first: 0, window };
        let out = Out { values: output.clone(), batch: channels * n, row: n, first };
        product(left, right, &Terms::default(), &out, Extent { batch: count, rows: channels, columns, inputs: l });
    }
}

/// `maps` `[m, n]` times a matrix `[n, n]`, plus nothing. `None` where the tensors are on no GPU.
pub(in super::super) fn matrix_product(maps: &Tensor<2>, matrix: &Tensor<2>) -> Option<Tensor<2>> {
    let ([rows, inputs], [_, columns]) = (maps.dims(), matrix.dims());
    let (maps, matrix) = (float_values(maps.clone()).ok()?, float_values(matrix.clone()).ok()?);
    let y = empty_like(&maps, [rows, columns]);
    let left = Left { values: maps, batch: 0, transposed: false };
    let right = Right { values: matrix, batch: 0, channel: columns, first: 0, window: Window::none(columns) };
    let out = Out { values: y.clone(), batch: rows * columns, row: columns, first: 0 };
    product(left, right, &Terms::default(), &out, Extent { batch: 1, rows, columns, inputs });
    Some(to_tensor(y))
}

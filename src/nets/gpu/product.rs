//! Products: which tiles compute them, and the launch.
//!
//! Every product of a network goes through the one kernel of `product_kernel`, whose sizes are values and not parts of its
//! code: a model needs the same few pipelines whatever its shapes are. The tile is chosen by rule, nothing is tuned.

#![expect(unsafe_code, reason = "kernels do not check bounds")]

use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use half::f16;

use super::{
    product_kernel::{BIAS, RESIDUAL, SHIFT, SIDE, SizesLaunch, WindowLaunch, add_parts, multiply},
    tensors::{UNITS, empty_like},
};

/// Workgroups that keep a large card busy. Products with fewer have their sums cut into parts.
const ENOUGH: usize = 256;
/// Slices along the sums that a part has at least.
const SLICES: usize = 8;
/// Parts at most.
const PARTS: usize = 32;

/// The left factor of one product: `[rows, taps * inputs]` for each sample, or the same for all.
pub(super) struct Left {
    pub values: CubeTensor,
    /// Between samples, in elements; 0 where all have the same.
    pub batch: usize,
    /// Whether it is stored as `[taps * inputs, rows]`.
    pub transposed: bool,
}

/// The right factor: pictures of `inputs` channels, convolved as the window says, or `[inputs, columns]` matrices.
pub(super) struct Right {
    pub values: CubeTensor,
    /// Between samples, and between channels, in elements.
    pub batch: usize,
    pub channel: usize,
    /// The first column.
    pub first: usize,
    pub window: Window,
}

/// How a convolution takes its pictures.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub kernel: usize,
    pub stride: usize,
    /// Rows and columns of zeros before the picture.
    pub padding: usize,
    /// `[height, width]` as stored.
    pub stored: [usize; 2],
    /// `[height, width]` as convolved: resized to by nearest neighbours.
    pub resized: [usize; 2],
    pub out_width: usize,
}

impl Window {
    /// A plain product of `columns` columns.
    pub fn none(columns: usize) -> Self {
        let size = [1, columns];
        Self { kernel: 1, stride: 1, padding: 0, stored: size, resized: size, out_width: columns }
    }

    fn launch(self) -> WindowLaunch {
        let [height, width] = self.stored.map(|side| side as u32);
        let [resized_height, resized_width] = self.resized.map(|side| side as u32);
        let (kernel, stride, padding) = (self.kernel as u32, self.stride as u32, self.padding as u32);
        WindowLaunch::new(kernel, stride, padding, height, width, resized_height, resized_width, self.out_width as u32)
    }
}

/// What is added to a product: a bias for each row, a shift for each sample and row, a tensor of the result's shape.
#[derive(Default)]
pub(super) struct Terms {
    pub bias: Option<CubeTensor>,
    pub shift: Option<CubeTensor>,
    pub residual: Option<CubeTensor>,
}

impl Terms {
    fn flags(&self) -> u32 {
        let flag = |term: &Option<CubeTensor>, flag| if term.is_some() { flag } else { 0 };
        flag(&self.bias, BIAS) | flag(&self.shift, SHIFT) | flag(&self.residual, RESIDUAL)
    }

    /// The three buffers; `any` stands for those that are not read.
    fn buffers(&self, any: &CubeTensor) -> [CubeTensor; 3] {
        [&self.bias, &self.shift, &self.residual].map(|term| term.as_ref().unwrap_or(any).clone())
    }
}

/// Where the result goes: `[rows, columns]` for each sample.
pub(super) struct Out {
    pub values: CubeTensor,
    /// Between samples, and between rows, in elements.
    pub batch: usize,
    pub row: usize,
    /// The first column.
    pub first: usize,
}

/// The number of samples, rows and columns of a result, and of the inputs that are summed at each tap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub batch: usize,
    pub rows: usize,
    pub columns: usize,
    pub inputs: usize,
}

/// Tiles, and the parts of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    /// Squares of 4 x 4 results that a unit computes on each axis.
    groups: u32,
    /// Inputs of a slice.
    depth: u32,
    parts: usize,
}

impl Plan {
    /// Large tiles where they are enough to keep a card busy, else small ones; then sums in parts where even those are few.
    fn of(Extent { batch, rows, columns, inputs }: Extent, taps: usize, may_split: bool) -> Self {
        let tiles = |groups: u32| {
            let side = (4 * SIDE * groups) as usize;
            batch * rows.div_ceil(side) * columns.div_ceil(side)
        };
        if tiles(2) >= ENOUGH {
            return Self { groups: 2, depth: 8, parts: 1 };
        }
        let slices = inputs.div_ceil(16) * taps;
        let parts = if may_split { (ENOUGH / tiles(1)).min(slices / SLICES).clamp(1, PARTS) } else { 1 };
        Self { groups: 1, depth: 16, parts }
    }
}

/// Multiplies into `out`. Sums are cut into parts only where `out` is one whole tensor.
///
/// # Panics
/// Where a tensor is smaller than `extent` says.
pub(super) fn product(left: Left, right: Right, terms: &Terms, out: &Out, extent: Extent) {
    check(&left, &right, terms, out, extent);
    let Extent { batch, rows, columns, .. } = extent;
    let is_whole = out.first == 0 && out.row == columns && out.batch == rows * columns;
    let plan = Plan::of(extent, right.window.kernel.pow(2), is_whole);
    if plan.parts == 1 {
        return launch(left, right, terms, out, extent, plan);
    }
    let values = empty_like(&out.values, [plan.parts, batch, rows, columns]);
    let stored = Out { values, batch: out.batch, row: out.row, first: 0 };
    let like = right.values.clone();
    launch(left, right, &Terms::default(), &stored, extent, plan);
    let [bias, shift, residual] = terms.buffers(&like);
    let count = batch * rows * columns;
    // SAFETY: units stay below the size of the result; `stored` has as many values for each part, and the terms were checked.
    unsafe {
        add_parts::launch_unchecked(
            &out.values.client,
            CubeCount::Static(count.div_ceil(UNITS as usize).min(65_535) as u32, 1, 1),
            CubeDim::new_1d(UNITS),
            stored.values.into_buffer_arg(),
            bias.into_buffer_arg(),
            shift.into_buffer_arg(),
            residual.into_buffer_arg(),
            out.values.clone().into_buffer_arg(),
            sizes([0; 3], [0; 3], out, extent, plan, terms.flags()),
        );
    }
}

/// The kernel does not check bounds, so the tensors must have what it will read and write.
fn check(left: &Left, right: &Right, terms: &Terms, out: &Out, extent: Extent) {
    let Extent { batch, rows, columns, inputs } = extent;
    let last_sample = batch - 1;
    let has = |tensor: &CubeTensor, needed: usize, what: &str| {
        let found = tensor.meta.shape().num_elements();
        assert!(found >= needed, "the {what} of a product has {found} values, but {extent:?} needs {needed}");
    };
    let [height, width] = right.window.stored;
    has(&left.values, last_sample * left.batch + rows * inputs * right.window.kernel.pow(2), "left factor");
    let pixels = right.first + height * width;
    has(&right.values, last_sample * right.batch + (inputs - 1) * right.channel + pixels, "right factor");
    has(&out.values, last_sample * out.batch + (rows - 1) * out.row + out.first + columns, "result");
    for (term, needed, what) in [
        (&terms.bias, rows, "bias"),
        (&terms.shift, batch * rows, "shift"),
        (&terms.residual, batch * rows * columns, "residual"),
    ] {
        if let Some(term) = term {
            has(term, needed, what);
        }
    }
}

fn launch(left: Left, right: Right, terms: &Terms, out: &Out, extent: Extent, plan: Plan) {
    let taps = right.window.kernel.pow(2);
    let [left_row, left_column] = if left.transposed { [1, extent.rows] } else { [taps * extent.inputs, 1] };
    let sizes = sizes(
        [left.batch, left_row, left_column],
        [right.batch, right.channel, right.first],
        out,
        extent,
        plan,
        terms.flags(),
    );
    let side = (4 * SIDE * plan.groups) as usize;
    let tiles = |size: usize| size.div_ceil(side) as u32;
    let cubes = CubeCount::Static(tiles(extent.columns), tiles(extent.rows), (extent.batch * plan.parts) as u32);
    let client = out.values.client.clone();
    let [bias, shift, residual] = terms.buffers(&right.values);
    let run = match left.values.dtype {
        DType::F16 => multiply::launch_unchecked::<f16>,
        _ => multiply::launch_unchecked::<f32>,
    };
    // SAFETY: the kernel stays within the extent, and `check` holds the tensors to it.
    unsafe {
        run(
            &client,
            cubes,
            CubeDim::new_1d(UNITS),
            left.values.into_buffer_arg(),
            right.values.into_buffer_arg(),
            bias.into_buffer_arg(),
            shift.into_buffer_arg(),
            residual.into_buffer_arg(),
            out.values.clone().into_buffer_arg(),
            sizes,
            right.window.launch(),
            plan.groups,
            plan.depth,
            !left.transposed,
        );
    }
}

fn sizes(left: [usize; 3], right: [usize; 3], out: &Out, extent: Extent, plan: Plan, terms: u32) -> SizesLaunch {
    let Extent { batch, rows, columns, inputs } = extent;
    let [left_batch, left_row, left_column] = left.map(|x| x as u32);
    let [right_batch, right_channel, right_first] = right.map(|x| x as u32);
    SizesLaunch::new(
        rows as u32,
        columns as u32,
        inputs as u32,
        left_batch,
        left_row,
        left_column,
        right_batch,
        right_channel,
        right_first,
        out.batch as u32,
        out.row as u32,
        out.first as u32,
        batch as u32,
        plan.parts as u32,
        (batch * rows * columns) as u32,
        terms,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_and_parts_follow_from_sizes() {
        let plan = |rows, columns, inputs, taps| Plan::of(Extent { batch: 1, rows, columns, inputs }, taps, true);
        // A convolution of SD 1.5 at its finest level, and one at its coarsest, whose sums are cut.
        assert_eq!(plan(320, 4096, 320, 9), Plan { groups: 1, depth: 16, parts: 1 });
        assert_eq!(plan(1280, 64, 1280, 9), Plan { groups: 1, depth: 16, parts: 12 });
        // A decoder's last convolutions.
        assert_eq!(plan(128, 1 << 18, 128, 9), Plan { groups: 2, depth: 8, parts: 1 });
        // Short sums stay whole.
        assert_eq!(plan(4, 64, 16, 1).parts, 1);
    }
}

//! Maps laid out with their borders, so that every tap of a convolution is a shifted view.
//!
//! Apart because plain and filtered convolutions lay out maps in the same way.

use super::{
    element::Element,
    instruction_set::{InstructionSet, Kernel},
    norm::Channel,
    parallel,
    vectors::copy_few,
};

/// Floats of a map that are worth a task of their own.
const TASK_FLOATS: usize = 1 << 13;

/// Kernel side, stride, and rows and columns of zeros before and after a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: (usize, usize),
}

impl Geometry {
    /// Stride 1, as many rows and columns out as in; `kernel` is odd.
    pub(crate) fn same(kernel: usize) -> Self {
        Self { kernel, stride: 1, padding: (kernel / 2, kernel / 2) }
    }

    /// Output length for an input length; zero where the kernel does not fit.
    pub(crate) fn output(&self, side: usize) -> usize {
        (side + self.padding.0 + self.padding.1).checked_sub(self.kernel).map_or(0, |rest| rest / self.stride + 1)
    }

    /// Whether a grid would be the map itself.
    pub(super) fn is_plain(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.padding == (0, 0)
    }
}

/// A map of `h` x `w`, or one resized from it by nearest neighbours to `height` x `width`.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The layout: per channel `stride * stride` phases, phase (a, b) holding rows a, a + stride, .. and columns likewise.
///
/// At stride 1 there is one phase, and rows share their borders: what stands right of one row stands left of the next.
pub(super) struct Grid {
    geometry: Geometry,
    sizes: Sizes,
    rows: usize,
    /// From one row of a phase to the next.
    pub(super) row: usize,
    /// From one phase to the next.
    pub(super) phase: usize,
    /// All phases of one channel.
    pub(super) plane: usize,
}

impl Grid {
    pub(super) fn new(geometry: Geometry, sizes: Sizes) -> Self {
        let Geometry { stride, padding: (before, after), .. } = geometry;
        let (high, wide) = (sizes.height + before + after, sizes.width + before + after);
        let (rows, row, phase) = if stride == 1 {
            let row = sizes.width + before.max(after);
            (high, row, high * row + before.min(after))
        } else {
            let (rows, row) = (high.div_ceil(stride), wide.div_ceil(stride));
            (rows, row, rows * row)
        };
        Self { geometry, sizes, rows, row, phase, plane: phase * stride * stride }
    }

    /// The start of tap `ky * kernel + kx` in a plane.
    pub(super) fn tap(&self, tap: usize) -> usize {
        let Geometry { kernel, stride, .. } = self.geometry;
        let (ky, kx) = (tap / kernel, tap % kernel);
        let phase = (ky % stride) * stride + kx % stride;
        phase * self.phase + ky / stride * self.row + kx / stride
    }

    /// Lays `source`, `[channels, h, w]`, out in `grid`, a plane for as many channels as an element holds; `prepare` is
    /// the normalisation of each channel. Channels that are missing for the last plane are zeros.
    ///
    /// # Panics
    /// If `source`, `grid` and `prepare` are not of the same channels.
    pub(super) fn fill<E: Element>(&self, grid: &mut [E], source: &[f32], prepare: Option<&[Channel]>) {
        let area = self.sizes.h * self.sizes.w;
        let channels = source.len() / area.max(1);
        assert!(grid.len() == channels.div_ceil(E::SPAN) * self.plane, "planes of a grid");
        assert!(prepare.is_none_or(|prepare| prepare.len() == channels), "channels of a norm");
        let at_once = (TASK_FLOATS / self.plane.max(1)).max(1);
        parallel::each_part(grid, at_once * self.plane, |part, planes| {
            for (i, plane) in planes.chunks_exact_mut(self.plane).enumerate() {
                E::gather(plane, |which, plane| {
                    let channel = (part * at_once + i) * E::SPAN + which;
                    match source.get(channel * area..(channel + 1) * area) {
                        Some(source) => {
                            Lay { grid: self, plane, source, prepare: prepare.map(|p| &p[channel]) }.dispatch();
                        }
                        None => plane.fill(0.0),
                    }
                });
            }
        });
    }
}

/// One channel.
struct Lay<'a> {
    grid: &'a Grid,
    plane: &'a mut [f32],
    source: &'a [f32],
    prepare: Option<&'a Channel>,
}

impl Kernel for Lay<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) {
        let Grid { geometry: Geometry { stride, padding: (before, after), .. }, sizes, rows, row, .. } = *self.grid;
        if stride > 1 {
            return self.scatter(isa);
        }
        let Sizes { h, w, height, width } = sizes;
        let (top, bottom) = self.plane.split_at_mut(before * row);
        top.fill(0.0);
        let (middle, bottom) = bottom.split_at_mut((rows - before - after) * row);
        bottom.fill(0.0);
        let mut previous = None;
        for y in 0..height {
            let from = y * h / height;
            let (done, rest) = middle.split_at_mut(y * row);
            let line = &mut rest[..row];
            if previous == Some(from) {
                line.copy_from_slice(&done[(y - 1) * row..]);
                continue;
            }
            previous = Some(from);
            clear_edge(&mut line[..before]);
            clear_edge(&mut line[before + width..]);
            let (line, source) = (&mut line[before..before + width], &self.source[from * w..][..w]);
            stretch(isa, line, source);
            if let Some(prepare) = self.prepare {
                prepare.apply(isa, line);
            }
        }
    }
}

impl Lay<'_> {
    /// Writes rows and columns to the phases that they belong to.
    #[inline(always)]
    fn scatter<I: InstructionSet>(self, isa: I) {
        let Grid { geometry: Geometry { stride, padding: (before, _), .. }, sizes, row, phase, .. } = *self.grid;
        self.plane.fill(0.0);
        let mut line = vec![0.0; sizes.width];
        for y in 0..sizes.height {
            stretch(isa, &mut line, &self.source[y * sizes.h / sizes.height * sizes.w..][..sizes.w]);
            if let Some(prepare) = self.prepare {
                prepare.apply(isa, &mut line);
            }
            let (up, high) = ((y + before) / stride, (y + before) % stride);
            for wide in 0..stride {
                // The first column of this phase, and its place.
                let first = (wide + stride - before % stride) % stride;
                let to = (high * stride + wide) * phase + up * row + (first + before) / stride;
                for (to, value) in self.plane[to..].iter_mut().zip(line.iter().skip(first).step_by(stride)) {
                    *to = *value;
                }
            }
        }
    }
}

/// Writes zeros at one end of a line. It is mostly one, for which a call would take longer than the store.
#[inline(always)]
fn clear_edge(edge: &mut [f32]) {
    match edge {
        [] => {}
        [only] => *only = 0.0,
        more => more.fill(0.0),
    }
}

/// `line[x] = source[floor(x * source length / line length)]`.
#[inline(always)]
fn stretch<I: InstructionSet>(isa: I, line: &mut [f32], source: &[f32]) {
    if line.len() == source.len() {
        copy_few(isa, source, line);
    } else if line.len() == 2 * source.len() {
        for (pair, value) in line.chunks_exact_mut(2).zip(source) {
            pair.fill(*value);
        }
    } else {
        let wide = line.len();
        for (x, to) in line.iter_mut().enumerate() {
            *to = source[x * source.len() / wide];
        }
    }
}

//! Convolutions by minimal filtering.
#![allow(unsafe_code, reason = "tasks are made by hand")]

use super::{
    super::{
        disjoint::WriteTarget,
        element::{Element, Pair},
        grid::Sizes,
        instruction_set::{InstructionSet, Kernel},
        matrix::ROWS,
        weights::Panels,
        winograd::{self, Filtering},
    },
    common::{filled_by, on_each, some},
};

/// A convolution on one thread, in four tasks that part its tiles and its panels.
struct Filtered<'a, E>(&'a Filtering<'a, E>);

impl<E: Element> Kernel for Filtered<'_, E> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> Vec<f32> {
        let Self(filtering) = self;
        let panels = filtering.matrix.rows().div_ceil(ROWS);
        filled_by(filtering.matrix.rows() * filtering.height * filtering.width, |out| {
            let target = WriteTarget::new(out);
            for part in 0..4 {
                let halves = |whole: usize, second: bool| if second { whole / 2..whole } else { 0..whole / 2 };
                let (tiles, panels) = (halves(filtering.tiles(), part / 2 == 1), halves(panels, part % 2 == 1));
                // SAFETY: one task at a time.
                unsafe { winograd::Task::with_room(filtering, tiles, panels, target, |task| task.eval(isa)) };
            }
        })
    }
}

/// Channels, rows, height and width.
const MAPS: [(usize, usize, usize, usize); 6] =
    [(1, 1, 1, 1), (3, 9, 2, 5), (5, 16, 7, 7), (70, 24, 9, 14), (129, 20, 6, 35), (64, 8, 26, 27)];

fn check_filtering<E: Element>() {
    for (channels, rows, height, width) in MAPS {
        let (map, kernels) = (some(channels * height * width, 1), some(rows * channels * 9, 2));
        let (bias, residual) = (some(rows, 3), some(rows * height * width, 4));
        let panels = Panels::<E>::new(&kernels, rows, 9);
        let layout = winograd::layout(Sizes { h: height, w: width, height, width });
        let mut inputs = vec![f32::NAN; channels * layout.plane + winograd::SLACK];
        layout.fill(&mut inputs[..channels * layout.plane], &map, None);
        let filtering = Filtering {
            matrix: panels.matrix(),
            inputs: &inputs,
            layout: &layout,
            channels,
            height,
            width,
            bias: Some(&bias),
            residual: Some(&residual),
        };
        let seen = |channel: usize, y: usize, x: usize| match (y.checked_sub(1), x.checked_sub(1)) {
            (Some(y), Some(x)) if y < height && x < width => f64::from(map[(channel * height + y) * width + x]),
            _ => 0.0,
        };
        let kernel = |row: usize, channel: usize, tap: usize| {
            f64::from(E::of(|_| kernels[(row * channels + channel) * 9 + tap]).value(0))
        };
        let exact = |row: usize, y: usize, x: usize| {
            let taps = (0..channels).flat_map(|channel| (0..9).map(move |tap| (channel, tap)));
            let terms = taps.map(|(channel, tap)| kernel(row, channel, tap) * seen(channel, y + tap / 3, x + tap % 3));
            let more = f64::from(bias[row]) + f64::from(residual[(row * height + y) * width + x]);
            terms.fold((more, more.abs()), |(sum, size), term| (sum + term, size + term.abs()))
        };
        on_each(
            || Filtered(&filtering),
            |isa, found| {
                for (i, found) in found.into_iter().enumerate() {
                    let (exact, size) = exact(i / width / height, i / width % height, i % width);
                    // Each place is a sum of 16 inputs times 9 taps.
                    let off = (f64::from(found) - exact).abs();
                    assert!(
                        off < 2e-6 * size.max(1.0),
                        "{isa}, {channels} to {rows}, {height}x{width}: {found} for {exact}"
                    );
                }
            },
        );
    }
}

#[test]
fn filtering_agrees_with_sums_in_f64() {
    check_filtering::<f32>();
    check_filtering::<Pair>();
}

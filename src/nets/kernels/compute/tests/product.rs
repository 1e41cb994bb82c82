//! Matrix products, tile by tile.
#![allow(unsafe_code, reason = "tasks are made by hand")]

use rten_simd::ops::BitOps;

use super::{
    super::{
        disjoint::WriteTarget,
        element::{Element, Pair},
        inner::{Inner, Singles},
        instruction_set::{InstructionSet, Kernel},
        matrix::{Matrix, ROWS, pack},
        multiply::Multiply,
        product::{Columns, Places, Product},
        tile::Task,
    },
    common::{filled_by, on_each, some},
};

/// A product on one thread, into a vector of its own.
struct Alone<'a, E>(Product<'a, E>, usize);

impl<E: Element> Alone<'_, E> {
    fn compute(self, run: impl FnOnce(Task<E>)) -> Vec<f32> {
        let Self(product, count) = self;
        let panels = 0..product.matrix.rows().div_ceil(ROWS);
        filled_by(product.matrix.rows() * product.places.channel, |out| {
            product.check(out.len());
            // SAFETY: this is the only task.
            unsafe { Task::with_room(&product, [panels, 0..count], WriteTarget::new(out), run) };
        })
    }
}

impl Kernel for Alone<'_, f32> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> Vec<f32> {
        self.compute(|task| task.eval(isa))
    }
}

impl Kernel for Alone<'_, Pair> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> Vec<f32> {
        self.compute(|task| task.eval(isa))
    }
}

/// Rows, depth (in elements), and height, width and stride of the columns.
const SIZES: [(usize, usize, usize, usize, usize); 6] = [
    (1, 1, 1, 1, 1),
    (3, 5, 4, 6, 7),
    (8, 300, 1, 48, 48),
    (13, 17, 9, 11, 12),
    (20, 600, 3, 50, 52),
    (37, 257, 1, 23, 23),
];

/// `compute` against sums in f64, for elements of kind `E`.
fn check_products<E: Element>(compute: impl for<'a> Fn(&dyn Fn() -> Alone<'a, E>, &dyn Fn(&str, Vec<f32>))) {
    for (rows, depth, height, width, stride) in SIZES {
        let elements = |count: usize, seed: usize| -> Vec<E> {
            let (values, second) = (some(count, seed), some(count, seed + 10));
            (0..count).map(|k| E::of(|i| [values[k], second[k]][i])).collect()
        };
        let a = elements(rows * depth, 1);
        let data = elements(depth + height * stride + width, 2);
        let (bias, residual) = (some(rows, 3), some(rows * height * width, 4));
        let panels = pack([rows, depth, 1], |r, k| a[r * depth + k]);
        // Overlapping rows, as those of a convolution.
        let starts: Vec<usize> = (0..depth).collect();
        let columns = Columns { data: &data, starts: &starts, height, width, stride };
        let product = Product {
            matrix: Matrix::new(&panels, [rows, depth, 1]),
            columns,
            bias: Some(&bias),
            residual: Some(&residual),
            places: Places::dense(height * width, width),
        };
        // The sum and, for what rounding can do, the sum of sizes.
        let exact = |row: usize, y: usize, x: usize| {
            let pair = |k: usize, i: usize| {
                f64::from(a[row * depth + k].value(i)) * f64::from(data[k + y * stride + x].value(i))
            };
            let first = [f64::from(bias[row]), f64::from(residual[(row * height + y) * width + x])];
            let terms = first
                .into_iter()
                .chain((0..depth).flat_map(|k| (0..E::SPAN).map(move |i| (k, i))).map(|(k, i)| pair(k, i)));
            terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
        };
        compute(&|| Alone(product, height * width), &|isa, found| {
            for (i, found) in found.into_iter().enumerate() {
                let (exact, size) = exact(i / width / height, i / width % height, i % width);
                let off = (f64::from(found) - exact).abs();
                assert!(off < 1e-6 * size, "{isa}, {rows}x{depth}, output {i}: {found} for {exact}");
            }
        });
    }
}

#[test]
fn products_agree_with_sums_in_f64() {
    check_products::<f32>(|product, check| on_each(product, check));
}

#[test]
fn products_of_pairs_agree_with_sums_in_f64() {
    check_products::<Pair>(|product, check| on_each(product, check));
    // With the instruction for pairs where it is faster.
    check_products::<Pair>(|product, check| check("as chosen here", product().compute(Pair::run)));
    #[cfg(target_arch = "x86_64")]
    check_instruction_for_pairs();
}

/// The instruction for pairs, where this machine has it, gives the same bits as values that are taken apart.
#[cfg(target_arch = "x86_64")]
fn check_instruction_for_pairs() {
    use super::super::dotted::Dotted;
    use rten_simd::isa::Avx512Isa;

    let (Some(dotted), Some(isa)) = (Dotted::new(), Avx512Isa::new()) else { return };
    check_products::<Pair>(|product, _| {
        let found = product().compute(|task| dotted.run(task));
        let apart = product().compute(|task| task.eval(isa));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        assert_eq!(bits(found), bits(apart));
    });
}

/// One chain of four rows and two vectors, on operands of these lengths.
struct Chain<'a>(&'a [f32], &'a [f32], usize);

impl Kernel for Chain<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<I: InstructionSet>(self, isa: I) -> f32 {
        let Self(panel, right, terms) = self;
        let ops = isa.f32();
        let sums = Singles.chain::<4, 2>(isa, panel, right, terms, [[ops.zero(); 2]; 4]);
        let mut first = [0.0; 16];
        ops.store(sums[0][0], &mut first);
        first[0]
    }
}

#[test]
fn operands_of_a_chain_may_end_with_what_it_reads() {
    // The last row of a panel has four values here.
    on_each(|| Chain(&[2.0; 2 * ROWS + 4], &[3.0; 3 * 2 * 16], 3), |isa, sum| assert_eq!(sum, 18.0, "{isa}"));
    on_each(|| Chain(&[], &[], 0), |isa, sum| assert_eq!(sum, 0.0, "{isa}"));
}

#[test]
#[should_panic(expected = "rows of the panel")]
fn a_panel_that_is_too_short_is_refused() {
    on_each(|| Chain(&[2.0; 2 * ROWS + 3], &[3.0; 3 * 2 * 16], 3), |_, _| {});
}

#[test]
#[should_panic(expected = "columns")]
fn columns_that_are_too_short_are_refused() {
    on_each(|| Chain(&[2.0; 3 * ROWS], &[3.0; 3 * 2 * 4 - 1], 3), |_, _| {});
}

#[test]
#[should_panic(expected = "output")]
fn an_output_that_is_too_short_is_refused() {
    let panels = pack([3, 2, 1], |r, k| (r + k) as f32);
    let columns = Columns { data: &[1.0; 10], starts: &[0, 5], height: 1, width: 5, stride: 5 };
    let matrix = Matrix::new(&panels, [3, 2, 1]);
    let product = Product { matrix, columns, bias: None, residual: None, places: Places::dense(5, 5) };
    filled_by(14, |out| product.fill(out));
}

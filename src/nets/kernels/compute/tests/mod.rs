//! What this machine's best instruction set would hide: the kernels on every set it has, plain code included.

use rten_simd::{Isa, SimdOp, SimdUnaryOp, isa::GenericIsa, ops::BitOps};

use super::{
    attention::{self, Block, Mean, Packed, Sizes as Attention},
    conv::Panels,
    element::{Element, Join, Pair},
    grid::Sizes,
    norm::{Apply, GroupNorm},
    pointwise::Gelu,
    product::{Columns, Matrix, Places, Product, ROWS, pack, packed_len},
    spread::Spread,
    tile::{Target, Task},
    winograd::{self, Filtering},
};

/// Evaluates `op`, once for each instruction set, with `check` for what came out.
fn on_each<T, Op: SimdOp<Output = T>>(op: impl Fn() -> Op, check: impl Fn(&str, T)) {
    check("plain", op().eval(GenericIsa::new()));
    #[cfg(target_arch = "x86_64")]
    {
        use rten_simd::isa::{Avx2Isa, Avx512Isa};
        if let Some(isa) = Avx2Isa::new() {
            check("AVX2", op().eval(isa));
        }
        if let Some(isa) = Avx512Isa::new() {
            check("AVX-512", op().eval(isa));
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(isa) = rten_simd::isa::ArmNeonIsa::new() {
        check("NEON", op().eval(isa));
    }
}

/// Numbers in -1..1.
fn some(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// A product on one thread, into a vector of its own.
struct Alone<'a, E>(Product<'a, E>, usize);

impl<E: Element> Alone<'_, E> {
    fn compute(self, run: impl FnOnce(Task<E>)) -> Vec<f32> {
        let Self(product, count) = self;
        let panels = 0..product.matrix.rows.div_ceil(ROWS);
        let mut out = vec![0.0; product.matrix.rows * product.places.channel];
        Task::with_room(&product, [panels, 0..count], Target::of_values(&mut out), run);
        out
    }
}

impl SimdOp for Alone<'_, f32> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<f32> {
        self.compute(|task| task.eval(isa))
    }
}

impl SimdOp for Alone<'_, Pair> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<f32> {
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
        let mut panels = vec![E::default(); packed_len(rows, depth)];
        pack(&mut panels, [rows, depth, 1], |r, k| a[r * depth + k]);
        // Overlapping rows, as those of a convolution.
        let starts: Vec<usize> = (0..depth).collect();
        let columns = Columns { data: &data, starts: &starts, height, width, stride };
        let product = Product {
            matrix: Matrix { panels: &panels, rows, depth, taps: 1 },
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
    // By the way that is faster here.
    check_products::<Pair>(|product, check| check("as chosen here", product().compute(Pair::run)));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_instruction_for_pairs_gives_the_same_bits() {
    use super::inner;
    use rten_simd::isa::Avx512Isa;

    check_products::<Pair>(|product, _| {
        let mut dotted = false;
        let found = product().compute(|task| dotted = inner::run_dotted(task));
        let (true, Some(isa)) = (dotted, Avx512Isa::new()) else {
            return eprintln!("skipped: this CPU has no AVX512_BF16");
        };
        let apart = product().compute(|task| task.eval(isa));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        assert_eq!(bits(found), bits(apart));
    });
}

/// A convolution on one thread, in four tasks that part its tiles and its panels.
struct Filtered<'a, E>(&'a Filtering<'a, E>);

impl<E: Element> SimdOp for Filtered<'_, E> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<f32> {
        let Self(filtering) = self;
        let tiles = filtering.height.div_ceil(2) * filtering.width.div_ceil(2);
        let panels = filtering.matrix.rows.div_ceil(ROWS);
        let mut out = vec![f32::NAN; filtering.matrix.rows * filtering.height * filtering.width];
        let target = Target::of_values(&mut out);
        for part in 0..4 {
            let halves = |whole: usize, second: bool| if second { whole / 2..whole } else { 0..whole / 2 };
            let (tiles, panels) = (halves(tiles, part / 2 == 1), halves(panels, part % 2 == 1));
            winograd::Task::with_room(filtering, tiles, panels, target, |task| task.eval(isa));
        }
        out
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
        let layout = winograd::grid(Sizes { h: height, w: width, height, width });
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

struct Joined<'a>([&'a [f32]; 2], usize);

impl SimdOp for Joined<'_> {
    type Output = Vec<Pair>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<Pair> {
        let mut out = vec![Pair::default(); self.1];
        let [first, second] = self.0;
        Join { first, second, out: &mut out }.eval(isa);
        out
    }
}

#[test]
fn pairs_are_rounded_as_bf16_are() {
    let mut first = some(100, 7);
    // Ties to even both ways, the largest numbers, the smallest, none, and zeros of both signs.
    let special = [0x3f80_8000, 0x3f81_8000, 0x7f7f_ffff, 0xff7f_ffff, 0x7f80_0000, 1, 0x8000_0000, 0, 0x0080_7fff];
    first.extend(special.map(f32::from_bits));
    first.extend([f32::NAN, f32::from_bits(0xffff_ffff), f32::from_bits(0x7fff_ffff)]);
    let second: Vec<f32> = first.iter().rev().copied().collect();
    let half = &second[..50];
    for (second, len) in [(&second[..], first.len()), (half, first.len()), (&[][..], 13)] {
        on_each(
            || Joined([&first[..len], second], len),
            |isa, found| {
                for (k, pair) in found.into_iter().enumerate() {
                    let exact = Pair::of(|i| [Some(&first[k]), second.get(k)][i].copied().unwrap_or(0.0));
                    let same = |i: usize| pair.value(i).to_bits() == exact.value(i).to_bits();
                    let neither = |i: usize| pair.value(i).is_nan() && exact.value(i).is_nan();
                    assert!((0..2).all(|i| same(i) || neither(i)), "{isa}: {pair:x?} for {exact:x?}, element {k}");
                }
            },
        );
    }
}

struct Gelus(Vec<f32>);

impl SimdOp for Gelus {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) -> Vec<f32> {
        let ops = isa.f32();
        for chunk in self.0.chunks_exact_mut(ops.len()) {
            ops.store(Gelu.eval(isa, ops.load(chunk)), chunk);
        }
        self.0
    }
}

#[test]
fn gelu_has_its_known_values() {
    // x * (1 + erf(x / sqrt 2)) / 2, computed to 12 digits.
    const KNOWN: [(f32, f64); 6] = [
        (0.0, 0.0),
        (1.0, 0.841_344_746_069),
        (-1.0, -0.158_655_253_931),
        (2.0, 1.954_499_736_104),
        (-3.0, -0.004_049_694_095),
        (0.5, 0.345_731_230_637),
    ];
    for (x, exact) in KNOWN {
        on_each(
            || Gelus(vec![x; 16]),
            |isa, found| {
                for found in found {
                    let off = (f64::from(found) - exact).abs();
                    assert!(off <= 5e-7 * exact.abs(), "{isa}: gelu({x}) = {found}, not {exact}");
                }
            },
        );
    }
}

/// Maps spread along an attention, into a vector of their own.
struct Spreads<'a>(&'a [f32], usize, &'a [f32]);

impl SimdOp for Spreads<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> Vec<f32> {
        let Self(attention, n, maps) = self;
        let mut out = vec![f32::NAN; maps.len()];
        Spread { attention, n, maps, out: &mut out }.eval(isa);
        out
    }
}

#[test]
fn spread_maps_agree_with_sums_in_f64() {
    for (n, count) in [(1, 1), (7, 3), (31, 9), (48, 2), (100, 21), (300, 13)] {
        let (attention, maps) = (some(n * n, 8), some(count * n, 9));
        on_each(
            || Spreads(&attention, n, &maps),
            |isa, found| {
                for (at, found) in found.into_iter().enumerate() {
                    let (k, p) = (at / n, at % n);
                    let terms = (0..n).map(|q| f64::from(maps[k * n + q]) * f64::from(attention[q * n + p]));
                    let off = (f64::from(found) - terms.sum::<f64>()).abs();
                    assert!(off <= 1e-5 * (n as f64).sqrt(), "{isa}, {count} maps of {n}: {off:e} off at {k}, {p}");
                }
            },
        );
    }
}

/// Attention of one head on one thread, and its map.
struct Attended<'a>(Attention, [&'a [f32]; 3]);

impl SimdOp for Attended<'_> {
    type Output = [Vec<f32>; 2];

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> [Vec<f32>; 2] {
        let Self(sizes, [query, key, value]) = self;
        let Attention { d, n, l, .. } = sizes;
        let packed = &Packed::new(sizes, key, value);
        let [mut mixed, mut seen] = [vec![f32::NAN; d * n], vec![f32::NAN; sizes.kept()]];
        let (out, kept) = (Target::of_values(&mut mixed), Some(Target::of_values(&mut seen)));
        for queries in [[0, n / 3], [n / 3, n]] {
            attention::room(sizes, |room| Block { sizes, packed, query, queries, out, kept, room }.eval(isa));
        }
        let mut map = vec![f32::NAN; l * n];
        for rows in [0..l / 3, l / 3..l] {
            let out = Target::of_values(&mut map[rows.start * n..]);
            Mean { seen: &seen, sizes, rows, out }.eval(isa);
        }
        [mixed, map]
    }
}

#[test]
fn attention_agrees_with_exponentials_in_f64() {
    for (d, n, l, causal) in [(1, 1, 1, false), (5, 37, 300, false), (40, 100, 131, true), (9, 17, 128, true)] {
        // Scores of up to some dozens, so that later keys often outdo what was summed before.
        let query: Vec<f32> = some(d * n, 5).into_iter().map(|q| q * 30.0).collect();
        let (key, value) = (some(d * l, 6), some(d * l, 7));
        let product = |j: usize, i: usize| {
            (0..d).map(|k| f64::from(key[k * l + j]) * f64::from(query[k * n + i])).sum::<f64>() / (d as f64).sqrt()
        };
        let share = |i: usize| {
            let scores: Vec<f64> = (0..l).take_while(|&j| !causal || j <= i).map(|j| product(j, i)).collect();
            let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let shares: Vec<f64> = scores.into_iter().map(|score| (score - highest).exp()).collect();
            let total: f64 = shares.iter().sum();
            shares.into_iter().map(|share| share / total).collect::<Vec<f64>>()
        };
        let shares: Vec<Vec<f64>> = (0..n).map(share).collect();
        on_each(
            || Attended(Attention { heads: 1, d, n, l, causal }, [&query, &key, &value]),
            |isa, [mixed, seen]| {
                for (i, shares) in shares.iter().enumerate() {
                    for j in 0..l {
                        let off = (f64::from(seen[j * n + i]) - shares.get(j).copied().unwrap_or(0.0)).abs();
                        assert!(off < 1e-5, "{isa}, {n}x{l}: share {j} of query {i} is {off:.1e} off");
                    }
                    for k in 0..d {
                        let exact: f64 = shares.iter().zip(&value[k * l..]).map(|(s, v)| s * f64::from(*v)).sum();
                        let off = (f64::from(mixed[k * n + i]) - exact).abs();
                        assert!(off < 1e-5, "{isa}, {n}x{l}: value {k} of query {i} is {off:.1e} off");
                    }
                }
            },
        );
    }
}

struct Normed<'a>(Vec<f32>, &'a GroupNorm<'a>);

impl SimdOp for Normed<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn eval<I: Isa>(mut self, isa: I) -> Vec<f32> {
        let channels = self.1.channels(&self.0, self.0.len());
        Apply(&mut self.0, &channels[0]).eval(isa);
        self.0
    }
}

#[test]
fn norm_and_silu_agree_with_f64() {
    let x = some(1001, 6);
    let norm = GroupNorm { groups: 1, epsilon: 1e-5, weight: &[1.5], bias: &[0.25], silu: true };
    let count = x.len() as f64;
    let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    on_each(
        || Normed(x.clone(), &norm),
        |isa, found| {
            for (x, found) in x.iter().zip(found) {
                let normed = (f64::from(*x) - mean) / (variance + 1e-5).sqrt() * 1.5 + 0.25;
                let exact = normed / (1.0 + (-normed).exp());
                assert!((f64::from(found) - exact).abs() < 1e-6, "{isa}: {found} for {exact}");
            }
        },
    );
}

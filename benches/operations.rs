//! Times of single operations at the sizes that Pocket and Stable Diffusion 1.5 (512 x 512) have:
//! `cargo bench --features bench --bench operations`, with a part of a name behind `--` only those.
//!
//! Apart from the benchmark of whole networks because these are private to the library without the feature.

use divan::Bencher;
use sextant::nets::operations::Operation;

fn main() {
    divan::main();
}

fn time(bencher: Bencher, operation: Operation) {
    operation.run();
    bencher.bench_local(|| operation.run());
}

/// (inputs, outputs, side) of 3x3 convolutions.
#[divan::bench(args = [(64, 64, 24), (192, 64, 24), (128, 128, 12), (192, 192, 6), (320, 320, 64), (640, 640, 32), (1280, 1280, 16), (1280, 1280, 8)])]
fn convolution(bencher: Bencher, (inputs, outputs, side): (usize, usize, usize)) {
    time(bencher, Operation::convolution(inputs, outputs, 3, side).expect("a convolution"));
}

/// (inputs, outputs, positions).
#[divan::bench(args = [(128, 1024, 144), (192, 1536, 36), (320, 2560, 4096), (640, 640, 1024), (1280, 10240, 256)])]
fn product(bencher: Bencher, (inputs, outputs, positions): (usize, usize, usize)) {
    time(bencher, Operation::linear(inputs, outputs, positions).expect("a linear layer"));
}

/// (width, heads, positions, keys).
#[divan::bench(args = [(128, 4, 144, 144), (128, 4, 144, 32), (192, 4, 36, 36), (320, 8, 4096, 4096), (640, 8, 1024, 1024), (1280, 8, 256, 256), (320, 8, 4096, 77)])]
fn attention(bencher: Bencher, (width, heads, positions, keys): (usize, usize, usize, usize)) {
    time(bencher, Operation::attention(width, heads, positions, keys, false));
}

/// The same with maps, at the levels that S-CFG reads.
#[divan::bench(args = [(128, 4, 144, 144), (192, 4, 36, 36), (1280, 8, 256, 256)])]
fn attention_with_map(bencher: Bencher, (width, heads, positions, keys): (usize, usize, usize, usize)) {
    time(bencher, Operation::attention(width, heads, positions, keys, true));
}

/// (positions, maps) of S-CFG's refinement.
#[divan::bench(args = [(144, 32), (36, 32), (256, 77)])]
fn refinement(bencher: Bencher, (positions, maps): (usize, usize)) {
    time(bencher, Operation::spread(positions, maps));
}

/// (channels, groups, side).
#[divan::bench(args = [(64, 16, 24), (320, 32, 64), (1280, 32, 16)])]
fn group_norm(bencher: Bencher, (channels, groups, side): (usize, usize, usize)) {
    time(bencher, Operation::group_norm(channels, groups, side).expect("a norm"));
}

/// (width, positions).
#[divan::bench(args = [(128, 144), (320, 4096), (1280, 256)])]
fn layer_norm(bencher: Bencher, (width, positions): (usize, usize)) {
    time(bencher, Operation::layer_norm(width, positions).expect("a norm"));
}

/// (width, positions).
#[divan::bench(args = [(512, 144), (1280, 4096), (5120, 256)])]
fn geglu(bencher: Bencher, (width, positions): (usize, usize)) {
    time(bencher, Operation::geglu(width, positions));
}

//! A Brownian motion in sigma with the numbers of torchsde 0.2.6's `BrownianTree`, from which k-diffusion's SDE samplers take
//! their noise.
//!
//! Separate from the noise of a run: its values depend on the seed, the range and the place alone, not on the order of requests.

use super::{seed_sequence::seeds, torch_generator::TorchGenerator};
use crate::tensor::Latents;

/// Words of the pool that seeds are made by.
const POOL: usize = 24;

/// A Brownian motion over a range of sigma. It is halved down to a millionth; each half has noise of its own seed.
#[derive(Clone)]
pub(super) struct BrownianMotion {
    seed: u64,
    shape: [usize; 3],
    least: f64,
    most: f64,
}

/// A part of the range in the tree of halves.
#[derive(Clone, Copy)]
struct Node {
    start: f64,
    end: f64,
    /// The way from the root, a bit a level.
    path: u64,
    depth: u64,
}

impl BrownianMotion {
    /// Over `least..=most`, which must not be empty.
    pub fn new(seed: u64, shape: [usize; 3], least: f32, most: f32) -> Self {
        Self { seed, shape, least: f64::from(least), most: f64::from(most) }
    }

    /// The increment from one sigma to another, divided by the root of their distance: standard normal.
    pub fn normal(&self, from: f32, to: f32) -> Latents {
        let (from, to) = (f64::from(from), f64::from(to));
        let root = Node { start: rounded(self.least), end: rounded(self.most), path: 0, depth: 0 };
        let [whole, _] = seeds::<2>(self.seed, &[], POOL);
        let deviation = (self.most - self.least).sqrt() as f32;
        let total = self.randn(whole).map(|x| x * deviation);
        let place = |sigma: f64| rounded(sigma.clamp(root.start, root.end));
        let (low, high) = (place(from.min(to)), place(from.max(to)));
        let distance = ((from - to).abs() as f32).sqrt();
        let sign = if from < to { 1.0 } else { -1.0 };
        if low >= high {
            return Latents::zeros(self.shape[0], self.shape[1], self.shape[2]);
        }
        self.increment(root, total, low, high).map(|x| x * sign / distance)
    }

    /// The increment over `low..high` inside a node whose own is `total`.
    fn increment(&self, node: Node, total: Latents, low: f64, high: f64) -> Latents {
        if low <= node.start && high >= node.end {
            return total;
        }
        let middle = 0.5 * (node.end + node.start);
        let half = rounded(middle);
        let [seed, ..] = seeds::<4>(self.seed, &[node.path, node.depth], POOL);
        let (left, right) = (half - node.start, node.end - half);
        let share = 1.0 / (node.end - node.start);
        let (on_total, deviation) = (left as f32, (left * right * share).sqrt() as f32);
        let share = share as f32;
        let first = total.zip(&self.randn(seed), |w, n| on_total * w * share + deviation * n);
        let child = |is_right: bool| Node {
            start: if is_right { half } else { node.start },
            end: if is_right { node.end } else { half },
            path: 2 * node.path + u64::from(is_right),
            depth: node.depth + 1,
        };
        if high <= half {
            return self.increment(child(false), first, low, high);
        }
        let second = total.zip(&first, |w, first| w - first);
        if low >= half {
            return self.increment(child(true), second, low, high);
        }
        let before = self.increment(child(false), first, low, half);
        before.zip(&self.increment(child(true), second, half, high), |a, b| a + b)
    }

    fn randn(&self, seed: u32) -> Latents {
        TorchGenerator::new(u64::from(seed)).latents(self.shape)
    }
}

/// To six decimal places, to the nearest decimal number.
fn rounded(sigma: f64) -> f64 {
    // A formatted number can be read.
    format!("{sigma:.6}").parse().unwrap_or(sigma)
}

//! Gaussian noise with the numbers of torch's CPU generator, so that a seed gives the same picture here as in diffusers.
//!
//! Separate from the noise of a run, because a random number generator does not depend on steps.

use crate::tensor::Latents;

/// Words of the generator's state, and the distance of the two that are mixed (`N` and `M` of the paper).
const STATE_WORDS: usize = 624;
const MIX_DISTANCE: usize = 397;

/// The vectorised path of torch's `randn` works on groups of this many values.
const GROUP: usize = 16;

/// torch's CPU generator: MT19937 (Matsumoto & Nishimura 1998), and the second normal value of the last pair.
#[derive(Clone)]
pub struct TorchGenerator {
    state: [u32; STATE_WORDS],
    next: usize,
    /// The sine half of the last pair drawn on the scalar path, where it is not used up.
    cached_normal: Option<f64>,
}

impl TorchGenerator {
    /// As `torch.Generator().manual_seed(seed)`: MT19937 uses the low 32 bits of a 64-bit seed.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; STATE_WORDS];
        state[0] = seed as u32;
        for i in 1..STATE_WORDS {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: STATE_WORDS, cached_normal: None }
    }

    /// As `torch.randn(count)`, standard normal: from 16 values on by the vectorised path in f32, below in pairs in f64.
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        if count < GROUP {
            return (0..count).map(|_| self.scalar_normal() as f32).collect();
        }
        let mut values: Vec<f32> = (0..count).map(|_| self.uniform_f32()).collect();
        for group in values.chunks_exact_mut(GROUP) {
            group_normal(group);
        }
        if !count.is_multiple_of(GROUP) {
            // torch draws the last 16 values again when the last group is incomplete.
            let tail = &mut values[count - GROUP..];
            tail.fill_with(|| self.uniform_f32());
            group_normal(tail);
        }
        values
    }

    /// As `torch.randn([1, channels, height, width])`.
    pub fn latents(&mut self, [channels, height, width]: [usize; 3]) -> Latents {
        Latents::new(channels, height, width, self.normal(channels * height * width))
    }

    /// As `torch.empty(count).uniform_(from, to)`: values in `from..to`, each of one fused multiplication and addition.
    pub fn uniform(&mut self, count: usize, from: f32, to: f32) -> Vec<f32> {
        (0..count).map(|_| self.uniform_f32().mul_add(to - from, from)).collect()
    }

    fn scalar_normal(&mut self) -> f64 {
        if let Some(value) = self.cached_normal.take() {
            return value;
        }
        let angle = std::f64::consts::TAU * self.uniform_f64();
        let radius = (-2.0 * (-self.uniform_f64()).ln_1p()).sqrt();
        self.cached_normal = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// Uniform in 0..1, of 24 random bits.
    fn uniform_f32(&mut self) -> f32 {
        (self.next_u32() & 0x00FF_FFFF) as f32 / (1 << 24) as f32
    }

    /// Uniform in 0..1, of 53 random bits.
    fn uniform_f64(&mut self) -> f64 {
        let (high, low) = (u64::from(self.next_u32()), u64::from(self.next_u32()));
        (((high << 32) | low) & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
    }

    /// 32 random bits, tempered.
    fn next_u32(&mut self) -> u32 {
        if self.next == STATE_WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    }

    /// Replaces the whole state by its successor.
    fn twist(&mut self) {
        for i in 0..STATE_WORDS {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % STATE_WORDS] & 0x7FFF_FFFF);
            let matrix = if mixed & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[i] = self.state[(i + MIX_DISTANCE) % STATE_WORDS] ^ (mixed >> 1) ^ matrix;
        }
        self.next = 0;
    }
}

/// Box-Muller transform of 16 uniform values in place: the first eight give the radii and become the cosine halves, the
/// last eight give the angles and become the sine halves. Every intermediate is rounded to f32, as in torch.
fn group_normal(group: &mut [f32]) {
    let (radii, angles) = group.split_at_mut(GROUP / 2);
    for (a, b) in radii.iter_mut().zip(angles) {
        let log = f64::from(1.0 - *a).ln() as f32;
        let radius = (-2.0 * log).sqrt();
        let angle = f64::from(std::f32::consts::TAU * *b);
        *a = radius * angle.cos() as f32;
        *b = radius * angle.sin() as f32;
    }
}

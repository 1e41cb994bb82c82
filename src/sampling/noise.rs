//! Gaussian noise with the numbers of torch's CPU generator, so that a seed means the same picture here as there.

use crate::tensor::Latents;

const STATE: usize = 624;
const SHIFT: usize = 397;
/// The vectorised path of torch's `randn` works on groups of this many values.
const GROUP: usize = 16;

/// torch's CPU generator: MT19937 (Matsumoto & Nishimura 1998) and the one normal value that it may hold back.
#[derive(Clone)]
pub struct TorchGenerator {
    state: [u32; STATE],
    next: usize,
    /// The sine half of the last pair drawn on the scalar path.
    held_back: Option<f64>,
}

impl TorchGenerator {
    /// As `torch.Generator().manual_seed(seed)`: of a 64-bit seed, MT19937 takes the low 32 bits.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; STATE];
        state[0] = seed as u32;
        for i in 1..STATE {
            let before = state[i - 1];
            state[i] = 1_812_433_253_u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: STATE, held_back: None }
    }

    /// As `torch.randn(count)`: sizes from 16 on take the grouped path in f32, smaller ones pairs in f64.
    pub fn normal(&mut self, count: usize) -> Vec<f32> {
        if count < GROUP {
            return (0..count).map(|_| self.scalar_normal() as f32).collect();
        }
        let mut values: Vec<f32> = (0..count).map(|_| self.uniform_f32()).collect();
        for group in values.chunks_exact_mut(GROUP) {
            group_normal(group);
        }
        if !count.is_multiple_of(GROUP) {
            // An incomplete last group is drawn anew as the last 16 values, over what was there.
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
        if let Some(value) = self.held_back.take() {
            return value;
        }
        let angle = std::f64::consts::TAU * self.uniform_f64();
        let radius = (-2.0 * (-self.uniform_f64()).ln_1p()).sqrt();
        self.held_back = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// In 0..1, 24 random bits.
    fn uniform_f32(&mut self) -> f32 {
        (self.word() & 0x00FF_FFFF) as f32 / (1 << 24) as f32
    }

    /// In 0..1, 53 random bits.
    fn uniform_f64(&mut self) -> f64 {
        let (high, low) = (u64::from(self.word()), u64::from(self.word()));
        (((high << 32) | low) & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64
    }

    fn word(&mut self) -> u32 {
        if self.next == STATE {
            self.refill();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    }

    fn refill(&mut self) {
        for i in 0..STATE {
            let mixed = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % STATE] & 0x7FFF_FFFF);
            let twist = if mixed & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[i] = self.state[(i + SHIFT) % STATE] ^ (mixed >> 1) ^ twist;
        }
        self.next = 0;
    }
}

/// Box-Muller on 16 uniform values: the first eight give radii and become cosines, the last eight angles and sines.
/// Each intermediate is rounded to f32 as torch does.
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

/// The noise of one run, addressed by draw: the initial latents, then draw 0, 1, ... for samplers that add noise.
///
/// Each draw is what the same generator would give in that place, whatever the order of asking, so that a run that
/// resumes at a later step sees the noise of a run from the beginning.
#[derive(Clone)]
pub struct StepNoise {
    initial: Latents,
    draws: Vec<Latents>,
    /// Stands behind the last element of `draws`.
    generator: TorchGenerator,
}

impl StepNoise {
    /// Noise of `shape` (channels, height, width) for `seed`.
    pub fn new(seed: u64, shape: [usize; 3]) -> Self {
        let mut generator = TorchGenerator::new(seed);
        let initial = generator.latents(shape);
        Self { initial, draws: Vec::new(), generator }
    }

    /// The same with the first draws given from outside, such as those another program recorded; later draws
    /// continue the seed's own series.
    pub fn with_recorded(seed: u64, initial: Latents, draws: Vec<Latents>) -> Self {
        let own = Self::new(seed, [initial.channels, initial.height, initial.width]);
        Self { initial, draws, generator: own.generator }
    }

    /// Standard normal latents that the run starts from, before the sampler's own scaling.
    pub fn initial(&self) -> &Latents {
        &self.initial
    }

    /// The `k`-th draw after the initial latents, standard normal.
    pub fn for_draw(&mut self, k: usize) -> &Latents {
        let shape = [self.initial.channels, self.initial.height, self.initial.width];
        while self.draws.len() <= k {
            self.draws.push(self.generator.latents(shape));
        }
        &self.draws[k]
    }
}

//! The random draws of one run.
//!
//! Separate from the generator: draws are addressed by number, so that a resumed run sees the same noise.

use std::borrow::Cow;

use super::{brownian::BrownianMotion, torch_generator::TorchGenerator};
use crate::tensor::Latents;

/// The noise of one run, addressed by draw: the initial latents, then draws 0, 1, ... for samplers that add noise.
///
/// Each draw is the one that the generator gives at that position, in whatever order draws are requested. So a run that
/// resumes at a later step sees the noise of a run from the beginning.
#[derive(Clone)]
pub struct StepNoise {
    initial: Latents,
    draws: Vec<Latents>,
    /// Its next values are those of the draw after the last of `draws`.
    generator: TorchGenerator,
    brownian: Option<BrownianMotion>,
}

impl StepNoise {
    /// The noise of `seed`, in latents of `[channels, height, width]`.
    pub fn new(seed: u64, shape: [usize; 3]) -> Self {
        let mut generator = TorchGenerator::new(seed);
        let initial = generator.latents(shape);
        Self { initial, draws: Vec::new(), generator, brownian: None }
    }

    /// Recorded initial latents and first draws, for example those of another program. Later draws are those of the
    /// seed's generator after its own initial latents.
    pub fn with_recorded(seed: u64, initial: Latents, draws: Vec<Latents>) -> Self {
        let seeded = Self::new(seed, [initial.channels, initial.height, initial.width]);
        Self { initial, draws, ..seeded }
    }

    /// The standard normal latents that the run starts from, before [`init_noise_sigma`](super::Solver::init_noise_sigma).
    pub fn initial(&self) -> &Latents {
        &self.initial
    }

    /// Draw number `draw` after the initial latents, counted from 0: standard normal.
    pub fn draw(&mut self, draw: usize) -> &Latents {
        let shape = [self.initial.channels, self.initial.height, self.initial.width];
        while self.draws.len() <= draw {
            self.draws.push(self.generator.latents(shape));
        }
        &self.draws[draw]
    }
    /// Takes what [`StepNoise::draw_between`] gives from one Brownian motion of `seed` over a range of sigma, as A1111 and
    /// ComfyUI do for SDE samplers. Such noise depends on the noise levels, not on the number of a draw.
    #[must_use]
    pub fn with_brownian_motion(self, seed: u64, least: f32, most: f32) -> Self {
        let shape = [self.initial.channels, self.initial.height, self.initial.width];
        let brownian = (least < most).then(|| BrownianMotion::new(seed, shape, least, most));
        Self { brownian, ..self }
    }

    /// Noise for a step between two sigmas, standard normal: draw number `draw`, or the Brownian motion's increment where there
    /// is one.
    pub fn draw_between(&mut self, draw: usize, [from, to]: [f32; 2]) -> Cow<'_, Latents> {
        match &self.brownian {
            Some(motion) => Cow::Owned(motion.normal(from, to)),
            None => Cow::Borrowed(self.draw(draw)),
        }
    }
}

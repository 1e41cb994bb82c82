//! The engine's events: small and lossless. Large values are behind `Arc`.
//!
//! Apart as what a window knows of the engine.

use std::{sync::Arc, time::Duration};

use super::card::CardState;
use crate::{
    fingerprint::Fingerprint,
    model::{Compatibility, TextReader},
    recipe::{ConceptId, ModelRef, Recipe},
    tensor::{Picture, Plane},
};

pub use super::ledger::{Ledger, Pull, Spread};
pub use crate::tensor::{Token, TokenKind};

/// Names one submitted recipe; later submissions have larger ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

#[derive(Clone, Debug)]
pub enum Event {
    /// The device that computes from now on, by its display name.
    Ready { device: String },
    /// How far the graphics card is.
    Card(CardState),
    /// The graphics cards of this machine, the preferred one first.
    Cards(Vec<String>),
    /// A model is being read, or something else takes a while: a sentence for the progress line.
    Busy { message: String },
    /// Whether two models can be fused, in answer to [`super::EngineHandle::compare`].
    Compatibility(Compatibility),
    /// How a model reads texts, once it is loaded.
    Texts { model: ModelRef, reader: Arc<dyn TextReader> },
    /// The job's models are loaded and its text is encoded; denoising begins.
    Started { job: JobId, calls: usize, tokens: Arc<Vec<Token>> },
    /// One step was finished.
    Step { job: JobId, report: Arc<StepReport> },
    /// The decoded picture of a step that was reported with an approximate one.
    Preview { job: JobId, step: usize, picture: Arc<Picture> },
    /// The job's picture is finished.
    Done { job: JobId, take: Arc<RenderResult> },
    /// The job was cancelled, by request or by a newer one.
    Stopped { job: JobId },
    /// The job could not be carried out; the next one can.
    Failed { job: JobId, message: String },
}

impl Event {
    /// The job that it is about, if it is about one.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Started { job, .. }
            | Self::Step { job, .. }
            | Self::Preview { job, .. }
            | Self::Done { job, .. }
            | Self::Stopped { job }
            | Self::Failed { job, .. } => Some(*job),
            Self::Ready { .. }
            | Self::Card(_)
            | Self::Cards(_)
            | Self::Busy { .. }
            | Self::Texts { .. }
            | Self::Compatibility(_) => None,
        }
    }
}

/// What came out of a job.
#[derive(Clone, Debug)]
pub struct RenderResult {
    pub recipe: Recipe,
    pub picture: Arc<Picture>,
    pub reports: Vec<Arc<StepReport>>,
    pub elapsed: Duration,
    /// Evaluations of the denoisers, of one sample each.
    pub branch_evaluations: usize,
    /// Digests of all steps and where they were computed, for the picture's file.
    pub fingerprint: Arc<Fingerprint>,
}

/// Everything the panels show of one step. Maps are at latent size unless said.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Index of the denoiser's call, from 0.
    pub step: usize,
    pub calls: usize,
    /// Training timestep of the model input, 0..1000.
    pub timestep: f32,
    /// Noise level sigma (of x0 + sigma * noise) of the model input.
    pub sigma: f32,
    /// The picture as predicted from this step (x0).
    pub preview: Arc<Picture>,
    /// The preview is approximate; a decoded one may follow.
    pub approximate: bool,
    /// Regions of the prompt's tokens, whether or not S-CFG acts on them; absent without guidance, and for models that show
    /// no attention.
    pub scfg: Option<Arc<ScfgReport>>,
    /// One per active concept, in order.
    pub concepts: Vec<Arc<ConceptReport>>,
    pub fusion: Option<Arc<FusionReport>>,
    pub norms: Norms,
    pub ledger: Ledger,
    /// Evaluations of the denoisers that the step took; 0 where everything was cached.
    pub evaluations: usize,
    pub elapsed: Duration,
}

#[derive(Clone, Debug)]
pub struct ScfgReport {
    /// Token position that owns each element.
    pub region: Plane<u16>,
    /// Each token position's share of the attention at each element, 0..=1, on the grid of the attention maps. The
    /// owner is the one with the largest.
    pub attention: Vec<Plane>,
    pub foreground: Plane<u8>,
    /// Rate after clamps and blur; the effective scale is g times this.
    pub rate: Plane,
    /// Share of the elements of each region that occurs, largest first: (token position, share 0..=1).
    pub shares: Vec<(usize, f32)>,
}

impl StepReport {
    /// The report of a concept; `None` where the run did not compute it.
    pub fn concept(&self, id: ConceptId) -> Option<&Arc<ConceptReport>> {
        self.concepts.iter().find(|concept| concept.id == id)
    }

    /// The report of a concept that is chosen to be looked at: the first one without a choice, or where the run did
    /// not compute the chosen one.
    pub fn chosen_concept(&self, chosen: Option<ConceptId>) -> Option<&Arc<ConceptReport>> {
        chosen.and_then(|id| self.concept(id)).or(self.concepts.first())
    }
}

impl ScfgReport {
    /// Counts the elements of each region.
    pub fn new(region: Plane<u16>, foreground: Plane<u8>, rate: Plane, attention: Vec<Plane>) -> Self {
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for &owner in &region.values {
            match counts.iter_mut().find(|(position, _)| *position == usize::from(owner)) {
                Some((_, count)) => *count += 1,
                None => counts.push((usize::from(owner), 1)),
            }
        }
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let total = region.values.len() as f32;
        let shares = counts.into_iter().map(|(position, count)| (position, count as f32 / total)).collect();
        Self { region, foreground, rate, shares, attention }
    }
}

#[derive(Clone, Debug)]
pub struct ConceptReport {
    /// The concept's id in the recipe of the run.
    pub id: ConceptId,
    pub text: String,
    /// Whether the concept acts at this step (past warm-up, before cool-down).
    pub active: bool,
    /// Channel-norm of the concept's direction, before the threshold.
    pub magnitude: Plane,
    /// Share of the channels that the concept may change at each element, 0..=1.
    pub mask: Plane,
    /// Share of elements of which it may change at least one channel.
    pub share: f32,
    /// Norm of the term that the concept adds.
    pub norm: f32,
}

#[derive(Clone, Debug)]
pub struct FusionReport {
    /// Whether the two models were fused at this step.
    pub active: bool,
    pub saliency_general: Plane,
    pub saliency_expert: Plane,
    /// 1 where the expert draws.
    pub mask: Plane<u8>,
    /// Share of elements that the expert draws.
    pub share: f32,
}

/// Norms of the guidance terms at one step, for plots.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Norms {
    /// g * (prompt - unconditional), S-CFG's rate included.
    pub guidance: f32,
    /// The SEGA term.
    pub sega: f32,
    /// What the sampler got.
    pub guided: f32,
}

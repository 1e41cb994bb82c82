//! What is known of one run: its recipe, its steps so far, its picture.
//!
//! Apart because a take, the newest job and a comparison all show one.

use std::sync::Arc;

use crate::{
    engine::{RenderResult, StepReport, Token},
    fingerprint::Fingerprint,
    recipe::{ConceptId, Recipe},
    session::Packed,
    tensor::Picture,
};

/// Bytes of a step in memory over bytes in a session, about; a test holds it to the demo.
const PACKING_RATIO: usize = 9;

/// The steps of one run, finished or not.
#[derive(Clone, Debug, Default)]
pub struct Track {
    pub recipe: Recipe,
    pub tokens: Arc<Vec<Token>>,
    /// One place per call of the denoiser; a place is empty until its step is reported, or when it was never computed.
    pub reports: Vec<Option<Arc<StepReport>>>,
    /// The finished picture.
    pub picture: Option<Arc<Picture>>,
    /// How the run went, for the picture to carry.
    pub fingerprint: Option<Arc<Fingerprint>>,
    /// The steps as the session that they were read from keeps them.
    pub kept: Option<Packed>,
}

/// What the canvas shows of a run at one moment.
#[derive(Clone, Debug)]
pub struct Frame {
    pub picture: Arc<Picture>,
    /// Missing for pictures whose steps are not kept.
    pub report: Option<Arc<StepReport>>,
}

/// Which step is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Playhead {
    /// The newest step there is, and the finished picture once there is one.
    #[default]
    Newest,
    At(usize),
}

impl Track {
    pub fn new(recipe: Recipe) -> Self {
        Self { recipe, ..Self::default() }
    }

    pub fn finished(take: &RenderResult, tokens: Arc<Vec<Token>>) -> Self {
        let mut track = Self { recipe: take.recipe.clone(), tokens, ..Self::default() };
        take.reports.iter().for_each(|report| track.put(report.clone()));
        track.picture = Some(take.picture.clone());
        track.fingerprint = Some(take.fingerprint.clone());
        track
    }

    /// Files a report under its step, making room for the whole run.
    pub fn put(&mut self, report: Arc<StepReport>) {
        self.kept = None;
        let room = report.calls.max(report.step + 1);
        if self.reports.len() < room {
            self.reports.resize(room, None);
        }
        let place = report.step;
        self.reports[place] = Some(report);
    }

    /// Gives a step the decoded picture in place of its approximate one.
    pub fn refine(&mut self, step: usize, picture: &Arc<Picture>) {
        if let Some(Some(report)) = self.reports.get_mut(step) {
            *report =
                Arc::new(StepReport { preview: picture.clone(), approximate: false, ..StepReport::clone(report) });
            self.kept = None;
        }
    }

    pub fn calls(&self) -> usize {
        self.reports.len()
    }

    /// The report of exactly this step.
    pub fn report(&self, step: usize) -> Option<&Arc<StepReport>> {
        self.reports.get(step)?.as_ref()
    }

    pub fn newest_step(&self) -> Option<usize> {
        self.reports.iter().rposition(Option::is_some)
    }

    pub fn has_steps(&self) -> bool {
        self.newest_step().is_some()
    }

    /// What `playhead` points at: the report, and the picture to show with it. At the last step of a finished run
    /// that is the finished picture, before it the picture predicted from the step.
    pub fn frame(&self, playhead: Playhead) -> Option<Frame> {
        let newest = self.newest_step();
        let step = match playhead {
            Playhead::Newest => newest,
            Playhead::At(step) => Some(step.min(self.calls().saturating_sub(1))),
        };
        let report = step.and_then(|step| self.report(step)).cloned();
        let last = step.is_none_or(|step| step + 1 >= self.calls());
        let picture = match (&self.picture, &report) {
            (Some(picture), _) if last => picture.clone(),
            (_, Some(report)) => report.preview.clone(),
            _ => return None,
        };
        Some(Frame { picture, report })
    }

    /// Rows of the recipe whose concepts were computed; reports list them in this order.
    pub fn concept_rows(&self) -> Vec<usize> {
        self.recipe.concepts.iter().enumerate().filter(|(_, c)| c.is_active()).map(|(row, _)| row).collect()
    }

    /// The place of a concept among those that were computed, which is that of its numbers in the ledger.
    pub fn concept_place(&self, id: ConceptId) -> Option<usize> {
        self.recipe.active_concepts().position(|concept| concept.id == id)
    }

    /// Bytes that the steps take in memory, roughly.
    pub fn bytes(&self) -> usize {
        self.reports.iter().flatten().map(|report| report_bytes(report)).sum()
    }

    /// Bytes that the steps take in a session, roughly; exact once they were packed.
    pub fn packed_bytes(&self) -> usize {
        self.kept.as_ref().map_or_else(|| self.bytes() / PACKING_RATIO, Packed::len)
    }
}

/// A report's size in memory, roughly.
fn report_bytes(report: &StepReport) -> usize {
    let area = report.scfg.as_ref().map_or(0, |s| s.rate.values.len());
    let maps = 2 + 2 * report.concepts.len() + 3 * usize::from(report.fusion.is_some());
    let attention: usize = report.scfg.iter().flat_map(|s| &s.attention).map(|map| map.values.len()).sum();
    report.preview.rgb.len() + 4 * (area * maps + attention)
}

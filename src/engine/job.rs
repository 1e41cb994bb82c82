//! The steps of one request, reported one by one.
//!
//! Apart from the worker, which chooses the device and what happens where a run fails.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    error::EngineError,
    event::{Event, JobId, RenderResult, StepReport},
    handle::WorkerEnd,
    prediction_cache::PredictionCache,
    preview::Previews,
    report::step_report,
    run::Run,
};
use crate::{
    fingerprint::Fingerprint,
    model::{Compatibility, IsCurrent, ModelPair, ModelSource},
    recipe::Recipe,
    tensor::{Latents, Picture},
};

/// Where events go, and where models come from.
pub(super) struct Channel<'a> {
    pub end: &'a WorkerEnd,
    pub source: Arc<dyn ModelSource>,
}

impl Channel<'_> {
    pub fn compare(&self, pair: ModelPair) {
        let points = self.source.compare(&pair);
        self.end.send(Event::Compatibility(Compatibility { partners: pair, points }));
    }
}

/// One run while it goes on.
pub(super) struct Progress {
    pub job: JobId,
    pub begun: Instant,
    pub reports: Vec<Arc<StepReport>>,
    /// x0 of every step, for previews that are decoded when the run is over.
    pub denoised: Vec<Latents>,
    pub evaluations: usize,
}

/// Takes all steps and reports each.
pub(super) fn denoise(
    run: &mut Run<'_>,
    recipe: &Recipe,
    progress: &mut Progress,
    previews: &mut Previews<'_>,
    cache: &mut PredictionCache,
    channel: &Channel<'_>,
    is_current: IsCurrent<'_>,
) -> Result<(), EngineError> {
    let calls = run.calls();
    let mut begun = Instant::now();
    while let Some(record) = run.step(cache, is_current)? {
        let preview = previews.picture(cache, &record.denoised)?;
        let report = Arc::new(step_report(recipe, &record, calls, preview, begun.elapsed()));
        begun = Instant::now();
        progress.evaluations += report.evaluations;
        progress.reports.push(report.clone());
        progress.denoised.push(record.denoised);
        channel.end.send(Event::Step { job: progress.job, report });
        if let Some(pair) = channel.end.pair() {
            channel.compare(pair);
        }
    }
    Ok(())
}

impl Progress {
    /// The time of one evaluation, where at least one step was not cached.
    pub fn each_evaluation(&self) -> Option<Duration> {
        let fresh = self.reports.iter().filter(|report| report.evaluations > 0);
        let (time, count) = fresh
            .fold((Duration::ZERO, 0), |(time, count), report| (time + report.elapsed, count + report.evaluations));
        (count > 0).then(|| time / count as u32)
    }

    pub fn finish(self, recipe: Recipe, picture: Arc<Picture>, fingerprint: Arc<Fingerprint>) -> RenderResult {
        RenderResult {
            recipe,
            picture,
            reports: self.reports,
            elapsed: self.begun.elapsed(),
            branch_evaluations: self.evaluations,
            fingerprint,
        }
    }
}

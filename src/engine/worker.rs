//! The worker's loop: the newest request wins, errors and panics become messages.
//!
//! Apart as the only part of the engine that knows of requests and events.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::{
    device::{self, DeviceChoice, Opened},
    error::EngineError,
    event::{Event, JobId, RenderResult, StepReport},
    handle::{CancelToken, Request, Work, WorkerEnd},
    models::{Loaded, Models},
    prediction_cache::PredictionCache,
    preview::{PreviewDecoder, Previews},
    provenance,
    report::step_report,
    run::{self, Options, Run},
    warmup::WarmUp,
};
use crate::{
    fingerprint::Fingerprint,
    model::{Compatibility, IsCurrent, ModelPair, ModelSource},
    recipe::Recipe,
    tensor::{Latents, Picture},
};

/// Serves requests until the other end is gone.
pub fn serve(end: &WorkerEnd, choice: DeviceChoice, source: Arc<dyn ModelSource>) {
    let channel = Channel { end, source };
    let mut worker = Worker::new(&channel, choice);
    while let Some(work) = end.work() {
        let request = match work {
            Work::Render(request) => *request,
            Work::Trim => {
                worker.cache.trim();
                continue;
            }
            Work::Compare(pair) => {
                channel.compare(pair);
                continue;
            }
        };
        let job = request.job;
        let cancel = end.cancel_token(&request);
        match catch_unwind(AssertUnwindSafe(|| worker.carry_out(request, &cancel))) {
            Ok(Ok(())) => {}
            Ok(Err(EngineError::Cancelled(_))) => end.send(Event::Stopped { job }),
            Ok(Err(error)) => end.send(Event::Failed { job, message: error.to_string() }),
            Err(panic) => {
                // A panic may leave anything half done, so nothing of the worker is used again.
                worker = Worker::new(&channel, choice);
                let error = EngineError::Panicked(panic_text(panic.as_ref()));
                end.send(Event::Failed { job, message: error.to_string() });
            }
        }
    }
}

/// Where events go, and where models come from.
struct Channel<'a> {
    end: &'a WorkerEnd,
    source: Arc<dyn ModelSource>,
}

impl Channel<'_> {
    fn compare(&self, pair: ModelPair) {
        let points = self.source.compare(&pair);
        self.end.send(Event::Compatibility(Compatibility { partners: pair, points }));
    }
}

struct Worker<'a> {
    channel: &'a Channel<'a>,
    choice: DeviceChoice,
    opened: Option<Opened>,
    models: Models,
    warm: WarmUp,
    cache: PredictionCache,
    decoder: Option<PreviewDecoder>,
}

/// One run while it goes on.
struct Progress {
    job: JobId,
    begun: Instant,
    reports: Vec<Arc<StepReport>>,
    /// x0 of every step, for previews that are decoded when the run is over.
    denoised: Vec<Latents>,
    evaluations: usize,
}

impl<'a> Worker<'a> {
    fn new(channel: &'a Channel<'a>, choice: DeviceChoice) -> Self {
        let (cache, models) = (PredictionCache::with_budget(channel.end.budget()), Models::new(channel.source.clone()));
        Self { channel, choice, opened: None, models, warm: WarmUp::default(), cache, decoder: None }
    }

    /// One request from start to end.
    fn carry_out(&mut self, request: Request, cancel: &CancelToken) -> Result<(), EngineError> {
        let begun = Instant::now();
        let (job, recipe, end) = (request.job, request.recipe, self.channel.end);
        recipe.validate()?;
        let is_current = || !cancel.is_cancelled();
        let (general, expert) = self.load(&recipe, &is_current)?;
        let options = Options { segment: true, ..Options::default() };
        let mut run = Run::prepare(&recipe, general.as_ref(), expert.as_deref(), options, &mut self.cache)?;
        let tokens = Arc::new(run.tokens().to_vec());
        end.send(Event::Started { job, calls: run.calls(), tokens });

        let (Some(decoder), Some(opened)) = (&mut self.decoder, &self.opened) else { return Ok(()) };
        let mut previews = Previews::new(general.as_ref(), decoder);
        let mut progress = Progress { job, begun, reports: Vec::new(), denoised: Vec::new(), evaluations: 0 };
        denoise(&mut run, &recipe, &mut progress, &mut previews, &mut self.cache, self.channel, &is_current)?;

        let picture = previews.decode(&mut self.cache, run.latents(), &is_current)?;
        let fingerprint = Arc::new(provenance::fingerprint(&run, opened, general.as_ref(), expert.as_deref()));
        drop(run);
        let denoised = std::mem::take(&mut progress.denoised);
        let reports = progress.reports.clone();
        log::info!("a picture after {:.2} s and {} evaluations", begun.elapsed().as_secs_f64(), progress.evaluations);
        end.send(Event::Done { job, take: Arc::new(progress.finish(recipe, picture, fingerprint)) });

        // The picture is there; a newer request ends nothing but these previews.
        for (report, latents) in reports.iter().zip(&denoised).filter(|(report, _)| report.approximate) {
            match previews.refine(&mut self.cache, latents, &is_current) {
                Ok(Some(picture)) => end.send(Event::Preview { job, step: report.step, picture }),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Opens the device, loads the models and measures the preview decoder, each where that is not done yet.
    fn load(&mut self, recipe: &Recipe, is_current: &dyn Fn() -> bool) -> Result<Loaded, EngineError> {
        let end = self.channel.end;
        let busy = |message| end.send(Event::Busy { message });
        let opened = match &self.opened {
            Some(opened) => opened,
            None => {
                busy("Choosing and testing the device…".into());
                let found = device::open(self.choice)?;
                end.send(Event::Ready { device: found.name.clone() });
                self.opened.insert(found)
            }
        };
        let (general, expert) = self.models.for_recipe(recipe, &opened.target(), &busy)?;
        if !opened.is_cpu() {
            let [_, height, width] = run::latent_shape(recipe, general.as_ref())?;
            self.warm.run(general.as_ref(), &recipe.model.title(), [height, width], is_current, &busy)?;
        }
        if !self.decoder.as_ref().is_some_and(|decoder| decoder.is_of(general.as_ref())) {
            self.decoder = Some(PreviewDecoder::measure(general.as_ref())?);
        }
        Ok((general, expert))
    }
}

/// Takes all steps and reports each.
fn denoise(
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
    fn finish(self, recipe: Recipe, picture: Arc<Picture>, fingerprint: Arc<Fingerprint>) -> RenderResult {
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

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason was given".into())
}

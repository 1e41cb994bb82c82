//! The worker's loop: newest request wins, errors and panics become messages.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::{
    compatibility,
    device::{self, DeviceChoice, Opened},
    error::EngineError,
    event::{Event, JobId, RenderResult, StepReport},
    handle::{Cancel, Request, Work, WorkerEnd},
    models::Models,
    prediction_cache::PredictionCache,
    preview::{ApproxDecoder, Previews},
    provenance,
    report::step_report,
    run::{self, Options, Run},
    warmup::WarmUp,
};
use crate::{
    fingerprint::Fingerprint,
    nets,
    recipe::Recipe,
    tensor::{Latents, Picture},
    weights::LoadedModel,
};

/// Serves requests until the other end is gone.
pub fn serve(line: &WorkerEnd, choice: DeviceChoice) {
    let mut worker = Worker::new(line, choice);
    while let Some(work) = line.work() {
        let request = match work {
            Work::Render(request) => *request,
            Work::Trim => {
                worker.memory.trim();
                continue;
            }
            Work::Compare(partners) => {
                line.send(Event::Compatibility(compatibility::check(partners)));
                continue;
            }
        };
        let job = request.job;
        let cancel = line.cancel_token(&request);
        match catch_unwind(AssertUnwindSafe(|| worker.carry_out(request, &cancel))) {
            Ok(Ok(())) => {}
            Ok(Err(EngineError::Stopped(_))) => line.send(Event::Stopped { job }),
            Ok(Err(error)) => line.send(Event::Failed { job, message: error.to_string() }),
            Err(panic) => {
                // What the panic left behind is unknown, so everything is begun anew.
                worker = Worker::new(line, choice);
                let error = EngineError::Panicked(panic_text(panic.as_ref()));
                line.send(Event::Failed { job, message: error.to_string() });
            }
        }
    }
}

struct Worker<'a> {
    line: &'a WorkerEnd,
    choice: DeviceChoice,
    opened: Option<Opened>,
    models: Models,
    warm: WarmUp,
    memory: PredictionCache,
    likeness: Option<ApproxDecoder>,
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
    fn new(line: &'a WorkerEnd, choice: DeviceChoice) -> Self {
        let memory = PredictionCache::with_budget(line.gauge());
        Self { line, choice, opened: None, models: Models::default(), warm: WarmUp::default(), memory, likeness: None }
    }

    /// One request from start to end.
    fn carry_out(&mut self, request: Request, cancel: &Cancel) -> Result<(), EngineError> {
        let begun = Instant::now();
        let (job, recipe) = (request.job, request.recipe);
        recipe.validate()?;
        let wanted = || !cancel.is_cancelled();
        let (general, expert) = self.load(&recipe, &wanted)?;
        let options = Options { segment: true, ..Options::default() };
        let mut run = Run::prepare(&recipe, &general, expert.as_deref(), options, &mut self.memory)?;
        let tokens = Arc::new(run.tokens().to_vec());
        self.line.send(Event::Started { job, calls: run.calls(), tokens });

        let Some(likeness) = &mut self.likeness else { return Ok(()) };
        let mut previews = Previews::new(&general, likeness);
        let mut progress = Progress { job, begun, reports: Vec::new(), denoised: Vec::new(), evaluations: 0 };
        denoise(&mut run, &recipe, &mut progress, &mut previews, &mut self.memory, self.line, &wanted)?;

        let picture = previews.decode(&mut self.memory, run.latents(), &wanted)?;
        let Some(opened) = &self.opened else { return Ok(()) };
        let fingerprint = Arc::new(provenance::fingerprint(&run, opened, &general, expert.as_deref()));
        drop(run);
        let denoised = std::mem::take(&mut progress.denoised);
        let reports = progress.reports.clone();
        log::info!("a picture after {:.2} s and {} evaluations", begun.elapsed().as_secs_f64(), progress.evaluations);
        self.line.send(Event::Done { job, take: Arc::new(progress.finish(recipe, picture, fingerprint)) });

        // The picture is there; a newer request only ends the polishing.
        for (report, latents) in reports.iter().zip(&denoised).filter(|(report, _)| report.draft) {
            match previews.refine(&mut self.memory, latents, &wanted) {
                Ok(Some(picture)) => self.line.send(Event::Preview { job, step: report.step, picture }),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Device, models and likeness for a recipe, at hand or made ready now.
    fn load(
        &mut self,
        recipe: &Recipe,
        wanted: &dyn Fn() -> bool,
    ) -> Result<(Arc<LoadedModel>, Option<Arc<LoadedModel>>), EngineError> {
        let line = self.line;
        let busy = |message| line.send(Event::Busy { message });
        let opened = match &self.opened {
            Some(opened) => opened,
            None => {
                busy("Choosing and testing the device…".into());
                let found = device::open(self.choice)?;
                line.send(Event::Ready { device: found.name.clone() });
                self.opened.insert(found)
            }
        };
        let (general, expert) = self.models.for_recipe(recipe, opened, &busy)?;
        if !nets::is_cpu(&opened.device) {
            let [_, height, width] = run::latent_shape(recipe, &general);
            self.warm.run(&general, &recipe.model.title(), [height, width], wanted, &busy)?;
        }
        if !self.likeness.as_ref().is_some_and(|likeness| likeness.is_of(&general)) {
            self.likeness = Some(ApproxDecoder::measure(&general)?);
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
    memory: &mut PredictionCache,
    line: &WorkerEnd,
    wanted: &(dyn Fn() -> bool + Sync),
) -> Result<(), EngineError> {
    let calls = run.calls();
    let mut begun = Instant::now();
    while let Some(record) = run.step(memory, wanted)? {
        let preview = previews.picture(memory, &record.denoised)?;
        let report = Arc::new(step_report(recipe, &record, calls, preview, begun.elapsed()));
        begun = Instant::now();
        progress.evaluations += report.evaluations;
        progress.reports.push(report.clone());
        progress.denoised.push(record.denoised);
        line.send(Event::Step { job: progress.job, report });
        if let Some(partners) = line.partners() {
            line.send(Event::Compatibility(compatibility::check(partners)));
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

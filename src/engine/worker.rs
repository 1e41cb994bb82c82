//! The worker's loop: newest request wins, errors and panics become messages.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use super::{
    device::{self, DeviceChoice, Opened},
    error::EngineError,
    event::{Event, Finished, JobId},
    handle::{Cancel, Request, WorkerEnd},
    models::Models,
    preview::Preview,
    report::step_report,
    run::Run,
};

/// Serves requests until the other end is gone.
pub fn serve(line: &WorkerEnd, choice: DeviceChoice) {
    let mut opened: Option<Opened> = None;
    let mut models = Models::default();
    while let Some(request) = line.next() {
        let job = request.job;
        let cancel = line.cancel_token(&request);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let opened = open_once(&mut opened, choice, line)?;
            carry_out(request, opened, &mut models, &cancel, line)
        }));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(EngineError::Stopped(_))) => line.send(Event::Stopped { job }),
            Ok(Err(error)) => line.send(Event::Failed { job, message: error.to_string() }),
            Err(panic) => {
                // What the panic left behind is unknown, so models are read again.
                models = Models::default();
                let error = EngineError::Panicked(panic_text(panic.as_ref()));
                line.send(Event::Failed { job, message: error.to_string() });
            }
        }
    }
}

fn open_once<'a>(
    opened: &'a mut Option<Opened>,
    choice: DeviceChoice,
    line: &WorkerEnd,
) -> Result<&'a Opened, EngineError> {
    if opened.is_none() {
        let found = device::open(choice)?;
        line.send(Event::Ready { device: found.name.clone() });
        *opened = Some(found);
    }
    opened.as_ref().ok_or_else(|| EngineError::Device("no device was opened".into()))
}

/// One request from start to end.
fn carry_out(
    request: Request,
    opened: &Opened,
    models: &mut Models,
    cancel: &Cancel,
    line: &WorkerEnd,
) -> Result<(), EngineError> {
    let begun = Instant::now();
    let (job, recipe) = (request.job, request.recipe);
    recipe.validate()?;
    let busy = |message| line.send(Event::Busy { message });
    let (general, expert) = models.for_recipe(&recipe, &opened.device, &busy)?;
    let mut run = Run::prepare(&recipe, &general, expert.as_deref(), None)?;
    let calls = run.calls();
    line.send(Event::Started { job, calls, tokens: Arc::new(run.tokens().to_vec()) });

    let preview = Preview::choose(&general, run.latents().area())?;
    let wanted = || !cancel.is_cancelled();
    let mut reports = Vec::with_capacity(calls);
    let mut evaluations = 0;
    let mut step_begun = Instant::now();
    while let Some(record) = run.step(&wanted)? {
        evaluations += record.evaluations();
        let picture = preview.picture(&general, &record.denoised, &wanted)?;
        let report = Arc::new(step_report(&recipe, &record, calls, picture, step_begun.elapsed()));
        step_begun = Instant::now();
        reports.push(report.clone());
        line.send(Event::Step { job, report });
    }
    let picture = general.vae.decode(run.latents(), &wanted)?.to_picture();
    drop(run);
    finish(job, recipe, picture, reports, evaluations, begun, line);
    Ok(())
}

fn finish(
    job: JobId,
    recipe: crate::recipe::Recipe,
    picture: crate::field::Picture,
    reports: Vec<Arc<super::event::StepReport>>,
    branch_evaluations: usize,
    begun: Instant,
    line: &WorkerEnd,
) {
    let finished =
        Finished { recipe, picture: Arc::new(picture), reports, elapsed: begun.elapsed(), branch_evaluations };
    line.send(Event::Done { job, take: Arc::new(finished) });
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason was given".into())
}

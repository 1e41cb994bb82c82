//! The worker's loop: the newest request wins, errors and panics become messages.
//!
//! Apart as the only part of the engine that knows of requests and events.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
    time::Instant,
};

use super::{
    backend::Backend,
    card::{
        CardState, Preference,
        child::Checker,
        pace::Pace,
        prepare::{self, ReadyCard},
    },
    device::{self, DeviceChoice},
    error::EngineError,
    event::Event,
    handle::{CancelToken, Request, Work, WorkerEnd},
    job::{Channel, Progress, denoise},
    memory,
    models::Loaded,
    prediction_cache::PredictionCache,
    preview::{PreviewDecoder, Previews},
    provenance,
    run::{Options, Run},
    step_times::{Computes, StepTimes},
};
use crate::{
    model::ModelSource,
    nets::Precision,
    recipe::{ModelRef, Recipe},
};

/// Pixels of the bundled model's own pictures, at which a card is checked.
const BUNDLED_SIZE: [usize; 2] = [192, 192];

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
            Work::Card(card) => {
                worker.take_over(card);
                continue;
            }
            Work::Retry => {
                worker.retry_card();
                continue;
            }
        };
        worker.serve(request);
    }
}

struct Worker<'a> {
    channel: &'a Channel<'a>,
    choice: DeviceChoice,
    /// The processor, or the one device that was chosen.
    first: Option<Backend>,
    /// A graphics card has passed its check, and is there for the next request.
    passed: bool,
    /// The name under which it was asked for.
    passed_as: Option<String>,
    /// The graphics card beside the processor, once it was used.
    card: Option<Backend>,
    /// The thread that checks it is asked for an attempt here.
    preparing: Option<Sender<()>>,
    times: StepTimes,
    /// The device that was named last.
    named: Option<String>,
    /// The models whose readers were sent, with their hashes.
    read: Vec<(ModelRef, String)>,
    cache: PredictionCache,
    decoder: Option<PreviewDecoder>,
}

impl<'a> Worker<'a> {
    fn new(channel: &'a Channel<'a>, choice: DeviceChoice) -> Self {
        let cache = PredictionCache::with_budget(channel.end.budget());
        Self {
            channel,
            choice,
            first: None,
            passed: false,
            passed_as: None,
            card: None,
            preparing: None,
            times: StepTimes::default(),
            named: None,
            read: Vec::new(),
            cache,
            decoder: None,
        }
    }

    /// Carries out a request; what fails becomes an event. Where a graphics card fails, the processor takes over.
    fn serve(&mut self, request: Request) {
        let (job, end) = (request.job, self.channel.end);
        let cancel = end.cancel_token(&request);
        let device = self.device_for(&request.recipe);
        let mut outcome = self.attempt(&request, device, &cancel);
        if device == Computes::Card && outcome.as_ref().is_err_and(EngineError::is_of_device) && !cancel.is_cancelled()
        {
            self.give_up_card(&outcome);
            outcome = self.attempt(&request, Computes::Processor, &cancel);
        }
        self.prepare_card();
        match outcome {
            Ok(()) => {}
            Err(EngineError::Cancelled(_)) => end.send(Event::Stopped { job }),
            Err(error) => end.send(Event::Failed { job, message: error.to_string() }),
        }
    }

    /// [`Self::carry_out`], with a panic as an error. A panic may leave anything half done, so nothing of what it worked with
    /// is used again.
    fn attempt(&mut self, request: &Request, device: Computes, cancel: &CancelToken) -> Result<(), EngineError> {
        catch_unwind(AssertUnwindSafe(|| self.carry_out(request, device, cancel))).unwrap_or_else(|panic| {
            match device {
                Computes::Processor => self.first = None,
                Computes::Card => self.card = None,
            }
            self.cache = PredictionCache::with_budget(self.channel.end.budget());
            (self.decoder, self.named) = (None, None);
            Err(EngineError::Panicked(panic_text(panic.as_ref())))
        })
    }

    /// Which device is to draw a recipe.
    fn device_for(&self, recipe: &Recipe) -> Computes {
        match (self.channel.end.preference(), self.passed) {
            (Preference::Processor, _) | (_, false) => Computes::Processor,
            (Preference::Card, true) => Computes::Card,
            (Preference::Fastest, true) => self.times.faster(&recipe.model, [recipe.width, recipe.height]),
        }
    }

    /// One request from start to end.
    fn carry_out(&mut self, request: &Request, device: Computes, cancel: &CancelToken) -> Result<(), EngineError> {
        let begun = Instant::now();
        let (job, recipe, end) = (request.job, &request.recipe, self.channel.end);
        recipe.validate()?;
        let (general, expert) = self.load(recipe, device, &|| !cancel.is_cancelled())?;
        self.tell_readers(recipe, &(general.clone(), expert.clone()));
        // Maps that are only looked at are left out where they would not fit.
        let segment = device == Computes::Card || memory::has_room_for_regions(recipe, general.as_ref());
        let options = Options { segment, ..Options::default() };
        let mut run = Run::prepare(recipe, general.as_ref(), expert.as_deref(), options, &mut self.cache)?;
        let tokens = Arc::new(run.tokens().to_vec());
        end.send(Event::Started { job, calls: run.calls(), tokens });

        let backend = match device {
            Computes::Processor => &self.first,
            Computes::Card => &self.card,
        };
        let (Some(decoder), Some(backend)) = (&mut self.decoder, backend) else { return Ok(()) };
        let pace = (!backend.opened.is_cpu()).then(|| Pace::new(backend.opened.device.clone()));
        let is_current = || {
            if let Some(pace) = &pace {
                pace.stage();
            }
            !cancel.is_cancelled()
        };
        let mut previews = Previews::new(general.as_ref(), decoder);
        let mut progress = Progress { job, begun, reports: Vec::new(), denoised: Vec::new(), evaluations: 0 };
        denoise(&mut run, recipe, &mut progress, &mut previews, &mut self.cache, self.channel, &is_current)?;
        if let Some(each) = progress.each_evaluation() {
            self.times.note(device, &recipe.model, [recipe.width, recipe.height], each);
        }

        let picture = previews.decode(&mut self.cache, run.latents(), &is_current)?;
        let fingerprint = Arc::new(provenance::fingerprint(&run, &backend.opened, general.as_ref(), expert.as_deref()));
        drop(run);
        let denoised = std::mem::take(&mut progress.denoised);
        let reports = progress.reports.clone();
        log::info!("a picture after {:.2} s and {} evaluations", begun.elapsed().as_secs_f64(), progress.evaluations);
        end.send(Event::Done { job, take: Arc::new(progress.finish(recipe.clone(), picture, fingerprint)) });

        // The picture is there; a newer request ends nothing but these previews.
        for (report, latents) in reports.iter().zip(&denoised).filter(|(report, _)| report.approximate) {
            match previews.refine(&mut self.cache, latents, &is_current) {
                Ok(Some(picture)) => end.send(Event::Preview { job, step: report.step, picture }),
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Says how the models of a recipe read texts, once for each.
    fn tell_readers(&mut self, recipe: &Recipe, (general, expert): &Loaded) {
        let expert = recipe.fusion.as_ref().map(|fusion| &fusion.expert).zip(expert.as_ref());
        for (model, loaded) in std::iter::once((&recipe.model, general)).chain(expert) {
            let told = (model.clone(), loaded.hash().to_owned());
            if let Some(reader) = loaded.reader().filter(|_| !self.read.contains(&told)) {
                self.read.retain(|(known, _)| known != model);
                self.read.push(told);
                self.channel.end.send(Event::Texts { model: model.clone(), reader });
            }
        }
    }

    /// Opens the device, loads the models and measures the preview decoder, each where that is not done yet.
    fn load(
        &mut self,
        recipe: &Recipe,
        device: Computes,
        is_current: &dyn Fn() -> bool,
    ) -> Result<Loaded, EngineError> {
        let end = self.channel.end;
        let busy = |message| end.send(Event::Busy { message });
        let source = || self.channel.source.clone();
        let backend = match (device, &mut self.card, &mut self.first) {
            (Computes::Card, Some(card), _) => card,
            (Computes::Processor, _, Some(first)) => first,
            (Computes::Card, card @ None, _) => {
                busy("Opening the graphics card…".into());
                card.insert(Backend::new(
                    device::open_card(Precision::F32, self.passed_as.as_deref())?.into_opened(),
                    source(),
                ))
            }
            (Computes::Processor, _, first @ None) => {
                busy("Choosing and testing the device…".into());
                first.insert(Backend::new(device::open(self.choice, end.chosen_card().as_deref())?, source()))
            }
        };
        if self.named.as_ref() != Some(&backend.opened.name) {
            self.named = Some(backend.opened.name.clone());
            self.cache.set_device(&backend.opened.name);
            end.send(Event::Ready { device: backend.opened.name.clone() });
        }
        let (general, expert) = backend.load(recipe, is_current, &busy)?;
        if !self.decoder.as_ref().is_some_and(|decoder| decoder.is_of(general.as_ref())) {
            self.decoder = Some(PreviewDecoder::measure(general.as_ref())?);
        }
        Ok((general, expert))
    }

    /// Has the graphics card checked beside the processor, if that is wanted and has not begun.
    fn prepare_card(&mut self) {
        let end = self.channel.end;
        let is_beside = matches!(self.choice, DeviceChoice::Auto | DeviceChoice::Cpu | DeviceChoice::CpuBf16);
        if !is_beside || self.preparing.is_some() || end.preference() == Preference::Processor {
            return;
        }
        if !device::may_have_card() {
            return;
        }
        let (sender, attempts) = channel();
        let host = end.card_host();
        let started = Checker::this_program().and_then(|checker| {
            let serve = move || prepare::serve(&host, &attempts, &checker, Precision::F32);
            thread::Builder::new().name("card".into()).spawn(serve)
        });
        match started {
            // The thread has just begun to wait for it.
            Ok(_) => drop(sender.send(())),
            Err(error) => log::warn!("the graphics card cannot be checked: {error}"),
        }
        self.preparing = Some(sender);
    }

    /// Another attempt, after a failure or at another card.
    fn retry_card(&mut self) {
        if self.passed_as != self.channel.end.chosen_card() {
            (self.passed, self.card) = (false, None);
            self.times.forget_card();
        }
        // Before the first request nothing is prepared.
        if self.passed || self.first.is_none() {
            return;
        }
        let begun = self.preparing.as_ref().is_some_and(|preparing| preparing.send(()).is_ok());
        if !begun {
            self.preparing = None;
            self.prepare_card();
        }
    }

    /// Takes over a card that is ready. Cached predictions and drafts stay.
    fn take_over(&mut self, ReadyCard { chosen, name, step }: ReadyCard) {
        if chosen != self.channel.end.chosen_card() {
            return self.retry_card();
        }
        self.passed_as = chosen;
        self.times.note(Computes::Card, &ModelRef::Pocket, BUNDLED_SIZE, step);
        self.channel.end.send(Event::Card(CardState::Ready { name }));
        self.passed = true;
    }

    /// Computes without the graphics card from now on.
    fn give_up_card(&mut self, outcome: &Result<(), EngineError>) {
        (self.passed, self.card) = (false, None);
        device::forget_cards();
        let why = outcome.as_ref().err().map(first_sentence).unwrap_or_default();
        log::warn!("the graphics card failed: {why}");
        let reason = format!("The graphics card failed ({why}); the processor has taken over.");
        self.channel.end.send(Event::Card(CardState::Failed { reason }));
    }
}

/// An error without what libraries add to it: at most its first line, cut where it is long.
fn first_sentence(error: &EngineError) -> String {
    const LENGTH: usize = 160;
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason was given".into())
}

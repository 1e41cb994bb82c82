//! The thread that prepares the graphics card: check in a child process, open, load the model, run it once, hand over.
//!
//! Apart from the worker, which draws with the processor meanwhile.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::Receiver},
    thread,
    time::{Duration, Instant},
};

use super::{child::Checker, protocol::Line, state::CardState};
use crate::{
    engine::{backend::Backend, device, error::EngineError},
    model::ModelSource,
    nets::Precision,
    recipe::Recipe,
};

/// What the thread needs of the engine.
pub trait Host: Send {
    /// Whether the window is still there and wants a card.
    fn is_needed(&self) -> bool;
    /// Whether the processor draws right now.
    fn is_drawing(&self) -> bool;
    /// Tells people how far the card is.
    fn report(&self, state: CardState);
    /// The card is ready.
    fn hand_over(&self, card: ReadyCard);
}

/// A card that is ready.
pub struct ReadyCard {
    pub backend: Backend,
    /// Of one prediction of the bundled model at its own size.
    pub step: Duration,
}

/// While the processor draws, preparing takes one part in so many of the time.
const SHARE: u32 = 8;
/// How long drawing may hold preparing up at a time.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// Prepares the card for each recipe that comes, until one has succeeded. Later recipes are attempts after a failure.
pub fn serve(
    host: &dyn Host,
    recipes: &Receiver<Recipe>,
    checker: &Checker,
    source: &Arc<dyn ModelSource>,
    precision: Precision,
) {
    for recipe in recipes {
        let prepared = catch_unwind(AssertUnwindSafe(|| prepare(host, &recipe, checker, source, precision)));
        let failed = "the graphics card failed inside, so the processor computes";
        match prepared.unwrap_or_else(|_| Err(failed.into())) {
            Ok(card) => return host.hand_over(card),
            Err(_) if !host.is_needed() => host.report(CardState::Absent),
            Err(reason) => {
                log::info!("no graphics card: {reason}");
                host.report(CardState::Failed { reason });
            }
        }
    }
}

fn prepare(
    host: &dyn Host,
    recipe: &Recipe,
    checker: &Checker,
    source: &Arc<dyn ModelSource>,
    precision: Precision,
) -> Result<ReadyCard, String> {
    let begun = Instant::now();
    host.report(CardState::Checking { done: 0, total: 0 });
    let passed = checker.run(precision, &|| host.is_needed(), &mut |line| {
        if let Line::Kernel { done, total } = *line {
            host.report(CardState::Checking { done, total });
        }
    })?;
    log::info!("{} passed its check after {:.1} s", passed.name, begun.elapsed().as_secs_f64());
    host.report(CardState::Preparing { name: passed.name });
    let backend = open_and_load(host, recipe, source, precision).map_err(|error| error.to_string())?;
    log::info!("{} is ready after {:.1} s", backend.opened.name, begun.elapsed().as_secs_f64());
    Ok(ReadyCard { backend, step: Duration::from_secs_f64(passed.step_seconds.min(3600.0)) })
}

fn open_and_load(
    host: &dyn Host,
    recipe: &Recipe,
    source: &Arc<dyn ModelSource>,
    precision: Precision,
) -> Result<Backend, EngineError> {
    let share = TimeShare { host, last: Instant::now().into() };
    share.rest();
    let card = device::open_card(precision)?;
    share.rest();
    let mut card = Backend::new(card.into_opened(), source.clone());
    share.rest();
    card.load(recipe, &|| share.rest(), &|_| {})?;
    Ok(card)
}

/// Divides the time between preparing and drawing.
struct TimeShare<'a> {
    host: &'a dyn Host,
    last: std::cell::Cell<Instant>,
}

impl TimeShare<'_> {
    /// Between two parts: waits while the processor draws, but not for ever. Whether to go on.
    fn rest(&self) -> bool {
        let rest = (self.last.get().elapsed() * SHARE).min(PATIENCE);
        let until = Instant::now() + rest;
        while self.host.is_needed() && self.host.is_drawing() && Instant::now() < until {
            thread::sleep(POLL);
        }
        self.last.set(Instant::now());
        self.host.is_needed()
    }
}

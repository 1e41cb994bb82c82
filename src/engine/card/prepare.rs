//! The thread that has the graphics card checked in a child process, and tells the worker when it passed.
//!
//! Apart from the worker, which draws with the processor meanwhile. The worker itself opens the card then and loads models on it:
//! a model that another thread had loaded was seen to wait for ever there (burn 0.22.1 on wgpu, Mesa's software rasteriser).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::Receiver,
    time::{Duration, Instant},
};

use super::{child::Checker, protocol::Line, state::CardState};
use crate::nets::Precision;

/// What the thread needs of the engine.
pub trait Host: Send {
    /// Whether the window is still there and wants a card.
    fn is_needed(&self) -> bool;
    /// The name of the card that the user has chosen; `None` for the best one.
    fn chosen_card(&self) -> Option<String>;
    /// Tells people how far the card is.
    fn report(&self, state: CardState);
    /// Tells people which cards there are.
    fn list(&self, names: Vec<String>);
    /// The card is ready.
    fn hand_over(&self, card: ReadyCard);
}

/// A card that passed its check.
pub struct ReadyCard {
    /// The name that was asked for, if one was.
    pub chosen: Option<String>,
    /// For people.
    pub name: String,
    /// Of one prediction of the bundled model at its own size.
    pub step: Duration,
}

/// Checks the card as often as it is asked to, until it has passed. Later attempts come after a failure.
pub fn serve(host: &dyn Host, attempts: &Receiver<()>, checker: &Checker, precision: Precision) {
    for () in attempts {
        let chosen = host.chosen_card();
        let checked = catch_unwind(AssertUnwindSafe(|| prepare(host, checker, precision, &chosen)));
        let failed = "the graphics card failed inside, so the processor computes";
        match checked.unwrap_or_else(|_| Err(failed.into())) {
            Ok(card) => return host.hand_over(card),
            Err(_) if !host.is_needed() || host.chosen_card() != chosen => host.report(CardState::Absent),
            Err(reason) => {
                log::info!("no graphics card: {reason}");
                host.report(CardState::Failed { reason });
                // What was asked for meanwhile was this attempt.
                while attempts.try_recv().is_ok() {}
            }
        }
    }
}

fn prepare(
    host: &dyn Host,
    checker: &Checker,
    precision: Precision,
    chosen: &Option<String>,
) -> Result<ReadyCard, String> {
    let begun = Instant::now();
    host.report(CardState::Checking { done: 0, total: 0 });
    let mut names = Vec::new();
    let is_needed = || host.is_needed() && host.chosen_card() == *chosen;
    let passed = checker.run(chosen.as_deref(), precision, &is_needed, &mut |line| match line {
        Line::Found(name) => names.push(name.clone()),
        // Also where the chosen one is none of them: then another can be chosen.
        Line::Card(_) | Line::Failed(_) if !names.is_empty() => host.list(std::mem::take(&mut names)),
        Line::Kernel { done, total } => host.report(CardState::Checking { done: *done, total: *total }),
        Line::Card(_) | Line::Step { .. } | Line::Passed | Line::Failed(_) => {}
    })?;
    log::info!("{} passed its check after {:.1} s", passed.name, begun.elapsed().as_secs_f64());
    Ok(ReadyCard {
        chosen: chosen.clone(),
        name: passed.name,
        step: Duration::from_secs_f64(passed.step_seconds.min(3600.0)),
    })
}

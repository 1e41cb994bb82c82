//! The check of a card, in the process that is started for it: every kernel is compiled, run and compared with the
//! processor's, then the bundled model.
//!
//! A driver that crashes or hangs does so here. Apart from the process that waits for it.

use std::{path::Path, time::Duration};

use burn::tensor::Device;

use super::{
    adapters::adapters,
    protocol::Line,
    self_test::self_test,
    verdicts::{self, Verdicts},
};
use crate::{
    engine::device::{self, Card},
    nets::{KernelCheck, Precision, kernel_checks},
};

/// A fault that tests of the waiting process ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Crash,
    Hang,
    Wrong,
}

impl Fault {
    /// The fault that the environment variable `SEXTANT_CARD_FAULT` names: crash, hang or wrong.
    pub fn from_environment() -> Option<Self> {
        match std::env::var("SEXTANT_CARD_FAULT").ok()?.as_str() {
            "crash" => Some(Self::Crash),
            "hang" => Some(Self::Hang),
            "wrong" => Some(Self::Wrong),
            _ => None,
        }
    }
}

/// Checks a card, the chosen one or the best, and reports each line through `say`; the last one is [`Line::Passed`] or
/// [`Line::Failed`]. Of a card that has passed before, with this driver and this program, only the model is compared again.
pub fn check(chosen: Option<&str>, precision: Precision, fault: Option<Fault>, say: &mut dyn FnMut(Line)) {
    match checked(chosen, precision, fault, say) {
        Ok(()) => say(Line::Passed),
        Err(reason) => say(Line::Failed(reason)),
    }
}

fn checked(
    chosen: Option<&str>,
    precision: Precision,
    fault: Option<Fault>,
    say: &mut dyn FnMut(Line),
) -> Result<(), String> {
    adapters().into_iter().for_each(|adapter| say(Line::Found(adapter.name)));
    let Card { device, name, key, .. } = device::open_card(precision, chosen).map_err(|error| error.to_string())?;
    say(Line::Card(name.clone()));
    let key = format!("{key}, {precision}");
    let kept = verdicts::path();
    let has_passed = fault.is_none() && kept.as_ref().is_some_and(|path| Verdicts::load(path).has(&key));
    // Until it has passed again: where the driver crashes now, nothing is left of what it did before.
    note(kept.as_deref(), &key, false);
    if !has_passed {
        kernels(&device, &name, fault, say)?;
    }
    let step = self_test(&device, precision, &name).map_err(|error| error.to_string())?;
    note(kept.as_deref(), &key, true);
    say(Line::Step { seconds: step.as_secs_f64() });
    Ok(())
}

/// Keeps a verdict where there is a place for it; without one the next check is a full one.
fn note(path: Option<&Path>, key: &str, has_passed: bool) {
    let noted = path.map(|path| verdicts::note(path, key, has_passed));
    if let Some(Err(error)) = noted {
        log::warn!("whether the card passed cannot be kept: {error}");
    }
}

fn kernels(device: &Device, name: &str, fault: Option<Fault>, say: &mut dyn FnMut(Line)) -> Result<(), String> {
    let checks = kernel_checks();
    say(Line::Kernel { done: 0, total: checks.len() });
    for (i, check) in checks.iter().enumerate() {
        let mut distance = check.distance(device).map_err(|error| format!("{name} cannot compute: {error}"))?;
        if i == checks.len() / 2 {
            act_out(fault, &mut distance);
        }
        if !KernelCheck::passes(distance) {
            return Err(format!("{name} computes wrongly ({check:?} is {distance:.1e} away from the processor)"));
        }
        say(Line::Kernel { done: i + 1, total: checks.len() });
    }
    Ok(())
}

fn act_out(fault: Option<Fault>, distance: &mut f64) {
    match fault {
        None => {}
        Some(Fault::Crash) => std::process::abort(),
        Some(Fault::Hang) => std::thread::sleep(Duration::from_secs(3600)),
        Some(Fault::Wrong) => *distance = 1.0,
    }
}

//! Keeps what is queued on a card short, so that a stop is heard soon and no driver resets a card that seems to hang.
//!
//! Apart from the worker as a rule of cards alone: kernels run there long after they were sent.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use burn::tensor::Device;

/// Between two waits for the card, the work that was sent should take less than this.
const LONGEST: Duration = Duration::from_millis(40);

/// Waits for the card after some of the stages of a prediction: after each on a slow card, seldom on a fast one.
pub struct Pace {
    device: Device,
    sent: Mutex<Sent>,
}

/// What was sent since the last wait.
struct Sent {
    stages: u32,
    /// Wait after so many.
    every: u32,
    waited: Instant,
}

impl Pace {
    pub fn new(device: Device) -> Self {
        Self { device, sent: Mutex::new(Sent { stages: 0, every: 1, waited: Instant::now() }) }
    }

    /// A stage has been sent.
    pub fn stage(&self) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.stages += 1;
        if sent.stages < sent.every {
            return;
        }
        if let Err(error) = self.device.sync() {
            // Reading the result will say so too, where it becomes an error.
            log::warn!("the graphics card did not finish a stage: {error}");
        }
        let every = next(sent.every, sent.waited.elapsed());
        *sent = Sent { stages: 0, every, waited: Instant::now() };
    }
}

/// After how many stages to wait next, where `stages` took `time`: at most twice as many.
fn next(stages: u32, time: Duration) -> u32 {
    let fitting = LONGEST.as_secs_f64() / (time.as_secs_f64() / f64::from(stages)).max(1e-6);
    (fitting as u32).clamp(1, 2 * stages).min(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_cards_are_waited_for_after_each_stage_and_fast_ones_seldom() {
        let ms = Duration::from_millis;
        assert_eq!(next(1, ms(400)), 1);
        assert_eq!(next(1, Duration::from_micros(300)), 2);
        assert_eq!(next(8, ms(8)), 16);
        assert_eq!(next(8, ms(80)), 4);
        assert_eq!(next(64, ms(1)), 64);
    }
}

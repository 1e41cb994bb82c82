//! How long an evaluation takes on each device, as measured.
//!
//! Apart because it decides which of two devices draws.

use std::time::Duration;

use crate::recipe::ModelRef;

/// The devices that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Computes {
    Processor,
    Card,
}

/// A card that takes so many times as long with one model is not tried with another.
const FAR: u32 = 4;

/// Of one model at one size.
#[derive(Clone, Debug)]
struct Entry {
    model: ModelRef,
    size: [usize; 2],
    processor: Option<Duration>,
    card: Option<Duration>,
}

/// The shortest time of an evaluation, by model and size in pixels.
#[derive(Default)]
pub struct StepTimes(Vec<Entry>);

impl StepTimes {
    /// Notes that evaluations took `each` on a device.
    pub fn note(&mut self, device: Computes, model: &ModelRef, size: [usize; 2], each: Duration) {
        let found = self.0.iter_mut().position(|entry| entry.model == *model && entry.size == size);
        let at = found.unwrap_or_else(|| {
            self.0.push(Entry { model: model.clone(), size, processor: None, card: None });
            self.0.len() - 1
        });
        let time = match device {
            Computes::Processor => &mut self.0[at].processor,
            Computes::Card => &mut self.0[at].card,
        };
        *time = Some(time.map_or(each, |known| known.min(each)));
    }

    /// Forgets the card: there is another one.
    pub fn forget_card(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.card = None);
    }

    /// The faster device for a model: as measured at this size, else at another one. A model that was not measured on both goes
    /// to the card, unless the card is far slower with another model: then it is none to speak of.
    pub fn faster(&self, model: &ModelRef, size: [usize; 2]) -> Computes {
        let both = |entry: &Entry| entry.processor.zip(entry.card);
        let here = |entry: &&Entry| entry.model == *model;
        let known = self.0.iter().filter(here).filter(|entry| entry.size == size).find_map(both);
        let known = known.or_else(|| self.0.iter().filter(here).find_map(both));
        let is_slower = match known {
            Some((processor, card)) => processor < card,
            None => self.0.iter().find_map(both).is_some_and(|(processor, card)| processor * FAR < card),
        };
        if is_slower { Computes::Processor } else { Computes::Card }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_device_draws_once_both_are_known() {
        let (mut times, model, size) = (StepTimes::default(), ModelRef::Pocket, [192, 192]);
        let ms = Duration::from_millis;
        assert_eq!(times.faster(&model, size), Computes::Card);
        times.note(Computes::Processor, &model, size, ms(20));
        assert_eq!(times.faster(&model, size), Computes::Card);
        times.note(Computes::Card, &model, size, ms(90));
        times.note(Computes::Card, &model, size, ms(30));
        assert_eq!(times.faster(&model, size), Computes::Processor);
        times.note(Computes::Card, &model, size, ms(10));
        assert_eq!(times.faster(&model, size), Computes::Card);
        // Another size as what is known, another model not.
        times.note(Computes::Processor, &model, size, ms(5));
        assert_eq!(times.faster(&model, [256, 192]), Computes::Processor);
        assert_eq!(times.faster(&ModelRef::PocketToon, size), Computes::Card);
        times.note(Computes::Processor, &model, size, ms(2));
        assert_eq!(times.faster(&ModelRef::PocketToon, size), Computes::Processor);
        // Measured itself, it goes by that.
        times.note(Computes::Processor, &ModelRef::PocketToon, size, ms(90));
        times.note(Computes::Card, &ModelRef::PocketToon, size, ms(30));
        assert_eq!(times.faster(&ModelRef::PocketToon, size), Computes::Card);
        assert_eq!(times.faster(&model, size), Computes::Processor);
    }
}

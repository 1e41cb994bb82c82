//! Tests of the table: complete, and its names read back.

use super::*;
use crate::tensor::Plane;

#[test]
fn every_array_has_its_row_and_a_name_of_its_own() {
    for (at, info) in TABLE.iter().enumerate() {
        assert_eq!(info.array as usize, at, "{}", info.name);
        assert!(std::ptr::eq(info.array.info(), info));
        assert!(info.meaning.ends_with('.') && !info.unit.is_empty(), "{}", info.name);
        assert!(TABLE.iter().filter(|other| other.name == info.name).count() == 1, "{}", info.name);
    }
}

#[test]
fn what_is_drawn_has_a_title() {
    for info in &TABLE {
        assert_eq!(info.title.is_empty(), info.palette == Palette::None, "{}", info.name);
    }
    let (rate, mask) = (StepArray::Rate.info(), StepArray::FusionMask.info());
    assert_eq!((rate.heading(), rate.label()), ("Rate ρ".into(), "rate ρ".into()));
    assert_eq!((mask.heading(), mask.label()), ("Fusion mask".into(), "fusion mask".into()));
    assert_eq!(StepArray::Magnitude.info().label(), "magnitude |Δ|");
    assert_eq!(mask.explanation(), "SNB: 1 where the expert draws. Unit: 0 or 1.");
}

#[test]
fn names_are_read_back() {
    let keys = StepKeys::new(7);
    assert_eq!(keys.key(StepArray::Rate), "step.007.scfg.rate");
    assert_eq!(keys.expert().concept(StepArray::SegaMask, 12), "step.007.expert.sega.mask.12");
    for info in &TABLE {
        for keys in [StepKeys::new(0), StepKeys::new(1234), keys.expert()] {
            let key = if info.per_concept { keys.concept(info.array, 3) } else { keys.key(info.array) };
            assert_eq!(StepArray::parse(&key), Some(info.array), "{key}");
        }
    }
    for other in ["scfg.rate", "step.00x.sigma", "step.000.sigmas", "step.000.sega.mask", "step.000.sega.mask.x"] {
        assert_eq!(StepArray::parse(other), None, "{other}");
    }
}

#[test]
fn ranges_hold_what_they_say() {
    let map = Plane::new(1, 3, vec![0.8, 1.0, 2.5]);
    assert_eq!(Range::Observed.bounds(&map), [0.8, 2.5]);
    assert_eq!(Range::FromZero.bounds(&map), [0.0, 2.5]);
    assert_eq!(Range::AroundOne.bounds(&map), [-0.5, 2.5]);
    assert_eq!(Range::AroundOne.bounds(&Plane::filled(1, 1, 1.0)), [0.75, 1.25]);
    assert_eq!(Range::Fixed(0.0, 1.0).bounds(&map), [0.0, 1.0]);
}

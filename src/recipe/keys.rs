//! Keys: how a scale changes from step to step.
//!
//! Apart because guidance scale and concepts share them.
//!
//! A scale `s` with the keys `(i_1, f_1) … (i_n, f_n)`, `i` rising, is at step `i`
//!
//! ```text
//! s(i) = s · f(i)      f(i) = f_1                                            up to i_1
//!                      f(i) = f_a + (f_b − f_a) · (i − i_a) / (i_b − i_a)    between neighbours a and b
//!                      f(i) = f_n                                            from i_n on
//! ```
//!
//! and `s` without keys. Steps count from 0, as those of warm-ups do. Keys are factors, not scales of their own, so that
//! the slider still sets the strength of the whole curve: it can pass through zero without flattening the curve, and a
//! grid over the scale works with keys too.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::RecipeError;

/// The factor on a scale at one step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Index of the step, from 0.
    pub step: usize,
    /// 0 to [`Key::MOST`]; 1 is the scale itself.
    pub factor: f32,
}

impl Key {
    /// The largest factor.
    pub const MOST: f32 = 10.0;
}

/// `f(i)` of the module's formula. The steps of `keys` rise.
pub fn factor_at(keys: &[Key], step: usize) -> f32 {
    factor_between(keys, step as f32)
}

/// The factor at any position, also between two steps: what a drawing of the curve needs.
pub fn factor_between(keys: &[Key], position: f32) -> f32 {
    let (before, after) = keys.split_at(keys.partition_point(|key| key.step as f32 <= position));
    match (before.last(), after.first()) {
        (None, None) => 1.0,
        (Some(only), None) | (None, Some(only)) => only.factor,
        (Some(a), Some(b)) => {
            let t = (position - a.step as f32) / (b.step - a.step) as f32;
            a.factor + (b.factor - a.factor) * t
        }
    }
}

/// Inserts a key in the order of steps. It replaces a key at the same step.
pub fn put(keys: &mut Vec<Key>, key: Key) {
    let at = keys.partition_point(|other| other.step < key.step);
    match keys.get_mut(at).filter(|other| other.step == key.step) {
        Some(other) => *other = key,
        None => keys.insert(at, key),
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.step, self.factor)
    }
}

impl FromStr for Key {
    type Err = RecipeError;

    fn from_str(s: &str) -> Result<Self, RecipeError> {
        let parts = s.split_once(':').map(|(step, factor)| (step.trim().parse(), factor.trim().parse()));
        match parts {
            Some((Ok(step), Ok(factor))) => Ok(Self { step, factor }),
            _ => Err(RecipeError::Conflict(format!(
                "\"{}\" is not a key: write STEP:FACTOR, as in 0:0.5,10:1 for half the scale at first and all of it from step 10 on",
                s.trim()
            ))),
        }
    }
}

/// Reads `0:0.5,10:1`; an empty text is no keys.
///
/// # Errors
/// Names the part that is not a key.
pub fn parse(text: &str) -> Result<Vec<Key>, RecipeError> {
    text.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
}

/// The keys as [`parse`] reads them.
pub fn text(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_linear_between_keys_and_constant_outside() {
        let keys = parse("2:0.5, 6:1.5,7:0").expect("keys");
        let factors: Vec<f32> = (0..10).map(|step| factor_at(&keys, step)).collect();
        assert_eq!(factors, [0.5, 0.5, 0.5, 0.75, 1.0, 1.25, 1.5, 0.0, 0.0, 0.0]);
        assert_eq!(factor_at(&[], 4), 1.0);
    }

    #[test]
    fn a_key_takes_its_place_in_the_order() {
        let mut keys = parse("2:1,6:1").expect("keys");
        for (step, factor) in [(4, 0.5), (6, 2.0), (0, 0.1)] {
            put(&mut keys, Key { step, factor });
        }
        assert_eq!(text(&keys), "0:0.1,2:1,4:0.5,6:2");
    }

    #[test]
    fn keys_of_factor_1_leave_every_scale_bit_for_bit() {
        let keys = parse("0:1,3:1,9:1").expect("keys");
        for scale in [5.3_f32, -7.1, 0.1, -0.0, f32::MIN_POSITIVE] {
            assert!((0..12).all(|step| (scale * factor_at(&keys, step)).to_bits() == scale.to_bits()));
        }
    }

    #[test]
    fn what_is_written_is_read_and_what_is_no_key_is_named() {
        let keys = vec![Key { step: 0, factor: 0.35 }, Key { step: 12, factor: 2.0 }];
        assert_eq!(parse(&text(&keys)), Ok(keys));
        assert_eq!(parse(" "), Ok(Vec::new()));
        for bad in ["5", "1:2,x:3", "1:", "-1:2"] {
            let message = parse(bad).expect_err("no key").to_string();
            assert!(
                message.contains(bad.rsplit(',').next().unwrap_or(bad)) && message.contains("STEP:FACTOR"),
                "{message}"
            );
        }
    }
}

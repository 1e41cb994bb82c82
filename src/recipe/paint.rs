//! Painted maps: a small whole number for every element of the latent grid, 0 where nothing was painted.
//!
//! Apart because region corrections, factors, biases and masks all are painted maps.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::RecipeError;
use crate::files::charge;

/// The longest side of a map that is read. No latent grid that a recipe allows is larger.
const MAX_SIDE: usize = 256;

/// A painted map, `[height, width]` in row-major order. Its text gives the size and then runs, `level*count`, up to the
/// last one that is not 0: `24x24: 0*120 1*5 0*19 -1*3`. The field that holds a map defines what a level means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    height: usize,
    width: usize,
    levels: Vec<i16>,
}

impl Paint {
    /// An unpainted grid of `height` rows and `width` columns.
    pub fn blank(height: usize, width: usize) -> Self {
        Self { height, width, levels: vec![0; height * width] }
    }

    /// Rows and columns.
    pub fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// All levels, row by row.
    pub fn levels(&self) -> &[i16] {
        &self.levels
    }

    /// With every level within `range`.
    pub(super) fn clamped(&self, range: RangeInclusive<i16>) -> Self {
        let within = |level: &i16| (*level).clamp(*range.start(), *range.end());
        Self { levels: self.levels.iter().map(within).collect(), ..*self }
    }

    /// Whether nothing is painted.
    pub fn is_empty(&self) -> bool {
        self.levels.iter().all(|&level| level == 0)
    }

    /// The level of an element.
    ///
    /// # Panics
    /// For an element outside the grid.
    pub fn at(&self, y: usize, x: usize) -> i16 {
        self.levels[y * self.width + x]
    }

    /// Sets the level of an element.
    ///
    /// # Panics
    /// For an element outside the grid.
    pub fn set(&mut self, y: usize, x: usize, level: i16) {
        self.levels[y * self.width + x] = level;
    }

    /// The same paint on another grid: every element takes the level of the element that contains it.
    pub fn resized(&self, height: usize, width: usize) -> Self {
        if self.levels.is_empty() {
            return Self::blank(height, width);
        }
        let mut out = Self::blank(height, width);
        for y in 0..height {
            for x in 0..width {
                out.set(y, x, self.at(y * self.height / height, x * self.width / width));
            }
        }
        out
    }

    /// Both maps together: this map's level where it is not 0, the other's elsewhere.
    pub fn over(&self, below: &Self) -> Self {
        let mut both = below.resized(self.height, self.width);
        for (under, &level) in both.levels.iter_mut().zip(&self.levels) {
            if level != 0 {
                *under = level;
            }
        }
        both
    }
}

impl fmt::Display for Paint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}:", self.height, self.width)?;
        let end = self.levels.iter().rposition(|&level| level != 0).map_or(0, |last| last + 1);
        for run in self.levels[..end].chunk_by(|a, b| a == b) {
            write!(f, " {}*{}", run[0], run.len())?;
        }
        Ok(())
    }
}

impl FromStr for Paint {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        let wrong = |why: &str| {
            let start: String = text.chars().take(40).collect();
            RecipeError::Conflict(format!(
                "the painted map \"{start}\" cannot be read: {why}; write it as \"24x24: 0*120 1*5\", rows x columns, \
                 then level*count"
            ))
        };
        let (size, runs) = text.split_once(':').ok_or_else(|| wrong("it does not say its size"))?;
        let sides = size.split_once('x').and_then(|(h, w)| Some((h.trim().parse().ok()?, w.trim().parse().ok()?)));
        let (height, width) =
            sides.filter(|&(h, w)| h <= MAX_SIDE && w <= MAX_SIDE).ok_or_else(|| wrong("its size is odd"))?;
        let mut levels: Vec<i16> = Vec::with_capacity(height * width);
        for run in runs.split_whitespace() {
            let parsed =
                run.split_once('*').and_then(|(level, n)| Some((level.parse::<i16>().ok()?, n.parse::<usize>().ok()?)));
            let (level, count) = parsed.ok_or_else(|| wrong("a run of it is no level*count"))?;
            if count > height * width - levels.len() {
                return Err(wrong("its runs are longer than its size"));
            }
            levels.extend(std::iter::repeat_n(level, count));
        }
        levels.resize(height * width, 0);
        Ok(Self { height, width, levels })
    }
}

impl Serialize for Paint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Paint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let paint: Self = String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)?;
        charge(size_of_val(paint.levels.as_slice())).map_err(serde::de::Error::custom)?;
        Ok(paint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spotted() -> Paint {
        let mut paint = Paint::blank(3, 4);
        paint.set(0, 2, 1);
        paint.set(0, 3, 1);
        paint.set(1, 0, 1);
        paint.set(2, 1, -20);
        paint
    }

    #[test]
    fn a_map_reads_as_runs_and_comes_back() {
        let text = spotted().to_string();
        assert_eq!(text, "3x4: 0*2 1*3 0*4 -20*1");
        assert_eq!(text.parse(), Ok(spotted()));
        assert_eq!(Paint::default().to_string().parse(), Ok(Paint::default()));
        assert_eq!(Paint::blank(2, 2).to_string(), "2x2:");
    }

    #[test]
    fn what_is_no_map_is_refused_with_its_reason() {
        for (text, why) in [
            ("", "size"),
            ("3x", "size"),
            ("3000x3000: 1*4", "size is odd"),
            ("2x2: 1*5", "longer"),
            ("2x2: 1*3 1*99999999999", "longer"),
            ("2x2: 1", "level*count"),
            ("2x2: 99999*1", "level*count"),
        ] {
            let error = text.parse::<Paint>().map_err(|e| e.to_string());
            assert!(error.as_ref().is_err_and(|e| e.contains(why)), "{text}: {error:?}");
        }
    }

    #[test]
    fn another_grid_takes_the_nearest() {
        let mut paint = Paint::blank(2, 2);
        paint.set(0, 1, 5);
        let large = paint.resized(4, 6);
        assert_eq!((large.at(1, 3), large.at(1, 2), large.at(2, 5)), (5, 0, 0));
        assert_eq!(large.resized(2, 2), paint);
        assert!(Paint::default().resized(3, 3).is_empty());
    }

    #[test]
    fn paint_lies_over_paint() {
        let mut above = Paint::blank(3, 4);
        above.set(0, 2, -1);
        let both = above.over(&spotted());
        assert_eq!((both.at(0, 2), both.at(0, 3), both.at(2, 1)), (-1, 1, -20));
    }
}

//! How two runs are compared.
//!
//! Apart from the canvas because sessions keep it and pins change it.

/// How the canvas sets runs against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    #[default]
    Single,
    SideBySide,
    Wipe,
    Difference,
    Blink,
    Grid,
    /// The pictures that Generate was asked for together.
    Sheet,
}

impl Compare {
    pub const ALL: [Self; 7] =
        [Self::Single, Self::SideBySide, Self::Wipe, Self::Difference, Self::Blink, Self::Grid, Self::Sheet];

    pub fn title(self) -> &'static str {
        match self {
            Self::Single => "Single",
            Self::SideBySide => "Side by side",
            Self::Wipe => "Wipe",
            Self::Difference => "Difference",
            Self::Blink => "Blink",
            Self::Grid => "Grid",
            Self::Sheet => "Sheet",
        }
    }

    /// Whether it sets two runs against each other.
    pub fn pairs(self) -> bool {
        !matches!(self, Self::Single | Self::Grid | Self::Sheet)
    }
}

/// How a difference of two pictures is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DifferenceAs {
    /// Its magnitude in the colours of maps.
    #[default]
    FalseColor,
    /// Its magnitude in grey: black where both are equal.
    Absolute,
    /// Middle grey where both are equal, lighter where A is.
    Signed,
}

impl DifferenceAs {
    pub const ALL: [Self; 3] = [Self::FalseColor, Self::Absolute, Self::Signed];

    pub fn title(self) -> &'static str {
        match self {
            Self::FalseColor => "False colour",
            Self::Absolute => "Absolute",
            Self::Signed => "Signed",
        }
    }
}

/// The comparison as it is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub mode: Compare,
    /// Where the wipe divides the picture, as a share of its width.
    pub wipe: f32,
    pub difference: DifferenceAs,
    /// Differences are shown this many times as large as they are.
    pub gain: f32,
    /// A blinking canvas changes sides by itself.
    pub blinks: bool,
}

impl Default for Comparison {
    fn default() -> Self {
        Self { mode: Compare::default(), wipe: 0.5, difference: DifferenceAs::default(), gain: 1.0, blinks: true }
    }
}

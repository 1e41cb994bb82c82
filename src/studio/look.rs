//! How results are looked at: overlay, comparison, zoom and the window's arrangement.

use super::{brush::Brush, canvas::view::View, theme::size};

/// What lies over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    Picture,
    #[default]
    Regions,
    Rate,
    Concept,
    Saliency,
    Territory,
}

impl Overlay {
    pub const ALL: [Self; 6] =
        [Self::Picture, Self::Regions, Self::Rate, Self::Concept, Self::Saliency, Self::Territory];

    pub fn title(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Regions => "Regions",
            Self::Rate => "Rate",
            Self::Concept => "Concept",
            Self::Saliency => "Saliency",
            Self::Territory => "Territory",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    #[default]
    Single,
    SideBySide,
    Wipe,
    Difference,
    Blink,
    Grid,
}

impl Compare {
    pub const ALL: [Self; 6] = [Self::Single, Self::SideBySide, Self::Wipe, Self::Difference, Self::Blink, Self::Grid];

    pub fn title(self) -> &'static str {
        match self {
            Self::Single => "Single",
            Self::SideBySide => "Side by side",
            Self::Wipe => "Wipe",
            Self::Difference => "Difference",
            Self::Blink => "Blink",
            Self::Grid => "Grid",
        }
    }

    /// Whether it sets two runs against each other.
    pub fn pairs(self) -> bool {
        !matches!(self, Self::Single | Self::Grid)
    }
}

/// Whose saliency the canvas shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaliencyOf {
    #[default]
    General,
    Expert,
}

/// How results are looked at; changing it never renders anything.
#[derive(Clone, Debug)]
pub struct Look {
    pub overlay: Overlay,
    /// Which active concept the concept overlay shows.
    pub concept: usize,
    pub saliency: SaliencyOf,
    pub opacity: f32,
    pub outlines: bool,
    pub compare: Compare,
    /// Where the wipe divides the picture, as a share of its width.
    pub wipe: f32,
    /// A blinking canvas changes sides by itself.
    pub blinks: bool,
    pub view: View,
    /// The token position whose region is chosen.
    pub region: Option<usize>,
    /// Further words that were chosen with it, to be merged.
    pub also: Vec<usize>,
    /// The pointer paints on the canvas, as the brush is set.
    pub painting: bool,
    pub brush: Brush,
    pub dark: bool,
    /// How large the interface is, 1 to 2.
    pub scale: f32,
    /// Widths of the left and the right column, in points.
    pub columns: [f32; 2],
}

impl Default for Look {
    fn default() -> Self {
        Self {
            overlay: Overlay::default(),
            concept: 0,
            saliency: SaliencyOf::default(),
            opacity: 0.55,
            outlines: true,
            compare: Compare::default(),
            wipe: 0.5,
            blinks: true,
            view: View::default(),
            region: None,
            also: Vec::new(),
            painting: false,
            brush: Brush::default(),
            dark: true,
            scale: 1.0,
            columns: [size::LEFT, size::RIGHT],
        }
    }
}

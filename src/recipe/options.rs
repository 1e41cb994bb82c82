//! Settings that are one of a few names, with the tables of those names.
//!
//! Apart because the names are public: they stand in files and on the command line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::error::RecipeError;

/// Declares an enum of named options with its names, one table for parsing, printing and lists. A name after `|` is an
/// older one, which is read and not written.
macro_rules! options {
    ($(#[$meta:meta])* $name:ident, $what:literal: $($(#[$vmeta:meta])* $variant:ident = $text:literal $(| $old:literal)*, $title:literal;)+) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vmeta])* #[serde(rename = $text)] $(#[serde(alias = $old)])* $variant,)+
        }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the command line and in files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The name for display.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = RecipeError;

            fn from_str(s: &str) -> Result<Self, RecipeError> {
                match s {
                    $($text $(| $old)* => Ok(Self::$variant),)+
                    _ => Err(RecipeError::UnknownOption {
                        what: $what,
                        given: s.to_owned(),
                        known: Self::ALL.iter().map(|o| o.name()).collect::<Vec<_>>().join(", "),
                    }),
                }
            }
        }
    };
}

options! {
    /// The solver that takes latents from one noise level to the next.
    Sampler, "sampler":
    Ddim = "ddim", "DDIM";
    Pndm = "pndm", "PNDM";
    Euler = "euler", "Euler";
    EulerAncestral = "euler-a", "Euler a";
    Heun = "heun", "Heun";
    DpmPp2M = "dpmpp-2m", "DPM++ 2M";
    UniPc = "unipc", "UniPC";
    Lcm = "lcm", "LCM";
}

options! {
    /// Which noise levels are visited.
    Schedule, "schedule":
    /// As the sampler and the model's scheduler file have it.
    Normal = "normal", "Normal";
    Karras = "karras", "Karras";
    Exponential = "exponential", "Exponential";
}

options! {
    /// The version of the three methods: as the authors' code has them, or with the defects repaired.
    Profile, "profile":
    Reference = "reference", "reference";
    Fixed = "fixed", "fixed";
}

options! {
    /// When the two models are fused, by raw timestep t against T0 (SNB's modes 0, 1 and 2).
    FusionMode, "fusion mode":
    /// Never: the general model alone.
    Off = "0", "Off";
    /// Where t <= T0: the late, detailed steps.
    Low = "1", "Late steps (t ≤ T0)";
    /// Where t > T0: the early, composing steps.
    High = "2", "Early steps (t > T0)";
}

options! {
    /// Who draws a region in a fusion.
    Owner, "owner":
    /// At each element the model with the larger saliency.
    Saliency = "saliency" | "contest", "Saliency";
    General = "general", "General";
    Expert = "expert", "Expert";
}

options! {
    /// Which model's noise prediction is used where two models are fused. All but the first are baselines for SNB.
    FusionRule, "fusion rule":
    /// SNB itself: at each element the model with the larger saliency.
    Saliency = "saliency", "Saliency";
    /// The general model at every step, regardless of the window; the expert is not evaluated.
    General = "general", "General";
    /// The expert at every step, regardless of the window.
    Expert = "expert", "Expert";
    /// The expert inside a given mask.
    Mask = "mask", "Mask";
    /// A weighted sum of both at every element.
    Weighted = "weighted", "Sum";
}

impl Sampler {
    /// Whether the sampler supports a schedule. DDIM, PNDM and LCM count timesteps, so they have only their own.
    pub fn has_schedule(self, schedule: Schedule) -> bool {
        schedule == Schedule::Normal || !matches!(self, Self::Ddim | Self::Pndm | Self::Lcm)
    }
}

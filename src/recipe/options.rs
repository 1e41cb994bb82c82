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
    Pndm = "pndm" | "plms", "PNDM";
    Euler = "euler", "Euler";
    EulerAncestral = "euler-a", "Euler a";
    Heun = "heun", "Heun";
    Dpm2 = "dpm2", "DPM2";
    Dpm2Ancestral = "dpm2-a", "DPM2 a";
    Lms = "lms", "LMS";
    DpmPp2SAncestral = "dpmpp-2s-a", "DPM++ 2S a";
    DpmPp2M = "dpmpp-2m", "DPM++ 2M";
    DpmPpSde = "dpmpp-sde", "DPM++ SDE";
    DpmPp2MSde = "dpmpp-2m-sde", "DPM++ 2M SDE";
    DpmPp2MSdeHeun = "dpmpp-2m-sde-heun", "DPM++ 2M SDE Heun";
    DpmPp3MSde = "dpmpp-3m-sde", "DPM++ 3M SDE";
    UniPc = "unipc", "UniPC";
    Lcm = "lcm", "LCM";
    Ddpm = "ddpm", "DDPM";
    Restart = "restart", "Restart";
}

options! {
    /// Which noise levels are visited.
    Schedule, "schedule":
    /// As the sampler and the model's scheduler file have it.
    Normal = "normal", "Normal";
    Karras = "karras", "Karras";
    Exponential = "exponential", "Exponential";
    Polyexponential = "polyexponential", "Polyexponential";
    /// Whole training timesteps, evenly from the noisiest down.
    Simple = "simple", "Simple";
    /// Evenly over the timesteps, without the cleanest.
    SgmUniform = "sgm-uniform" | "sgm_uniform", "SGM Uniform";
    /// DDIM's timesteps for any sampler: it starts below the largest sigma.
    DdimUniform = "ddim-uniform" | "ddim_uniform", "DDIM Uniform";
    Beta = "beta", "Beta";
    KlOptimal = "kl-optimal" | "kl_optimal", "KL Optimal";
    AlignYourSteps = "align-your-steps" | "align_your_steps", "Align Your Steps";
    LinearQuadratic = "linear-quadratic" | "linear_quadratic", "Linear Quadratic";
}

options! {
    /// Whose conventions a sampler follows where programs differ under one name: the layout of timesteps and noise levels, the
    /// factor on the initial noise, and where SDE samplers take their noise from.
    #[derive(Default)]
    Convention, "convention":
    #[default]
    Diffusers = "diffusers", "diffusers";
    A1111 = "a1111", "A1111";
    ComfyUi = "comfyui", "ComfyUI";
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

options! {
    /// The syntax of the prompts.
    #[derive(Default)]
    PromptSyntax, "prompt syntax":
    /// Every character is text; what is beyond the encoder's length is cut off.
    #[default]
    Plain = "plain", "Plain";
    /// A1111's: brackets weigh, `[a:b:0.5]` and `[a|b]` switch, `BREAK` and length make chunks.
    A1111 = "a1111", "A1111";
    /// ComfyUI's: round brackets weigh, length makes chunks.
    Comfy = "comfyui" | "comfy", "ComfyUI";
}

options! {
    /// What weights do to an encoded text, in A1111's syntax.
    #[derive(Default)]
    Emphasis, "emphasis":
    /// Weighted, then brought back to the mean it had.
    #[default]
    Original = "original", "Original";
    /// Weighted.
    NoNorm = "no-norm", "No norm";
    /// Brackets are read, and their weights left aside.
    Ignore = "ignore", "Ignore";
    /// Brackets are text.
    None = "none", "None";
}

impl Sampler {
    /// Evaluations of each step but the last.
    pub fn evaluations_per_step(self) -> usize {
        let twice = matches!(
            self,
            Self::Heun | Self::Dpm2 | Self::Dpm2Ancestral | Self::DpmPp2SAncestral | Self::DpmPpSde | Self::Restart
        );
        1 + usize::from(twice)
    }

    /// Whether the sampler supports a schedule. PNDM counts timesteps, so it has only its own. So do DDIM and LCM in diffusers;
    /// ComfyUI's DDIM and the LCM of both other programs step in sigma.
    pub fn has_schedule(self, schedule: Schedule, convention: Convention) -> bool {
        schedule == Schedule::Normal
            || match self {
                Self::Pndm => false,
                Self::Ddim => convention == Convention::ComfyUi,
                Self::Lcm => convention != Convention::Diffusers,
                _ => true,
            }
    }

    /// The share of fresh noise where none is set: 1 for samplers that add noise, 0 for DDIM; none where noise is no choice.
    pub fn own_eta(self) -> Option<f32> {
        match self {
            Self::Ddim => Some(0.0),
            Self::Ddpm | Self::Lcm => None,
            _ => self.is_stochastic().then_some(1.0),
        }
    }

    /// Whether steps add noise, and so heed eta. DDIM does so only where eta is set.
    pub fn is_stochastic(self) -> bool {
        !matches!(
            self,
            Self::Pndm
                | Self::Euler
                | Self::Heun
                | Self::Dpm2
                | Self::Lms
                | Self::DpmPp2M
                | Self::UniPc
                | Self::Restart
        )
    }
}

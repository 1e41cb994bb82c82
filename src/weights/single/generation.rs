//! The generations of Stable Diffusion that single files come from, and where each keeps its text encoders.
//!
//! Separate, because names, config files and hints all depend on it.

use super::header::Tensors;

/// The generation of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Generation {
    /// 1.x: CLIP's text encoder.
    One,
    /// 2.x: OpenCLIP's text encoder.
    Two,
    /// XL: both.
    Xl,
}

/// How the layers of a text encoder are named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spelling {
    Transformers,
    OpenClip,
}

/// A text encoder in a file: the prefix of its tensors, and how they are named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Encoder {
    pub prefix: &'static str,
    pub spelling: Spelling,
}

/// Prefixes of the text encoder of 1.x and 2.x: LDM's and ComfyUI's.
const ONLY: [(&str, Spelling); 5] = [
    ("cond_stage_model.model.", Spelling::OpenClip),
    ("cond_stage_model.transformer.", Spelling::Transformers),
    ("cond_stage_model.clip_l.transformer.", Spelling::Transformers),
    ("cond_stage_model.clip_h.transformer.", Spelling::Transformers),
    ("text_encoders.clip_h.transformer.", Spelling::Transformers),
];

/// Prefixes of XL's first text encoder, and of its second.
const FIRST: [(&str, Spelling); 2] = [
    ("conditioner.embedders.0.transformer.", Spelling::Transformers),
    ("text_encoders.clip_l.transformer.", Spelling::Transformers),
];
const SECOND: [(&str, Spelling); 3] = [
    ("conditioner.embedders.1.model.", Spelling::OpenClip),
    ("conditioner.embedders.1.transformer.", Spelling::Transformers),
    ("text_encoders.clip_g.transformer.", Spelling::Transformers),
];

fn encoder(tensors: &Tensors, places: &[(&'static str, Spelling)]) -> Option<Encoder> {
    let found = places.iter().find(|(prefix, _)| tensors.below(prefix).next().is_some())?;
    Some(Encoder { prefix: found.0, spelling: found.1 })
}

/// The text encoders of a file in the order in which diffusers names them.
pub(super) fn encoders(tensors: &Tensors) -> Vec<Encoder> {
    match (encoder(tensors, &ONLY), encoder(tensors, &FIRST), encoder(tensors, &SECOND)) {
        (Some(only), None, None) => vec![only],
        (_, first, second) => first.into_iter().chain(second).collect(),
    }
}

impl Generation {
    /// By the text encoders in the file, and by the U-Net where their names do not tell: from 2.0 on its transformers begin
    /// with a linear layer. `None` for a file without a text encoder.
    pub fn of(tensors: &Tensors, linear: bool) -> Option<Self> {
        match encoders(tensors)[..] {
            [] => None,
            [Encoder { spelling: Spelling::OpenClip, prefix }] if prefix.starts_with("cond_stage_model") => {
                Some(Self::Two)
            }
            [Encoder { prefix, .. }] if prefix.starts_with("cond_stage_model") || prefix.contains("clip_h") => {
                Some(if linear { Self::Two } else { Self::One })
            }
            [Encoder { prefix: "text_encoders.clip_l.transformer.", .. }] if !linear => Some(Self::One),
            _ => Some(Self::Xl),
        }
    }
}

//! The arrays of a step: one table of their names, titles, shapes, units, ranges, palettes and meanings.
//!
//! Traces, sessions, exports and the canvas read this table, so that an array has one name and one meaning everywhere. It
//! stands below all of them, because the engine's side (traces) and the window's side (sessions, exports) must not name
//! each other. The names are a public contract: files of every earlier version have them.

mod columns;

use safetensors::Dtype;

pub use self::columns::{Palette, Range, Shape};

/// An array that a step may have: maps over the latent grid, and a few single numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepArray {
    Timestep,
    Sigma,
    LatentsIn,
    LatentsOut,
    EpsUncond,
    EpsCond,
    EpsConcept,
    EpsGuided,
    Region,
    Foreground,
    Rate,
    TokenMaps,
    ForegroundMaps,
    AttentionShares,
    SegaTerm,
    SegaMask,
    Magnitude,
    Touched,
    FusionActive,
    SaliencyGeneral,
    SaliencyExpert,
    FusionMask,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ArrayInfo {
    pub array: StepArray,
    /// The name in files, after `step.III.`, and before `.K` for one that every concept has.
    pub name: &'static str,
    /// What people read, with a capital; both models' saliency has the same. Empty for what is never drawn.
    pub title: &'static str,
    /// The sign of the papers' formulas; empty where they have none.
    pub symbol: &'static str,
    /// Whether every concept has its own.
    pub per_concept: bool,
    pub shape: Shape,
    /// The type of the elements in a trace.
    pub element: Dtype,
    pub unit: &'static str,
    pub range: Range,
    pub palette: Palette,
    /// One sentence; it follows the concept's text where every concept has its own array.
    pub meaning: &'static str,
}

const WHOLE: Range = Range::Fixed(0.0, u16::MAX as f32);
const SHARE: Range = Range::Fixed(0.0, 1.0);

/// A row of latent-shaped noise or latents, which are never drawn.
const fn latents(array: StepArray, name: &'static str, unit: &'static str, meaning: &'static str) -> ArrayInfo {
    map(array, name, unit, Range::Observed, Palette::None, meaning).of(Shape::Latents, Dtype::F32)
}

/// A row of a single number.
const fn number(
    array: StepArray,
    name: &'static str,
    unit: &'static str,
    range: Range,
    meaning: &'static str,
) -> ArrayInfo {
    map(array, name, unit, range, Palette::None, meaning).of(Shape::One, Dtype::F32)
}

/// A row of a map in f32.
const fn map(
    array: StepArray,
    name: &'static str,
    unit: &'static str,
    range: Range,
    palette: Palette,
    meaning: &'static str,
) -> ArrayInfo {
    let (title, symbol, per_concept, shape, element) = ("", "", false, Shape::Map, Dtype::F32);
    ArrayInfo { array, name, title, symbol, per_concept, shape, element, unit, range, palette, meaning }
}

impl ArrayInfo {
    const fn of(self, shape: Shape, element: Dtype) -> Self {
        Self { shape, element, ..self }
    }

    const fn titled(self, title: &'static str, symbol: &'static str) -> Self {
        Self { title, symbol, ..self }
    }

    const fn per_concept(self) -> Self {
        Self { per_concept: true, ..self }
    }

    /// Title and symbol, as a heading: "Rate ρ".
    pub fn heading(&self) -> String {
        format!("{} {}", self.title, self.symbol).trim().to_owned()
    }

    /// Title and symbol inside a text: "rate ρ".
    pub fn label(&self) -> String {
        format!("{} {}", self.title.to_lowercase(), self.symbol).trim().to_owned()
    }

    /// Meaning and unit, as a tooltip.
    pub fn explanation(&self) -> String {
        format!("{} Unit: {}.", self.meaning, self.unit)
    }

    /// The name in files, with the index of the concept that has the array.
    pub fn key(&self, concept: Option<usize>) -> String {
        match concept {
            Some(k) => format!("{}.{k}", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// Every array, in the order of [`StepArray`].
pub static TABLE: [ArrayInfo; 22] = {
    use Palette::{AroundOne, Magma, Models, None, Regions};
    use StepArray as A;
    const NOISE: &str = "predicted noise";
    [
        number(
            A::Timestep,
            "timestep",
            "training timestep",
            Range::Fixed(0.0, 1000.0),
            "Timestep of the model's input.",
        ),
        number(A::Sigma, "sigma", "standard deviation", Range::Observed, "Noise level of the model's input."),
        latents(A::LatentsIn, "latents_in", "latent", "Latents before the step."),
        latents(A::LatentsOut, "latents_out", "latent", "Latents after the step."),
        latents(A::EpsUncond, "eps_uncond", NOISE, "Prediction without the prompt."),
        latents(A::EpsCond, "eps_cond", NOISE, "Prediction with the prompt."),
        latents(A::EpsConcept, "eps_concept", NOISE, "Prediction with the concept's text.").per_concept(),
        latents(A::EpsGuided, "eps_guided", NOISE, "What the sampler gets: all guidance applied."),
        map(
            A::Region,
            "scfg.region",
            "token position",
            WHOLE,
            Regions,
            "S-CFG: the token whose region the element is in.",
        )
        .of(Shape::Map, Dtype::I32)
        .titled("Regions", ""),
        map(A::Foreground, "scfg.foreground", "0 or 1", SHARE, None, "S-CFG: whether the element is foreground.")
            .of(Shape::Map, Dtype::U8),
        map(
            A::Rate,
            "scfg.rate",
            "factor",
            Range::AroundOne,
            AroundOne,
            "S-CFG: what the guidance scale is multiplied by.",
        )
        .titled("Rate", "ρ"),
        map(
            A::TokenMaps,
            "scfg.chat",
            "attention",
            Range::Observed,
            None,
            "S-CFG: refined attention to each token of the prompt.",
        )
        .of(Shape::Tokens, Dtype::F32),
        map(
            A::ForegroundMaps,
            "scfg.fore",
            "attention",
            Range::Observed,
            None,
            "S-CFG: attention to the start token and to the rest without the prompt.",
        )
        .of(Shape::Pair, Dtype::F32),
        map(A::AttentionShares, "scfg.attention", "share", SHARE, Magma, "S-CFG: each token's share of the attention.")
            .of(Shape::Tokens, Dtype::F32)
            .titled("Attention", ""),
        latents(A::SegaTerm, "sega.term", NOISE, "SEGA: what all concepts together add."),
        map(A::SegaMask, "sega.mask", "0 or 1", SHARE, None, "SEGA: the values that the concept may change.")
            .of(Shape::Channels, Dtype::U8)
            .per_concept(),
        map(
            A::Magnitude,
            "sega.magnitude",
            "norm of predicted noise",
            Range::FromZero,
            Magma,
            "SEGA: norm of the concept's direction over the channels, before its threshold.",
        )
        .titled("Magnitude", "|Δ|")
        .per_concept(),
        map(A::Touched, "sega.touched", "share", SHARE, Magma, "SEGA: share of the channels that the concept changes.")
            .titled("Touched", "")
            .per_concept(),
        number(A::FusionActive, "snb.active", "0 or 1", SHARE, "SNB: whether both models were fused.")
            .of(Shape::One, Dtype::U8),
        map(
            A::SaliencyGeneral,
            "snb.saliency_general",
            "saliency",
            Range::Observed,
            Magma,
            "SNB: saliency of the general model.",
        )
        .titled("Saliency", ""),
        map(
            A::SaliencyExpert,
            "snb.saliency_expert",
            "saliency",
            Range::Observed,
            Magma,
            "SNB: saliency of the expert.",
        )
        .titled("Saliency", ""),
        map(A::FusionMask, "snb.mask", "0 or 1", SHARE, Models, "SNB: 1 where the expert draws.")
            .of(Shape::Map, Dtype::U8)
            .titled("Fusion mask", ""),
    ]
};

impl StepArray {
    /// The row of the table.
    pub fn info(self) -> &'static ArrayInfo {
        &TABLE[self as usize]
    }

    /// The array that a name in a file stands for: `step.III.NAME`, `step.III.expert.NAME`, with `.K` behind it where
    /// every concept has its own.
    pub fn parse(key: &str) -> Option<Self> {
        let (step, rest) = key.strip_prefix("step.")?.split_once('.')?;
        let name = rest.strip_prefix("expert.").unwrap_or(rest);
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_named = |info: &&ArrayInfo| match name.strip_prefix(info.name) {
            Some("") => !info.per_concept,
            Some(rest) => info.per_concept && rest.strip_prefix('.').is_some_and(is_number),
            None => false,
        };
        TABLE.iter().find(is_named).filter(|_| is_number(step)).map(|info| info.array)
    }
}

/// Names of the arrays of one step, of the general model or the expert.
#[derive(Clone, Debug)]
pub struct StepKeys(String);

impl StepKeys {
    /// Of step `step`, counted from 0 in denoising order.
    pub fn new(step: usize) -> Self {
        Self(format!("step.{step:03}."))
    }

    /// The expert's, where both models have such an array.
    pub fn expert(&self) -> Self {
        Self(format!("{}expert.", self.0))
    }

    /// `step.III.NAME`.
    pub fn key(&self, array: StepArray) -> String {
        self.named(array.info().name)
    }

    /// `step.III.NAME.K` of concept `k`, counted from 0.
    pub fn concept(&self, array: StepArray, k: usize) -> String {
        self.named(&array.info().key(Some(k)))
    }

    /// The key of an array that is not in the table: one that only sessions have.
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }
}

#[cfg(test)]
mod tests;

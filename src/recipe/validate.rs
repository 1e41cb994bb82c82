//! Checks of every number in a recipe.
//!
//! Apart from the data: a field's type says what it means, this file which values it may have.

use std::{collections::HashSet, ops::RangeInclusive};

use super::{
    concept::Concept,
    error::RecipeError,
    fusion::Fusion,
    keys::Key,
    options::FusionRule,
    recipe::{Recipe, SIDE_STEP},
};

impl Recipe {
    /// Checks every number.
    ///
    /// # Errors
    /// One sentence: what is wrong, where, and what to do.
    pub fn validate(&self) -> Result<(), RecipeError> {
        check(self)
    }
}

/// The largest accepted side in pixels. Beyond it attention alone needs tens of gigabytes.
const MAX_SIDE: usize = 2048;

// What a recipe is held to; one that was read from a file is brought within the same.
pub(super) const SIDES: RangeInclusive<usize> = 64..=MAX_SIDE;
pub(super) const STEPS: RangeInclusive<usize> = 1..=1000;
pub(super) const CFG: RangeInclusive<f32> = 0.0..=100.0;
pub(super) const LORA_WEIGHTS: RangeInclusive<f32> = -10.0..=10.0;
pub(super) const REGION_FACTORS: RangeInclusive<f32> = 0.0..=10.0;
pub(super) const CLIP_SKIP: RangeInclusive<usize> = 1..=12;
pub(super) const ETA: RangeInclusive<f32> = 0.0..=10.0;
pub(super) const CHURN: RangeInclusive<f32> = 0.0..=1000.0;
pub(super) const RHO: RangeInclusive<f32> = 0.01..=100.0;
pub(super) const SIGMAS: RangeInclusive<f32> = 1e-4..=1000.0;
/// Levels of the painted factor, 1 + level / 100.
pub(super) const PAINTED_LEVELS: RangeInclusive<i16> = -100..=900;

fn require(ok: bool, what: impl Into<String>, given: impl ToString, must: &'static str) -> Result<(), RecipeError> {
    if ok { Ok(()) } else { Err(RecipeError::OutOfRange { what: what.into(), given: given.to_string(), must }) }
}

fn check(r: &Recipe) -> Result<(), RecipeError> {
    for (name, side) in [("width", r.width), ("height", r.height)] {
        let ok = side.is_multiple_of(SIDE_STEP) && SIDES.contains(&side);
        require(ok, name, side, "a multiple of 8 between 64 and 2048")?;
    }
    require(STEPS.contains(&r.steps), "steps", r.steps, "between 1 and 1000")?;
    require(CFG.contains(&r.cfg), "guidance scale", r.cfg, "between 0 and 100")?;
    check_sampling(r)?;
    for lora in &r.loras {
        let ok = LORA_WEIGHTS.contains(&lora.weight);
        require(ok, format!("weight of the LoRA {}", lora.title()), lora.weight, "between -10 and 10")?;
    }
    if let Some(interval) = r.guidance_interval {
        let given = format!("{}..{}", interval.from, interval.until);
        require(
            interval.from < interval.until,
            "guidance interval",
            given,
            "FROM..UNTIL with at least one step in it",
        )?;
    }
    if let Some(cosine) = r.adaptive_guidance {
        require(cosine > 0.0 && cosine <= 1.0, "adaptive guidance", cosine, "a cosine above 0 and not above 1")?;
    }
    check_keys("guidance scale", &r.cfg_keys)?;
    let s = &r.scfg;
    require(s.rate_min.is_finite() && s.rate_min >= 0.0, "S-CFG rate minimum", s.rate_min, "0 or more")?;
    require(
        s.rate_max.is_finite() && s.rate_max >= s.rate_min,
        "S-CFG rate maximum",
        s.rate_max,
        "at least the minimum",
    )?;
    require(s.scale_cap.is_finite() && s.scale_cap > 0.0, "S-CFG scale cap", s.scale_cap, "more than 0")?;
    for region in &r.regions {
        let ok = REGION_FACTORS.contains(&region.factor);
        require(ok, format!("factor of the region of token {}", region.position), region.factor, "between 0 and 10")?;
    }
    check_groups(r)?;
    for (k, concept) in r.concepts.iter().enumerate() {
        check_concept(k, concept)?;
    }
    let m = r.momentum;
    require((0.0..=1.0).contains(&m.scale), "momentum scale", m.scale, "between 0 and 1")?;
    require((0.0..1.0).contains(&m.beta), "momentum beta", m.beta, "at least 0 and below 1")?;
    if let Some(f) = &r.fusion {
        check_fusion(f)?;
    }
    Ok(())
}

fn check_sampling(r: &Recipe) -> Result<(), RecipeError> {
    let within = |name: &str, value: Option<f32>, range: RangeInclusive<f32>, must| {
        let given = value.unwrap_or(*range.start());
        require(range.contains(&given), name, given, must)
    };
    let skip = r.clip_skip.unwrap_or(1);
    require(CLIP_SKIP.contains(&skip), "clip skip", skip, "between 1 and 12")?;
    within("eta", r.eta, ETA, "between 0 and 10")?;
    within("s-noise", r.s_noise, ETA, "between 0 and 10")?;
    within("s-churn", r.s_churn, CHURN, "between 0 and 1000")?;
    within("rho", r.rho, RHO, "between 0.01 and 100")?;
    within("smallest sigma", r.sigma_min, SIGMAS, "between 0.0001 and 1000")?;
    within("largest sigma", r.sigma_max, SIGMAS, "between 0.0001 and 1000")?;
    match (r.sigma_min, r.sigma_max) {
        (Some(least), Some(most)) => require(least < most, "largest sigma", most, "more than the smallest"),
        _ => Ok(()),
    }
}

fn check_fusion(f: &Fusion) -> Result<(), RecipeError> {
    require(f.t0.is_finite(), "fusion t0", f.t0, "a finite timestep")?;
    for (name, k) in [("fusion kg", f.k_g), ("fusion ke", f.k_e)] {
        require(k.is_finite() && k >= 0.0, name, k, "0 or more")?;
    }
    require((0.0..=1.0).contains(&f.weight), "fusion weight", f.weight, "the expert's share, between 0 and 1")?;
    let drawn = f.mask.as_ref().is_some_and(|mask| !mask.levels().is_empty());
    if f.enabled && f.rule == FusionRule::Mask && !drawn {
        return Err(RecipeError::Conflict(
            "the fusion goes by a given mask, but there is none: give one (mask=FILE.png), or choose another rule"
                .into(),
        ));
    }
    Ok(())
}

fn check_concept(k: usize, c: &Concept) -> Result<(), RecipeError> {
    let name = |field: &str| format!("{field} of concept {} (\"{}\")", k + 1, c.text);
    require(c.strength.is_finite(), name("scale"), c.strength, "a finite number")?;
    require((0.0..=1.0).contains(&c.threshold), name("threshold"), c.threshold, "a quantile between 0 and 1")?;
    require(c.weight.is_finite(), name("weight"), c.weight, "a finite number")?;
    check_keys(&name("scale"), &c.keys)
}

fn check_keys(scale: &str, keys: &[Key]) -> Result<(), RecipeError> {
    for key in keys {
        let ok = key.factor.is_finite() && (0.0..=Key::MOST).contains(&key.factor);
        require(ok, format!("key of the {scale} at step {}", key.step), key.factor, "a factor between 0 and 10")?;
    }
    match keys.windows(2).find(|pair| pair[1].step <= pair[0].step) {
        None => Ok(()),
        Some(pair) => {
            let what = format!("step of the key of the {scale} after step {}", pair[0].step);
            require(false, what, pair[1].step, "a later step: keys stand in the order of their steps")
        }
    }
}

/// Every token is in at most one group, and the positions of a group ascend: the first names it.
fn check_groups(r: &Recipe) -> Result<(), RecipeError> {
    let mut seen = HashSet::new();
    for group in &r.groups {
        let ascending = group.positions.is_sorted_by(|a, b| a < b);
        if group.positions.is_empty() || !ascending || !group.positions.iter().all(|p| seen.insert(*p)) {
            return Err(RecipeError::Conflict(format!(
                "the merged region \"{}\" has the tokens {:?}: give it ascending positions that no other region has",
                group.name, group.positions
            )));
        }
    }
    let low = r.painted_factor.levels().iter().copied().min().unwrap_or(0);
    let high = r.painted_factor.levels().iter().copied().max().unwrap_or(0);
    let painted = |level: i16| 1.0 + f32::from(level) / 100.0;
    let wrong = [low, high].into_iter().find(|level| !PAINTED_LEVELS.contains(level));
    require(wrong.is_none(), "painted factor", painted(wrong.unwrap_or(0)), "between 0 and 10")
}

//! Readers for structured values of flags, such as `--concept "TEXT; scale=5; reverse"`.
//!
//! Separate from the flags themselves: each reader is a function from text to a part of a recipe.

use std::{path::Path, str::FromStr};

use crate::{
    recipe::{Concept, Fusion, FusionMode, GuidanceInterval, Lora, RecipeError, Sampler, Schedule, keys},
    session,
};

/// Reads "FILE" or "FILE:WEIGHT". What follows the last colon is the weight if it is a number, else part of the path.
pub(super) fn parse_lora(text: &str) -> Lora {
    let weighted = text.rsplit_once(':').and_then(|(path, weight)| Some((path, weight.trim().parse().ok()?)));
    let (path, weight) = weighted.unwrap_or((text, 1.0));
    Lora { path: path.into(), weight }
}

/// Reads a sampler with an optional schedule as its suffix: `dpmpp-2m-karras` is sampler `dpmpp-2m`, schedule `karras`.
///
/// # Errors
/// [`RecipeError`] for an unknown sampler.
pub(super) fn parse_sampler(name: &str) -> Result<(Sampler, Schedule), RecipeError> {
    for schedule in Schedule::ALL {
        let rest = name.strip_suffix(schedule.name()).and_then(|rest| rest.strip_suffix('-'));
        if let Some(sampler) = rest.and_then(|rest| rest.parse().ok()) {
            return Ok((sampler, *schedule));
        }
    }
    Ok((name.parse()?, Schedule::Normal))
}

/// Reads a guidance method: whether it is S-CFG.
///
/// # Errors
/// [`RecipeError`] for an unknown method.
pub(super) fn parse_guidance_method(name: &str) -> Result<bool, RecipeError> {
    match name {
        "cfg" => Ok(false),
        "s-cfg" => Ok(true),
        _ => {
            Err(RecipeError::UnknownOption { what: "guidance", given: name.to_owned(), known: "cfg, s-cfg".to_owned() })
        }
    }
}

/// Reads "FROM..UNTIL", two step numbers.
///
/// # Errors
/// [`RecipeError`] for anything else.
pub(super) fn parse_guidance_interval(text: &str) -> Result<GuidanceInterval, RecipeError> {
    let (from, until) = text.split_once("..").ok_or_else(|| RecipeError::OutOfRange {
        what: "guidance interval".into(),
        given: format!("\"{text}\""),
        must: "FROM..UNTIL, two numbers of steps",
    })?;
    let step = |value: &str| number("a guidance interval", value.trim(), text);
    Ok(GuidanceInterval { from: step(from)?, until: step(until)? })
}

/// Reads "TEXT; name=value; …; reverse".
///
/// # Errors
/// [`RecipeError`] without a text, and for the first setting that cannot be read.
pub(super) fn parse_concept(text: &str) -> Result<Concept, RecipeError> {
    let mut parts = text.split(';').map(str::trim);
    let mut concept = Concept { text: parts.next().unwrap_or_default().to_owned(), ..Concept::default() };
    if concept.text.is_empty() {
        return Err(RecipeError::Conflict(format!("the concept \"{text}\" has no text before its settings")));
    }
    let mut reverse = false;
    for part in parts.filter(|p| !p.is_empty()) {
        match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            None if part == "reverse" => reverse = true,
            Some(("scale", v)) => concept.strength = number("scale", v, text)?,
            Some(("keys", v)) => concept.keys = keys::parse(v)?,
            Some(("threshold", v)) => concept.threshold = number("threshold", v, text)?,
            Some(("warmup", v)) => concept.warmup = number("warmup", v, text)?,
            Some(("cooldown", v)) => concept.cooldown = Some(number("cooldown", v, text)?),
            Some(("weight", v)) => concept.weight = number("weight", v, text)?,
            _ => {
                return Err(RecipeError::UnknownOption {
                    what: "concept setting",
                    given: part.to_owned(),
                    known: "scale=, keys=, threshold=, warmup=, cooldown=, weight=, reverse".to_owned(),
                });
            }
        }
    }
    if reverse {
        concept.strength = -concept.strength;
    }
    Ok(concept)
}

/// Reads "t0=600; kg=1; ke=1; mode=2; rule=weighted; weight=0.5; mask=FILE.png", and sets in `fusion` what it gives.
///
/// # Errors
/// [`RecipeError`] for the first setting that cannot be read.
pub(super) fn apply_fusion_settings(fusion: &mut Fusion, text: &str) -> Result<(), RecipeError> {
    for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("t0", v)) => fusion.t0 = number("t0", v, text)?,
            Some(("kg", v)) => fusion.k_g = number("kg", v, text)?,
            Some(("ke", v)) => fusion.k_e = number("ke", v, text)?,
            Some(("mode", v)) => fusion.mode = v.parse::<FusionMode>()?,
            Some(("rule", v)) => fusion.rule = v.parse()?,
            Some(("weight", v)) => fusion.weight = number("weight", v, text)?,
            Some(("mask", v)) => {
                let mask = session::read_mask(Path::new(v)).map_err(|e| RecipeError::Conflict(e.to_string()))?;
                fusion.mask = Some(mask);
            }
            _ => {
                return Err(RecipeError::UnknownOption {
                    what: "fusion setting",
                    given: part.to_owned(),
                    known: "t0=, kg=, ke=, mode=, rule=, weight=, mask=".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Reads a number; an error names the setting and quotes the whole flag.
fn number<T: FromStr>(name: &str, value: &str, whole: &str) -> Result<T, RecipeError> {
    value
        .parse()
        .map_err(|_| RecipeError::Conflict(format!("\"{value}\" is not a number that {name} can take, in \"{whole}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{FusionRule, Key};

    #[test]
    fn a_concept_reads_all_its_settings() {
        let concept = parse_concept(
            "glasses, wearing glasses; scale=-4.5; keys=0:2, 10:0.5; threshold=0.95; warmup=2; cooldown=9; weight=2; reverse",
        );
        let want = Concept {
            text: "glasses, wearing glasses".into(),
            strength: 4.5,
            keys: vec![Key { step: 0, factor: 2.0 }, Key { step: 10, factor: 0.5 }],
            threshold: 0.95,
            warmup: 2,
            cooldown: Some(9),
            weight: 2.0,
            ..Concept::default()
        };
        assert_eq!(concept, Ok(want));
    }

    #[test]
    fn a_lora_may_carry_its_weight() {
        for (text, path, weight) in [
            ("a.safetensors", "a.safetensors", 1.0),
            ("b:c/a.safetensors:-0.5", "b:c/a.safetensors", -0.5),
            ("C:\\a.safetensors", "C:\\a.safetensors", 1.0),
        ] {
            assert_eq!(parse_lora(text), Lora { path: path.into(), weight });
        }
    }

    #[test]
    fn an_error_names_what_cannot_be_read() {
        for (text, names) in [
            ("hat; sclae=3", "sclae=3"),
            ("hat; scale=x", "\"x\""),
            ("hat; keys=0:1,9", "\"9\""),
            ("; scale=1", "no text"),
        ] {
            let message = parse_concept(text).expect_err("a bad concept").to_string();
            assert!(message.contains(names), "{message}");
        }
    }

    #[test]
    fn an_interval_is_two_steps() {
        assert_eq!(parse_guidance_interval("2..15"), Ok(GuidanceInterval { from: 2, until: 15 }));
        for text in ["2-15", "a..3", "2.."] {
            let message = parse_guidance_interval(text).expect_err("no interval").to_string();
            assert!(message.contains("guidance interval"), "{message}");
        }
    }

    #[test]
    fn a_fusion_reads_its_rule() {
        let mut fusion = Fusion::default();
        assert_eq!(apply_fusion_settings(&mut fusion, "rule=weighted; weight=0.3; t0=0"), Ok(()));
        assert_eq!((fusion.rule, fusion.weight, fusion.t0), (FusionRule::Weighted, 0.3, 0.0));
        for (text, names) in [("rule=loudest", "saliency, general, expert"), ("mask=no/such.png", "no/such.png")] {
            let message = apply_fusion_settings(&mut fusion, text).expect_err("a bad fusion").to_string();
            assert!(message.contains(names), "{message}");
        }
    }

    #[test]
    fn sampler_names_may_carry_a_schedule() {
        assert_eq!(parse_sampler("dpmpp-2m-karras"), Ok((Sampler::DpmPp2M, Schedule::Karras)));
        assert_eq!(parse_sampler("euler-a"), Ok((Sampler::EulerAncestral, Schedule::Normal)));
        assert!(parse_sampler("warp").is_err());
    }
}

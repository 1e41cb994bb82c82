//! `sextant recipe`: the recipe that a picture, session or text carries.

use std::{io::Write as _, path::PathBuf};

use clap::Args;
use serde::Serialize;

use super::Failure;
use crate::{
    recipe::{
        Concept, Fusion, GuidanceInterval, Key, Lora, ModelRef, Momentum, Paint, Profile, Recipe, RegionFactor,
        RegionGroup, RegionPaint, Sampler, Scfg, Schedule,
    },
    session::{self, Imported, PlainPrompts},
};

#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// A PNG, JPEG, WebP or GIF picture, a session, or a text with settings.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON instead of RON.
    #[arg(long)]
    pub json: bool,
}

/// What is printed: the recipe's fields under the names of the flags, and where they come from.
#[derive(Serialize)]
#[serde(rename = "Recipe")]
struct Printed<'a> {
    prompt: &'a str,
    negative: &'a str,
    model: &'a ModelRef,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    loras: &'a [Lora],
    sampler: Sampler,
    schedule: Schedule,
    steps: usize,
    seed: u64,
    width: usize,
    height: usize,
    cfg: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    guidance_interval: Option<GuidanceInterval>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adaptive_guidance: Option<f32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cfg_keys: &'a [Key],
    profile: Profile,
    scfg: &'a Scfg,
    regions: &'a [RegionFactor],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [RegionGroup],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    painted: &'a [RegionPaint],
    #[serde(skip_serializing_if = "Paint::is_empty")]
    painted_factor: &'a Paint,
    concepts: &'a [Concept],
    momentum: Momentum,
    fusion: &'a Option<Fusion>,
    /// What kind of writing it was found in.
    found: &'static str,
    not_restored: &'a [String],
    /// The prompts without the signs that mean nothing here, where there are any: what the window takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    plain: Option<&'a PlainPrompts>,
}

impl<'a> Printed<'a> {
    fn of(imported: &'a Imported) -> Self {
        // Every field is named, so that a new one is not forgotten here.
        let Recipe {
            prompt,
            negative,
            model,
            loras,
            sampler,
            schedule,
            steps,
            seed,
            width,
            height,
            cfg,
            guidance_interval,
            adaptive_guidance,
            cfg_keys,
            profile,
            scfg,
            regions,
            groups,
            painted,
            painted_factor,
            concepts,
            momentum,
            fusion,
        } = &imported.recipe;
        Self {
            prompt,
            negative,
            model,
            loras,
            sampler: *sampler,
            schedule: *schedule,
            steps: *steps,
            seed: *seed,
            width: *width,
            height: *height,
            cfg: *cfg,
            guidance_interval: *guidance_interval,
            adaptive_guidance: *adaptive_guidance,
            cfg_keys,
            profile: *profile,
            scfg,
            regions,
            groups,
            painted,
            painted_factor,
            concepts,
            momentum: *momentum,
            fusion,
            found: imported.found.title(),
            not_restored: &imported.not_restored,
            plain: imported.plain.as_ref(),
        }
    }
}

/// Carries out `sextant recipe`.
pub fn recipe(args: &RecipeArgs) -> Result<(), Failure> {
    let imported = session::import(&args.file).map_err(Failure::refused)?;
    let printed = Printed::of(&imported);
    let text = if args.json {
        serde_json::to_string_pretty(&printed).map_err(Failure::failed)?
    } else {
        let style = ron::ser::PrettyConfig::new().new_line("\n").indentor("  ");
        ron::ser::to_string_pretty(&printed, style).map_err(Failure::failed)?
    };
    // Whoever closes the pipe early has read enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

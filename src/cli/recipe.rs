//! `sextant recipe`: prints the recipe that a picture, session or text carries.
//!
//! Separate as one subcommand.

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use crate::{
    files::printable_lines,
    recipe::{
        Concept, Convention, Emphasis, Fusion, GuidanceInterval, Key, Lora, ModelRef, Momentum, Paint, Profile,
        PromptSyntax, Recipe, RegionFactor, RegionGroup, RegionPaint, Sampler, Scfg, Schedule,
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

/// Defines [`Printed`], and how it is made, from one table of the recipe's fields.
macro_rules! printed {
    ($($(#[$attribute:meta])* $field:ident: $kind:ty,)+) => {
        /// What is printed: the recipe's fields under the names of the flags, and where they come from.
        #[derive(Serialize)]
        #[serde(rename = "Recipe")]
        struct Printed<'a> {
            $($(#[$attribute])* $field: &'a $kind,)+
            /// The format that the recipe was found in.
            found: &'static str,
            not_restored: &'a [String],
            /// The prompts without the syntax of other tools, where they have any: what the window takes over.
            #[serde(skip_serializing_if = "Option::is_none")]
            plain: Option<&'a PlainPrompts>,
        }

        impl<'a> Printed<'a> {
            fn of(imported: &'a Imported) -> Self {
                // Exhaustive: a field that is new in the recipe does not compile until it is in the table.
                let Recipe { $($field),+ } = &imported.recipe;
                Self {
                    $($field,)+
                    found: imported.found.title(),
                    not_restored: &imported.not_restored,
                    plain: imported.plain.as_ref(),
                }
            }
        }
    };
}

printed! {
    prompt: String,
    negative: String,
    #[serde(skip_serializing_if = "is_default")]
    prompt_syntax: PromptSyntax,
    #[serde(skip_serializing_if = "is_default")]
    emphasis: Emphasis,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_skip: Option<usize>,
    model: ModelRef,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    loras: [Lora],
    #[serde(skip_serializing_if = "Option::is_none")]
    vae: Option<PathBuf>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    embeddings: [PathBuf],
    sampler: Sampler,
    schedule: Schedule,
    #[serde(skip_serializing_if = "is_default")]
    convention: Convention,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s_noise: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s_churn: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rho: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma_min: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma_max: Option<f32>,
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
    cfg_keys: [Key],
    profile: Profile,
    scfg: Scfg,
    regions: [RegionFactor],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: [RegionGroup],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    painted: [RegionPaint],
    #[serde(skip_serializing_if = "Paint::is_empty")]
    painted_factor: Paint,
    concepts: [Concept],
    momentum: Momentum,
    fusion: Option<Fusion>,
}

fn is_default<T: Default + PartialEq>(value: &&T) -> bool {
    **value == T::default()
}

/// Carries out `sextant recipe`.
///
/// # Errors
/// [`Failure`] with status 2 for a file that cannot be read or carries no recipe.
pub fn recipe(args: &RecipeArgs) -> Result<(), Failure> {
    let imported = session::import(&args.file).map_err(Failure::refused)?;
    let printed = Printed::of(&imported);
    let text = if args.json {
        serde_json::to_string_pretty(&printed).map_err(Failure::failed)?
    } else {
        let style = ron::ser::PrettyConfig::new().new_line("\n").indentor("  ");
        ron::ser::to_string_pretty(&printed, style).map_err(Failure::failed)?
    };
    // A reader that closes the pipe early is not an error.
    let mut out = std::io::stdout();
    let text = if out.is_terminal() { printable_lines(&text) } else { text.as_str().into() };
    let _ = writeln!(out, "{text}");
    Ok(())
}

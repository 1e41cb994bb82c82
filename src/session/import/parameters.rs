//! The `parameters` text of A1111, which many other tools write too: from its parts to a recipe.
//!
//! It stands apart from `infotext`, which splits the text into parts and knows no recipe.

use std::{collections::HashMap, fmt::Display, str::FromStr};

use super::{
    extensions::Extensions,
    imported::{Imported, Required, Source},
    json_settings,
    settings::{Automatic, ImportedSettings, Setting},
};
use crate::{
    recipe::{Convention, ModelRef, Recipe},
    session::infotext::{Infotext, Piece},
};

/// Reads a recipe from a `parameters` text; `None` if it has less than is required.
pub(super) fn read(text: &str, required: Required) -> Option<Imported> {
    let parts = Infotext::parse(text)?;
    if required == Required::Settings && ["Steps", "Sampler", "Seed"].iter().all(|key| parts.get(key).is_none()) {
        return None;
    }
    let ours = parts.get("Version").is_some_and(|version| version.starts_with("sextant"));
    let mut imported = ImportedSettings::by(if ours { Convention::Diffusers } else { Convention::A1111 });
    for piece in &parts.settings {
        let Piece::Pair(key, value) = piece else { continue };
        if key == "Sextant" {
            match serde_json::from_str::<Recipe>(value) {
                Ok(recipe) => return Some(ImportedSettings { recipe, ..imported }.finish(Source::ParametersRecipe)),
                Err(error) => imported.list_rejected((key, value), format!("it cannot be read: {error}")),
            }
        }
    }
    read_settings(&mut imported, &parts.settings);
    // Prompts of this program say themselves what syntax they have.
    (imported.recipe.prompt, imported.recipe.negative) = (parts.prompt, parts.negative);
    let read = if ours { imported.finish_plain(Source::Parameters) } else { imported.finish(Source::Parameters) };
    Some(read)
}

/// Puts every setting into the recipe, and lists those that do not fit.
fn read_settings(imported: &mut ImportedSettings, pieces: &[Piece]) {
    let mut extensions = Extensions::default();
    let (mut sampler, mut schedule, mut version): (Option<Setting<'_>>, Option<Setting<'_>>, _) = (None, None, None);
    let mut sides = [None, None];
    let last = last_places(pieces);
    for (i, piece) in pieces.iter().enumerate() {
        let (key, value) = match piece {
            Piece::Pair(key, value) => (key.as_str(), value.as_str()),
            Piece::Stray(text) => {
                imported.not_restored.push(text.clone());
                continue;
            }
        };
        match key {
            // A readable one ends the import before, an unreadable one is listed already.
            "Sextant" => {}
            _ if last.get(key) != Some(&i) => imported.list_rejected((key, value), "given again later"),
            "Sampler" => sampler = Some((key, value)),
            "Schedule type" => schedule = Some((key, value)),
            // SD.Next's.
            "Width" => sides[0] = Some((key, value)),
            "Height" => sides[1] = Some((key, value)),
            _ if extensions.collect(key, value) => {}
            _ => read_setting(imported, (key, value)),
        }
        if key == "Version" {
            version = Some(value);
        }
    }
    json_settings::read_sides(imported, sides);
    imported.sampling(sampler, schedule, automatic(version));
    extensions.finish(imported);
}

/// The last place of each key: its value counts.
fn last_places(pieces: &[Piece]) -> HashMap<&str, usize> {
    let keys = pieces.iter().enumerate().filter_map(|(i, piece)| match piece {
        Piece::Pair(key, _) => Some((key.as_str(), i)),
        Piece::Stray(_) => None,
    });
    keys.collect()
}

fn read_setting(imported: &mut ImportedSettings, found: Setting<'_>) {
    let (key, value) = found;
    match key {
        "Steps" => imported.steps(found),
        "CFG scale" => imported.cfg(found),
        "Seed" => imported.seed(found),
        "Size" => match size(value) {
            Some(size) => imported.size(found, size),
            None => imported.list_rejected(found, "not of the form 512x512"),
        },
        "Model" => match bundled(value) {
            Some(model) => imported.recipe.model = model,
            None => imported.list_unsupported(key, value),
        },
        "Guidance profile" => match value.parse() {
            Ok(profile) => imported.recipe.profile = profile,
            Err(error) => imported.list_rejected(found, error),
        },
        "Clip skip" => {
            imported.whole(found, |recipe, n| recipe.clip_skip = Some(usize::try_from(n).unwrap_or(usize::MAX)))
        }
        "Eta" | "Eta DDIM" => imported.number(found, |recipe, eta| recipe.eta = Some(eta)),
        "Sigma noise" => imported.number(found, |recipe, factor| recipe.s_noise = Some(factor)),
        "Sigma churn" => imported.number(found, |recipe, churn| recipe.s_churn = Some(churn)),
        "Schedule rho" => imported.number(found, |recipe, rho| recipe.rho = Some(rho)),
        "Schedule min sigma" => imported.number(found, |recipe, sigma| recipe.sigma_min = Some(sigma)),
        "Schedule max sigma" => imported.number(found, |recipe, sigma| recipe.sigma_max = Some(sigma)),
        "Emphasis" => named(imported, found, |recipe, mode| recipe.emphasis = mode),
        "Prompt syntax" => named(imported, found, |recipe, syntax| recipe.prompt_syntax = syntax),
        "Convention" => named(imported, found, |recipe, convention| recipe.convention = convention),
        // The noise of this program comes from the CPU too.
        "RNG" if value == "CPU" => {}
        _ => imported.list_unsupported(key, value),
    }
}

/// Takes an option by its title or its name.
fn named<T: FromStr<Err: Display>>(
    imported: &mut ImportedSettings,
    found: Setting<'_>,
    put: impl FnOnce(&mut Recipe, T),
) {
    match found.1.trim().to_lowercase().replace(' ', "-").parse() {
        Ok(value) => imported.change(found, |recipe| put(recipe, value)),
        Err(error) => imported.list_rejected(found, error),
    }
}

/// A size of the form `512x768`.
fn size(value: &str) -> Option<[usize; 2]> {
    let (width, height) = value.trim().split_once('x')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some([digits(width)?, digits(height)?])
}

/// The bundled model with a title.
fn bundled(title: &str) -> Option<ModelRef> {
    [ModelRef::Pocket, ModelRef::PocketToon].into_iter().find(|model| model.title() == title)
}

/// A1111 writes the schedule from version 1.9 on, and none means the sampler's own. Before, the sampler's name contained
/// it, and none meant the normal schedule.
fn automatic(version: Option<&str>) -> Automatic {
    match version.and_then(a1111_version) {
        Some(version) if version >= (1, 9) => Automatic::SamplersOwn,
        _ => Automatic::Plain,
    }
}

/// `v1.10.1` is 1.10; Forge writes `f2.0.1v1.10.1-previous-…`.
fn a1111_version(text: &str) -> Option<(u32, u32)> {
    text.match_indices('v').find_map(|(at, _)| {
        let mut numbers = text.get(at + 1..)?.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    })
}

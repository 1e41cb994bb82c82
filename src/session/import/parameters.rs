//! The `parameters` text of A1111 and the many tools that write it too: how it is read.

use std::collections::HashMap;

use super::{
    Imported, Need, Source,
    extensions::Extensions,
    flat,
    settings::{Automatic, Found, ImportedSettings},
};
use crate::{
    recipe::{ModelRef, Recipe},
    session::infotext::{Infotext, Piece},
};

/// Reads a recipe off a `parameters` text; `None` if it says less than is needed.
pub(super) fn read(text: &str, need: Need) -> Option<Imported> {
    let parts = Infotext::parse(text)?;
    if need == Need::Settings && ["Steps", "Sampler", "Seed"].iter().all(|key| parts.get(key).is_none()) {
        return None;
    }
    let mut draft = ImportedSettings::default();
    for piece in &parts.settings {
        let Piece::Pair(key, value) = piece else { continue };
        if key == "Sextant" {
            match serde_json::from_str::<Recipe>(value) {
                Ok(recipe) => return Some(ImportedSettings { recipe, ..draft }.finish(Source::ParametersRecipe)),
                Err(error) => draft.refuse((key, value), format!("it cannot be read: {error}")),
            }
        }
    }
    take_settings(&mut draft, &parts.settings);
    // We give no meaning to signs in a prompt, and have written none.
    let ours = parts.get("Version").is_some_and(|version| version.starts_with("sextant"));
    (draft.recipe.prompt, draft.recipe.negative) = (parts.prompt, parts.negative);
    let read = if ours { draft.finish_plain(Source::Parameters) } else { draft.finish(Source::Parameters) };
    Some(read)
}

/// Puts every setting into the recipe, or on the list.
fn take_settings(draft: &mut ImportedSettings, pieces: &[Piece]) {
    let mut extensions = Extensions::default();
    let (mut sampler, mut schedule, mut version): (Option<Found<'_>>, Option<Found<'_>>, _) = (None, None, None);
    let mut sides = [None, None];
    let last = last_places(pieces);
    for (i, piece) in pieces.iter().enumerate() {
        let (key, value) = match piece {
            Piece::Pair(key, value) => (key.as_str(), value.as_str()),
            Piece::Stray(text) => {
                draft.not_restored.push(text.clone());
                continue;
            }
        };
        match key {
            // Listed already, or it would not be here.
            "Sextant" => {}
            _ if last.get(key) != Some(&i) => draft.refuse((key, value), "given again later"),
            "Sampler" => sampler = Some((key, value)),
            "Schedule type" => schedule = Some((key, value)),
            // SD.Next's.
            "Width" => sides[0] = Some((key, value)),
            "Height" => sides[1] = Some((key, value)),
            _ if extensions.take(key, value) => {}
            _ => take(draft, (key, value)),
        }
        if key == "Version" {
            version = Some(value);
        }
    }
    flat::take_sides(draft, sides);
    draft.sampling(sampler, schedule, automatic(version));
    extensions.finish(draft);
}

/// Where each key stands for the last time: that is the value that counts.
fn last_places(pieces: &[Piece]) -> HashMap<&str, usize> {
    let keys = pieces.iter().enumerate().filter_map(|(i, piece)| match piece {
        Piece::Pair(key, _) => Some((key.as_str(), i)),
        Piece::Stray(_) => None,
    });
    keys.collect()
}

fn take(draft: &mut ImportedSettings, found: Found<'_>) {
    let (key, value) = found;
    match key {
        "Steps" => draft.steps(found),
        "CFG scale" => draft.cfg(found),
        "Seed" => draft.seed(found),
        "Size" => match size(value) {
            Some(size) => draft.size(found, size),
            None => draft.refuse(found, "not of the form 512x512"),
        },
        "Model" => match bundled(value) {
            Some(model) => draft.recipe.model = model,
            None => draft.leave(key, value),
        },
        "Guidance profile" => match value.parse() {
            Ok(profile) => draft.recipe.profile = profile,
            Err(error) => draft.refuse(found, error),
        },
        // The noise comes from the CPU here, too.
        "RNG" if value == "CPU" => {}
        _ => draft.leave(key, value),
    }
}

/// A size of the form `512x768`.
fn size(value: &str) -> Option<[usize; 2]> {
    let (width, height) = value.trim().split_once('x')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some([digits(width)?, digits(height)?])
}

/// The model that a title stands for, if the program carries it.
fn bundled(title: &str) -> Option<ModelRef> {
    [ModelRef::Pocket, ModelRef::PocketToon].into_iter().find(|model| model.title() == title)
}

/// A1111 names the schedule from version 1.9 on, where no name means the sampler's own; before, the sampler's name
/// carried it, and without one it was the plain schedule.
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

//! The `parameters` text of A1111 and the many tools that write it too: how it is read.

mod line;

use std::collections::HashMap;

use serde_json::Value;

use self::line::Piece;
use super::{
    Imported, Need, Source,
    draft::{Automatic, Draft, Found},
    extensions::Extensions,
};
use crate::recipe::{ModelRef, Recipe};

/// The text in its three parts.
struct Parts {
    prompt: String,
    negative: String,
    /// Keys and values in their order, and what stood between them.
    settings: Vec<Piece>,
}

/// Reads a recipe off a `parameters` text; `None` if it says less than is needed.
pub(super) fn read(text: &str, need: Need) -> Option<Imported> {
    let parts = parts(text)?;
    let known = ["Steps", "Sampler", "Seed"];
    let has_settings = parts.settings.iter().any(|p| matches!(p, Piece::Pair(key, _) if known.contains(&key.as_str())));
    if need == Need::Settings && !has_settings {
        return None;
    }
    let mut draft = Draft::default();
    for piece in &parts.settings {
        let Piece::Pair(key, value) = piece else { continue };
        if key == "Sextant" {
            match serde_json::from_str::<Recipe>(value) {
                Ok(recipe) => return Some(Draft { recipe, ..draft }.finish(Source::ParametersRecipe)),
                Err(error) => draft.refuse((key, value), format!("it cannot be read: {error}")),
            }
        }
    }
    draft.recipe.prompt = parts.prompt;
    draft.recipe.negative = parts.negative;
    take_settings(&mut draft, &parts.settings);
    Some(draft.finish(Source::Parameters))
}

/// Splits a text into prompt, negative prompt and settings. The last line is the settings line if it holds three
/// pairs or more; else it belongs to the text.
fn parts(text: &str) -> Option<Parts> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (above, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let pieces = line::pieces(last.trim());
    let pairs = pieces.iter().filter(|piece| matches!(piece, Piece::Pair(..))).count();
    let (words, settings) = if pairs < 3 { (text, Vec::new()) } else { (above, pieces) };
    let (mut prompt, mut negative) = (Vec::new(), Vec::new());
    let mut is_negative = false;
    for line in words.lines().map(str::trim) {
        let after = line.strip_prefix("Negative prompt:");
        is_negative |= after.is_some();
        let part = if is_negative { &mut negative } else { &mut prompt };
        part.push(after.map_or(line, str::trim));
    }
    let joined = |lines: Vec<&str>| lines.join("\n").trim().to_owned();
    Some(Parts { prompt: joined(prompt), negative: joined(negative), settings })
}

/// Puts every setting into the recipe, or on the list.
fn take_settings(draft: &mut Draft, pieces: &[Piece]) {
    let mut extensions = Extensions::default();
    let (mut sampler, mut schedule, mut version): (Option<Found<'_>>, Option<Found<'_>>, _) = (None, None, None);
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
            _ if extensions.take(key, value) => {}
            _ => take(draft, (key, value)),
        }
        if key == "Version" {
            version = Some(value);
        }
    }
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

fn take(draft: &mut Draft, found: Found<'_>) {
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

/// A value in quotes is a JSON string; one that is none is kept as it is.
fn unquoted(value: &str) -> String {
    let is_quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
    if is_quoted && let Ok(Value::String(text)) = serde_json::from_str(value) {
        return text;
    }
    value.to_owned()
}

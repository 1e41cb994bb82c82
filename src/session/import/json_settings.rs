//! Settings in one JSON object, under the names of several tools.
//!
//! It stands apart from `json`, which finds the object: the names of the tools hardly overlap, so that one table reads all.

use serde_json::{Map, Value};

use super::{
    sampler_names,
    settings::{Automatic, ImportedSettings, Setting},
};

/// What a key means.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    Prompt,
    Negative,
    Seed,
    Steps,
    Cfg,
    Sampler,
    Schedule,
    Width,
    Height,
    Size,
}

/// Keys in lower case, letters and digits only: SwarmUI, Fooocus, InvokeAI, NovelAI, Draw Things.
const KEYS: &[(&str, Field)] = &[
    ("prompt", Field::Prompt),
    ("positiveprompt", Field::Prompt),
    ("c", Field::Prompt),
    ("negativeprompt", Field::Negative),
    ("uc", Field::Negative),
    ("seed", Field::Seed),
    ("steps", Field::Steps),
    ("cfg", Field::Cfg),
    ("cfgscale", Field::Cfg),
    ("guidancescale", Field::Cfg),
    ("scale", Field::Cfg),
    ("sampler", Field::Sampler),
    ("samplername", Field::Sampler),
    ("scheduler", Field::Schedule),
    ("schedule", Field::Schedule),
    ("noiseschedule", Field::Schedule),
    ("width", Field::Width),
    ("height", Field::Height),
    ("size", Field::Size),
    ("resolution", Field::Size),
];

/// Reads an object's settings into `imported`. Returns `false`, and reads nothing, if they are not those of a picture: there
/// must be a prompt and a number.
pub(super) fn read(imported: &mut ImportedSettings, object: &Map<String, Value>) -> bool {
    let texts: Vec<(&str, Option<Field>, Option<String>, &Value)> = object
        .iter()
        .map(|(key, value)| (key.as_str(), field(key), scalar(value).or_else(|| parts(value)), value))
        .collect();
    let has =
        |fields: &[Field]| texts.iter().any(|(_, f, text, _)| f.is_some_and(|f| fields.contains(&f)) && text.is_some());
    if !has(&[Field::Prompt]) || !has(&[Field::Seed, Field::Steps, Field::Cfg]) {
        return false;
    }
    let mut sampling = [None, None];
    let mut sides = [None, None];
    for (key, field, text, value) in &texts {
        let (Some(field), Some(text)) = (field, text) else {
            list(imported, [(*key, *value)]);
            continue;
        };
        let found = (*key, text.as_str());
        match field {
            Field::Prompt => imported.recipe.prompt.clone_from(text),
            Field::Negative => imported.recipe.negative.clone_from(text),
            Field::Seed => imported.seed(found),
            Field::Steps => imported.steps(found),
            Field::Cfg => imported.cfg(found),
            Field::Sampler => sampling[0] = Some(found),
            Field::Schedule => sampling[1] = Some(found),
            Field::Width => sides[0] = Some(found),
            Field::Height => sides[1] = Some(found),
            Field::Size => read_size(imported, found, two_numbers(text)),
        }
    }
    read_sides(imported, sides);
    read_sampling(imported, sampling);
    true
}

/// Lists settings as unsupported, except empty ones.
pub(super) fn list<'a>(
    imported: &mut ImportedSettings,
    settings: impl IntoIterator<Item = (impl AsRef<str>, &'a Value)>,
) {
    for (key, value) in settings {
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(object) => object.is_empty(),
            _ => false,
        };
        if !empty {
            imported.list_unsupported(key.as_ref(), scalar(value).unwrap_or_else(|| value.to_string()));
        }
    }
}

/// A string, number or boolean as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The text of a prompt that the first versions of InvokeAI wrote as a list of `{"prompt": …, "weight": 1}`.
fn parts(value: &Value) -> Option<String> {
    let parts: Vec<&str> = value.as_array()?.iter().map(|part| part.get("prompt")?.as_str()).collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Reads width and height from two settings; one alone is rejected.
pub(super) fn read_sides(imported: &mut ImportedSettings, sides: [Option<Setting<'_>>; 2]) {
    let number = |found: Option<Setting<'_>>| found.and_then(|(_, value)| value.parse().ok());
    match (sides, sides.map(number)) {
        ([Some(w), Some(h)], [Some(width), Some(height)]) => {
            let text = format!("{}x{}", w.1, h.1);
            imported.size(("size", &text), [width, height]);
        }
        _ => sides
            .into_iter()
            .flatten()
            .for_each(|found| imported.list_rejected(found, "a size needs two whole numbers")),
    }
}

fn read_size(imported: &mut ImportedSettings, found: Setting<'_>, size: Option<[usize; 2]>) {
    match size {
        Some(size) => imported.size(found, size),
        None => imported.list_rejected(found, "not a width and a height"),
    }
}

/// Reads sampler and schedule. InvokeAI calls its samplers schedulers.
fn read_sampling(imported: &mut ImportedSettings, [sampler, schedule]: [Option<Setting<'_>>; 2]) {
    match (sampler, schedule) {
        (None, Some(found)) if is_no_schedule(imported, found) => {
            imported.sampling(Some(found), None, Automatic::Plain);
        }
        _ => imported.sampling(sampler, schedule, Automatic::Plain),
    }
}

fn is_no_schedule(imported: &ImportedSettings, found: Setting<'_>) -> bool {
    sampler_names::schedule(found.1, imported.recipe.sampler, imported.recipe.convention).is_none()
}

fn field(key: &str) -> Option<Field> {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    KEYS.iter().find(|(name, _)| *name == plain).map(|(_, field)| *field)
}

/// `(1024, 768)`, `1024×768` and the like.
fn two_numbers(text: &str) -> Option<[usize; 2]> {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty());
    let found: Vec<usize> = numbers.map(|n| n.parse().ok()).collect::<Option<_>>()?;
    found.try_into().ok()
}

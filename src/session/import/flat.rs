//! Settings as one JSON object, under whatever names a tool has for them.

use serde_json::{Map, Value};

use super::{
    names,
    settings::{Automatic, Found, ImportedSettings},
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

/// Keys without capitals and signs: SwarmUI, Fooocus, InvokeAI, NovelAI, Draw Things.
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

/// Puts an object's settings into the draft, or on the list. `false` if they do not tell of a picture: that takes a
/// prompt and one number.
pub(super) fn take(draft: &mut ImportedSettings, object: &Map<String, Value>) -> bool {
    let texts: Vec<(&str, Option<Field>, Option<String>, &Value)> = object
        .iter()
        .map(|(key, value)| (key.as_str(), field(key), scalar(value).or_else(|| parts(value)), value))
        .collect();
    let has =
        |wanted: &[Field]| texts.iter().any(|(_, f, text, _)| f.is_some_and(|f| wanted.contains(&f)) && text.is_some());
    if !has(&[Field::Prompt]) || !has(&[Field::Seed, Field::Steps, Field::Cfg]) {
        return false;
    }
    let mut sampling = [None, None];
    let mut sides = [None, None];
    for (key, field, text, value) in &texts {
        let (Some(field), Some(text)) = (field, text) else {
            leave(draft, [(*key, *value)]);
            continue;
        };
        let found = (*key, text.as_str());
        match field {
            Field::Prompt => draft.recipe.prompt.clone_from(text),
            Field::Negative => draft.recipe.negative.clone_from(text),
            Field::Seed => draft.seed(found),
            Field::Steps => draft.steps(found),
            Field::Cfg => draft.cfg(found),
            Field::Sampler => sampling[0] = Some(found),
            Field::Schedule => sampling[1] = Some(found),
            Field::Width => sides[0] = Some(found),
            Field::Height => sides[1] = Some(found),
            Field::Size => take_size(draft, found, two_numbers(text)),
        }
    }
    take_sides(draft, sides);
    take_sampling(draft, sampling);
    true
}

/// Lists settings that say something.
pub(super) fn leave<'a>(
    draft: &mut ImportedSettings,
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
            draft.leave(key.as_ref(), scalar(value).unwrap_or_else(|| value.to_string()));
        }
    }
}

/// Text, number or truth value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The text of a prompt that the first InvokeAI wrote as a list of `{"prompt": …, "weight": 1}`.
fn parts(value: &Value) -> Option<String> {
    let parts: Vec<&str> = value.as_array()?.iter().map(|part| part.get("prompt")?.as_str()).collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Width and height that stand apart; without both there is no size.
pub(super) fn take_sides(draft: &mut ImportedSettings, sides: [Option<Found<'_>>; 2]) {
    let number = |found: Option<Found<'_>>| found.and_then(|(_, value)| value.parse().ok());
    match (sides, sides.map(number)) {
        ([Some(w), Some(h)], [Some(width), Some(height)]) => {
            let text = format!("{}x{}", w.1, h.1);
            draft.size(("size", &text), [width, height]);
        }
        _ => sides.into_iter().flatten().for_each(|found| draft.refuse(found, "a size needs two whole numbers")),
    }
}

fn take_size(draft: &mut ImportedSettings, found: Found<'_>, size: Option<[usize; 2]>) {
    match size {
        Some(size) => draft.size(found, size),
        None => draft.refuse(found, "not a width and a height"),
    }
}

/// InvokeAI calls its samplers schedulers.
fn take_sampling(draft: &mut ImportedSettings, [sampler, schedule]: [Option<Found<'_>>; 2]) {
    match (sampler, schedule) {
        (None, Some(found)) if names::schedule(found.1, draft.recipe.sampler).is_none() => {
            draft.sampling(Some(found), None, Automatic::Plain);
        }
        _ => draft.sampling(sampler, schedule, Automatic::Plain),
    }
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

//! Settings that tools write as JSON: which tool it was, and what to read.

use serde_json::{Map, Value};

use super::{Imported, Source, comfy, flat, settings::ImportedSettings};

/// Reads a recipe off a JSON text; `None` if it is no JSON, or tells nothing about a picture. `prompt` is used where
/// the text has none.
pub(super) fn read(text: &str, prompt: Option<&str>) -> Option<Imported> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    let Value::Object(mut object) = parse(text)? else { return None };
    if comfy::is_graph(&object) {
        return comfy::read(&object);
    }
    // NovelAI hides the texts of its PNG files in the pixels, too, as one object.
    if let Some(Value::String(settings)) = object.get("Comment") {
        return read(settings, object.get("Description").and_then(Value::as_str));
    }
    if let Some(prompt) = prompt {
        object.entry("prompt").or_insert_with(|| prompt.into());
    }
    let mut draft = ImportedSettings::default();
    let source = tool(&object);
    // SwarmUI and the first InvokeAI keep the settings one level down.
    let inner = ["sui_image_params", "image"].into_iter().find(|key| object.get(*key).is_some_and(Value::is_object));
    let settings = inner.and_then(|key| object.get(key)).and_then(Value::as_object).unwrap_or(&object);
    if !flat::take(&mut draft, settings) {
        return None;
    }
    if let Some(inner) = inner {
        flat::leave(&mut draft, object.iter().filter(|(key, _)| *key != inner));
    }
    Some(draft.finish(source))
}

/// Which tool writes such keys.
fn tool(object: &Map<String, Value>) -> Source {
    let has = |key: &str| object.contains_key(key);
    if has("sui_image_params") {
        Source::SwarmUi
    } else if has("fooocus_scheme") || has("base_model") || has("Base Model") {
        Source::Fooocus
    } else if has("positive_prompt") || has("image") {
        Source::InvokeAi
    } else if has("c") {
        Source::DrawThings
    } else if has("uc") {
        Source::NovelAi
    } else {
        Source::Json
    }
}

/// JSON as Python writes it, where numbers may be `NaN` or `Infinity`; those become null.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_odd_numbers(text))).ok()
}

fn without_odd_numbers(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    // What is between quotes stays; a protected quote does not end a string.
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (bare, quoted) = rest.split_at(start);
        strict.push_str(&with_nulls(bare));
        let mut protected = false;
        let end = quoted.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !protected;
            protected = *c == '\\' && !protected;
            ends
        });
        let (string, after) = quoted.split_at(end.map_or(quoted.len(), |(at, _)| at + 1));
        strict.push_str(string);
        rest = after;
    }
    strict + &with_nulls(rest)
}

fn with_nulls(bare: &str) -> String {
    bare.replace("-Infinity", "null").replace("Infinity", "null").replace("NaN", "null")
}

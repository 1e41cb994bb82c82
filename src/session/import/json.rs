//! Settings that tools write as JSON: which tool wrote them, and which object holds them.
//!
//! It stands apart from `json_settings`, which reads the object of any tool.

use serde_json::{Map, Value};

use super::{
    comfy,
    imported::{Imported, Source},
    json_settings,
    settings::ImportedSettings,
};
use crate::recipe::Convention;

/// Reads a recipe from a JSON text; `None` if it is no JSON or has no settings. `prompt` is used where the text has none.
pub(super) fn read(text: &str, prompt: Option<&str>) -> Option<Imported> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    let Value::Object(mut object) = parse(text)? else { return None };
    if comfy::is_graph(&object) {
        return comfy::read(&object);
    }
    // NovelAI also writes the texts of its PNG files into the pixels, as one object.
    if let Some(Value::String(settings)) = object.get("Comment") {
        return read(settings, object.get("Description").and_then(Value::as_str));
    }
    if let Some(prompt) = prompt {
        object.entry("prompt").or_insert_with(|| prompt.into());
    }
    let source = detect_tool(&object);
    let mut imported = ImportedSettings::by(match source {
        Source::SwarmUi | Source::Fooocus => Convention::ComfyUi,
        Source::NovelAi => Convention::A1111,
        _ => Convention::Diffusers,
    });
    // SwarmUI and the first versions of InvokeAI nest the settings one level deeper.
    let inner = ["sui_image_params", "image"].into_iter().find(|key| object.get(*key).is_some_and(Value::is_object));
    let settings = inner.and_then(|key| object.get(key)).and_then(Value::as_object).unwrap_or(&object);
    if !json_settings::read(&mut imported, settings) {
        return None;
    }
    if let Some(inner) = inner {
        json_settings::list(&mut imported, object.iter().filter(|(key, _)| *key != inner));
    }
    Some(imported.finish(source))
}

/// The tool that writes such keys.
fn detect_tool(object: &Map<String, Value>) -> Source {
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

/// Parses JSON as Python writes it: numbers may be `NaN` or `Infinity`, which become null.
fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&without_non_finite(text))).ok()
}

fn without_non_finite(text: &str) -> String {
    let mut strict = String::with_capacity(text.len());
    // Strings stay unchanged; an escaped quote does not end one.
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let (bare, quoted) = rest.split_at(start);
        strict.push_str(&with_nulls(bare));
        let mut escaped = false;
        let end = quoted.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
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

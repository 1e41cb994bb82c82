//! Prompts in A1111's syntax: what is parsed, how it is laid out in chunks, and what the text encoders make of it.
//!
//! Apart from plain texts (`networks`), which are one chunk without weights.

use std::{fs, path::Path};

use serde_json::Value;
use sextant::{
    prompt::{Schedule, Timing, Traced, weigh},
    recipe::{Emphasis, ModelRef, PromptSyntax, TextRules},
    weights::load,
};

use crate::{
    Outcome,
    entry::Entry,
    networks::{device, values},
};

/// Ids, weights and embeddings of every recorded prompt.
pub fn prompts(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let model = load(&ModelRef::Folder(entry.model()?.to_owned()), &device()).map_err(|e| e.to_string())?;
    for (i, recorded) in entry.params["prompts"].as_array().ok_or("no prompts")?.iter().enumerate() {
        let (prompt, rules) = (recorded["prompt"].as_str().ok_or("no text")?, rules(&recorded["options"])?);
        if rules.emphasis != Emphasis::None {
            check_weights(prompt, &recorded["parsed"])?;
        }
        let laid = model.text.chunks(prompt, rules).map_err(|e| e.to_string())?;
        for (chunks, suffix) in laid.iter().zip(["ids", "ids_2"]) {
            let ids: Vec<i32> = chunks.iter().flat_map(|chunk| &chunk.ids).map(|&id| id as i32).collect();
            assert_eq!(ids, case.ints(&format!("prompt.{i:02}.{suffix}")), "prompt {i}: {suffix}");
        }
        let weights: Vec<f32> = laid[0].iter().flat_map(|chunk| chunk.weights.clone()).collect();
        case.assert_close(&format!("prompt.{i:02}.multipliers"), &weights);
        let encoded = model.encode_by(prompt, rules).map_err(|e| e.to_string())?;
        assert_eq!(encoded.tokens.len(), laid[0].len() * model.text.length(), "prompt {i}: a token a position");
        case.assert_close(&format!("prompt.{i:02}.cond"), &values(encoded.hidden));
        let pooled = format!("prompt.{i:02}.pooled");
        assert_eq!(encoded.pooled.is_some(), case.has(&pooled), "{pooled}");
        if let Some(found) = encoded.pooled {
            case.assert_close(&pooled, &values(found));
        }
    }
    Ok(Outcome::Agrees)
}

fn rules(options: &Value) -> Result<TextRules, String> {
    let mut rules = TextRules { syntax: PromptSyntax::A1111, ..TextRules::default() };
    for (key, value) in options.as_object().ok_or("options are an object")? {
        let number = value.as_u64().map(|n| n as usize);
        match key.as_str() {
            "emphasis" => {
                let name = value.as_str().ok_or("a mode has a name")?.to_lowercase().replace(' ', "-");
                rules.emphasis = name.parse().map_err(|e| format!("{e}"))?;
            }
            "CLIP_stop_at_last_layers" => rules.clip_skip = number,
            "comma_padding_backtrack" => rules.comma_backtrack = number.ok_or("a number of tokens")?,
            other => return Err(format!("option {other} is not known")),
        }
    }
    Ok(rules)
}

/// Fails unless a text has the recorded pieces and weights.
fn check_weights(text: &str, parsed: &Value) -> Result<(), String> {
    let pieces = weigh(&Traced::new(text));
    let wanted = parsed.as_array().ok_or("no list of pieces")?;
    let agrees = |(piece, want): (&sextant::prompt::Piece, &Value)| {
        let weight = want[1].as_f64().unwrap_or(f64::NAN);
        want[0] == piece.text.text() && (piece.weight - weight).abs() < 1e-9
    };
    let all = pieces.len() == wanted.len() && pieces.iter().zip(wanted).all(agrees);
    let found: Vec<(&str, f64)> = pieces.iter().map(|piece| (piece.text.text(), piece.weight)).collect();
    if all { Ok(()) } else { Err(format!("{text:?}: {found:?}, recorded {parsed}")) }
}

/// Every text of a folder's `prompts.json`: its pieces, and its schedules.
pub fn lists(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|e| e.to_string())?;
    let lists: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let list = |key: &str| lists[key].as_array().filter(|list| !list.is_empty()).cloned().ok_or(format!("no {key}"));
    for recorded in list("parse")? {
        check_weights(recorded["text"].as_str().ok_or("no text")?, &recorded["parsed"])?;
    }
    for recorded in list("schedule")? {
        let text = recorded["text"].as_str().ok_or("no text")?;
        let number = |key: &str| recorded[key].as_u64().map(|n| n as usize);
        let (first, second) = (number("steps").ok_or("no steps")?, number("hires_steps"));
        let timing = Timing { steps: second.unwrap_or(first), before: second.map(|_| first) };
        let schedule = Schedule::parse(&Traced::new(text));
        let found: Vec<(usize, String)> =
            schedule.entries(timing).into_iter().map(|(end, text)| (end, text.text().to_owned())).collect();
        let wanted: Vec<(usize, String)> =
            serde_json::from_value(recorded["schedule"].clone()).map_err(|e| e.to_string())?;
        if found != wanted {
            return Err(format!("{text:?} over {timing:?}: {found:?}, recorded {wanted:?}"));
        }
    }
    Ok(())
}

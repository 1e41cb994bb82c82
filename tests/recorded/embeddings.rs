//! Textual inversions: what a text encoder makes of prompts with their words.
//!
//! Apart from the text encoders alone: the files are ones that users bring.

use std::path::PathBuf;

use sextant::{
    nets::Precision,
    recipe::{Additions, ModelRef, PromptSyntax, TextRules},
    weights::load_with_additions,
};

use crate::{
    Outcome,
    entry::Entry,
    networks::{device, values},
};

/// Compares every prompt: those of A1111 by its reading, those of diffusers as plain texts.
pub fn embeddings(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let files = entry.params["files"].as_array().ok_or("no files")?;
    let path = |file: &serde_json::Value| Some(entry.folder.join(file["file"].as_str()?));
    let embeddings: Vec<PathBuf> = files.iter().filter_map(path).collect();
    let model = ModelRef::Folder(entry.model()?.to_owned());
    let additions = Additions { embeddings, ..Additions::default() };
    let model = load_with_additions(&model, &additions, &device(), Precision::F32).map_err(|e| e.to_string())?;
    for (i, prompt) in entry.params["prompts"].as_array().ok_or("no prompts")?.iter().enumerate() {
        let text = prompt["prompt"].as_str().ok_or("a prompt is text")?;
        let name = |what: &str| format!("prompt.{i:02}.{what}");
        let is_plain = prompt.get("converted").is_some();
        let syntax = if is_plain { PromptSyntax::Plain } else { PromptSyntax::A1111 };
        let rules = TextRules { syntax, ..TextRules::default() };
        if is_plain {
            let ids = model.text.tokenize(text).map_err(|e| e.to_string())?.remove(0).ids;
            let ids: Vec<i32> = ids.into_iter().map(|id| id as i32).collect();
            assert_eq!(ids, case.ints(&name("ids")), "prompt {i}");
        } else {
            let chunks = model.text.chunks(text, rules).map_err(|e| e.to_string())?.remove(0);
            // The ids of A1111 have a 0 for each vector; ours stand behind the vocabulary.
            let recorded = case.ints(&name("ids"));
            let ids: Vec<i32> = chunks.iter().flat_map(|chunk| &chunk.ids).map(|&id| id as i32).collect();
            let most = recorded.iter().copied().max().unwrap_or(0);
            let ids: Vec<i32> = ids.into_iter().map(|id| if id > most { 0 } else { id }).collect();
            assert_eq!(ids, recorded, "prompt {i}");
            let weights: Vec<f32> = chunks.iter().flat_map(|chunk| chunk.weights.clone()).collect();
            case.assert_close(&name("multipliers"), &weights);
        }
        let encoding = model.encode_by(text, rules).map_err(|e| e.to_string())?;
        case.assert_close(&name("cond"), &values(encoding.hidden));
        if let Some(pooled) = encoding.pooled.filter(|_| case.has(&name("pooled"))) {
            case.assert_close(&name("pooled"), &values(pooled));
        }
    }
    Ok(Outcome::Agrees)
}

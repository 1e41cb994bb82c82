//! Textual inversions: what a text encoder makes of prompts with their words.
//!
//! Apart from the text encoders alone: the files are ones that users bring.

use std::path::PathBuf;

use sextant::{
    nets::Precision,
    recipe::{Additions, ModelRef},
    weights::load_with_additions,
};

use crate::{
    Outcome,
    entry::Entry,
    networks::{device, values},
};

/// Compares every plain prompt; those with emphasis, or longer than a chunk, need the reading of such prompts.
pub fn embeddings(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let files = entry.params["files"].as_array().ok_or("no files")?;
    let path = |file: &serde_json::Value| Some(entry.folder.join(file["file"].as_str()?));
    let embeddings: Vec<PathBuf> = files.iter().filter_map(path).collect();
    let model = ModelRef::Folder(entry.model()?.to_owned());
    let additions = Additions { embeddings, ..Additions::default() };
    let model = load_with_additions(&model, &additions, &device(), Precision::F32).map_err(|e| e.to_string())?;
    let mut passed_over = 0;
    for (i, prompt) in entry.params["prompts"].as_array().ok_or("no prompts")?.iter().enumerate() {
        let text = prompt["prompt"].as_str().ok_or("a prompt is text")?;
        let name = |what: &str| format!("prompt.{i:02}.{what}");
        if text.contains(['(', '[']) || case.shape(&name("cond"))[0] != 77 {
            passed_over += 1;
            continue;
        }
        // The ids of A1111 have a 0 for each vector.
        let ids = model.text.tokenize(text).map_err(|e| e.to_string())?.remove(0).ids;
        if prompt.get("converted").is_some() {
            let ids: Vec<i32> = ids.into_iter().map(|id| id as i32).collect();
            assert_eq!(ids, case.ints(&name("ids")), "prompt {i}");
        }
        let encoding = model.encode(text).map_err(|e| e.to_string())?;
        case.assert_close(&name("cond"), &values(encoding.hidden));
        if let Some(pooled) = encoding.pooled.filter(|_| case.has(&name("pooled"))) {
            case.assert_close(&name("pooled"), &values(pooled));
        }
    }
    match passed_over {
        0 => Ok(Outcome::Agrees),
        _ => Ok(Outcome::NotBuilt(format!("{passed_over} prompts need emphasis or chunks; the plain ones agree"))),
    }
}

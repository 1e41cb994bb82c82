//! LoRA files: the changed weights and the U-Net's output with the file applied, against the reference implementations of
//! each format.
//!
//! Apart from the other networks: the adapter changes the weights as they are read.

use burn::tensor::Device;
use sextant::{
    nets::{Precision, TapRequest},
    recipe::{Lora, ModelRef},
    weights::{changed_weight, load_changed},
};

use crate::{
    Outcome,
    common::Case,
    entry::Entry,
    networks::{tensor, values},
};

/// Compares each weight of the case, and `out` where it has one.
pub fn lora(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let file = entry.params["file"].as_str().map(|file| entry.folder.join(file));
    let loras: Vec<Lora> = file.into_iter().map(|path| Lora { path, weight: 1.0 }).collect();
    let model = ModelRef::Folder(entry.model()?.to_owned());
    for name in case.names().iter().filter(|name| name.ends_with(".weight")) {
        let (folder, tensor) = part_of(name);
        // transformers 5 leaves the root out of the first encoder's names, the model's file has it.
        let rooted = format!("text_model.{tensor}");
        let tensor = if folder == "text_encoder" { rooted.as_str() } else { tensor };
        let found = changed_weight(&model, &loras, folder, tensor).map_err(|e| e.to_string())?;
        case.assert_close(name, &found);
    }
    if !case.has("out") {
        return Ok(Outcome::Agrees);
    }
    let input = Case::read(&entry.folder.join("cases/lora_base.safetensors"));
    let model = load_changed(&model, &loras, &Device::flex(), Precision::F32).map_err(|e| e.to_string())?;
    let timestep = entry.params["timestep"].as_f64().ok_or("no timestep")? as f32;
    let (sample, context) = (tensor(&input, "sample"), tensor(&input, "context"));
    let found = model.unet.forward(sample, timestep, context, None, &TapRequest::none(), &|| true);
    case.assert_close("out", &values(found.map_err(|e| e.to_string())?.0));
    Ok(Outcome::Agrees)
}

/// The network's folder, and the tensor's name in it.
fn part_of(name: &str) -> (&'static str, &str) {
    let parts = [("unet.", "unet"), ("te1.", "text_encoder"), ("te2.", "text_encoder_2")];
    let found = parts.iter().find_map(|(prefix, folder)| Some((*folder, name.strip_prefix(prefix)?)));
    found.unwrap_or(("unet", name))
}

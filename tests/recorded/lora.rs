//! LoRA files: the U-Net's output with the file applied, against the reference implementations of each format.
//!
//! Apart from the other networks: the adapter changes the weights as they are read.

use burn::tensor::Device;
use sextant::{
    nets::{Precision, TapRequest},
    recipe::{Lora, ModelRef},
    weights::load_changed,
};

use crate::{
    Outcome,
    common::Case,
    entry::Entry,
    networks::{tensor, values},
};

/// Compares `out`. The weights that a case lists besides cannot be asked for from outside of the program.
pub fn lora(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    if !case.has("out") {
        return Ok(Outcome::NotBuilt("the case has only weights, which the program does not give out".into()));
    }
    let input = Case::read(&entry.folder.join("cases/lora_base.safetensors"));
    let file = entry.params["file"].as_str().map(|file| entry.folder.join(file));
    let loras: Vec<Lora> = file.into_iter().map(|path| Lora { path, weight: 1.0 }).collect();
    let model = ModelRef::Folder(entry.model()?.to_owned());
    let model = load_changed(&model, &loras, &Device::flex(), Precision::F32).map_err(|e| e.to_string())?;
    let timestep = entry.params["timestep"].as_f64().ok_or("no timestep")? as f32;
    let (sample, context) = (tensor(&input, "sample"), tensor(&input, "context"));
    let found = model.unet.forward(sample, timestep, context, None, &TapRequest::none(), &|| true);
    case.assert_close("out", &values(found.map_err(|e| e.to_string())?.0));
    Ok(Outcome::Agrees)
}

//! Single networks: text encoders, U-Net, autoencoder, against transformers and diffusers.
//!
//! Apart from whole runs: where a run is off, these tell which network it is.

use burn::tensor::{Device, Tensor, TensorData};
use sextant::{
    nets::TapRequest,
    recipe::ModelRef,
    weights::{LoadedModel, load},
};

use crate::{Outcome, common::Case, entry::Entry};

pub fn device() -> Device {
    Device::flex()
}

fn open(entry: &Entry) -> Result<LoadedModel, String> {
    load(&ModelRef::Folder(entry.model()?.to_owned()), &device()).map_err(|e| e.to_string())
}

pub fn tensor<const D: usize>(case: &Case, name: &str) -> Tensor<D> {
    Tensor::from_data(TensorData::new(case.floats(name), case.shape(name)), &device())
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().expect("values")
}

/// Token ids, hidden states and pooled outputs of a list of prompts.
pub fn text(entry: &Entry) -> Result<Outcome, String> {
    let (case, model) = (entry.open(), open(entry)?);
    let prompts = entry.params["prompts"].as_array().ok_or("no prompts")?;
    for (i, prompt) in prompts.iter().enumerate() {
        let prompt = prompt.as_str().ok_or("a prompt is text")?;
        let ids = model.text.tokenize(prompt).map_err(|e| e.to_string())?;
        for (tokenized, suffix) in ids.iter().zip(["ids", "ids_2"]) {
            let found: Vec<i32> = tokenized.ids.iter().map(|&id| id as i32).collect();
            assert_eq!(found, case.ints(&format!("prompt.{i:02}.{suffix}")), "prompt {i} {suffix}");
        }
        let encoding = model.encode(prompt).map_err(|e| e.to_string())?;
        case.assert_close(&format!("prompt.{i:02}.hidden"), &values(encoding.hidden));
        let pooled = format!("prompt.{i:02}.pooled");
        assert_eq!(encoding.pooled.is_some(), case.has(&pooled), "{pooled}");
        if let Some(found) = encoding.pooled {
            case.assert_close(&pooled, &values(found));
        }
    }
    Ok(Outcome::Agrees)
}

/// Single evaluations at several timesteps.
pub fn unet(entry: &Entry) -> Result<Outcome, String> {
    let (case, model) = (entry.open(), open(entry)?);
    let timesteps = entry.params["timesteps"].as_array().ok_or("no timesteps")?;
    for t in timesteps {
        let t = t.as_u64().ok_or("a timestep is a whole number")?;
        let (sample, context) = (tensor(&case, "sample"), tensor(&case, "context"));
        let found = model.unet.forward(sample, t as f32, context, None, &TapRequest::none(), &|| true);
        let (out, taps) = found.map_err(|e| e.to_string())?;
        assert!(taps.is_empty(), "no attention maps were asked for");
        case.assert_close(&format!("t{t:03}.out"), &values(out));
    }
    Ok(Outcome::Agrees)
}

/// Encoding and decoding.
pub fn vae(entry: &Entry) -> Result<Outcome, String> {
    let (case, vae) = (entry.open(), open(entry)?.vae);
    let (mean, logvar) = vae.encode_tensor(tensor(&case, "encode.image"), &|| true).map_err(|e| e.to_string())?;
    case.assert_close("encode.mean", &values(mean.clone()));
    case.assert_close("encode.logvar", &values(logvar));
    case.assert_close("encode.latents", &values(mean.mul_scalar(vae.config().scaling_factor)));
    let raw = vae.decode_tensor(tensor(&case, "decode.latents"), &|| true).map_err(|e| e.to_string())?;
    case.assert_close("decode.raw", &values(raw));
    Ok(Outcome::Agrees)
}

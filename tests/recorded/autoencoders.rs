//! Autoencoders in files of their own: VAEs under their original names, and TAESD.
//!
//! Apart from the networks of whole models: these are files that users bring.

use std::path::Path;

use sextant::{nets::Vae, weights::load_vae};

use crate::{
    Outcome,
    common::Case,
    entry::Entry,
    networks::{device, tensor, values},
};

/// A VAE file: encoding and decoding.
pub fn vae_file(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let file = entry.params["file"].as_str().ok_or("no file")?;
    let scaling = entry.params["scaling_factor"].as_f64().ok_or("no scaling factor")?;
    let vae = open(&entry.folder.join(file), scaling)?;
    let (mean, _) = vae.encode_tensor(tensor(&case, "encode.image"), &|| true).map_err(|e| e.to_string())?;
    case.assert_close("encode.mean", &values(mean.clone()));
    case.assert_close("encode.latents", &values(mean.mul_scalar(vae.config().scaling_factor)));
    let raw = vae.decode_tensor(tensor(&case, "decode.latents"), &|| true).map_err(|e| e.to_string())?;
    case.assert_close("decode.raw", &values(raw));
    Ok(Outcome::Agrees)
}

/// TAESD under its own names, in two files, and under diffusers' in one. The case has pictures in 0..1.
pub fn taesd(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    for file in ["decoder", "diffusers"] {
        let file = entry.params[file].as_str().ok_or("no file")?;
        check_taesd(&case, &open(&entry.folder.join(file), 1.0)?)?;
    }
    Ok(Outcome::Agrees)
}

fn check_taesd(case: &Case, vae: &Vae) -> Result<(), String> {
    assert!(vae.is_approximate());
    let picture = tensor::<4>(case, "encode.picture").mul_scalar(2.0).sub_scalar(1.0);
    let (latents, _) = vae.encode_tensor(picture, &|| true).map_err(|e| e.to_string())?;
    case.assert_close("encode.latents", &values(latents));
    let decoded = vae.decode_tensor(tensor(case, "decode.latents"), &|| true).map_err(|e| e.to_string())?;
    case.assert_close("decode.raw", &values(decoded.add_scalar(1.0).div_scalar(2.0)));
    Ok(())
}

fn open(path: &Path, scaling: f64) -> Result<Vae, String> {
    load_vae(path, scaling, &device()).map_err(|e| e.to_string())
}

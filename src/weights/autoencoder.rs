//! The autoencoder of a model: its own, one that lies beside its file, or one that the user names.
//!
//! Separate from the other parts, because only this one is exchanged for another.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::Value;
use sha2::Sha256;

use super::{LoadError, ModelFiles, checkpoint::Checkpoint, single::SingleFile};
use crate::nets::{ParamError, Params, Precision, Vae, VaeConfig};

/// diffusers' class of TAESD.
const TINY: &str = "AutoencoderTiny";

/// Where an autoencoder is: files, and its folder among them.
struct Place {
    files: ModelFiles,
    folder: String,
}

/// Reads the autoencoder of the model `files`, or the one at `chosen`.
///
/// # Errors
/// [`LoadError`] where there is none, and for one that cannot be read.
pub(super) fn read(
    files: &ModelFiles,
    chosen: Option<&Path>,
    (device, precision): (&Device, Precision),
    hash: &mut Sha256,
) -> Result<Vae, LoadError> {
    let place = Place::of(files, chosen)?;
    place.tell(files);
    let path = format!("{}/config.json", place.folder);
    let text = place.files.text(&path)?;
    let json: Value = place.files.json(&path)?;
    let checkpoint = Checkpoint::read(&place.files, &place.folder, hash)?;
    let root = Params::root(&checkpoint, device).with_precision(precision);
    let net = if json.get("_class_name").and_then(Value::as_str) == Some(TINY) {
        log::warn!("{} is a TAESD: its pictures only approximate those of the model's VAE", place.files.describe(""));
        return read_tiny(&place, &json, &checkpoint, &root, hash);
    } else {
        let config = VaeConfig::parse(text.as_bytes());
        Vae::load(&root, config.map_err(|source| LoadError::Config { path: place.files.describe(&path), source })?)
    };
    let net = net.map_err(|source| checkpoint.load_error(source))?;
    checkpoint.warn_of_unused();
    Ok(net)
}

impl Place {
    fn of(files: &ModelFiles, chosen: Option<&Path>) -> Result<Self, LoadError> {
        if let Some(path) = chosen {
            return Self::at(path, own_scaling_factor(files));
        }
        if let ModelFiles::Single(file) = files {
            if let Some(beside) = beside(file.path(), BESIDE) {
                return Self::at(&beside, file.scaling_factor());
            }
            if file.weights("vae").is_none() {
                let beside = file.path().with_extension(BESIDE[0]);
                let beside = beside.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                return Err(LoadError::NoVae { path: file.path().display().to_string(), beside });
            }
        }
        Ok(Self { files: files.clone(), folder: "vae".to_owned() })
    }

    /// Logs a line where a file beside the model is used, or is one that cannot be.
    fn tell(&self, model: &ModelFiles) {
        let ModelFiles::Single(model) = model else { return };
        match &self.files {
            ModelFiles::Single(file) if file.path() == model.path().with_extension(BESIDE[0]) => {
                log::warn!("using the VAE beside the model: {}", file.path().display());
            }
            ModelFiles::Single(file) if file.path() == model.path() => {
                if let Some(pickle) = beside(model.path(), BESIDE_PICKLED) {
                    let shown = pickle.display();
                    log::warn!(
                        "{shown} was not used, because it is a pickle file: save it as .safetensors beside the model"
                    );
                }
            }
            _ => {}
        }
    }

    /// A file, a folder with an autoencoder, or a model's folder.
    fn at(path: &Path, scaling_factor: f64) -> Result<Self, LoadError> {
        if !path.is_dir() {
            let file = SingleFile::open_vae(path, scaling_factor)?;
            return Ok(Self { files: ModelFiles::Single(file), folder: "vae".to_owned() });
        }
        if path.join("vae/config.json").is_file() {
            return Ok(Self { files: ModelFiles::Folder(path.to_owned()), folder: "vae".to_owned() });
        }
        let (parent, name) = (path.parent(), path.file_name());
        match parent.zip(name).filter(|_| path.join("config.json").is_file()) {
            Some((parent, name)) => {
                Ok(Self { files: ModelFiles::Folder(parent.to_owned()), folder: name.to_string_lossy().into_owned() })
            }
            None => Err(LoadError::NotAutoencoder { path: path.display().to_string() }),
        }
    }
}

/// Ends of the names under which an autoencoder lies beside a checkpoint. A pickle is not opened.
const BESIDE: [&str; 2] = ["vae.safetensors", "vae.sft"];
const BESIDE_PICKLED: [&str; 2] = ["vae.pt", "vae.ckpt"];

/// The file beside a checkpoint whose name has one of `ends`.
fn beside(path: &Path, ends: [&str; 2]) -> Option<PathBuf> {
    ends.map(|end| path.with_extension(end)).into_iter().find(|file| file.is_file())
}

/// Picture side / latent side of a model's autoencoder, from its config; 8, as of every published one, where the user will have
/// to name one.
///
/// # Errors
/// As [`read`], as far as the config tells.
pub(super) fn factor(files: &ModelFiles) -> Result<usize, LoadError> {
    const PUBLISHED: usize = 8;
    let place = match Place::of(files, None) {
        Err(LoadError::NoVae { .. }) => return Ok(PUBLISHED),
        place => place?,
    };
    let path = format!("{}/config.json", place.folder);
    if place.files.json(&path)?.get("_class_name").and_then(Value::as_str) == Some(TINY) {
        return Ok(PUBLISHED);
    }
    let config = VaeConfig::parse(place.files.text(&path)?.as_bytes());
    Ok(config.map_err(|source| LoadError::Config { path: place.files.describe(&path), source })?.factor())
}

/// The factor on latents that the model's own autoencoder has.
fn own_scaling_factor(files: &ModelFiles) -> f64 {
    const PUBLISHED: f64 = 0.18215;
    match files {
        ModelFiles::Single(file) => file.scaling_factor(),
        _ => files
            .json("vae/config.json")
            .ok()
            .and_then(|json| json.get("scaling_factor")?.as_f64())
            .unwrap_or(PUBLISHED),
    }
}

/// A TAESD, with the encoder from the file beside it where the file has a decoder alone.
fn read_tiny(
    place: &Place,
    config: &Value,
    checkpoint: &Checkpoint,
    root: &Params,
    hash: &mut Sha256,
) -> Result<Vae, LoadError> {
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).map(|number| number as usize);
    let width = number(config.get("block_out_channels").and_then(|list| list.get(0))).unwrap_or(64);
    let latents = number(config.get("latent_channels")).unwrap_or(4);
    let has = |half: &str| checkpoint.names().iter().any(|name| name.starts_with(half));
    if !has("decoder.") {
        return Err(LoadError::HalfTaesd { path: place.files.describe("") });
    }
    let decoder = root.at("decoder");
    let build = |encoder: Option<&Params>| Vae::load_tiny(&decoder, encoder, width, latents);
    let failed = |source: ParamError| checkpoint.load_error(source);
    if has("encoder.") {
        return build(Some(&root.at("encoder"))).map_err(failed);
    }
    let ModelFiles::Single(file) = &place.files else { return build(None).map_err(failed) };
    let name = file.path().file_name().map(|name| name.to_string_lossy().replace("decoder", "encoder"));
    let other =
        name.map(|name| file.path().with_file_name(name)).filter(|other| other != file.path() && other.is_file());
    let Some(other) = other else { return build(None).map_err(failed) };
    let other = ModelFiles::Single(SingleFile::open_vae(&other, 1.0)?);
    let second = Checkpoint::read(&other, "vae", hash)?;
    let params = Params::root(&second, root.device()).with_precision(root.precision());
    build(Some(&params.at("encoder"))).map_err(failed)
}

/// Loads an autoencoder alone, from a file or a folder, for latents of `scaling_factor`; it computes in f32.
///
/// # Errors
/// As for the autoencoder of a model.
pub fn load_vae(path: &Path, scaling_factor: f64, device: &Device) -> Result<Vae, LoadError> {
    let place = Place::at(path, scaling_factor)?;
    read(&place.files, Some(path), (device, Precision::F32), &mut Sha256::default())
}

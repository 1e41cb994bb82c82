//! Reads a complete Stable Diffusion or SDXL model, or a U-Net to stand beside one.
//!
//! Separate from the parts' own readers, whose results it puts together and checks against each other.

use std::{path::PathBuf, sync::Arc};

use burn::tensor::Device;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    EncodeError, LoadError, ModelFiles, TextStack, autoencoder,
    checkpoint::Checkpoint,
    embeddings::Embeddings,
    hash::hex,
    lora::{Loras, Network},
    outline::{INDEX, is_expert_part, read_schedule},
    words::LearnedWords,
};
use crate::{
    nets::{Params, Precision, TextEncoding, UNet, UNetConfig, Vae},
    recipe::{Additions, Lora, ModelRef, TextRules},
    sampling::{AlignedLevels, ScheduleConfig},
};

/// The pipeline that a model belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Stable Diffusion 1.x and 2.x, and Pocket.
    Sd,
    /// Stable Diffusion XL: two text encoders, pooled embedding, sizes as conditions.
    Sdxl,
}

impl Family {
    /// The family of a pipeline class of diffusers. Classes that do other things with the same networks count too: a model
    /// is saved under the name of whichever was loaded last.
    fn of_pipeline(class: &str) -> Option<Self> {
        const SD: [&str; 13] = [
            "StableDiffusionPipeline",
            "StableDiffusionImg2ImgPipeline",
            "StableDiffusionInpaintPipeline",
            "StableDiffusionControlNetPipeline",
            "StableDiffusionAttendAndExcitePipeline",
            "StableDiffusionPAGPipeline",
            "StableDiffusionPanoramaPipeline",
            "StableDiffusionParadigmsPipeline",
            "StableDiffusionSAGPipeline",
            "SemanticStableDiffusionPipeline",
            "LEditsPPPipelineStableDiffusion",
            "LatentConsistencyModelPipeline",
            "LatentConsistencyModelImg2ImgPipeline",
        ];
        const SDXL: [&str; 6] = [
            "StableDiffusionXLPipeline",
            "StableDiffusionXLImg2ImgPipeline",
            "StableDiffusionXLInpaintPipeline",
            "StableDiffusionXLControlNetPipeline",
            "StableDiffusionXLPAGPipeline",
            "LEditsPPPipelineStableDiffusionXL",
        ];
        let of = |classes: &[&str], family| classes.contains(&class).then_some(family);
        of(&SD, Self::Sd).or_else(|| of(&SDXL, Self::Sdxl))
    }
}

/// A complete model on a device. Parts are behind `Arc`, so a clone costs little, and an expert shares those of its general
/// model.
#[derive(Clone)]
pub struct LoadedModel {
    pub family: Family,
    pub text: Arc<TextStack>,
    pub unet: Arc<UNet>,
    pub vae: Arc<Vae>,
    /// The words that it learned, where its files list them. With LoRAs added nobody knows.
    pub words: Option<Arc<LearnedWords>>,
    /// The noise schedule it was trained with.
    pub scheduler: Arc<ScheduleConfig>,
    /// SHA-256 over the weight files that were read, in hexadecimal. Of an expert part: over its own.
    pub content_hash: String,
    /// SHA-256 over the LoRAs and embeddings that were added, if there are any; the content hash then covers them too.
    pub changes: Option<String>,
    /// Of the products in U-Net and autoencoder. The text encoder, whose few products influence everything after it,
    /// always computes in f32.
    pub precision: Precision,
}

impl LoadedModel {
    /// Encodes a prompt; see [`TextStack::encode`].
    ///
    /// # Errors
    /// [`EncodeError`] if the tokenizer's rules fail, or give ids that the encoder does not know.
    pub fn encode(&self, text: &str) -> Result<TextEncoding, EncodeError> {
        self.text.encode(text)
    }

    /// Encodes a prompt by rules; see [`TextStack::encode_by`].
    ///
    /// # Errors
    /// As there.
    pub fn encode_by(&self, text: &str, rules: TextRules) -> Result<TextEncoding, EncodeError> {
        self.text.encode_by(text, rules)
    }

    /// Encodes a negative prompt; see [`TextStack::encode_negative`].
    ///
    /// # Errors
    /// As [`LoadedModel::encode`].
    pub fn encode_negative(&self, text: &str) -> Result<TextEncoding, EncodeError> {
        self.text.encode_negative(text)
    }
}

/// Loads a complete model that computes in f32.
///
/// # Errors
/// As [`load_with`].
pub fn load(model: &ModelRef, device: &Device) -> Result<LoadedModel, LoadError> {
    load_with(model, device, Precision::F32)
}

/// Loads a complete model.
///
/// # Errors
/// [`LoadError`] says in one sentence which file or tensor is wrong. A folder with nothing but a U-Net is
/// [`LoadError::ExpertOnly`].
pub fn load_with(model: &ModelRef, device: &Device, precision: Precision) -> Result<LoadedModel, LoadError> {
    load_changed(model, &[], device, precision)
}

/// Loads a complete model with LoRAs added to its U-Net and text encoder.
///
/// # Errors
/// As [`load_with`], and for a LoRA that cannot be read or does not fit.
pub fn load_changed(
    model: &ModelRef,
    loras: &[Lora],
    device: &Device,
    precision: Precision,
) -> Result<LoadedModel, LoadError> {
    let additions = Additions { loras: loras.to_vec(), ..Additions::default() };
    load_with_additions(model, &additions, device, precision)
}

/// Loads a complete model with everything that a recipe adds to it.
///
/// # Errors
/// As [`load_with`], and for an addition that cannot be read or does not fit.
pub fn load_with_additions(
    model: &ModelRef,
    additions: &Additions,
    device: &Device,
    precision: Precision,
) -> Result<LoadedModel, LoadError> {
    let files = ModelFiles::open(model)?;
    if is_expert_part(&files) {
        return Err(LoadError::ExpertOnly { path: files.describe("") });
    }
    load_complete(&files, additions, (device, precision))
}

/// Loads a model to stand beside `general`, with its precision. A folder with nothing but a U-Net shares the other parts of
/// `general`.
///
/// # Errors
/// As [`load`], and [`LoadError::Mismatch`] where the U-Net does not fit `general`'s text encoder or autoencoder.
pub fn load_expert(model: &ModelRef, general: &LoadedModel, device: &Device) -> Result<LoadedModel, LoadError> {
    let files = ModelFiles::open(model)?;
    if !is_expert_part(&files) {
        return load_complete(&files, &Additions::default(), (device, general.precision));
    }
    let mut hash = Sha256::new();
    let unet = read_unet(&files, &Loras::default(), (device, general.precision), &mut hash)?;
    // Its texts come from the general model's encoder, so the LoRAs there are part of its hash.
    hash.update(general.changes.as_deref().unwrap_or_default());
    check_fit(&files, &unet, &general.text, &general.vae)?;
    let words = LearnedWords::read(&files)?.filter(|_| general.changes.is_none()).map(Arc::new);
    Ok(LoadedModel { unet: Arc::new(unet), words, content_hash: hex(hash), ..general.clone() })
}

fn load_complete(
    files: &ModelFiles,
    additions: &Additions,
    (device, precision): (&Device, Precision),
) -> Result<LoadedModel, LoadError> {
    if !files.has(INDEX) {
        return Err(LoadError::NoModel { path: files.describe("") });
    }
    let index = files.json(INDEX)?;
    let class = index.get("_class_name").and_then(Value::as_str).unwrap_or("model without _class_name");
    let of_class = Family::of_pipeline(class);
    let family =
        of_class.ok_or_else(|| LoadError::Pipeline { path: files.describe(INDEX), class: class.to_owned() })?;
    let two = family == Family::Sdxl;
    let zeros = two && index.get("force_zeros_for_empty_prompt").and_then(Value::as_bool).unwrap_or(true);
    let mut scheduler = read_schedule(files)?;
    if two {
        scheduler.aligned = AlignedLevels::Sdxl;
    }
    let mut hash = Sha256::new();
    let (loras, changes) = Loras::read(&additions.loras)?;
    let (embeddings, changes) = read_embeddings(&additions.embeddings, changes)?;
    let mut text = TextStack::read(files, two, zeros, &loras, device, &mut hash)?;
    embeddings.add_to(&mut text)?;
    let unet = read_unet(files, &loras, (device, precision), &mut hash)?;
    let vae = autoencoder::read(files, additions.vae.as_deref(), (device, of_autoencoder(precision)), &mut hash)?;
    loras.report_unused()?;
    hash.update(changes.as_deref().unwrap_or_default());
    check_fit(files, &unet, &text, &vae)?;
    Ok(LoadedModel {
        family,
        text: Arc::new(text),
        unet: Arc::new(unet),
        vae: Arc::new(vae),
        words: LearnedWords::read(files)?.filter(|_| changes.is_none()).map(Arc::new),
        scheduler: Arc::new(scheduler),
        content_hash: hex(hash),
        changes,
        precision,
    })
}

/// The embeddings, and the hash of the LoRAs with theirs added where there are any.
fn read_embeddings(paths: &[PathBuf], changes: Option<String>) -> Result<(Embeddings, Option<String>), LoadError> {
    if paths.is_empty() {
        return Ok((Embeddings::default(), changes));
    }
    let mut hash = Sha256::new();
    hash.update(changes.unwrap_or_default());
    let embeddings = Embeddings::read(paths, &mut hash)?;
    Ok((embeddings, Some(hex(hash))))
}

/// Some autoencoders (SDXL's) have values beyond the range of f16.
fn of_autoencoder(precision: Precision) -> Precision {
    if precision == Precision::F16 { Precision::F32 } else { precision }
}

fn read_unet(
    files: &ModelFiles,
    loras: &Loras,
    (device, precision): (&Device, Precision),
    hash: &mut Sha256,
) -> Result<UNet, LoadError> {
    const PATH: &str = "unet/config.json";
    let config = UNetConfig::parse(files.text(PATH)?.as_bytes())
        .map_err(|source| LoadError::Config { path: files.describe(PATH), source })?;
    let checkpoint = Checkpoint::read(files, "unet", hash)?;
    let source = loras.onto(Network::UNet, &checkpoint, &checkpoint.names())?;
    let net = UNet::load(&Params::root(&source, device).with_precision(precision), config);
    let net = net.map_err(|source| checkpoint.load_error(source))?;
    checkpoint.warn_of_unused();
    Ok(net)
}

/// Checks that the parts of a model agree on their sizes, so that nothing fails later.
fn check_fit(files: &ModelFiles, unet: &UNet, text: &TextStack, vae: &Vae) -> Result<(), LoadError> {
    let config = unet.config();
    let what = if config.context_width() != text.width() {
        format!(
            "the U-Net wants text embeddings {} wide, the text encoder makes {}",
            config.context_width(),
            text.width()
        )
    } else if config.channels != vae.config().latent_channels {
        let latent = vae.config().latent_channels;
        format!("the U-Net works on {} channels, the VAE on {latent}", config.channels)
    } else if config.pooled_width() != text.pooled_width() {
        "the U-Net and the text encoders do not agree on a pooled text embedding".to_owned()
    } else {
        return Ok(());
    };
    Err(LoadError::Mismatch { path: files.describe("unet/config.json"), what })
}

//! What a model's config files say, without reading a weight.
//!
//! Separate from loading, because comparing two models must not take as long.

use super::{LoadError, ModelFiles, autoencoder};
use crate::{
    nets::{ClipConfig, UNetConfig},
    recipe::ModelRef,
    sampling::ScheduleConfig,
};

/// Of a complete model.
pub(super) const INDEX: &str = "model_index.json";

/// What a model's config files say, without reading a weight.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Channels of the latents.
    pub channels: usize,
    /// Side of the latents that the U-Net was trained on, where the config says it.
    pub sample_size: Option<usize>,
    /// Width of the text embedding that the U-Net attends to.
    pub context_width: usize,
    /// Absent for a folder with nothing but a U-Net, which shares the general model's.
    pub rest: Option<Rest>,
}

/// The parts beside a U-Net.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Picture side / latent side.
    pub factor: usize,
    pub scheduler: ScheduleConfig,
    /// Of each text encoder: width of its embeddings, number of layers.
    pub text: Vec<[usize; 2]>,
}

impl Outline {
    /// Reads the config files of `model`, and checks that its U-Net's weights are there in a readable format.
    ///
    /// # Errors
    /// As [`super::load`], as far as config files and file names tell.
    pub fn read(model: &ModelRef) -> Result<Self, LoadError> {
        let files = ModelFiles::open(model)?;
        if !files.has("unet/config.json") {
            return Err(LoadError::NoModel { path: files.describe("") });
        }
        files.weight_files("unet")?;
        let config = |path: &str, source| LoadError::Config { path: files.describe(path), source };
        let read = |path: &str| files.text(path).map(String::into_bytes);
        let unet = "unet/config.json";
        let unet = UNetConfig::parse(&read(unet)?).map_err(|e| config(unet, e))?;
        let rest = if is_expert_part(&files) {
            None
        } else {
            let mut text = Vec::new();
            for path in ["text_encoder/config.json", "text_encoder_2/config.json"] {
                if path.starts_with("text_encoder/") || files.has(path) {
                    let clip = ClipConfig::parse(&read(path)?).map_err(|e| config(path, e))?;
                    text.push([clip.width, clip.layers]);
                }
            }
            Some(Rest { factor: autoencoder::factor(&files)?, scheduler: read_schedule(&files)?, text })
        };
        let (channels, sample_size) = (unet.channels, unet.sample_size);
        Ok(Self { channels, sample_size, context_width: unet.context_width(), rest })
    }
}

impl Rest {
    /// Width of the text embeddings, all encoders concatenated.
    pub fn text_width(&self) -> usize {
        self.text.iter().map(|[width, _]| width).sum()
    }
}

/// Whether there is a U-Net and nothing else.
pub(super) fn is_expert_part(files: &ModelFiles) -> bool {
    !files.has(INDEX) && !files.has("text_encoder/config.json") && files.has("unet/config.json")
}

pub(super) fn read_schedule(files: &ModelFiles) -> Result<ScheduleConfig, LoadError> {
    const PATH: &str = "scheduler/scheduler_config.json";
    ScheduleConfig::from_json(&files.json(PATH)?)
        .map_err(|source| LoadError::Schedule { path: files.describe(PATH), source })
}

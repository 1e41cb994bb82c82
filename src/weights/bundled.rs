//! The models inside the program; `assets/README.md` says where they come from.
//!
//! Separate from the readers, because `include_bytes!` makes this file as large as the models.

/// A model's files as `(path in its folder, content)`.
macro_rules! bundle {
    ($folder:literal: $($file:literal),+ $(,)?) => {
        &[$(($file, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/", $folder, "/", $file)).as_slice()),)+]
    };
}

/// Pocket: a complete model.
pub(super) const POCKET: &[(&str, &[u8])] = bundle!("pocket":
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
    "learned_words.txt",
);

/// Pocket Toon: a U-Net alone, for use beside [`POCKET`].
pub(super) const POCKET_TOON: &[(&str, &[u8])] = bundle!("pocket-toon":
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "learned_words.txt",
);

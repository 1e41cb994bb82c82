//! Model folders: variants of file names, and broken folders, each with one sentence that says what is wrong.
//!
//! Separate from single-file checkpoints and LoRAs, which have files of their own.

mod common;

use std::{collections::HashMap, fs, path::PathBuf};

use burn::tensor::Device;
use safetensors::{SafeTensors, serialize, tensor::TensorView};
use sextant::{
    nets::TapRequest,
    recipe::ModelRef,
    tensor::Latents,
    weights::{LoadError, LoadedModel, load},
};

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// A copy of the tiny model that a test may break.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let target = tempfile::tempdir().expect("folder");
        common::copy_folder(&common::model("tiny-sd15"), target.path());
        Self(target)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn load(&self) -> Result<LoadedModel, LoadError> {
        load(&ModelRef::Folder(self.0.path().to_owned()), &Device::flex())
    }

    /// The error of loading it, as text.
    fn load_error(&self) -> String {
        self.load().err().expect("a broken model must not load").to_string()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).expect(file);
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(self.path(file), text.replace(from, to)).expect(file);
    }

    /// Writes the tensors of `file` that `keep` selects to `target`.
    fn copy_tensors(&self, file: &str, target: &str, keep: impl Fn(&str) -> bool) {
        let bytes = fs::read(self.path(file)).expect(file);
        let all = SafeTensors::deserialize(&bytes).expect(file);
        let kept: Vec<(&str, TensorView)> = all.iter().filter(|(name, _)| keep(name)).collect();
        let bytes = serialize(kept, None).expect("tensors");
        fs::write(self.path(target), bytes).expect(target);
    }
}

/// Asserts that `message` is one line with all of `parts`.
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "\"{message}\" does not say \"{part}\"");
    }
    assert!(!message.contains('\n'), "one sentence: {message}");
}

#[test]
fn a_truncated_file() {
    for keep in [0, 7, 100, 100_000] {
        let copy = Copy::new();
        let bytes = fs::read(copy.path(UNET)).expect("weights");
        fs::write(copy.path(UNET), &bytes[..keep]).expect("weights");
        assert_says(&copy.load_error(), &[UNET, "damaged or cut short"]);
    }
}

#[test]
fn a_header_length_beyond_the_file() {
    let copy = Copy::new();
    let mut bytes = fs::read(copy.path(UNET)).expect("weights");
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    fs::write(copy.path(UNET), bytes).expect("weights");
    assert_says(&copy.load_error(), &[UNET, "damaged"]);
}

#[test]
fn a_missing_tensor() {
    let copy = Copy::new();
    copy.copy_tensors(UNET, UNET, |name| name != "mid_block.resnets.1.conv2.bias");
    assert_says(&copy.load_error(), &[UNET, "\"mid_block.resnets.1.conv2.bias\" is missing"]);
}

#[test]
fn a_tensor_of_another_shape() {
    let copy = Copy::new();
    copy.edit("vae/config.json", "\"latent_channels\": 4", "\"latent_channels\": 8");
    assert_says(
        &copy.load_error(),
        &["vae/diffusion_pytorch_model.safetensors", "encoder.conv_out.weight", "shape [8,"],
    );
}

#[test]
fn missing_folders_and_files() {
    let nowhere = load(&ModelRef::Folder("/nowhere/model".into()), &Device::flex()).err().expect("nothing");
    assert_says(&nowhere.to_string(), &["/nowhere/model", "there is no model"]);
    for file in ["vae/config.json", UNET, "tokenizer/tokenizer_config.json", "scheduler/scheduler_config.json"] {
        let copy = Copy::new();
        fs::remove_file(copy.path(file)).expect(file);
        assert_says(&copy.load_error(), &[file, "is missing"]);
    }
    let copy = Copy::new();
    fs::remove_file(copy.path("model_index.json")).expect("index");
    assert_says(&copy.load_error(), &["there is no model", "model_index.json"]);
}

#[test]
fn invalid_json() {
    for file in ["unet/config.json", "vae/config.json", "text_encoder/config.json", "model_index.json"] {
        let copy = Copy::new();
        fs::write(copy.path(file), "{ \"in_channels\": ").expect(file);
        assert_says(&copy.load_error(), &[file, "JSON"]);
    }
}

#[test]
fn settings_of_networks_that_are_not_implemented() {
    for (from, to, says) in [
        ("\"DownBlock2D\"", "\"AttnDownBlock2D\"", "AttnDownBlock2D"),
        ("\"class_embed_type\": null", "\"class_embed_type\": \"timestep\"", "class_embed_type"),
        ("\"norm_num_groups\": 16", "\"norm_num_groups\": 0", "norm_num_groups"),
        ("\"norm_num_groups\": 16", "\"norm_num_groups\": 13", "norm_num_groups"),
        ("\"attention_head_dim\": 2", "\"attention_head_dim\": 7", "attention_head_dim"),
        ("\"in_channels\": 4", "\"in_channels\": 9", "in_channels"),
    ] {
        let copy = Copy::new();
        copy.edit("unet/config.json", from, to);
        assert_says(&copy.load_error(), &["unet/config.json", says]);
    }
    let copy = Copy::new();
    copy.edit("model_index.json", "\"StableDiffusionPipeline\"", "\"FluxPipeline\"");
    assert_says(&copy.load_error(), &["model_index.json", "FluxPipeline"]);
}

#[test]
fn pickles_are_refused() {
    let copy = Copy::new();
    fs::rename(copy.path(UNET), copy.path("unet/diffusion_pytorch_model.bin")).expect("rename");
    assert_says(&copy.load_error(), &["diffusion_pytorch_model.bin", "pickle", "any program"]);
    let file = copy.path("model.ckpt");
    fs::write(&file, "x").expect("file");
    let error = load(&ModelRef::Folder(file), &Device::flex()).err().expect("no folder");
    assert_says(&error.to_string(), &["model.ckpt", "pickle"]);
}

#[test]
fn other_file_names_give_the_same_model() {
    let copy = Copy::new();
    let plain = copy.load().expect("model");
    let text = "A Portrait of an OLD man, wearing glasses!!  (soft   light) it's 35mm, naïve 猫 <|endoftext|> x";
    let ids = |model: &LoadedModel| model.text.tokenize(text).expect("ids");
    let expected = ids(&plain);

    fs::remove_file(copy.path("tokenizer/tokenizer.json")).expect("tokenizer");
    fs::rename(copy.path(UNET), copy.path("unet/diffusion_pytorch_model.fp16.safetensors")).expect("rename");
    assert_eq!(ids(&copy.load().expect("fp16 names, vocab.json")), expected);

    let whole = "unet/diffusion_pytorch_model.fp16.safetensors";
    let shards = ["a.safetensors", "b.safetensors"];
    copy.copy_tensors(whole, "unet/a.safetensors", |name| name.starts_with("down_blocks"));
    copy.copy_tensors(whole, "unet/b.safetensors", |name| !name.starts_with("down_blocks"));
    let map: HashMap<&str, &str> = [("conv_in.weight", shards[1]), ("down_blocks.0.x", shards[0])].into();
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(copy.path("unet/diffusion_pytorch_model.safetensors.index.json"), index).expect("index");
    fs::remove_file(copy.path(whole)).expect("whole");
    let sharded = copy.load().expect("shards");
    let latents = Latents::new(4, 16, 16, vec![0.5; 4 * 16 * 16]);
    let predict = |model: &LoadedModel| {
        let text = model.encode("a cat").expect("encoding");
        model.unet.predict(&latents, 500.0, &text, &TapRequest::none(), &|| true).expect("prediction").output
    };
    assert_eq!(predict(&sharded), predict(&plain));
}

#[test]
fn a_shard_outside_the_folder_is_refused() {
    let copy = Copy::new();
    fs::remove_file(copy.path(UNET)).expect("weights");
    let index = r#"{ "weight_map": { "conv_in.weight": "../vae/diffusion_pytorch_model.safetensors" } }"#;
    fs::write(copy.path("unet/diffusion_pytorch_model.safetensors.index.json"), index).expect("index");
    assert_says(&copy.load_error(), &["index.json", "weight_map"]);
}

#[test]
fn folders_of_sibling_pipelines_open() {
    for class in ["SemanticStableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "LatentConsistencyModelPipeline"]
    {
        let copy = Copy::new();
        copy.edit("model_index.json", "\"StableDiffusionPipeline\"", &format!("\"{class}\""));
        assert!(copy.load().is_ok(), "{class}");
    }
}

#[test]
fn variants_of_weight_files_open() {
    for variant in ["fp16", "bf16", "fp32", "ema", "non_ema"] {
        let copy = Copy::new();
        let name = format!("unet/diffusion_pytorch_model.{variant}.safetensors");
        fs::rename(copy.path(UNET), copy.path(&name)).expect("rename");
        assert!(copy.load().is_ok(), "{variant}");
        // As shards with an index, under both names of the index that are in use.
        copy.copy_tensors(&name, "unet/a.safetensors", |name| name.starts_with("down_blocks"));
        copy.copy_tensors(&name, "unet/b.safetensors", |name| !name.starts_with("down_blocks"));
        fs::remove_file(copy.path(&name)).expect("whole");
        let index = r#"{ "weight_map": { "a": "a.safetensors", "b": "b.safetensors" } }"#;
        for index_name in [format!("index.{variant}.json"), format!("{variant}.index")] {
            let file = match index_name.strip_suffix(".index") {
                Some(variant) => format!("unet/diffusion_pytorch_model.{variant}.safetensors.index.json"),
                None => format!("unet/diffusion_pytorch_model.safetensors.{index_name}"),
            };
            fs::write(copy.path(&file), index).expect("index");
            assert!(copy.load().is_ok(), "{file}");
            fs::remove_file(copy.path(&file)).expect("index");
        }
    }
}

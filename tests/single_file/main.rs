//! Single-file checkpoints: they give the same picture, bit for bit, as the diffusers folder with the same weights.
//!
//! Separate from other model files, because the checkpoints are made here, from the tiny models, under LDM's names.

mod alone;
#[path = "../common/mod.rs"]
mod common;
mod ldm;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde_json::{Value, json};
use sextant::{
    recipe::ModelRef,
    sampling::PredictionType,
    weights::{LoadError, LoadedModel, load},
};
use tempfile::TempDir;

use crate::ldm::{unet_name, vae_name};

type Tensor = (Dtype, Vec<usize>, Vec<u8>);
type Tensors = BTreeMap<String, Tensor>;

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";
const VAE: &str = "vae/diffusion_pytorch_model.safetensors";
const TEXT: &str = "text_encoder/model.safetensors";

fn read(path: &Path) -> Tensors {
    let bytes = fs::read(path).expect("weights");
    let parsed = SafeTensors::deserialize(&bytes).expect("weights");
    let tensors = parsed.iter();
    tensors.map(|(name, t)| (name.to_owned(), (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect()
}

fn write(path: &Path, tensors: &Tensors, metadata: &[(&str, &str)]) {
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).expect("a tensor"))
    });
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    fs::write(path, serialize(views, Some(metadata)).expect("weights")).expect("a file");
}

/// A temporary folder with a copy of a tiny model, whose config files a test may change, and with checkpoints beside it.
struct TestFiles {
    folder: TempDir,
    /// Whether the text encoder is OpenCLIP's, as in the second generation.
    open_clip: bool,
}

impl TestFiles {
    fn new(model: &str, open_clip: bool) -> Self {
        let folder = TempDir::new().expect("a folder");
        common::copy_folder(&common::model(model), &folder.path().join("model"));
        let files = Self { folder, open_clip };
        // The reader assumes heads of 64 channels, as in every published encoder.
        files.edit("text_encoder/config.json", &[("num_attention_heads", json!(1))]);
        if open_clip {
            files.edit("text_encoder/config.json", &[("hidden_act", json!("gelu"))]);
            files.edit("tokenizer/tokenizer_config.json", &[("pad_token", json!("!"))]);
            files.edit("scheduler/scheduler_config.json", &[("prediction_type", json!("v_prediction"))]);
        }
        common::copy_folder(&files.model().join("tokenizer"), &files.at("tokenizer"));
        fs::remove_file(files.at("tokenizer/tokenizer_config.json")).expect("the tokenizer's settings");
        files
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The diffusers folder.
    fn model(&self) -> PathBuf {
        self.at("model")
    }

    fn edit(&self, file: &str, settings: &[(&str, Value)]) {
        let path = self.model().join(file);
        let mut config: Value = serde_json::from_slice(&fs::read(&path).expect(file)).expect(file);
        settings.iter().for_each(|(key, value)| config[*key] = value.clone());
        fs::write(path, config.to_string()).expect(file);
    }

    fn setting(&self, file: &str, key: &str) -> Value {
        let config: Value = serde_json::from_slice(&fs::read(self.model().join(file)).expect(file)).expect(file);
        config[key].clone()
    }

    /// All weights under LDM's names.
    fn ldm(&self) -> Tensors {
        let mut all = self.ldm_unet();
        all.extend(self.ldm_vae());
        all.extend(if self.open_clip { self.open_clip() } else { self.clip() });
        // Tensors of the trainer, which no network needs.
        all.insert("model_ema.decay".into(), (Dtype::F32, vec![], vec![0; 4]));
        all.insert("betas".into(), (Dtype::F32, vec![2], vec![0; 8]));
        all
    }

    fn ldm_unet(&self) -> Tensors {
        let layers = self.setting("unet/config.json", "layers_per_block").as_u64().expect("layers") as usize;
        let types = self.setting("unet/config.json", "up_block_types");
        let attends: Vec<bool> = types
            .as_array()
            .expect("types")
            .iter()
            .map(|t| t.as_str().expect("a type").contains("CrossAttn"))
            .collect();
        let name = |name: &str| format!("model.diffusion_model.{}", unet_name(name, layers, &attends));
        read(&self.model().join(UNET)).into_iter().map(|(old, tensor)| (name(&old), tensor)).collect()
    }

    fn ldm_vae(&self) -> Tensors {
        let levels = self.setting("vae/config.json", "block_out_channels").as_array().expect("channels").len();
        let part = |(old, (dtype, mut shape, data)): (String, Tensor)| {
            // LDM's attention has 1x1 convolutions.
            if old.contains("attentions") && shape.len() == 2 {
                shape.extend([1, 1]);
            }
            (format!("first_stage_model.{}", vae_name(&old, levels)), (dtype, shape, data))
        };
        read(&self.model().join(VAE)).into_iter().map(part).collect()
    }

    fn clip(&self) -> Tensors {
        let name = |old: &str| format!("cond_stage_model.transformer.{old}");
        read(&self.model().join(TEXT)).into_iter().map(|(old, tensor)| (name(&old), tensor)).collect()
    }

    /// OpenCLIP's layers: query, key and value as one matrix, and one more layer, which Stable Diffusion does not use.
    fn open_clip(&self) -> Tensors {
        let old = read(&self.model().join(TEXT));
        let get = |name: String| old.get(&format!("text_model.{name}")).cloned().unwrap_or_else(|| panic!("{name}"));
        let mut new = Tensors::new();
        let mut put = |name: String, tensor: Tensor| new.insert(format!("cond_stage_model.model.{name}"), tensor);
        put("token_embedding.weight".into(), get("embeddings.token_embedding.weight".into()));
        put("positional_embedding".into(), get("embeddings.position_embedding.weight".into()));
        let count = self.setting("text_encoder/config.json", "num_hidden_layers").as_u64().expect("layers") as usize;
        for kind in ["weight", "bias"] {
            put(format!("ln_final.{kind}"), get(format!("final_layer_norm.{kind}")));
            for index in 0..=count {
                let from = format!("encoder.layers.{}", index % count);
                let to = format!("transformer.resblocks.{index}");
                for (theirs, ours) in [
                    ("ln_1", "layer_norm1"),
                    ("ln_2", "layer_norm2"),
                    ("attn.out_proj", "self_attn.out_proj"),
                    ("mlp.c_fc", "mlp.fc1"),
                    ("mlp.c_proj", "mlp.fc2"),
                ] {
                    put(format!("{to}.{theirs}.{kind}"), get(format!("{from}.{ours}.{kind}")));
                }
                let parts = ["q", "k", "v"].map(|part| get(format!("{from}.self_attn.{part}_proj.{kind}")));
                let (dtype, mut shape, _) = parts[0].clone();
                shape[0] *= 3;
                put(format!("{to}.attn.in_proj_{kind}"), (dtype, shape, parts.map(|(_, _, data)| data).concat()));
            }
        }
        put("logit_scale".into(), (Dtype::F32, vec![], vec![0; 4]));
        new
    }
}

/// The trace of a render by the binary.
fn render(model: &Path, more: &[&str]) -> Tensors {
    let out = TempDir::new().expect("a folder");
    let trace = out.path().join("trace.safetensors");
    let output = Command::new(env!("CARGO_BIN_EXE_sextant"))
        .args(["render", "--device", "cpu", "--prompt", "a red car on a beach!", "--negative", "dog", "--seed", "3"])
        .args(["--steps", "3", "--height", "64", "--model"])
        .arg(model)
        .args(if more.contains(&"--width") { &[][..] } else { &["--width", "128"] })
        .args(more)
        .arg("--trace")
        .arg(&trace)
        .arg("--out")
        .arg(out.path().join("a.png"))
        .output()
        .expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    read(&trace)
}

fn assert_same(folder: &Path, file: &Path, more: &[&str]) {
    let (want, got) = (render(folder, more), render(file, more));
    assert!(want.len() > 20 && want.contains_key("final.image"));
    let differs: Vec<&String> = want.keys().filter(|name| got.get(*name) != want.get(*name)).collect();
    assert!(differs.is_empty() && got.len() == want.len(), "{differs:?}");
}

fn opened(path: &Path) -> Result<LoadedModel, LoadError> {
    load(&ModelRef::Folder(path.to_owned()), &Device::flex())
}

#[test]
fn the_first_generation_gives_the_same_picture() {
    let files = TestFiles::new("tiny-sd15", false);
    let file = files.at("tiny.safetensors");
    write(&file, &files.ldm(), &[]);
    // Eight heads at every level, as all published models have.
    files.edit("unet/config.json", &[("attention_head_dim", json!(8))]);
    assert_same(&files.model(), &file, &[]);
    // The `.yaml` of the training may give another number of heads.
    let yaml = "model:\n  params:\n    linear_start: 0.00085 # as ever\n    linear_end: 0.0120\n    scale_factor: 0.18215\n    \
                unet_config:\n      params:\n        num_heads: 2\n";
    fs::write(files.at("tiny.yaml"), yaml).expect("a file");
    files.edit("unet/config.json", &[("attention_head_dim", json!(2))]);
    assert_same(&files.model(), &file, &[]);
    let hash = opened(&file).expect("a model").content_hash;
    assert_eq!(hash, sha256(&file), "the SHA-256 of the file, as other tools compute it");
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(fs::read(path).expect("a file")).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_second_generation_gives_the_same_picture() {
    for model in ["tiny-sd15", "tiny-sd21v"] {
        let files = TestFiles::new(model, true);
        let file = files.at("tiny.safetensors");
        write(&file, &files.ldm(), &[]);
        fs::write(files.at("tiny.yaml"), "  parameterization: \"v\"\n  num_head_channels: 16\n").expect("a file");
        let channels = files.setting("unet/config.json", "block_out_channels");
        let heads: Vec<u64> =
            channels.as_array().expect("channels").iter().map(|c| c.as_u64().unwrap_or(0) / 16).collect();
        files.edit("unet/config.json", &[("attention_head_dim", json!(heads))]);
        assert_same(&files.model(), &file, &[]);
    }
}

#[test]
fn a_u_net_alone_is_an_expert() {
    let files = TestFiles::new("tiny-sd15", false);
    let file = files.at("expert.safetensors");
    write(&file, &files.ldm_unet(), &[]);
    files.edit("unet/config.json", &[("attention_head_dim", json!(8))]);
    let folder = files.at("expert");
    common::copy_folder(&files.model().join("unet"), &folder.join("unet"));
    let general = common::model("tiny-sd15");
    let with = |expert: &Path| {
        let expert = expert.display().to_string();
        render(&general, &["--expert", &expert, "--fusion", "t0=0; kg=1; ke=1; mode=2"])
    };
    assert_eq!(with(&file), with(&folder));
    let alone = opened(&file).err().expect("no complete model").to_string();
    assert!(alone.contains("expert.safetensors holds only a U-Net"), "{alone}");
}

#[test]
fn the_prediction_type_is_read_from_yaml_file_or_name() {
    use PredictionType::{Epsilon, VPrediction};
    let files = TestFiles::new("tiny-sd15", true);
    let plain = files.ldm();
    let mut marked = plain.clone();
    marked.insert("v_pred".into(), (Dtype::F32, vec![1], vec![0; 4]));
    let noted = [("modelspec.prediction_type", "epsilon")];
    for (name, tensors, metadata, yaml, want) in [
        ("v2-1_768-ema-pruned", &plain, &[][..], None, VPrediction),
        ("v2-1_512-ema-pruned", &plain, &[], None, Epsilon),
        ("512-base-ema", &plain, &[], None, Epsilon),
        ("my-vpred-mix", &plain, &[], None, VPrediction),
        ("a", &marked, &[], None, VPrediction),
        ("b-768", &plain, &noted, None, Epsilon),
        ("c-768", &plain, &[], Some("    linear_start: 0.00085"), Epsilon),
        ("d-512", &plain, &noted, Some("parameterization: 'v' # as trained"), VPrediction),
    ] {
        let file = files.at(&format!("{name}.safetensors"));
        write(&file, tensors, metadata);
        if let Some(yaml) = yaml {
            fs::write(files.at(&format!("{name}.yaml")), format!("num_head_channels: 16\n{yaml}\n")).expect("a file");
        } else {
            fs::write(files.at(&format!("{name}.yaml")), "num_head_channels: 16\n").expect("a file");
        }
        let model = opened(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(model.scheduler.prediction_type, want, "{name}");
    }
    let file = files.at("unmarked.safetensors");
    write(&file, &plain, &[]);
    let said = opened(&file).err().expect("no hint").to_string();
    assert!(said.contains("unmarked.safetensors does not say whether it predicts noise or velocity"), "{said}");
}

/// Asserts that a changed copy of the tiny checkpoint is refused in one sentence with all of `words`.
fn assert_refused(files: &TestFiles, change: impl FnOnce(&mut Tensors), words: &[&str]) {
    let mut tensors = files.ldm();
    change(&mut tensors);
    let file = files.at("broken.safetensors");
    write(&file, &tensors, &[]);
    let said = opened(&file).err().expect("a broken file must not open").to_string();
    assert!(words.iter().all(|word| said.contains(word)) && said.contains("broken.safetensors"), "{said}");
    assert!(!said.contains('\n') && !said.contains("config.json"), "{said}");
}

#[test]
fn broken_checkpoints_are_refused_in_one_sentence() {
    let files = TestFiles::new("tiny-sd15", false);
    let without = |name: &'static str| {
        assert_refused(&files, |t| assert!(t.remove(name).is_some(), "{name}"), &["lacks the tensor", name]);
    };
    without("model.diffusion_model.input_blocks.0.0.weight");
    without("model.diffusion_model.middle_block.0.out_layers.3.weight");
    without("model.diffusion_model.output_blocks.5.2.conv.bias");
    without("model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight");
    without("first_stage_model.decoder.mid.attn_1.q.weight");
    without("first_stage_model.encoder.down.2.block.0.conv1.bias");
    without("cond_stage_model.transformer.text_model.encoder.layers.1.self_attn.k_proj.bias");
    let shape = |name: &'static str| {
        let change = |t: &mut Tensors| {
            let (_, shape, _) = t.get_mut(name).expect(name);
            shape.insert(0, 1);
        };
        assert_refused(&files, change, &[name, "has shape [1, "]);
    };
    shape("model.diffusion_model.middle_block.1.norm.weight");
    shape("first_stage_model.decoder.up.1.upsample.conv.weight");
    let drop = |prefix: &'static str, word: &str| {
        assert_refused(&files, |t| t.retain(|name, _| !name.starts_with(prefix)), &[word]);
    };
    drop("first_stage_model", "has no autoencoder");
    drop("cond_stage_model", "has no text encoder");
    drop("model.diffusion_model", "is an autoencoder");
}

#[test]
fn other_kinds_of_files_are_named() {
    let files = TestFiles::new("tiny-sd15", false);
    let one = |name: &str| Tensors::from([(name.to_owned(), (Dtype::F32, vec![1], vec![0; 4]))]);
    for (name, word) in [
        ("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", "is a LoRA"),
        ("conditioner.embedders.0.transformer.x", "Stable Diffusion XL"),
        ("double_blocks.0.img_attn.proj.weight", "another family"),
        ("down_blocks.0.resnets.0.conv1.weight", "a diffusers network without its folder"),
        ("weights", "not a Stable Diffusion checkpoint"),
    ] {
        assert_refused(&files, |t| *t = one(name), &[word]);
    }
    for (name, bytes, word) in [
        ("a.safetensors", &b"PK\x03\x04\0\0\0\0 archive/data.pkl"[..], "pickle"),
        ("b.safetensors", b"\x80\x02}q\x00", "pickle"),
        ("c.safetensors", b"", "damaged or cut short"),
        ("d.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff{}", "damaged or cut short"),
        ("e.safetensors", b"\x40\0\0\0\0\0\0\0{}", "damaged or cut short"),
        ("f.safetensors", b"\x02\0\0\0\0\0\0\0{]", "damaged or cut short"),
        ("g.safetensors", b"\x02\0\0\0\0\0\0\0{} and more", "damaged or cut short"),
        ("h.ckpt", b"anything", "pickle"),
    ] {
        fs::write(files.at(name), bytes).expect("a file");
        let said = opened(&files.at(name)).err().expect("no model").to_string();
        assert!(said.contains(name) && said.contains(word) && !said.contains('\n'), "{said}");
    }
    // Cut short in the weights, and without a tokenizer beside it.
    let file = files.at("whole.safetensors");
    write(&file, &files.ldm(), &[]);
    let bytes = fs::read(&file).expect("a file");
    fs::write(files.at("cut.safetensors"), &bytes[..bytes.len() - 9]).expect("a file");
    let said = opened(&files.at("cut.safetensors")).err().expect("no model").to_string();
    assert!(said.contains("damaged or cut short"), "{said}");
    fs::remove_dir_all(files.at("tokenizer")).expect("a folder");
    let said = opened(&file).err().expect("no tokenizer").to_string();
    assert!(said.contains("there is no tokenizer beside") && said.contains("vocab.json and merges.txt"), "{said}");
    for name in ["vocab.json", "merges.txt"] {
        fs::copy(files.model().join("tokenizer").join(name), files.at(name)).expect("a copy");
    }
    assert!(opened(&file).is_ok(), "the vocabulary may be directly beside it");
}

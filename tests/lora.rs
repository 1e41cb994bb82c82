//! LoRA files: they add the product of their matrices to the weights, under every naming scheme; files that do not fit are
//! refused.
//!
//! Separate from other model files, because the LoRAs are made here, for the tiny model.

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use half::f16;
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use sextant::{
    engine::cost::edit_cost,
    nets::{Precision, TapRequest},
    recipe::{Lora, ModelRef, Recipe},
    tensor::Latents,
    weights::{LoadError, LoadedModel, changed_weight, load, load_changed, load_expert},
};
use tempfile::TempDir;

type Tensor = (Vec<usize>, Vec<f32>);
type Tensors = BTreeMap<String, Tensor>;

const UNET: &str = "unet/diffusion_pytorch_model.safetensors";
const TEXT: &str = "text_encoder/model.safetensors";

/// The modules that the LoRA updates: file, name, rank and alpha. One is a 3x3 convolution, one may be a 1x1 convolution.
const UPDATED: [(&str, &str, usize, Option<f32>); 5] = [
    (UNET, "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", 4, Some(2.0)),
    (UNET, "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0", 2, None),
    (UNET, "up_blocks.1.attentions.0.proj_in", 3, Some(3.0)),
    (UNET, "down_blocks.1.resnets.0.conv1", 2, Some(1.0)),
    (TEXT, "text_model.encoder.layers.1.self_attn.q_proj", 4, Some(8.0)),
];

fn read(path: &Path) -> Tensors {
    let bytes = fs::read(path).expect("weights");
    let parsed = SafeTensors::deserialize(&bytes).expect("weights");
    let floats = |tensor: &TensorView<'_>| -> Vec<f32> {
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four"))).collect(),
            Dtype::F16 => data.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            other => panic!("the tiny model has no {other:?}"),
        }
    };
    parsed.iter().map(|(name, t)| (name.to_owned(), (t.shape().to_vec(), floats(&t)))).collect()
}

fn write(path: &Path, tensors: &Tensors) {
    let bytes: BTreeMap<&str, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name.as_str(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), &bytes[name.as_str()]).expect("a tensor"))
    });
    fs::write(path, serialize(views, None).expect("weights")).expect("a file");
}

/// Pseudo-random values, small enough for the network's outputs to stay finite.
fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 5000.0 - 0.1).collect()
}

/// The matrices `down` and `up` for a weight of `shape`, in the shapes that they have in files.
fn matrices(shape: &[usize], rank: usize, seed: usize) -> [Tensor; 2] {
    let inputs: usize = shape[1..].iter().product();
    let mut down = vec![rank, shape[1]];
    let mut up = vec![shape[0], rank];
    if shape.len() == 4 {
        down.extend(&shape[2..]);
        up.extend([1, 1]);
    }
    [(down, values(rank * inputs, seed)), (up, values(shape[0] * rank, seed + 1))]
}

/// Tensor names of `down`, `up` and alpha for a module, of the text encoder where the flag is set.
type Naming = fn(&str, bool) -> [String; 3];

fn kohya(module: &str, text: bool) -> [String; 3] {
    let prefix = format!("lora_{}_{}", if text { "te" } else { "unet" }, module.replace('.', "_"));
    [".lora_down.weight", ".lora_up.weight", ".alpha"].map(|end| format!("{prefix}{end}"))
}

fn peft(module: &str, text: bool) -> [String; 3] {
    let prefix = format!("{}.{module}", if text { "text_encoder" } else { "unet" });
    [".lora_A.weight", ".lora_B.weight", ".alpha"].map(|end| format!("{prefix}{end}"))
}

/// A temporary folder for LoRAs and models.
struct TestFiles(TempDir);

impl TestFiles {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn lora(&self, name: &str, tensors: &Tensors, weight: f32) -> Lora {
        let path = self.at(name);
        write(&path, tensors);
        Lora { path, weight }
    }

    /// A copy of the tiny model with the LoRA merged into its weights, computed in f64.
    fn merged_model(&self, weight: f32) -> PathBuf {
        let model = self.at("merged");
        common::copy_folder(&common::model("tiny-sd15"), &model);
        for (seed, (file, module, rank, alpha)) in UPDATED.into_iter().enumerate() {
            let mut tensors = read(&model.join(file));
            let (shape, weights) = tensors.get_mut(&format!("{module}.weight")).expect(module);
            let [(_, down), (_, up)] = matrices(shape, rank, seed);
            let inputs = weights.len() / shape[0];
            let scale = f64::from(weight) * f64::from(alpha.unwrap_or(rank as f32)) / rank as f64;
            for (i, value) in weights.iter_mut().enumerate() {
                let (row, column) = (i / inputs, i % inputs);
                let product = |r: usize| f64::from(up[row * rank + r]) * f64::from(down[r * inputs + column]);
                *value = (f64::from(*value) + scale * (0..rank).map(product).sum::<f64>()) as f32;
            }
            write(&model.join(file), &tensors);
        }
        model
    }
}

/// The LoRA for all of [`UPDATED`].
fn tensors(naming: Naming) -> Tensors {
    let model = common::model("tiny-sd15");
    let files = [UNET, TEXT].map(|file| (file, read(&model.join(file))));
    let mut all = Tensors::new();
    for (seed, (file, module, rank, alpha)) in UPDATED.into_iter().enumerate() {
        let weights = &files.iter().find(|(name, _)| *name == file).expect(file).1;
        let [down, up] = matrices(&weights[&format!("{module}.weight")].0, rank, seed);
        let [down_name, up_name, alpha_name] = naming(module, file == TEXT);
        all.extend([(down_name, down), (up_name, up)]);
        all.extend(alpha.map(|alpha| (alpha_name, (vec![], vec![alpha]))));
    }
    all
}

fn tiny() -> ModelRef {
    ModelRef::Folder(common::model("tiny-sd15"))
}

fn opened(loras: &[Lora]) -> Result<LoadedModel, LoadError> {
    load_changed(&tiny(), loras, &Device::flex(), Precision::F32)
}

/// The U-Net's output for one input, through the text encoder.
fn predicted(model: &LoadedModel) -> Vec<f32> {
    let latents = Latents::new(4, 16, 16, values(4 * 16 * 16, 5));
    let text = model.encode("a cat").expect("encoding");
    let output = model.unet.predict(&latents, 500.0, &text, &TapRequest::none(), &|| true).expect("prediction").output;
    output.values
}

#[test]
fn a_lora_equals_its_merge_into_the_weights() {
    let files = TestFiles::new();
    let plain = predicted(&load(&tiny(), &Device::flex()).expect("a model"));
    let merged = files.merged_model(0.7);
    let want = predicted(&load(&ModelRef::Folder(merged), &Device::flex()).expect("a model"));
    assert!(
        common::relative_l2(&plain, &want) > 1e-2,
        "the LoRA changes the output: {}",
        common::relative_l2(&plain, &want)
    );
    for (name, naming) in [("kohya", kohya as Naming), ("peft", peft)] {
        let lora = files.lora(&format!("{name}.safetensors"), &tensors(naming), 0.7);
        let got = predicted(&opened(&[lora]).expect(name));
        let apart = common::relative_l2(&got, &want);
        assert!(apart < 1e-5, "{name}: {apart}");
    }
    // Half the weight twice equals the whole; weight 0 changes nothing.
    let [half, none] = [0.35, 0.0].map(|weight| files.lora("half.safetensors", &tensors(peft), weight));
    let got = predicted(&opened(&[half.clone(), half]).expect("twice"));
    assert!(common::relative_l2(&got, &want) < 1e-5);
    assert_eq!(predicted(&opened(&[none]).expect("none")), plain);
}

#[test]
fn loras_are_part_of_a_models_hash_and_of_the_recipe() {
    let files = TestFiles::new();
    let lora = |weight| files.lora("a.safetensors", &tensors(kohya), weight);
    let plain = load(&tiny(), &Device::flex()).expect("a model");
    let [half, whole] = [0.5, 1.0].map(|weight| opened(&[lora(weight)]).expect("a model"));
    let hashes = [&plain.content_hash, &half.content_hash, &whole.content_hash];
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2] && hashes[0] != hashes[2]);
    // A U-Net alone uses the general model's text encoder, with its LoRAs.
    let part = files.at("part");
    common::copy_folder(&common::model("tiny-sd15").join("unet"), &part.join("unet"));
    let expert = |general| load_expert(&ModelRef::Folder(part.clone()), general, &Device::flex()).expect("a part");
    assert_ne!(expert(&plain).content_hash, expert(&half).content_hash);

    let without = Recipe { model: tiny(), ..Recipe::default() };
    let with = Recipe { loras: vec![lora(0.5)], ..without.clone() };
    let times = [900.0, 500.0, 100.0];
    assert_eq!(edit_cost(Some(&without), &with, &times).first, Some(0));
    let zero = Recipe { loras: vec![lora(0.0)], ..without.clone() };
    assert_eq!(edit_cost(Some(&without), &zero, &times).evaluations, 0);
    let text = ron::to_string(&with).expect("text");
    assert_eq!(ron::from_str::<Recipe>(&text).expect("a recipe"), with);
    assert!(!ron::to_string(&without).expect("text").contains("loras"), "a recipe without LoRAs is written as before");
    let wrong = Recipe { loras: vec![Lora { weight: f32::NAN, ..lora(1.0) }], ..without };
    assert!(wrong.validate().is_err_and(|error| error.to_string().contains("weight of the LoRA a")));
}

#[test]
fn files_that_do_not_fit_are_refused_in_one_sentence() {
    let files = TestFiles::new();
    let one = |name: &str, shape: &[usize]| (name.to_owned(), (shape.to_vec(), values(shape.iter().product(), 1)));
    let pair = |module: &str, down: [usize; 2], up: [usize; 2]| {
        Tensors::from([
            one(&format!("{module}.lora_down.weight"), &down),
            one(&format!("{module}.lora_up.weight"), &up),
        ])
    };
    let to_q = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q";
    for (tensors, word) in [
        (pair(to_q, [4, 64], [64, 4]), "is 64 by 64, but the model's"),
        (pair(to_q, [4, 32], [32, 5]), "do not fit together"),
        (pair("lora_unet_input_blocks_91_1_proj_in", [4, 32], [32, 4]), "the model has none of its modules"),
        (Tensors::from([one(&format!("{to_q}.lora_down.weight"), &[4, 32])]), "do not fit together"),
        (Tensors::from([one(&format!("{to_q}.hada_w1_a"), &[4, 32])]), "do not fit together"),
        (Tensors::from([one(&format!("{to_q}.oft_blocks"), &[4, 8, 8])]), "it is an OFT"),
        (Tensors::from([one("something", &[1])]), "holds no LoRA"),
        (pair(to_q, [0, 32], [32, 0]), "do not fit together"),
    ] {
        let said = opened(&[files.lora("odd.safetensors", &tensors, 1.0)]).err().expect(word).to_string();
        assert!(said.contains("odd.safetensors") && said.contains(word) && !said.contains('\n'), "{said}");
    }
    for (bytes, word) in [(&b"PK\x03\x04"[..], "pickle"), (b"{}", "damaged or cut short")] {
        fs::write(files.at("odd.safetensors"), bytes).expect("a file");
        let odd = Lora { path: files.at("odd.safetensors"), weight: 1.0 };
        let said = opened(&[odd]).err().expect(word).to_string();
        assert!(said.contains("odd.safetensors") && said.contains(word), "{said}");
    }
    let gone = Lora { path: files.at("gone.safetensors"), weight: 1.0 };
    assert!(opened(&[gone]).err().expect("no file").to_string().contains("gone.safetensors"));
}

/// Writes tensors as they are, with notes in the header.
fn write_raw(path: &Path, tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)], notes: &[(&str, &str)]) {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor"))
    });
    let notes = notes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    fs::write(path, serialize(views, Some(notes)).expect("weights")).expect("a file");
}

const QUERY: &str = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";

/// The query's weight with a file of one pair of rank 4 and the given alpha, all notes and the text beside it.
fn query_with(
    files: &TestFiles,
    alpha: Option<(Dtype, Vec<u8>)>,
    notes: &[(&str, &str)],
    beside: Option<(&str, &str)>,
) -> Result<Vec<f32>, LoadError> {
    let bytes = |count, seed| values(count, seed).iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = vec![
        (format!("unet.{QUERY}.lora_A.weight"), Dtype::F32, vec![4, 32], bytes(128, 1)),
        (format!("unet.{QUERY}.lora_B.weight"), Dtype::F32, vec![32, 4], bytes(128, 2)),
    ];
    tensors.extend(alpha.map(|(dtype, bytes)| (format!("unet.{QUERY}.alpha"), dtype, vec![], bytes)));
    let path = files.at("alpha.safetensors");
    write_raw(&path, &tensors, notes);
    if let Some((name, text)) = beside {
        fs::write(files.at(name), text).expect("a file");
    }
    let found = changed_weight(&tiny(), &[Lora { path, weight: 1.0 }], "unet", &format!("{QUERY}.weight"));
    if let Some((name, _)) = beside {
        fs::remove_file(files.at(name)).expect("a file");
    }
    found
}

#[test]
fn an_alpha_is_found_wherever_it_is_and_whatever_its_type() {
    let files = TestFiles::new();
    let eight = query_with(&files, Some((Dtype::F32, 8f32.to_le_bytes().into())), &[], None).expect("an f32");
    let four = query_with(&files, None, &[], None).expect("no alpha: the rank");
    assert_ne!(eight, four);
    for (dtype, bytes) in [
        (Dtype::I64, 8i64.to_le_bytes().to_vec()),
        (Dtype::I32, 8i32.to_le_bytes().to_vec()),
        (Dtype::U8, vec![8]),
        (Dtype::F64, 8f64.to_le_bytes().to_vec()),
        (Dtype::F16, f16::from_f32(8.0).to_le_bytes().to_vec()),
        (Dtype::BF16, half::bf16::from_f32(8.0).to_le_bytes().to_vec()),
    ] {
        assert_eq!(query_with(&files, Some((dtype, bytes)), &[], None).expect("an alpha"), eight, "{dtype:?}");
    }
    let note = r#"{"unet.lora_alpha": 8, "unet.r": 4}"#;
    assert_eq!(query_with(&files, None, &[("lora_adapter_metadata", note)], None).expect("a note"), eight);
    let config = r#"{"lora_alpha": 8, "r": 4}"#;
    for name in ["alpha.adapter_config.json", "adapter_config.json"] {
        assert_eq!(query_with(&files, None, &[], Some((name, config))).expect(name), eight, "{name}");
    }
    let other = ("adapter_config.json", r#"{"lora_alpha": 8, "r": 64}"#);
    assert_eq!(query_with(&files, None, &[], Some(other)).expect("another file's"), four);
    for (alpha, beside, word) in [
        (Some((Dtype::F32, f32::NAN.to_le_bytes().to_vec())), None, "no finite numbers"),
        (None, Some(("alpha.adapter_config.json", "{")), "adapter_config.json"),
        (None, Some(("adapter_config.json", r#"{"init_lora_weights": "pissa", "r": 4}"#)), "pissa"),
        (None, Some(("adapter_config.json", r#"{"use_dora": true, "r": 4}"#)), "no magnitude"),
    ] {
        let said = query_with(&files, alpha, &[], beside).expect_err(word).to_string();
        assert!(said.contains(word) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn ldm_names_give_the_same_weights() {
    let files = TestFiles::new();
    for (ldm, diffusers) in [
        ("input_blocks.1.1.transformer_blocks.0.attn1.to_q", QUERY),
        ("middle_block.1.proj_in", "mid_block.attentions.0.proj_in"),
        (
            "output_blocks.3.1.transformer_blocks.0.attn2.to_k",
            "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
        ),
        ("input_blocks.4.0.in_layers.2", "down_blocks.1.resnets.0.conv1"),
        ("out.2", "conv_out"),
    ] {
        let weight = format!("{diffusers}.weight");
        let shape = read(&common::model("tiny-sd15").join(UNET))[&weight].0.clone();
        let of = |prefix: &str, module: &str| {
            let [down, up] = matrices(&shape, 2, 3);
            let names = ["lora_down", "lora_up"].map(|part| format!("{prefix}{module}.{part}.weight"));
            let [first, second] = names;
            let lora = files.lora("a.safetensors", &Tensors::from([(first, down), (second, up)]), 1.0);
            changed_weight(&tiny(), &[lora], "unet", &weight).expect(module)
        };
        let want = of("unet.", diffusers);
        assert_ne!(want, changed_weight(&tiny(), &[], "unet", &weight).expect("plain"));
        assert_eq!(of("diffusion_model.", ldm), want, "{ldm}");
        assert_eq!(of("lora_unet_", &ldm.replace('.', "_")), want, "{ldm}");
    }
}

#[test]
fn what_is_not_understood_is_refused_and_never_dropped() {
    let files = TestFiles::new();
    let one = |name: String, shape: &[usize]| (name, (shape.to_vec(), values(shape.iter().product(), 1)));
    let pair = || {
        Tensors::from([
            one(format!("{QUERY}.lora_A.weight"), &[4, 32]),
            one(format!("{QUERY}.lora_B.weight"), &[32, 4]),
        ])
    };
    for (more, word) in [
        (one(format!("{QUERY}.lora_new.weight"), &[4]), "of a kind that is not known here"),
        (one(format!("{QUERY}.hada_w1_a"), &[32, 4]), "another kind of update"),
        (one(format!("{QUERY}.dora_scale"), &[7]), "is 32 by 32, but the model's"),
        (one(format!("{QUERY}.alpha"), &[2]), "2 numbers instead of one"),
        (one(format!("{QUERY}.lora_down.weight"), &[4, 32]), "two updates of one module"),
        (one(format!("{QUERY}.diff_b"), &[32]), "which the model does not have"),
        (one("conv_in.boft_R".into(), &[4]), "it is a BOFT"),
    ] {
        let mut tensors = pair();
        tensors.extend([more]);
        let said = opened(&[files.lora("odd.safetensors", &tensors, 1.0)]).err().expect(word).to_string();
        assert!(said.contains("odd.safetensors") && said.contains(word) && !said.contains('\n'), "{said}");
    }
    // What belongs to no module is told of, and the rest is used.
    let mut tensors = pair();
    tensors.extend([one("bundle_emb.word.string_to_param.x".into(), &[4]), one("iterations".into(), &[1])]);
    assert!(opened(&[files.lora("more.safetensors", &tensors, 1.0)]).is_ok());
}

#[test]
fn several_files_add_up_and_removal_restores_the_weights() {
    let files = TestFiles::new();
    let weight = format!("{QUERY}.weight");
    let plain = changed_weight(&tiny(), &[], "unet", &weight).expect("plain");
    let of = |name: &str, seed, strength| {
        let [down, up] = matrices(&[32, 32], 4, seed);
        let tensors = Tensors::from([(format!("{QUERY}.lora_A.weight"), down), (format!("{QUERY}.lora_B.weight"), up)]);
        files.lora(name, &tensors, strength)
    };
    let (first, second) = (of("first.safetensors", 1, 0.5), of("second.safetensors", 4, -2.0));
    let with = |loras: &[Lora]| changed_weight(&tiny(), loras, "unet", &weight).expect("a weight");
    let (one, other, both) =
        (with(std::slice::from_ref(&first)), with(std::slice::from_ref(&second)), with(&[first, second]));
    for i in 0..plain.len() {
        let want = f64::from(one[i]) + f64::from(other[i]) - f64::from(plain[i]);
        assert!((f64::from(both[i]) - want).abs() < 1e-6, "{i}");
    }
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&with(&[])), bits(&plain));
}

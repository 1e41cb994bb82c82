//! Checkpoints alone in an empty folder: with CLIP's vocabulary, of which no checkpoint carries the tokens.
//!
//! Apart from the others, which have the tiny models' own tokenizers beside them.

use std::{collections::BTreeMap, fs, io::Read as _, path::Path};

use safetensors::Dtype;
use serde_json::{Value, json};

use crate::{Tensor, Tensors, TestFiles, assert_same, opened, read, write};

/// Tokens of CLIP's vocabulary.
const TOKENS: usize = 49_408;

/// CLIP's `merges.txt`, from the program's assets.
fn merges() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/clip/merges.txt.gz");
    let mut text = String::new();
    let file = fs::File::open(path).expect("the vocabulary");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("text");
    text
}

/// CLIP's `vocab.json` as `bytes_to_unicode` and `SimpleTokenizer` build it.
fn vocabulary(merges: &str) -> Value {
    let mut order: Vec<u32> = (33..=126).chain(161..=172).chain(174..=255).collect();
    let mut letters: Vec<u32> = order.clone();
    let mut next = 256;
    for byte in 0..256 {
        if !order.contains(&byte) {
            order.push(byte);
            letters.push(next);
            next += 1;
        }
    }
    let letters: Vec<String> = letters.into_iter().map(|l| char::from_u32(l).expect("a letter").to_string()).collect();
    let mut tokens = letters.clone();
    tokens.extend(letters.iter().map(|letter| format!("{letter}</w>")));
    tokens.extend(merges.lines().map(|line| line.split(' ').collect::<String>()));
    tokens.extend(["<|startoftext|>".to_owned(), "<|endoftext|>".to_owned()]);
    assert_eq!(tokens.len(), TOKENS);
    tokens.into_iter().enumerate().map(|(id, token)| (token, json!(id))).collect::<serde_json::Map<_, _>>().into()
}

/// Gives the model in the folder CLIP's vocabulary: rows for all tokens, and the tokenizer's files.
fn with_whole_vocabulary(files: &TestFiles) {
    const EMBEDDING: &str = "text_model.embeddings.token_embedding.weight";
    let merges = merges();
    let vocabulary = vocabulary(&merges).to_string();
    for (encoder, tokenizer) in [("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")] {
        let path = files.model().join(encoder).join("model.safetensors");
        if !path.is_file() {
            continue;
        }
        let mut tensors = read(&path);
        let name = if tensors.contains_key(EMBEDDING) { EMBEDDING } else { &EMBEDDING["text_model.".len()..] };
        let (dtype, shape, data) = tensors.get_mut(name).expect("an embedding");
        assert!(matches!(dtype, Dtype::F32 | Dtype::F16));
        // Row by row the rows that are there, in another order for each round.
        let row = data.len() / shape[0];
        let rows = shape[0];
        *data = (0..TOKENS).flat_map(|id| data[(id * 7 + id / rows) % rows * row..][..row].to_vec()).collect();
        shape[0] = TOKENS;
        write(&path, &tensors, &[]);
        files.edit(&format!("{encoder}/config.json"), &[("vocab_size", json!(TOKENS))]);
        let folder = files.model().join(tokenizer);
        let _ = fs::remove_file(folder.join("tokenizer.json"));
        fs::write(folder.join("vocab.json"), &vocabulary).expect("a file");
        fs::write(folder.join("merges.txt"), &merges).expect("a file");
    }
}

/// Asserts that the checkpoint, alone in a folder under `name`, draws what the diffusers folder draws, by all methods.
fn assert_draws_alone(files: &TestFiles, tensors: &Tensors, name: &str, methods: &[&[&str]]) {
    let folder = files.at("alone");
    fs::create_dir(&folder).expect("a folder");
    let file = folder.join(name);
    write(&file, tensors, &[]);
    for method in methods {
        assert_same(&files.model(), &file, &[&["--width", "64"], *method].concat());
    }
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    fs::remove_dir_all(&folder).expect("a folder");
}

const CFG: &[&str] = &[];
const BOTH: &[&str] = &["--guidance", "s-cfg", "--concept", "a hat; scale=6; warmup=0; threshold=0.8"];
const SEGA: &[&str] = &["--concept", "a hat; scale=6; warmup=0; threshold=0.8"];

#[test]
fn the_first_generation_draws_alone() {
    let files = TestFiles::new("tiny-sd15", false);
    with_whole_vocabulary(&files);
    files.edit("unet/config.json", &[("attention_head_dim", json!(8))]);
    let tensors = files.ldm();
    assert_draws_alone(&files, &tensors, "model.safetensors", &[CFG, BOTH]);
    // Parts of a tokenizer beside it, as a folder of downloads has them, are no tokenizer.
    fs::remove_dir_all(files.at("tokenizer")).expect("a folder");
    fs::write(files.at("merges.txt"), "a b").expect("a file");
    write(&files.at("model.safetensors"), &tensors, &[]);
    let ids = opened(&files.at("model.safetensors")).expect("a model").text.tokenize("a photo of a cat").expect("ids");
    assert_eq!(&ids[0].ids[..7], &[49_406, 320, 1125, 539, 320, 2368, 49_407]);
}

#[test]
fn the_second_generation_draws_alone_noise_or_velocity() {
    for (model, name, prediction) in [
        ("tiny-sd15", "v2-1_512-ema-pruned.safetensors", "epsilon"),
        ("tiny-sd21v", "v2-1_768-ema-pruned.safetensors", "v_prediction"),
    ] {
        let files = TestFiles::new(model, true);
        with_whole_vocabulary(&files);
        files.edit("unet/config.json", &[("attention_head_dim", json!(1))]);
        files.edit("scheduler/scheduler_config.json", &[("prediction_type", json!(prediction))]);
        assert_draws_alone(&files, &files.ldm(), name, &[CFG, BOTH]);
    }
}

/// All weights of the tiny SDXL under its checkpoint's names.
fn xl(files: &TestFiles) -> Tensors {
    let mut all = files.ldm_unet();
    all.extend(files.ldm_vae());
    let rename = |tensors: Tensors, prefix: &str| -> Tensors {
        tensors.into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect()
    };
    all.extend(rename(
        read(&files.model().join("text_encoder/model.safetensors")),
        "conditioner.embedders.0.transformer.",
    ));
    let second = read(&files.model().join("text_encoder_2/model.safetensors"));
    all.extend(rename(open_clip_with_projection(&second), "conditioner.embedders.1.model."));
    all
}

/// OpenCLIP's names, with query, key and value in one matrix, and the projection with rows and columns exchanged.
fn open_clip_with_projection(tensors: &Tensors) -> Tensors {
    let mut new = Tensors::new();
    let mut fused: BTreeMap<String, BTreeMap<usize, Tensor>> = BTreeMap::new();
    for (name, tensor) in tensors {
        let short = name.strip_prefix("text_model.").unwrap_or(name);
        let short = short.replace("encoder.layers.", "transformer.resblocks.");
        if let Some((head, kind)) = ["q_proj", "k_proj", "v_proj"].iter().enumerate().find_map(|(i, part)| {
            let (head, kind) = short.split_once(&format!("self_attn.{part}."))?;
            Some((head.to_owned(), (i, kind.to_owned())))
        }) {
            fused.entry(format!("{head}attn.in_proj_{}", kind.1)).or_default().insert(kind.0, tensor.clone());
            continue;
        }
        if short == "text_projection.weight" {
            let (dtype, shape, data) = tensor;
            let size = data.len() / (shape[0] * shape[1]);
            let cell = |i: usize| &data[(i % shape[0] * shape[1] + i / shape[0]) * size..][..size];
            let turned = (0..shape[0] * shape[1]).flat_map(|i| cell(i).to_vec()).collect();
            new.insert("text_projection".into(), (*dtype, vec![shape[1], shape[0]], turned));
            continue;
        }
        let short = short
            .replace("embeddings.token_embedding", "token_embedding")
            .replace("embeddings.position_embedding.weight", "positional_embedding")
            .replace("final_layer_norm", "ln_final")
            .replace("layer_norm1", "ln_1")
            .replace("layer_norm2", "ln_2")
            .replace("self_attn.out_proj", "attn.out_proj")
            .replace("mlp.fc1", "mlp.c_fc")
            .replace("mlp.fc2", "mlp.c_proj");
        new.insert(short, tensor.clone());
    }
    for (name, parts) in fused {
        let (dtype, mut shape, _) = parts[&0].clone();
        shape[0] *= 3;
        new.insert(name, (dtype, shape, parts.into_values().flat_map(|(_, _, data)| data).collect()));
    }
    new
}

/// A copy of the tiny SDXL, with the heads that the published model has.
fn xl_files() -> TestFiles {
    let files = TestFiles::new("tiny-sdxl", false);
    files.edit("text_encoder_2/config.json", &[("num_attention_heads", json!(1))]);
    files.edit("unet/config.json", &[("attention_head_dim", json!(1))]);
    files
}

#[test]
fn sdxl_draws_alone() {
    let files = xl_files();
    with_whole_vocabulary(&files);
    // Its folder has a scheduler of Euler's with the same betas; single files say DDIM, which every sampler reads alike.
    let tensors = xl(&files);
    assert_draws_alone(&files, &tensors, "sd_xl_base.safetensors", &[CFG, SEGA]);
}

#[test]
fn parts_that_do_not_belong_together_are_named() {
    let files = xl_files();
    let tensors = xl(&files);
    for (change, words) in [
        (
            Box::new(|t: &mut Tensors| t.retain(|name, _| !name.contains("embedders.1"))) as Box<dyn Fn(&mut Tensors)>,
            ["odd.safetensors", "has no second text encoder"],
        ),
        (
            Box::new(|t: &mut Tensors| t.retain(|name, _| !name.contains("label_emb"))),
            ["odd.safetensors", "its text encoders are Stable Diffusion XL's, its U-Net is not"],
        ),
        (
            Box::new(|t: &mut Tensors| t.retain(|name, _| !name.contains("text_projection"))),
            ["odd.safetensors", "lacks the tensor \"conditioner.embedders.1.model.text_projection\""],
        ),
        (
            Box::new(|t: &mut Tensors| {
                t.insert("model.diffusion_model.time_embed.cond_proj.weight".into(), (Dtype::F32, vec![1], vec![0; 4]));
            }),
            ["odd.safetensors", "a latent consistency model that takes the guidance scale as an input"],
        ),
        (
            Box::new(|t: &mut Tensors| {
                let name = "model.diffusion_model.input_blocks.0.0.weight";
                let (dtype, shape, data) = t[name].clone();
                let wide = vec![shape[0], 9, shape[2], shape[3]];
                let size = data.len() / shape.iter().product::<usize>() * wide.iter().product::<usize>();
                t.insert(name.into(), (dtype, wide, vec![0; size]));
            }),
            ["odd.safetensors", "is an inpainting model (9 channels"],
        ),
        (
            Box::new(|t: &mut Tensors| {
                let (_, _, data) = t.get_mut("first_stage_model.decoder.conv_out.bias").expect("a bias");
                data.fill(0xff);
            }),
            ["first_stage_model.decoder.conv_out.bias", "no finite numbers"],
        ),
    ] {
        let mut changed = tensors.clone();
        change(&mut changed);
        let file = files.at("odd.safetensors");
        write(&file, &changed, &[]);
        let said = opened(&file).err().expect(words[1]).to_string();
        assert!(words.iter().all(|word| said.contains(word)) && !said.contains('\n'), "{said}");
    }
}

#[test]
fn an_autoencoder_may_lie_beside_the_checkpoint_or_be_named() {
    let files = TestFiles::new("tiny-sd15", false);
    let whole = files.ldm();
    let file = files.at("bare.safetensors");
    let bare: Tensors = whole
        .iter()
        .filter(|(name, _)| !name.starts_with("first_stage"))
        .map(|(n, t)| (n.clone(), t.clone()))
        .collect();
    write(&file, &bare, &[]);
    let said = opened(&file).err().expect("no VAE").to_string();
    assert!(said.contains("bare.safetensors has no autoencoder") && said.contains("bare.vae.safetensors"), "{said}");
    let vae: Tensors = whole
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("first_stage_model.")?.to_owned(), tensor.clone())))
        .collect();
    let decoded = |model: &sextant::weights::LoadedModel| {
        let latents = sextant::tensor::Latents::new(4, 8, 8, (0..256).map(|i| (i % 17) as f32 / 9.0 - 1.0).collect());
        model.vae.decode(&latents, &|| true).expect("a picture").values
    };
    let named = files.at("somewhere.safetensors");
    write(&named, &vae, &[]);
    let own = decoded(&opened(&files.model()).expect("the folder"));
    let with = |path: &Path| {
        let additions = sextant::recipe::Additions { vae: Some(path.to_owned()), ..Default::default() };
        let model = sextant::recipe::ModelRef::Folder(file.clone());
        let device = burn::tensor::Device::flex();
        sextant::weights::load_with_additions(&model, &additions, &device, sextant::nets::Precision::F32)
            .expect("a model")
    };
    assert_eq!(decoded(&with(&named)), own);
    assert_eq!(decoded(&with(&files.model())), own, "a model's folder");
    assert_eq!(decoded(&with(&files.model().join("vae"))), own, "the folder of a VAE");
    fs::rename(&named, files.at("bare.vae.safetensors")).expect("a file");
    let model = opened(&file).expect("with the VAE beside it");
    assert_eq!(decoded(&model), own);
    assert_ne!(model.content_hash, opened(&files.model()).expect("the folder").content_hash);
}

#[test]
fn weights_of_eight_bits_are_read() {
    let files = TestFiles::new("tiny-sd15", false);
    let mut tensors = files.ldm();
    let name = "model.diffusion_model.middle_block.1.proj_in.weight";
    let (_, shape, _) = tensors[name].clone();
    let count = shape.iter().product::<usize>();
    // 1.5, -0.5 and 2 in e4m3; with a factor beside them as in ComfyUI's files.
    let bytes: Vec<u8> = (0..count).map(|i| [0x3c, 0xb0, 0x40][i % 3]).collect();
    tensors.insert(name.into(), (Dtype::F8_E4M3, shape.clone(), bytes));
    let factor = name.replace(".weight", ".scale_weight");
    tensors.insert(factor, (Dtype::F32, vec![], 0.25f32.to_le_bytes().to_vec()));
    write(&files.at("fp8.safetensors"), &tensors, &[]);
    let found = sextant::weights::changed_weight(
        &sextant::recipe::ModelRef::Folder(files.at("fp8.safetensors")),
        &[],
        "unet",
        "mid_block.attentions.0.proj_in.weight",
    );
    let found = found.expect("a weight");
    assert_eq!(&found[..3], &[0.375, -0.125, 0.5]);
    assert!(opened(&files.at("fp8.safetensors")).is_ok());
}

#[test]
fn a_second_generation_may_have_transformers_names() {
    let files = TestFiles::new("tiny-sd21v", true);
    let mut tensors = files.ldm_unet();
    tensors.extend(files.ldm_vae());
    tensors.extend(files.clip());
    let file = files.at("v2-1_768-transformers.safetensors");
    write(&file, &tensors, &[]);
    files.edit("unet/config.json", &[("attention_head_dim", json!(1))]);
    assert_same(&files.model(), &file, &["--width", "64"]);
}

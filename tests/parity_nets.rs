//! The networks give what diffusers and transformers give, on recorded runs of tiny models.

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::Case;
use sextant::{
    nets::{NetError, TapRequest},
    recipe::ModelRef,
    tensor::{Latents, TokenKind},
    weights::{LoadedModel, load, load_expert},
};

fn device() -> Device {
    Device::flex()
}

fn open(case: &Case) -> LoadedModel {
    load(&ModelRef::Folder(case.model()), &device()).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

fn tensor<const D: usize>(case: &Case, name: &str) -> Tensor<D> {
    Tensor::from_data(TensorData::new(case.floats(name), case.shape(name)), &device())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().expect("values")
}

/// Product of 1 - beta over the timesteps 0..=t of a scaled linear schedule.
fn alpha_product(model: &LoadedModel, t: i32) -> f64 {
    let config = &model.scheduler;
    let (from, to) = (config.beta_start.sqrt(), config.beta_end.sqrt());
    let last = (config.num_train_timesteps - 1) as f64;
    (0..=t).map(|i| 1.0 - (from + (to - from) * f64::from(i) / last).powi(2)).product()
}

fn go_on() -> bool {
    true
}

#[test]
fn texts_are_encoded_as_transformers_does() {
    let cases = Case::all("text_");
    assert!(!cases.is_empty());
    for case in cases {
        let model = open(&case);
        let prompts = case.params()["prompts"].as_array().expect("prompts").clone();
        for (i, prompt) in prompts.iter().enumerate() {
            let encoding = model.encode(prompt.as_str().expect("prompt")).expect("encoding");
            case.assert_close(&format!("prompt.{i:02}.hidden"), &values(encoding.hidden));
            assert_eq!(encoding.pooled.is_some(), case.has(&format!("prompt.{i:02}.pooled")));
            if let Some(pooled) = encoding.pooled {
                case.assert_close(&format!("prompt.{i:02}.pooled"), &values(pooled));
            }
        }
    }
}

#[test]
fn ids_are_those_of_transformers() {
    for case in Case::all("text_") {
        let model = open(&case);
        let prompts = case.params()["prompts"].as_array().expect("prompts").clone();
        for (i, prompt) in prompts.iter().enumerate() {
            let ids = model.text.tokenize(prompt.as_str().expect("prompt")).expect("ids");
            let suffixes = ["ids", "ids_2"];
            for (tokenized, suffix) in ids.iter().zip(suffixes) {
                let found: Vec<i32> = tokenized.ids.iter().map(|&id| id as i32).collect();
                assert_eq!(found, case.ints(&format!("prompt.{i:02}.{suffix}")), "{} prompt {i} {suffix}", case.name);
            }
        }
    }
}

#[test]
fn the_u_net_predicts_as_diffusers_does() {
    let cases = Case::all("unet_");
    assert!(!cases.is_empty());
    for case in cases {
        let model = open(&case);
        for t in case.params()["timesteps"].as_array().expect("timesteps") {
            let t = t.as_u64().expect("timestep");
            let sample = tensor(&case, "sample");
            let context = tensor(&case, "context");
            let (out, taps) =
                model.unet.forward(sample, t as f32, context, None, &TapRequest::none(), &go_on).expect("prediction");
            assert!(taps.is_empty());
            case.assert_close(&format!("t{t:03}.out"), &values(out));
        }
    }
}

#[test]
fn the_autoencoder_encodes_and_decodes_as_diffusers_does() {
    let cases = Case::all("vae_");
    assert!(!cases.is_empty());
    for case in cases {
        let vae = open(&case).vae;
        let (mean, logvar) = vae.encode_tensor(tensor(&case, "encode.image"), &go_on).expect("encoding");
        case.assert_close("encode.mean", &values(mean.clone()));
        case.assert_close("encode.logvar", &values(logvar));
        case.assert_close("encode.latents", &values(mean.mul_scalar(vae.config().scaling_factor)));
        let raw = vae.decode_tensor(tensor(&case, "decode.latents"), &go_on).expect("decoding");
        case.assert_close("decode.raw", &values(raw));
    }
}

#[test]
fn sdxl_predicts_as_diffusers_does() {
    // Only in the full set.
    for case in Case::all("cfg_sdxl") {
        sdxl_agrees(&case);
    }
}

fn sdxl_agrees(case: &Case) {
    let model = open(case);
    let prompt = model.encode(case.params()["prompt"].as_str().expect("prompt")).expect("encoding");
    let negative = model.encode_negative(case.params()["negative_prompt"].as_str().unwrap_or("")).expect("encoding");
    let [_, channels, height, width] = case.shape("init_latents")[..] else { panic!("shape") };
    for step in ["step.000", "step.003"] {
        let t = case.ints(&format!("{step}.timestep"))[0];
        // Euler shrinks its latents to the variance that the network knows, x / sqrt(sigma^2 + 1); DDIM's have it.
        let shrink = if case.params()["scheduler"] == "euler" { alpha_product(&model, t).sqrt() as f32 } else { 1.0 };
        let recorded = format!("{step}.latents_in");
        let recorded = if case.has(&recorded) { recorded } else { "init_latents".to_owned() };
        let latents = Latents::new(channels, height, width, case.floats(&recorded));
        let latents = latents.map(|v| v * shrink);
        for (branch, text) in [("cond", &prompt), ("uncond", &negative)] {
            let found = model.unet.predict(&latents, t as f32, text, &TapRequest::none(), &go_on).expect("prediction");
            case.assert_close(&format!("{step}.eps_{branch}"), &found.output.values);
        }
    }
    case.assert_close("text.cond", &values(prompt.hidden));
    case.assert_close("text.uncond", &values(negative.hidden));
    case.assert_close("text.uncond_pooled", &values(negative.pooled.expect("pooled")));
}

#[test]
fn the_same_input_gives_the_same_bits() {
    let model = load(&ModelRef::Pocket, &device()).expect("Pocket");
    let text = model.encode("a cat and a red balloon on a beach at sunset").expect("encoding");
    let noise = (0..4 * 24 * 24).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
    let latents = Latents::new(4, 24, 24, noise);
    let predict = |taps: &TapRequest| model.unet.predict(&latents, 500.0, &text, taps, &go_on).expect("prediction");
    let first = predict(&TapRequest::none());
    assert_eq!(first.output, predict(&TapRequest::none()).output);
    assert_eq!(first.output, predict(&TapRequest::at([2, 4])).output, "looking must not change what is seen");
    let decode = || model.vae.decode(&latents, &go_on).expect("picture");
    assert_eq!(decode(), decode());
}

#[test]
fn maps_are_probabilities_over_the_grid() {
    let model = load(&ModelRef::Pocket, &device()).expect("Pocket");
    assert_eq!(model.unet.factors(), [2, 4]);
    let text = model.encode("a fox").expect("encoding");
    let latents = Latents::new(4, 24, 40, vec![0.1; 4 * 24 * 40]);
    let found = model.unet.predict(&latents, 500.0, &text, &TapRequest::at([4]), &go_on).expect("prediction");
    // One transformer down, one in the middle, two up.
    assert_eq!(found.taps.len(), 4);
    for tap in found.taps {
        assert_eq!((tap.factor, tap.grid), (4, [6, 10]));
        assert_eq!((tap.self_map.dims(), tap.cross_map.dims()), ([60, 60], [32, 60]));
        for map in [tap.self_map, tap.cross_map] {
            let map = values(map);
            assert!(map.iter().all(|&p| p >= 0.0));
            for column in 0..60 {
                let sum: f32 = map.iter().skip(column).step_by(60).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{sum}");
            }
        }
    }
}

#[test]
fn odd_sizes_work() {
    let model = load(&ModelRef::Pocket, &device()).expect("Pocket");
    let text = model.encode("a fox").expect("encoding");
    let latents = Latents::new(4, 25, 9, vec![0.1; 4 * 25 * 9]);
    let found = model.unet.predict(&latents, 500.0, &text, &TapRequest::at([4]), &go_on).expect("prediction");
    assert!(found.output.values.iter().all(|v| v.is_finite()));
    assert_eq!(found.taps[0].grid, [7, 3]);
}

#[test]
fn the_expert_part_borrows_what_it_lacks() {
    let general = load(&ModelRef::Pocket, &device()).expect("Pocket");
    let toon = load_expert(&ModelRef::PocketToon, &general, &device()).expect("Pocket Toon");
    assert!(std::sync::Arc::ptr_eq(&general.text, &toon.text));
    assert_ne!(general.content_hash, toon.content_hash);
    assert_eq!(general.content_hash.len(), 64);
    let message = load(&ModelRef::PocketToon, &device()).err().expect("an expert alone").to_string();
    assert!(message.contains("only a U-Net"), "{message}");
}

#[test]
fn a_computation_stops_between_blocks() {
    let model = load(&ModelRef::Pocket, &device()).expect("Pocket");
    let text = model.encode("a fox").expect("encoding");
    let latents = Latents::zeros(4, 24, 24);
    let asked = std::cell::Cell::new(0);
    let wanted = || {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    let stopped = model.unet.predict(&latents, 500.0, &text, &TapRequest::none(), &wanted);
    assert!(matches!(stopped, Err(NetError::Stopped(_))));
    assert_eq!(asked.get(), 3);
}

#[test]
fn tokens_say_what_they_stand_for() {
    let model = load(&ModelRef::Pocket, &device()).expect("Pocket");
    let tokens = model.encode("A cat  wearing Sunglasses").expect("encoding").tokens;
    assert_eq!(tokens.len(), 32);
    assert!(tokens.iter().enumerate().all(|(i, t)| t.position == i));
    let words: Vec<&str> = tokens.iter().filter(|t| t.kind == TokenKind::Word).map(|t| t.text.as_str()).collect();
    assert_eq!(words, ["A", "cat", "wearing", "Sunglasses"]);
    let kinds: Vec<TokenKind> = tokens.iter().map(|t| t.kind).collect();
    assert_eq!((kinds[0], kinds[5], kinds[6]), (TokenKind::Start, TokenKind::End, TokenKind::Padding));
}

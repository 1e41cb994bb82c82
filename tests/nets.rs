//! What holds of the networks with any weights: the same bits again, maps that are probabilities, odd sizes.
//!
//! Apart from the recorded cases, which hold the networks to diffusers and transformers.

use burn::tensor::{Device, Tensor};
use sextant::{
    nets::{NetError, TapRequest},
    recipe::ModelRef,
    tensor::{Latents, TokenKind},
    weights::{load, load_expert},
};

fn device() -> Device {
    Device::flex()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().expect("values")
}

fn go_on() -> bool {
    true
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
    let is_current = || {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    let stopped = model.unet.predict(&latents, 500.0, &text, &TapRequest::none(), &is_current);
    assert!(matches!(stopped, Err(NetError::Cancelled(_))));
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

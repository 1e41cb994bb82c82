//! Tests of the prediction cache: exactness, the budget, and the texts of a run.

use super::*;
use crate::model::Embedding;

fn input(seed: f32) -> CacheKey {
    let values = (0..16).map(|i| seed + i as f32).collect();
    CacheKey::new("m".into(), 5.0, Latents::new(1, 4, 4, values))
}

fn key(text: &str) -> TextKey {
    TextKey::new("m", text, false)
}

fn encoding(positions: usize) -> Conditioning {
    let hidden = Embedding { shape: vec![1, positions, 4], values: vec![0.0; 4 * positions] };
    Conditioning { tokens: Vec::new(), hidden, others: Vec::new() }
}

#[test]
fn only_the_very_same_input_and_text_are_found() {
    let mut cache = PredictionCache::new(1 << 20);
    let prediction = Latents::zeros(1, 4, 4);
    cache.insert_prediction(&input(1.0), &key("cat"), &prediction);
    assert_eq!(cache.prediction(&input(1.0), &key("cat")), Some(prediction));
    assert_eq!(cache.prediction(&input(1.0), &key("dog")), None);
    assert_eq!(cache.prediction(&input(1.000_001), &key("cat")), None);
    let other = |model: &str, timestep| CacheKey::new(model.into(), timestep, input(1.0).model_input().clone());
    assert_eq!(cache.prediction(&other("m", 6.0), &key("cat")), None);
    assert_eq!(cache.prediction(&other("n", 5.0), &key("cat")), None);
}

#[test]
fn the_budget_holds_and_the_oldest_goes_first() {
    let budget = 4096;
    let mut cache = PredictionCache::new(budget);
    for i in 0..200 {
        cache.insert_prediction(&input(i as f32), &key("cat"), &Latents::zeros(1, 4, 4));
        assert!(cache.bytes() <= budget, "{} bytes after {i}", cache.bytes());
    }
    assert!(cache.prediction(&input(199.0), &key("cat")).is_some());
    assert!(cache.prediction(&input(0.0), &key("cat")).is_none());
    // 16 values of input and 16 of prediction, four bytes each: 32 entries fill the budget.
    assert_eq!(cache.bytes(), budget);
    assert!(cache.prediction(&input(168.0), &key("cat")).is_some());
    assert!(cache.prediction(&input(167.0), &key("cat")).is_none());
}

#[test]
fn a_prediction_that_is_inserted_again_is_counted_once() {
    let mut cache = PredictionCache::new(1 << 20);
    for _ in 0..3 {
        cache.insert_prediction(&input(1.0), &key("cat"), &Latents::zeros(1, 4, 4));
    }
    assert_eq!(cache.bytes(), 128);
    cache.insert_prediction(&input(1.0), &key("dog"), &Latents::zeros(1, 4, 4));
    assert_eq!(cache.bytes(), 192, "both predictions share the input");
}

#[test]
fn all_kinds_share_one_budget() {
    let model: Arc<str> = "m".into();
    let picture = Arc::new(Picture { width: 10, height: 10, rgb: vec![0; 300] });
    let latents = Latents::zeros(1, 4, 4);
    let mut cache = PredictionCache::new(700);
    cache.text(key("cat"), || Ok::<_, ()>(encoding(16))).expect("encoded");
    let text = cache.bytes();
    assert!((256..300).contains(&text), "{text}");
    cache.insert_picture(&model, &latents, &picture);
    assert_eq!(cache.bytes(), text + 300 + 64);
    cache.insert_prediction(&input(1.0), &key("cat"), &latents);
    // The text was the oldest.
    assert_eq!(cache.bytes(), 300 + 64 + 128);
    assert!(cache.picture(&model, &latents).is_some());
    assert!(cache.picture(&"n".into(), &latents).is_none());
    cache.begin_run();
    let mut encoded = false;
    let encode = || {
        encoded = true;
        Ok::<_, ()>(encoding(16))
    };
    cache.text(key("cat"), encode).expect("encoded");
    assert!(encoded);
}

#[test]
fn a_lower_budget_drops_entries_at_once_and_reports_it() {
    let budget = Arc::new(MemoryBudget::default());
    budget.set_budget(1 << 20);
    let mut cache = PredictionCache::with_budget(budget.clone());
    (0..100).for_each(|i| cache.insert_prediction(&input(i as f32), &key("cat"), &Latents::zeros(1, 4, 4)));
    let before = budget.used();
    assert_eq!(before, cache.bytes());
    budget.set_budget(before / 2);
    cache.trim();
    assert!(budget.used() <= before / 2 && budget.used() == cache.bytes());
    assert!(cache.prediction(&input(99.0), &key("cat")).is_some(), "the newest stays");
}

#[test]
fn without_a_budget_nothing_is_stored_but_the_texts_of_the_run() {
    let mut cache = PredictionCache::new(0);
    cache.insert_prediction(&input(1.0), &key("cat"), &Latents::zeros(1, 4, 4));
    assert!(cache.prediction(&input(1.0), &key("cat")).is_none());
    let mut encodings = 0;
    let mut ask = |cache: &mut PredictionCache| {
        let encode = || {
            encodings += 1;
            Ok::<_, ()>(encoding(2))
        };
        cache.text(key("cat"), encode).expect("encoded");
        encodings
    };
    cache.begin_run();
    assert_eq!((ask(&mut cache), ask(&mut cache)), (1, 1), "within a run a text is encoded once");
    cache.begin_run();
    assert_eq!((ask(&mut cache), cache.bytes()), (2, 0));
}

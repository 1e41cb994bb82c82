//! What this program wrote.

use std::path::Path;

use sextant::{
    recipe::{Concept, Fusion, Profile, Recipe, Sampler, Schedule},
    session::{Document, Imported, Metadata, SessionError, Source, encode_picture, import_bytes, parameters_text},
    tensor::Picture,
};

use crate::{A1111, exif, jpeg, png_with, read, text, utf16};

/// A recipe that uses every kind of field.
pub fn full_recipe() -> Recipe {
    Recipe {
        prompt: "a fox \\ \"in\" snow,\nNegative prompt: not really\nSteps: 1, Seed: 2, CFG scale: 3".into(),
        negative: "blurry: very, 雪".into(),
        sampler: Sampler::Heun,
        schedule: Schedule::Karras,
        seed: u64::MAX,
        cfg: 7.3,
        profile: Profile::Reference,
        concepts: vec![Concept { text: "round, glasses".into(), cooldown: Some(9), ..Concept::default() }],
        fusion: Some(Fusion::default()),
        ..Recipe::default()
    }
    .with_concept_ids()
}

#[test]
fn what_we_wrote_comes_back_whole() {
    let picture = Picture { width: 8, height: 8, rgb: vec![9; 192] };
    for recipe in [Recipe::default(), full_recipe()] {
        let bytes = encode_picture(&picture, Some(Metadata { recipe: &recipe, model_hash: None, run: None })).unwrap();
        let from = |found| Imported { recipe: recipe.clone(), found, not_restored: Vec::new(), plain: None };
        assert_eq!(read(&bytes), from(Source::Recipe));
        let parameters = parameters_text(&recipe, Some("0123456789abcdef"));
        assert_eq!(text(&parameters), from(Source::ParametersRecipe));
        let comment = [b"UNICODE\0", &utf16(&parameters, true)[..]].concat();
        assert_eq!(read(&jpeg(&exif(&comment, true))), from(Source::ParametersRecipe));
        assert_eq!(text(&Document::new(recipe.clone()).to_text().unwrap()), from(Source::Session));
    }
}

#[test]
fn our_plain_settings_stand_in_for_a_lost_recipe() {
    let sent = Recipe { fusion: None, prompt: "a fox".into(), concepts: Vec::new(), ..full_recipe() };
    for (sampler, schedule) in [
        (Sampler::Heun, Schedule::Karras),
        (Sampler::DpmPp2M, Schedule::Normal),
        (Sampler::DpmPp2M, Schedule::Karras),
        (Sampler::Pndm, Schedule::Normal),
    ] {
        let sent = Recipe { sampler, schedule, ..sent.clone() };
        let broken = parameters_text(&sent, None).replace("Sextant: \"{", "Sextant: \"[");
        let imported = text(&broken);
        assert_eq!(imported.recipe, sent);
        let left = &imported.not_restored;
        assert!(left.len() == 2 && left[0].starts_with("Sextant: [") && left[1].starts_with("Version: "), "{left:?}");
    }
    // The chunk is believed before the text, but a damaged one is reported.
    let both = [("sextant", "(prompt: \"a\", sampler: warp)"), ("parameters", A1111)];
    let imported = read(&png_with(&both));
    assert_eq!((imported.found, imported.recipe.steps), (Source::Parameters, 30));
    assert!(imported.not_restored[0].starts_with("the Sextant recipe chunk"), "{:?}", imported.not_restored);
    let error = import_bytes(&png_with(&both[..1]), Path::new("x")).unwrap_err();
    assert!(matches!(error, SessionError::DamagedRecipe { .. }), "{error:?}");
}

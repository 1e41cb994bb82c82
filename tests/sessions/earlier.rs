//! Files that earlier versions of the program wrote. Each opens, and every field is what it stood for then.
//!
//! `v1.sextant.ron` and `v2.sextant.ron` were written by the code of those versions, `v2.png` and `v2.safetensors` by
//! `sextant render --width 64 --height 64 --steps 2 --concept "snow; scale=4; warmup=0; reverse" --concept "hat; scale=3"
//! --trace v2.safetensors --out v2.png --prompt "a cat" --seed 5` of version 2.

use std::path::{Path, PathBuf};

use sextant::{
    recipe::{
        Concept, ConceptId, Fusion, FusionRule, GuidanceInterval, Key, Lora, Momentum, Owner, Profile, Recipe,
        RegionFactor, RegionGroup, RegionOwner, RegionPaint, Sampler, Scfg, Schedule,
    },
    session::{self, Document, Layout, ModelUse, Take, TakeId, UnpackBudget},
};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions").join(name)
}

fn concept(id: u32, text: &str, strength: f32, enabled: bool) -> Concept {
    Concept { id: ConceptId(id), text: text.into(), strength, enabled, ..Concept::default() }
}

/// What a document of this program writes and reads again is the same.
fn comes_back(document: &Document) {
    let text = document.to_text().expect("text");
    assert!(text.contains(&format!("version: {}", session::VERSION)) && !text.contains("reverse"), "{text}");
    assert_eq!(Document::from_text(&text, Path::new("again")).as_ref().ok(), Some(document));
}

#[test]
fn a_session_of_version_1_opens_with_every_field() {
    let document = Document::load(&file("v1.sextant.ron")).expect("version 1");
    let recipe = Recipe {
        prompt: "a fox \"in\" snow".into(),
        negative: "blurry".into(),
        sampler: Sampler::DpmPp2M,
        schedule: Schedule::Karras,
        seed: u64::MAX,
        cfg: 7.5,
        scfg: Scfg { enabled: true, ..Scfg::default() },
        regions: vec![RegionFactor { position: 2, factor: 1.5 }],
        concepts: vec![
            Concept { cooldown: Some(17), lock: vec![2, 5], ..concept(1, "glasses, \"round\"", -4.25, true) },
            concept(2, "mûrier", 3.0, false),
            concept(3, "night", 2.5, true),
        ],
        fusion: Some(Fusion { prompt: Some("a drawn fox".into()), k_g: 0.3, ..Fusion::default() }),
        ..Recipe::default()
    };
    assert_eq!(document.recipe, recipe);
    assert_eq!(document.models, [ModelUse { name: "pocket".into(), content_hash: Some("ab".repeat(32)) }]);
    let [first, second] = document.takes.as_slice() else { panic!("two takes") };
    let name = "first \"one\"".to_owned();
    assert_eq!(*first, Take { id: TakeId(1), name, created: 1_790_000_000, seconds: 1.5, ..Take::default() });
    let thumbnail = second.thumbnail.clone();
    let picture = session::thumbnail_picture(thumbnail.as_deref().expect("a picture")).expect("readable");
    assert_eq!((picture.width, picture.height, picture.rgb[1]), (12, 8, 37));
    assert_eq!(
        *second,
        Take { id: TakeId(7), parent: Some(TakeId(1)), starred: true, recipe, thumbnail, ..Take::default() }
    );
    let overlay = "fusion mask".to_owned();
    assert_eq!(
        document.layout,
        Layout { overlay, overlay_opacity: 0.35, left_width: Some(310.5), ..Layout::default() }
    );
    assert!(document.steps.is_empty() && document.original.is_none());
    comes_back(&document);
}

fn recipe_of_version_2() -> Recipe {
    let keys = |keys: &[(usize, f32)]| keys.iter().map(|&(step, factor)| Key { step, factor }).collect::<Vec<_>>();
    let owner = |position, owner| RegionOwner { position, owner };
    Recipe {
        prompt: "a cat and a red balloon".into(),
        sampler: Sampler::EulerAncestral,
        seed: 3,
        cfg: 6.0,
        loras: vec![Lora { path: "fur.safetensors".into(), weight: 0.5 }],
        guidance_interval: Some(GuidanceInterval { from: 1, until: 18 }),
        adaptive_guidance: Some(0.99),
        cfg_keys: keys(&[(0, 1.0), (20, 0.1)]),
        profile: Profile::Reference,
        regions: vec![RegionFactor { position: 2, factor: 1.5 }],
        groups: vec![RegionGroup { positions: vec![5, 6], name: "balloon".into() }],
        painted: vec![RegionPaint { position: 5, cells: "4x4: 1*3".parse().expect("paint") }],
        painted_factor: "4x4: 0*2 50*3".parse().expect("paint"),
        concepts: vec![
            concept(1, "snow", 7.0, false),
            Concept { keys: keys(&[(4, 0.3), (9, 1.0)]), lock: vec![2, 5], ..concept(2, "glasses", -4.25, true) },
            concept(3, "night", 2.5, true),
        ],
        momentum: Momentum { scale: 0.3, beta: 0.6 },
        fusion: Some(Fusion {
            k_e: 4.0,
            owners: vec![owner(2, Owner::Saliency), owner(5, Owner::Expert)],
            bias: "4x4: 0*6 -150*1 40*2".parse().expect("paint"),
            ..Fusion::default()
        }),
        ..Recipe::default()
    }
}

#[test]
fn a_session_of_version_2_opens_with_every_field() {
    let document = Document::load(&file("v2.sextant.ron")).expect("version 2");
    let recipe = recipe_of_version_2();
    assert_eq!(document.recipe, recipe);
    let [first, second] = document.takes.as_slice() else { panic!("two takes") };
    let mut alone = recipe.clone();
    // Ids are given by row, in each recipe by itself.
    alone.concepts = vec![
        Concept { id: ConceptId(1), ..recipe.concepts[1].clone() },
        Concept { id: ConceptId(2), ..recipe.concepts[2].clone() },
    ];
    alone.fusion = Some(Fusion { rule: FusionRule::Weighted, weight: 0.25, ..Fusion::default() });
    assert_eq!(first.fingerprint().map(|run| run.model_hash), Some("cd".repeat(32)));
    let (name, run) = ("first".to_owned(), first.run.clone());
    assert_eq!(
        *first,
        Take { id: TakeId(1), name, created: 1_790_000_000, seconds: 1.5, recipe: alone, run, ..Take::default() }
    );
    let thumbnail = second.thumbnail.clone();
    assert!(session::thumbnail_picture(thumbnail.as_deref().expect("a picture")).is_ok());
    assert_eq!(
        *second,
        Take { id: TakeId(7), parent: Some(TakeId(1)), starred: true, recipe, thumbnail, ..Take::default() }
    );
    let [kept] = document.steps.as_slice() else { panic!("steps of one take") };
    assert_eq!(
        (kept.take, kept.steps.unpack(&mut UnpackBudget::of([&kept.steps]))),
        (TakeId(7), Ok(b"the steps of take 7".to_vec()))
    );
    let layout = Layout {
        overlay: "fusion mask".into(),
        overlay_opacity: 0.35,
        theme: "light".into(),
        left_width: Some(310.5),
        right_width: Some(300.0),
        ledger: "cosines".into(),
        ledger_open: true,
        scale: Some(1.25),
        compare: "wipe".into(),
        wipe: Some(0.25),
        pins: [Some(TakeId(7)), None],
        region: Some(5),
        // The second of the active concepts, as the first in the list is muted.
        concept: Some(ConceptId(3)),
        expert_saliency: Some(true),
        outlines: Some(false),
        step: Some(4),
        ..Layout::default()
    };
    assert_eq!(document.layout, layout);
    comes_back(&document);
}

/// The recipe of the picture and the trace of version 2.
fn rendered_recipe() -> Recipe {
    Recipe {
        prompt: "a cat".into(),
        steps: 2,
        seed: 5,
        width: 64,
        height: 64,
        concepts: vec![Concept { warmup: 0, ..concept(1, "snow", -4.0, true) }, concept(2, "hat", 3.0, true)],
        ..Recipe::default()
    }
}

#[test]
fn a_picture_of_version_2_gives_its_recipe_back() {
    let path = file("v2.png");
    assert_eq!(session::read_recipe(&path).expect("a recipe"), rendered_recipe());
    let bytes = std::fs::read(&path).expect("a picture");
    let run = session::read_fingerprint(&bytes, "v2.png").expect("how it went");
    assert_eq!(run.steps.len(), 2);
    // Readers that keep nothing but the `parameters` text find the same recipe in it.
    let texts = session::read_texts(&bytes, "v2.png").expect("texts");
    let (_, parameters) = texts.iter().find(|(keyword, _)| keyword == "parameters").expect("parameters");
    let imported = session::import_bytes(parameters.as_bytes(), Path::new("v2.txt")).expect("settings");
    assert_eq!((imported.recipe, imported.not_restored), (rendered_recipe(), Vec::new()));
}

#[test]
fn a_trace_of_version_2_gives_its_recipe_back() {
    let bytes = std::fs::read(file("v2.safetensors")).expect("a trace");
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect("a header");
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get("recipe")).expect("a recipe");
    assert_eq!(ron::from_str::<Recipe>(text), Ok(rendered_recipe()));
    assert!(header.tensors().contains_key("step.001.sega.mask.1"));
}

#[test]
fn the_demo_is_as_this_version_writes_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo.sextant.ron");
    let text = std::fs::read_to_string(&path).expect("the demo");
    let document = Document::from_text(&text, &path).expect("a session");
    assert_eq!(document.recipe, sextant::studio::document::demo::recipe());
    assert_eq!(document.takes.len(), 1);
    assert!(document.to_text().expect("text") == text, "save the demo again with this version");
}

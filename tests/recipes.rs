//! Recipes out of what other programs write: texts as they are found in the wild, the places they are kept in, and
//! bytes that mean harm.

use std::{fs, path::Path};

use sextant::{
    field::Picture,
    fingerprint::{Fingerprint, Mark},
    recipe::{Concept, Fusion, Profile, Recipe, Sampler, Schedule},
    session::{
        self, Document, Imported, Metadata, SessionError, Source, encode_picture, import_bytes, parameters_text,
    },
};

fn read(bytes: &[u8]) -> Imported {
    import_bytes(bytes, Path::new("file")).expect("a recipe")
}

fn text(text: &str) -> Imported {
    read(text.as_bytes())
}

/// A PNG of one pixel whose texts `add` puts in.
fn png(add: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    add(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[1, 2, 3]).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A PNG with Unicode texts by keyword.
fn png_with(texts: &[(&str, &str)]) -> Vec<u8> {
    png(|encoder| {
        for (keyword, text) in texts {
            encoder.add_itxt_chunk((*keyword).to_owned(), (*text).to_owned()).unwrap();
        }
    })
}

/// An EXIF block whose user comment is `comment`.
fn exif(comment: &[u8], big_endian: bool) -> Vec<u8> {
    let short = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let long = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let mut block = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&short(tag)[..], &short(kind), &long(count), &long(value)].concat()
    };
    // The first directory at 8 has one entry and leads to the second at 26, whose one entry leads to the text at 44.
    block.extend([&long(8)[..], &short(1), &entry(0x8769, 4, 1, 26), &long(0)].concat());
    block.extend([&short(1)[..], &entry(0x9286, 7, comment.len() as u32, 44), &long(0)].concat());
    block.extend(comment);
    block
}

fn jpeg(exif: &[u8]) -> Vec<u8> {
    let content = [b"Exif\0\0", exif].concat();
    let length = |content: &[u8]| u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    let app0 = [0u8; 14];
    [
        b"\xff\xd8\xff\xe0",
        &length(&app0)[..],
        &app0,
        b"\xff\xff\xe1",
        &length(&content),
        &content,
        b"\xff\xda\0\x02\xff\xd9",
    ]
    .concat()
}

fn webp(exif: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let padding = if content.len() % 2 == 1 { &b"\0"[..] } else { b"" };
        [&kind[..], &(content.len() as u32).to_le_bytes(), content, padding].concat()
    };
    let chunks = [chunk(b"VP8X", &[0; 10]), chunk(b"VP8 ", &[7; 5]), chunk(b"EXIF", exif)].concat();
    [&b"RIFF"[..], &(chunks.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunks].concat()
}

fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|u| if big_endian { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

const A1111: &str = "portrait of a woman in a garden, (smiling:1.2)\nNegative prompt: blurry, low quality\nSteps: 30, \
                     Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: \
                     6ce0161689, Model: v1-5-pruned-emaonly, Clip skip: 2, Version: v1.10.1";

fn assert_is_a1111(imported: &Imported) {
    let recipe = &imported.recipe;
    assert_eq!(imported.found, Source::Parameters);
    assert_eq!(recipe.prompt, "portrait of a woman in a garden, (smiling:1.2)");
    assert_eq!(recipe.negative, "blurry, low quality");
    assert_eq!((recipe.sampler, recipe.schedule), (Sampler::DpmPp2M, Schedule::Karras));
    assert_eq!((recipe.steps, recipe.seed, recipe.cfg), (30, 42, 7.0));
    assert_eq!((recipe.width, recipe.height), (512, 768));
    let left = ["Model hash: 6ce0161689", "Model: v1-5-pruned-emaonly", "Clip skip: 2", "Version: v1.10.1"];
    assert_eq!(imported.not_restored, left);
}

#[test]
fn a1111_text_is_read_wherever_it_is_kept() {
    let keyword = "parameters".to_owned();
    let exif_be = exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), true);
    for (place, bytes) in [
        ("text", A1111.as_bytes().to_vec()),
        ("text with a byte order mark", [b"\xff\xfe", &utf16(A1111, false)[..]].concat()),
        ("tEXt", png(|e| e.add_text_chunk(keyword.clone(), A1111.to_owned()).unwrap())),
        ("zTXt", png(|e| e.add_ztxt_chunk(keyword.clone(), A1111.to_owned()).unwrap())),
        ("iTXt", png_with(&[("parameters", A1111)])),
        ("JPEG, UTF-16 big-endian", jpeg(&exif_be)),
        ("WebP", webp(&exif_be)),
        ("WebP, labelled", webp(&[b"Exif\0\0", &exif_be[..]].concat())),
        ("little-endian", jpeg(&exif(&[b"UNICODE\0", &utf16(A1111, false)[..]].concat(), false))),
        ("orders mixed", jpeg(&exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), false))),
        ("ASCII", webp(&exif(&[b"ASCII\0\0\0", A1111.as_bytes()].concat(), true))),
        ("no encoding", jpeg(&exif(&[&[0; 8], A1111.as_bytes()].concat(), false))),
        ("no prefix", jpeg(&exif(A1111.as_bytes(), true))),
        ("UTF-8 under the wrong name", jpeg(&exif(&[b"UNICODE\0", A1111.as_bytes()].concat(), true))),
    ] {
        println!("{place}");
        assert_is_a1111(&read(&bytes));
    }
}

#[test]
fn letters_beyond_ascii_survive_every_encoding() {
    let text = "雪の中の狐 🦊, mûrier\nNegative prompt: flou\nSteps: 12, Sampler: Euler a, CFG scale: 6.5, Seed: 1";
    let latin = "mûrier\nSteps: 12, Sampler: Euler a, CFG scale: 6.5, Seed: 1";
    let prompt = |bytes: &[u8]| read(bytes).recipe.prompt;
    assert_eq!(prompt(&png_with(&[("parameters", text)])), "雪の中の狐 🦊, mûrier");
    for order in [true, false] {
        let comment = [b"UNICODE\0", &utf16(text, order)[..]].concat();
        assert_eq!(prompt(&jpeg(&exif(&comment, !order))), "雪の中の狐 🦊, mûrier");
    }
    assert_eq!(prompt(&png(|e| e.add_text_chunk("parameters".into(), latin.into()).unwrap())), "mûrier");
    // UTF-8 in a chunk meant for Latin-1.
    let raw: String = text.bytes().map(char::from).collect();
    assert_eq!(prompt(&png(|e| e.add_text_chunk("parameters".into(), raw).unwrap())), "雪の中の狐 🦊, mûrier");
}

/// Prompt, negative prompt, sampler, schedule, steps, and what is left over.
type Expected<'a> = (&'a str, &'a str, Sampler, Schedule, usize, &'a [&'a str]);

#[test]
fn texts_found_in_the_wild() {
    use Sampler as S;
    use Schedule::{Exponential, Karras, Normal};
    let lora = "a <lora:x:0.8> cat\nSteps: 9, Sampler: Euler, Seed: 3, Lora hashes: \"x: 0a1b, y: 2c3d\", TI hashes: \"e: \\\"q\\\"\"";
    let cases: &[(&str, Expected<'_>)] = &[
        // Before 1.9 the sampler's name carries the schedule, and its absence means the plain one.
        ("a cat\nSteps: 20, Sampler: DPM++ 2M Karras, Seed: 5", ("a cat", "", S::DpmPp2M, Karras, 20, &[])),
        ("a cat\nSteps: 20, Sampler: DPM++ 2M, Seed: 5", ("a cat", "", S::DpmPp2M, Normal, 20, &[])),
        ("a cat\nSteps: 20, Sampler: Euler Exponential, Seed: 5", ("a cat", "", S::Euler, Exponential, 20, &[])),
        // From 1.9 on, no name and "Automatic" mean the sampler's own.
        (
            "a cat\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, Seed: 5",
            ("a cat", "", S::DpmPp2M, Karras, 20, &[]),
        ),
        (
            "a cat\nSteps: 20, Sampler: DPM++ 2M, Seed: 5, Version: f2.0.1v1.10.1-previous-659",
            ("a cat", "", S::DpmPp2M, Karras, 20, &["Version: f2.0.1v1.10.1-previous-659"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: Euler a, Schedule type: Uniform, Seed: 5",
            ("a cat", "", S::EulerAncestral, Normal, 20, &[]),
        ),
        // Quoted values hold commas, colons and quotes.
        (
            lora,
            ("a <lora:x:0.8> cat", "", S::Euler, Normal, 9, &["Lora hashes: x: 0a1b, y: 2c3d", "TI hashes: e: \"q\""]),
        ),
        // Blank lines between the parts, several lines of each, spaces around, line ends of Windows and at the end.
        (
            "\r\na cat,\r\n  on a mat\r\n\r\nNegative prompt: dog,\r\nbird\r\n\r\nSteps: 20, Sampler: UniPC, Seed: 5\r\n\r\n",
            ("a cat,\non a mat", "dog,\nbird", S::UniPc, Normal, 20, &[]),
        ),
        // "Steps:" inside the prose, and a colon after a word.
        (
            "a recipe card, Steps: mix, Time: now\nstyle: oil\nSteps: 20, Sampler: PLMS, Seed: 5",
            ("a recipe card, Steps: mix, Time: now\nstyle: oil", "", S::Pndm, Normal, 20, &[]),
        ),
        // No prompt at all; no negative prompt; a negative prompt alone.
        ("Steps: 20, Sampler: Heun, Seed: 5", ("", "", S::Heun, Normal, 20, &[])),
        ("Negative prompt: dog\nSteps: 20, Sampler: LCM, Seed: 5", ("", "dog", S::Lcm, Normal, 20, &[])),
        // Samplers and schedules that we do not have.
        (
            "a cat\nSteps: 20, Sampler: DPM++ SDE Karras, Seed: 5",
            ("a cat", "", S::Ddim, Normal, 20, &["Sampler: DPM++ SDE Karras (not among this program's samplers)"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: Euler, Schedule type: SGM Uniform, Seed: 5",
            ("a cat", "", S::Euler, Normal, 20, &["Schedule type: SGM Uniform (not among this program's schedules)"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: DDIM, Schedule type: Karras, Seed: 5",
            ("a cat", "", S::Ddim, Normal, 20, &["Schedule type: Karras (DDIM has no such schedule)"]),
        ),
        // Numbers that cannot be: the rest is taken all the same.
        (
            "a cat\nSteps: 9999, Sampler: Euler, CFG scale: nan, Seed: -1, Size: 4x4",
            (
                "a cat",
                "",
                S::Euler,
                Normal,
                20,
                &[
                    "Steps: 9999 (steps is 9999, but must be between 1 and 1000)",
                    "CFG scale: nan (guidance scale is NaN, but must be between 0 and 100)",
                    "Seed: -1 (not a whole number of 0 or more)",
                    "Size: 4x4 (width is 0, but must be a multiple of 8 between 64 and 2048)",
                ],
            ),
        ),
        // Stray text between pairs, a key without a value, a key given twice, JSON without quotes.
        (
            "a cat\nSteps: 8, Hires fix, Sampler: Euler, Seed: 5, Mask blur: , Steps: 9, SDCPP: {\"a\": 1, \"bc\": 2}",
            (
                "a cat",
                "",
                S::Euler,
                Normal,
                9,
                &["Steps: 8 (given again later)", "Hires fix", "Mask blur: ", "SDCPP: {\"a\": 1", "\"bc\": 2}"],
            ),
        ),
        // Krita and SD.Next: other orders, other keys.
        (
            "a cat\nSteps: 20, Size: 512x512, Sampler: Default - Euler a, CFG scale: 5.0, Seed: 7, Model hash: unknown",
            (
                "a cat",
                "",
                S::Ddim,
                Normal,
                20,
                &["Model hash: unknown", "Sampler: Default - Euler a (not among this program's samplers)"],
            ),
        ),
    ];
    for (source, (prompt, negative, sampler, schedule, steps, left)) in cases {
        let imported = read(&png_with(&[("parameters", source)]));
        let recipe = &imported.recipe;
        assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), (*prompt, *negative), "{source}");
        assert_eq!((recipe.sampler, recipe.schedule, recipe.steps), (*sampler, *schedule, *steps), "{source}");
        assert_eq!(imported.not_restored, *left, "{source}");
        assert_eq!(recipe.validate(), Ok(()), "{source}");
    }
}

#[test]
fn a_last_line_of_few_pairs_is_prose() {
    let imported = read(&png_with(&[("parameters", "a cat\nNegative prompt: dog\nSteps: 20, Seed: 5")]));
    assert_eq!(
        (imported.recipe.prompt.as_str(), imported.recipe.negative.as_str()),
        ("a cat", "dog\nSteps: 20, Seed: 5")
    );
    assert_eq!(imported.recipe.steps, Recipe::default().steps);
    let prompt_alone = read(&png_with(&[("parameters", "{red|blue} car")]));
    assert_eq!(prompt_alone.recipe.prompt, "{red|blue} car");
}

#[test]
fn sizes_are_drawn_at_multiples_of_eight() {
    let imported = text("x\nSteps: 5, Sampler: Euler, Size: 500x517");
    assert_eq!((imported.recipe.width, imported.recipe.height), (496, 512));
    assert_eq!(imported.not_restored, ["Size: 500x517 (taken as 496x512, multiples of 8)"]);
}

#[test]
fn guidance_extensions_are_taken_where_they_mean_the_same() {
    let imported = text(
        "a face\nSteps: 30, Sampler: Euler, Seed: 1, CFG scale: 8, SEGA Active: True, SEGA Prompt: \"smile, round \
         glasses\", SEGA Negative Prompt: hat, SEGA Warmup Period: 7, SEGA Edit Guidance Scale: 12.5, SEGA Tail \
         Percentage Threshold: 0.05, SEGA Momentum Scale: 0.3, SEGA Momentum Beta: 0.6, SCFG Active: True, SCFG \
         Scale: 1, SCFG Rate Min: 4, SCFG Rate Max: 6.5, SCFG Rate Clamp: 12, SCFG Start Step: 0, SCFG End Step: 150, \
         SCFG R: 4",
    );
    let concept = |text: &str, reverse| Concept {
        text: text.into(),
        scale: 12.5,
        threshold: 0.95,
        warmup: 7,
        reverse,
        ..Concept::default()
    };
    let recipe = &imported.recipe;
    assert_eq!(recipe.concepts, [concept("smile", false), concept("round glasses", false), concept("hat", true)]);
    assert_eq!((recipe.momentum.scale, recipe.momentum.beta), (0.3, 0.6));
    assert!(recipe.scfg.enabled);
    assert_eq!((recipe.scfg.rate_min, recipe.scfg.rate_max, recipe.scfg.scale_cap), (4.0, 6.5, 12.0));
    assert_eq!(imported.not_restored, ["SCFG R: 4"]);

    let off =
        text("x\nSteps: 30, Seed: 1, SCFG Scale: 2, SCFG Rate Clamp: 0, SCFG End Step: 9, SEGA Momentum Beta: 0.6");
    assert!(!off.recipe.scfg.enabled && off.recipe.concepts.is_empty());
    let left = ["SCFG End Step: 9", "SCFG Rate Clamp: 0", "SCFG Scale: 2", "SEGA Momentum Beta: 0.6"];
    assert_eq!(off.not_restored, left);
}

/// A recipe that uses every kind of field.
fn full_recipe() -> Recipe {
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
}

#[test]
fn what_we_wrote_comes_back_whole() {
    let picture = Picture { width: 8, height: 8, rgb: vec![9; 192] };
    for recipe in [Recipe::default(), full_recipe()] {
        let bytes = encode_picture(&picture, Some(Metadata { recipe: &recipe, model_hash: None, run: None })).unwrap();
        let from = |found| Imported { recipe: recipe.clone(), found, not_restored: Vec::new() };
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
    // The chunk is believed before the text, but a damaged one is told of.
    let both = [("sextant", "(prompt: \"a\", sampler: warp)"), ("parameters", A1111)];
    let imported = read(&png_with(&both));
    assert_eq!((imported.found, imported.recipe.steps), (Source::Parameters, 30));
    assert!(imported.not_restored[0].starts_with("the Sextant recipe chunk"), "{:?}", imported.not_restored);
    let error = import_bytes(&png_with(&both[..1]), Path::new("x")).unwrap_err();
    assert!(matches!(error, SessionError::DamagedRecipe { .. }), "{error:?}");
}

const COMFY: &str = r#"{
  "3": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "steps": 25, "cfg": 6.5,
        "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0, "model": ["10", 0],
        "positive": ["11", 0], "negative": ["11", 1], "latent_image": ["5", 0]}},
  "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
  "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 448, "batch_size": 1}},
  "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["4", 1]}},
  "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["4", 1]}},
  "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["4", 2]}},
  "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
  "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "x", "strength_model": 0.8, "model": ["4", 0]},
         "is_changed": [NaN]},
  "11": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0], "strength": 0.5}},
  "12": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a glass bottle, NaN"}},
  "13": {"class_type": "KSampler", "inputs": {"seed": 2, "steps": 10, "cfg": 5, "sampler_name": "euler",
         "scheduler": "simple", "denoise": 0.5, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
         "latent_image": ["3", 0]}}
}"#;

#[test]
fn a_comfyui_graph_is_walked() {
    let exif_of = |text: &str| {
        // ComfyUI's WebP keeps the graph under the camera's model.
        let text = [text.as_bytes(), b"\0"].concat();
        let entry = [&[0x01, 0x10, 0, 2][..], &(text.len() as u32).to_be_bytes(), &26u32.to_be_bytes()].concat();
        [&b"MM\0*\0\0\0\x08\0\x01"[..], &entry, &[0; 4], &text].concat()
    };
    let in_webp = webp(&exif_of(&format!("prompt:{COMFY}")));
    for bytes in [png_with(&[("workflow", "{}"), ("prompt", COMFY)]), COMFY.as_bytes().to_vec(), in_webp] {
        let imported = read(&bytes);
        let recipe = &imported.recipe;
        assert_eq!(imported.found, Source::ComfyUi);
        assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("a glass bottle, NaN", "text, watermark"));
        assert_eq!((recipe.seed, recipe.steps, recipe.cfg), (u64::MAX, 25, 6.5));
        assert_eq!((recipe.sampler, recipe.schedule), (Sampler::DpmPp2M, Schedule::Karras));
        assert_eq!((recipe.width, recipe.height), (640, 448));
        let left = [
            "ComfyUI: node 13 samples again; only node 3 was taken",
            "LoraLoader: lora_name x, strength_model 0.8",
            "ControlNetApplyAdvanced: strength 0.5",
            "KSampler: cfg 5, denoise 0.5, sampler_name euler, scheduler simple, seed 2, steps 10",
            "CheckpointLoaderSimple: ckpt_name sd15.safetensors",
        ];
        assert_eq!(imported.not_restored, left);
    }
}

#[test]
fn a_comfyui_graph_of_custom_sampling_is_walked() {
    let imported = text(
        r#"{"1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
                  "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
            "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["9", 0]}},
            "3": {"class_type": "CFGGuider", "inputs": {"cfg": 4, "positive": ["7", 0], "negative": ["8", 0]}},
            "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler_ancestral"}},
            "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 12, "denoise": 1}},
            "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "a hill"}},
            "8": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["7", 0]}},
            "9": {"class_type": "PrimitiveInt", "inputs": {"value": 77}}}"#,
    );
    let recipe = &imported.recipe;
    assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("a hill", ""));
    assert_eq!((recipe.seed, recipe.steps, recipe.cfg, recipe.width), (77, 12, 4.0, 512));
    assert_eq!(recipe.sampler, Sampler::EulerAncestral);
    assert_eq!(imported.not_restored, ["scheduler: simple (not among this program's schedules)"]);
}

#[test]
fn other_tools_json_is_read() {
    let swarm = r#"{"sui_image_params": {"prompt": "a cat", "negativeprompt": "dog", "model": "sd15", "seed": 9,
        "steps": 14, "cfgscale": 6.5, "width": 640, "height": 512, "sampler": "dpmpp_2m", "scheduler": "karras",
        "swarm_version": "0.9"}, "sui_extra_data": {"date": "2025-01-01"}}"#;
    let fooocus = r#"{"prompt": "a cat", "negative_prompt": "dog", "guidance_scale": 6.5, "resolution": "(640, 512)",
        "seed": "9", "steps": 14, "sampler": "dpmpp_2m", "scheduler": "karras", "base_model": "x", "sharpness": 2.0}"#;
    let invoke = r#"{"positive_prompt": "a cat", "negative_prompt": "dog", "seed": 9, "steps": 14, "cfg_scale": 6.5,
        "width": 640, "height": 512, "scheduler": "dpmpp_2m_k", "model": {"name": "x"}, "vae": null}"#;
    let novel = r#"{"uc": "dog", "seed": 9, "steps": 14, "scale": 6.5, "width": 640, "height": 512,
        "sampler": "k_dpmpp_2m", "noise_schedule": "karras", "sm": false}"#;
    let draw_things = r#"{"c": "a cat", "uc": "dog", "seed": 9, "steps": 14, "scale": 6.5, "size": "640x512",
        "sampler": "DPM++ 2M Karras", "model": "x"}"#;
    let novel_texts = [("Software", "NovelAI"), ("Description", "a cat"), ("Comment", novel)];
    let comment = [b"UNICODE\0", &utf16(draw_things, true)[..]].concat();
    let cases: [(_, Vec<u8>, &[&str]); 5] = [
        (
            Source::SwarmUi,
            png_with(&[("parameters", swarm)]),
            &["model: sd15", "swarm_version: 0.9", "sui_extra_data: {\"date\":\"2025-01-01\"}"],
        ),
        (Source::Fooocus, png_with(&[("parameters", fooocus)]), &["base_model: x", "sharpness: 2.0"]),
        (Source::InvokeAi, png_with(&[("invokeai_metadata", invoke)]), &["model: {\"name\":\"x\"}"]),
        (Source::NovelAi, png_with(&novel_texts), &["sm: false"]),
        (Source::DrawThings, jpeg(&exif(&comment, true)), &["model: x"]),
    ];
    for (source, bytes, left) in cases {
        let imported = read(&bytes);
        let recipe = &imported.recipe;
        assert_eq!(imported.found, source);
        assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("a cat", "dog"), "{source}");
        assert_eq!((recipe.seed, recipe.steps, recipe.cfg), (9, 14, 6.5), "{source}");
        assert_eq!((recipe.sampler, recipe.schedule), (Sampler::DpmPp2M, Schedule::Karras), "{source}");
        assert_eq!((recipe.width, recipe.height), (640, 512), "{source}");
        assert_eq!(imported.not_restored, left, "{source}");
    }
}

#[test]
fn files_without_a_recipe_are_told_apart() {
    let path = Path::new("that.file");
    let other = [("Comment", "Created with GIMP"), ("Software", "GIMP")];
    for bytes in [
        Vec::new(),
        b"\0\x01\x02 binary \xff".to_vec(),
        b"Dear diary, today: nothing.".to_vec(),
        b"{\"name\": \"a package\", \"version\": \"1\"}".to_vec(),
        png_with(&[]),
        png_with(&other),
        png_with(&[("parameters", "  \n ")]),
        jpeg(&exif(b"ASCII\0\0\0Camera 3000", true)),
        b"\xff\xd8\xff\xd9".to_vec(),
        webp(b"MM\0*"),
    ] {
        let error = import_bytes(&bytes, path).expect_err("no recipe");
        assert!(matches!(error, SessionError::NothingToImport { .. }), "{error:?}");
        assert!(error.to_string().starts_with("that.file carries no recipe: "), "{error}");
    }
    let damaged = [b"\x89PNG\r\n\x1a\n", &[0; 40][..]].concat();
    assert!(matches!(import_bytes(&damaged, path), Err(SessionError::NotAPicture { .. })));
    let gone = session::import(Path::new("no/such/file.png")).unwrap_err();
    assert!(matches!(gone, SessionError::Read { .. }) && gone.to_string().contains("no/such/file.png"), "{gone}");
    let folder = tempfile::TempDir::new().unwrap();
    assert!(matches!(session::import(folder.path()), Err(SessionError::Read { .. })));
    let file = folder.path().join("a.txt");
    fs::write(&file, A1111).unwrap();
    assert_is_a1111(&session::import(&file).unwrap());
}

/// Numbers that look random and are always the same.
fn noise(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize
}

#[test]
fn no_bytes_bring_the_reader_down() {
    let recipe = full_recipe();
    let run = Fingerprint { start: Mark { hash: "ab".into(), probes: vec![1.0] }, ..Fingerprint::default() };
    let metadata = Metadata { recipe: &recipe, model_hash: Some("0123456789"), run: Some(&run) };
    let ours = encode_picture(&Picture { width: 8, height: 8, rgb: vec![9; 192] }, Some(metadata)).unwrap();
    let exif = exif(&[b"UNICODE\0", &utf16(A1111, true)[..]].concat(), true);
    let samples = [
        ours,
        jpeg(&exif),
        webp(&exif),
        png(|e| e.add_ztxt_chunk("parameters".into(), A1111.into()).unwrap()),
        A1111.as_bytes().to_vec(),
        parameters_text(&recipe, None).into_bytes(),
        COMFY.as_bytes().to_vec(),
        Document::new(recipe.clone()).to_text().unwrap().into_bytes(),
    ];
    let mut state = 7;
    let (mut read, mut refused) = (0, 0);
    let mut try_one = |bytes: &[u8]| match import_bytes(bytes, Path::new("hostile")) {
        Ok(_) => read += 1,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            refused += 1;
        }
    };
    for sample in &samples {
        for cut in (0..sample.len()).step_by(1 + sample.len() / 200) {
            try_one(&sample[..cut]);
        }
        for _ in 0..400 {
            let mut bytes = sample.clone();
            for _ in 0..1 + noise(&mut state) % 4 {
                let at = noise(&mut state) % bytes.len();
                match noise(&mut state) % 4 {
                    0 => bytes[at] ^= 1 << (noise(&mut state) % 8),
                    1 => bytes[at] = [0, 0xff, b'"', b'\\', b'{', b','][noise(&mut state) % 6],
                    2 => drop(bytes.splice(at..at, sample[..at.min(40)].iter().copied())),
                    _ => drop(bytes.drain(at..(at + 1 + noise(&mut state) % 30).min(bytes.len()))),
                }
                if bytes.is_empty() {
                    break;
                }
            }
            try_one(&bytes);
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

#[test]
fn endless_texts_are_read_in_time() {
    let begun = std::time::Instant::now();
    let graph =
        "{\"1\": {\"class_type\": \"A\", \"inputs\": {\"positive\": [\"1\", 0], \"latent_image\": [\"1\", 0]}}}";
    text(graph);
    for part in ["Aa: \"", "ab: c, ", "Steps: 1, ", "a b ", "\"\\", ": ", ",", "Negative prompt:\n"] {
        let long = format!("Steps: 1, Seed: 2, Sampler: Euler, {}", part.repeat(300_000));
        let _ = import_bytes(long.as_bytes(), Path::new("long"));
    }
    let nested = format!("{{\"prompt\": {}", "[".repeat(500_000));
    let _ = import_bytes(nested.as_bytes(), Path::new("nested"));
    let _ = import_bytes(format!("(format: \"sextant-session\", {}", "(".repeat(500_000)).as_bytes(), Path::new("ron"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

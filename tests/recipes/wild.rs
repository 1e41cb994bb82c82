//! `parameters` texts as several tools and their versions write them.

use Sampler as S;
use Schedule::{Exponential, Karras, Normal};
use sextant::{
    recipe::{Concept, ConceptId, Recipe, Sampler, Schedule},
    session::{Infotext, Piece},
};

use crate::{A1111, png_with, read, text};

/// Prompt, negative prompt, sampler, schedule, steps, and the settings that are not restored.
type Expected<'a> = (&'a str, &'a str, Sampler, Schedule, usize, &'a [&'a str]);

fn check(cases: &[(&str, Expected<'_>)]) {
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
fn schedules_hide_in_names() {
    check(&[
        // Before 1.9 the sampler's name contains the schedule; none means the normal one.
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
    ]);
}

#[test]
fn quoted_values_hold_commas_colons_and_quotes() {
    let lora = "a <lora:x:0.8> cat\nSteps: 9, Sampler: Euler, Seed: 3, Lora hashes: \"x: 0a1b, y: 2c3d\", TI hashes: \"e: \\\"q\\\"\"";
    check(&[
        // Quoted values contain commas, colons and quotes.
        (
            lora,
            (
                "a <lora:x:0.8> cat",
                "",
                S::Euler,
                Normal,
                9,
                &["Lora hashes: x: 0a1b, y: 2c3d", "TI hashes: e: \"q\"", "LoRA: x, weight 0.8 (not loaded)"],
            ),
        ),
        (
            "a cat\nSteps: 9, Sampler: Euler, Seed: 3, Hires prompt: \"a cat, \\\"big\\\"\\nNegative prompt: x, Steps: \
             4\", ControlNet 0: \"Module: canny, Weight: 1, Resize Mode: Crop and Resize\"",
            (
                "a cat",
                "",
                S::Euler,
                Normal,
                9,
                &[
                    "Hires prompt: a cat, \"big\"\nNegative prompt: x, Steps: 4",
                    "ControlNet 0: Module: canny, Weight: 1, Resize Mode: Crop and Resize",
                ],
            ),
        ),
        // Civitai writes bare JSON into the line.
        (
            "a cat\nSteps: 9, Sampler: Euler, Seed: 3, Civitai resources: [{\"type\":\"checkpoint\",\"id\":1},{\"a\":\"b, \
             Seed: 9\"}], Civitai metadata: {}",
            (
                "a cat",
                "",
                S::Euler,
                Normal,
                9,
                &[
                    "Civitai resources: [{\"type\":\"checkpoint\",\"id\":1},{\"a\":\"b, Seed: 9\"}]",
                    "Civitai metadata: {}",
                ],
            ),
        ),
    ]);
}

#[test]
fn prose_stays_prose() {
    check(&[
        // Blank lines between the parts, several lines in each, spaces around them, CRLF, a line end at the end.
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
        // Wrapped settings, and text below them.
        (
            "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler, CFG scale: 7,\nSeed: 5, Size: 64x64\nfound on a \
             page",
            ("a cat", "dog", S::Euler, Normal, 20, &["found on a page"]),
        ),
        // A line of three pairs that does not begin like settings is prose if the line below it is prose too.
        (
            "a list, red: 1, green: 2, blue: 3\nand a cat",
            ("a list, red: 1, green: 2, blue: 3\nand a cat", "", S::Ddim, Normal, 20, &[]),
        ),
        // Keys as words of the prompts.
        (
            "Negative space, Seed: of life, Sampler: stitched\nNegative prompt: Negative prompt: x\nnegative prompt: \
             y\nSteps: 7, Sampler: LCM, Seed: 1",
            (
                "Negative space, Seed: of life, Sampler: stitched",
                "Negative prompt: x\nnegative prompt: y",
                S::Lcm,
                Normal,
                7,
                &[],
            ),
        ),
    ]);
}

#[test]
fn names_that_we_do_not_have_are_listed() {
    check(&[
        // Samplers and schedules that this program lacks.
        (
            "a cat\nSteps: 20, Sampler: DPM adaptive Karras, Seed: 5",
            ("a cat", "", S::Ddim, Normal, 20, &["Sampler: DPM adaptive Karras (not among this program's samplers)"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: Euler, Schedule type: Turbo, Seed: 5",
            ("a cat", "", S::Euler, Normal, 20, &["Schedule type: Turbo (not among this program's schedules)"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: DDIM, Schedule type: Karras, Seed: 5",
            ("a cat", "", S::Ddim, Normal, 20, &["Schedule type: Karras (DDIM has no such schedule)"]),
        ),
        (
            "a cat\nSteps: 20, Sampler: PLMS, Schedule type: Karras, Seed: 5",
            ("a cat", "", S::Pndm, Normal, 20, &["Schedule type: Karras (PNDM has no such schedule)"]),
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
        (
            "a cat\nSteps: 20, Seed: 3, Sampler: euler_a karras, CFG scale: 5.0, Width: 512, Height: 256, App: SD.Next",
            ("a cat", "", S::EulerAncestral, Karras, 20, &["App: SD.Next"]),
        ),
    ]);
}

#[test]
fn numbers_that_cannot_be_leave_the_rest() {
    check(&[
        // Impossible numbers: the other settings are taken.
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
    ]);
}

#[test]
fn what_is_no_pair_is_listed() {
    check(&[
        // Stray text between pairs, a key without a value, a key given twice, JSON without quotes.
        (
            "a cat\nSteps: 8, Hires fix, Sampler: Euler, Seed: 5, Mask blur: , Steps: 9, SDCPP: {\"a\": 1, \"bc\": 2}",
            (
                "a cat",
                "",
                S::Euler,
                Normal,
                9,
                &["Steps: 8 (given again later)", "Hires fix", "Mask blur: ", "SDCPP: {\"a\": 1, \"bc\": 2}"],
            ),
        ),
    ]);
}

/// Texts with every feature of the tools' prompt syntax.
const SAMPLES: [&str; 6] = [
    A1111,
    "portrait of a woman in a garden\nNegative prompt: blurry\nSteps: 30, Sampler: DPM++ 2M, Schedule type: Karras, CFG \
     scale: 7, Seed: 42, Size: 512x512, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, RNG: CPU, SEGA Active: True, \
     SEGA Prompt: \"smile, glasses\", Guidance Studio: \"{\\\"v\\\":1,\\\"sega\\\":[{\\\"c\\\":\\\"smile\\\",\\\"s\\\":5.0}],\\\"scfg\\\":{}}\", \
     Version: studio 0.1",
    "a cat,\non a mat\nNegative prompt: dog,\n\nbird\nSteps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: \
     7.5, Seed: 12345, Size: 512x512, Model hash: 0a1b2c3d4e, Model: name, Lora hashes: \"a: 0a1b2c3d4e5f, b: \
     a1b2c3d4e5f6\", Version: v1.10.1",
    "Steps: 20, Sampler: Heun, Seed: 5",
    "a cat <lora:x:0.8> (red:1.2)\nSteps: 8, Hires fix, Sampler: Euler, Template: \"a {cat|dog}:\\nNegative prompt: x\"",
    "a prompt alone, 雪の中の狐",
];

#[test]
fn texts_are_written_back_as_they_were() {
    for sample in SAMPLES {
        let parsed = Infotext::parse(sample).expect("a text");
        assert_eq!(parsed.to_string(), sample);
    }
    assert_eq!(Infotext::parse(" \r\n "), None);
    let studio = Infotext::parse(SAMPLES[1]).expect("a text");
    assert_eq!(studio.get("Guidance Studio"), Some("{\"v\":1,\"sega\":[{\"c\":\"smile\",\"s\":5.0}],\"scfg\":{}}"));
    // An empty value is not written: some readers report it as an error.
    let settings = vec![Piece::Pair("Aa".into(), String::new()), Piece::Pair("Bb".into(), "c".into())];
    assert_eq!(Infotext { prompt: "x".into(), settings, ..Infotext::default() }.to_string(), "x\nBb: c");
}

#[test]
fn the_window_gets_prompts_in_their_syntax_without_tags() {
    let source =
        "a (red hat:1.2), <lora:x:0.8>, BREAK \\(sic\\)\nNegative prompt: [dull], bad\nSteps: 9, Sampler: LCM, Seed: 1";
    let imported = text(source);
    assert_eq!(imported.recipe.prompt, "a (red hat:1.2), <lora:x:0.8>, BREAK \\(sic\\)");
    assert_eq!(imported.not_restored, ["LoRA: x, weight 0.8 (not loaded)"]);
    let recipe = imported.into_plain_recipe();
    assert_eq!((recipe.prompt.as_str(), recipe.negative.as_str()), ("a (red hat:1.2), BREAK \\(sic\\)", "[dull], bad"));
    assert_eq!(recipe.prompt_syntax, sextant::recipe::PromptSyntax::A1111);
    let plain = text("a cat (sleeping\nSteps: 9, Sampler: LCM, Seed: 1");
    assert_eq!(plain.plain, None);
    assert_eq!(plain.into_plain_recipe().prompt, "a cat (sleeping");
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
    assert_eq!(
        prompt_alone.not_restored,
        ["wildcard: {red|blue} (not understood here: left in the prompt as it stands)"]
    );
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
    let concept = |id, text: &str, strength| Concept {
        id: ConceptId(id),
        text: text.into(),
        strength,
        threshold: 0.95,
        warmup: 7,
        ..Concept::default()
    };
    let recipe = &imported.recipe;
    assert_eq!(
        recipe.concepts,
        [concept(1, "smile", 12.5), concept(2, "round glasses", 12.5), concept(3, "hat", -12.5)]
    );
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

#[test]
fn samplers_and_schedules_of_a1111_have_its_names() {
    use sextant::recipe::Convention;
    let samplers = [
        ("Euler", S::Euler),
        ("Euler a", S::EulerAncestral),
        ("Heun", S::Heun),
        ("DPM2", S::Dpm2),
        ("DPM2 a", S::Dpm2Ancestral),
        ("LMS", S::Lms),
        ("DPM++ 2S a", S::DpmPp2SAncestral),
        ("DPM++ 2M", S::DpmPp2M),
        ("DPM++ SDE", S::DpmPpSde),
        ("DPM++ 2M SDE", S::DpmPp2MSde),
        ("DPM++ 2M SDE Heun", S::DpmPp2MSdeHeun),
        ("DPM++ 3M SDE", S::DpmPp3MSde),
        ("DDIM", S::Ddim),
        ("UniPC", S::UniPc),
        ("LCM", S::Lcm),
        ("DDPM", S::Ddpm),
        ("Restart", S::Restart),
    ];
    let schedules = [
        ("Uniform", Schedule::Normal),
        ("Karras", Karras),
        ("Exponential", Exponential),
        ("Polyexponential", Schedule::Polyexponential),
        ("SGM Uniform", Schedule::SgmUniform),
        ("KL Optimal", Schedule::KlOptimal),
        ("Align Your Steps", Schedule::AlignYourSteps),
        ("Simple", Schedule::Simple),
        ("Normal", Schedule::Normal),
        ("Beta", Schedule::Beta),
    ];
    for (name, sampler) in samplers {
        for (label, schedule) in schedules {
            if !sampler.has_schedule(schedule, Convention::A1111) {
                continue;
            }
            let settings =
                format!("a cat\nSteps: 20, Sampler: {name}, Schedule type: {label}, Seed: 5, Version: v1.10.1");
            let imported = text(&settings);
            let recipe = &imported.recipe;
            assert_eq!((recipe.sampler, recipe.schedule), (sampler, schedule), "{settings}");
            assert_eq!(recipe.convention, Convention::A1111);
            assert_eq!(imported.not_restored, ["Version: v1.10.1"], "{settings}");
            // What this program writes of it is read again.
            let again = text(&sextant::session::parameters_text(recipe, None).replace("Sextant:", "Other:"));
            assert_eq!((again.recipe.sampler, again.recipe.schedule), (sampler, schedule), "{settings}");
        }
        let automatic = text(&format!("a cat\nSteps: 20, Sampler: {name}, Seed: 5, Version: v1.10.1")).recipe.schedule;
        let wanted = match sampler {
            S::DpmPp2MSde | S::DpmPp2MSdeHeun | S::DpmPp3MSde => Exponential,
            S::DpmPp2M | S::DpmPpSde | S::DpmPp2SAncestral | S::Dpm2 | S::Dpm2Ancestral | S::Restart => Karras,
            _ => Normal,
        };
        assert_eq!(automatic, wanted, "{name}");
    }
}

#[test]
fn options_of_sampler_and_prompt_are_taken_over() {
    use sextant::recipe::{Emphasis, PromptSyntax};
    let settings = "a (cat:1.2) [in|on] <lora:x:0.7>\nNegative prompt: [dog]\nSteps: 20, Sampler: Euler a, Seed: 5, Eta: 0.5, \
                    Sigma churn: 2, Sigma noise: 1.1, Schedule rho: 5, Schedule min sigma: 0.1, Schedule max sigma: 10, \
                    Clip skip: 2, Emphasis: No norm, Version: v1.10.1";
    let imported = text(settings);
    let recipe = &imported.recipe;
    assert_eq!((recipe.eta, recipe.s_churn, recipe.s_noise, recipe.rho), (Some(0.5), Some(2.0), Some(1.1), Some(5.0)));
    assert_eq!((recipe.sigma_min, recipe.sigma_max, recipe.clip_skip), (Some(0.1), Some(10.0), Some(2)));
    assert_eq!((recipe.emphasis, recipe.prompt_syntax), (Emphasis::NoNorm, PromptSyntax::A1111));
    assert_eq!(imported.not_restored, ["Version: v1.10.1", "LoRA: x, weight 0.7 (not loaded)"]);
    assert_eq!(imported.plain.as_ref().map(|plain| plain.prompt.as_str()), Some("a (cat:1.2) [in|on]"));
    let tags: Vec<(String, f32)> = recipe.network_tags().into_iter().map(|tag| (tag.name, tag.weight)).collect();
    assert_eq!(tags, [("x".to_owned(), 0.7)]);
    // And written as they were read.
    let again = text(&sextant::session::parameters_text(recipe, None).replace("Sextant:", "Other:"));
    let with_model = Recipe { model: recipe.model.clone(), ..again.recipe };
    assert_eq!(&with_model, recipe);
    for (bad, key) in [
        ("Clip skip: 0", "Clip skip"),
        ("Clip skip: 99", "Clip skip"),
        ("Eta: x", "Eta"),
        ("Emphasis: loud", "Emphasis"),
    ] {
        let imported = text(&format!("a cat\nSteps: 20, Sampler: Euler a, Seed: 5, {bad}"));
        assert!(imported.not_restored.iter().any(|line| line.starts_with(key)), "{bad}: {:?}", imported.not_restored);
    }
}

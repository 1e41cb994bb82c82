//! Settings in the forms of other tools: ComfyUI graphs and JSON.

use sextant::{
    recipe::{Convention, PromptSyntax, Sampler, Schedule},
    session::Source,
};

use crate::{
    containers::{gzip, stealth},
    exif, jpeg, png_with, read, text, utf16, webp,
};

pub const COMFY: &str = r#"{
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
        // In WebP, ComfyUI writes the graph into the tag of the camera's model.
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
    assert_eq!(recipe.schedule, Schedule::Simple);
    assert!(imported.not_restored.is_empty(), "{:?}", imported.not_restored);
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
fn novel_ai_hides_its_texts_in_the_pixels_too() {
    let texts = r#"{"Description": "{{a cat}}", "Software": "NovelAI", "Comment": "{\"prompt\": \"{{a cat}}\", \"uc\": \"dog\", \"seed\": 9, \"steps\": 14, \"scale\": 6.5, \"width\": 640, \"height\": 512, \"sampler\": \"k_euler_ancestral\"}"}"#;
    let imported = read(&stealth(b"stealth_pngcomp", &gzip(texts.as_bytes()), 4));
    assert_eq!((imported.found, imported.recipe.sampler), (Source::NovelAi, Sampler::EulerAncestral));
    assert_eq!((imported.recipe.seed, imported.recipe.steps, imported.recipe.width), (9, 14, 640));
    assert_eq!(imported.recipe.prompt, "{{a cat}}");
    assert_eq!(imported.not_restored, ["emphasis: {{a cat}} (not applied: the words count as they stand)"]);
    assert_eq!(imported.into_plain_recipe().prompt, "a cat");
}

#[test]
fn draw_things_writes_its_settings_into_xmp() {
    let json = "{&quot;c&quot;:&quot;a cat&quot;,&quot;uc&quot;:&quot;dog&quot;,&quot;steps&quot;:14,&quot;seed&quot;:9,&quot;size&quot;:&quot;640x512&quot;,&quot;sampler&quot;:&quot;Euler A&quot;}";
    let packet = format!(
        "<x:xmpmeta><rdf:Description><dc:description><rdf:Alt><rdf:li>a cat, Steps: 14</rdf:li></rdf:Alt></dc:description>\
         <xmp:CreatorTool>Draw Things</xmp:CreatorTool><exif:UserComment><rdf:Alt><rdf:li \
         xml:lang=\"x-default\">{json}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description></x:xmpmeta>"
    );
    let imported = read(&png_with(&[("XML:com.adobe.xmp", &packet)]));
    assert_eq!((imported.found, imported.recipe.prompt.as_str()), (Source::DrawThings, "a cat"));
    assert_eq!((imported.recipe.steps, imported.recipe.height), (14, 512));
    assert_eq!(imported.not_restored, [""; 0]);
}

#[test]
fn fooocus_may_write_the_parameters_text() {
    let texts = [("parameters", crate::A1111), ("fooocus_scheme", "a1111")];
    crate::assert_is_a1111(&read(&png_with(&texts)));
    let old = r#"{"model": "stable diffusion", "image": {"prompt": [{"prompt": "a cat++", "weight": 1.0}], "steps": 14,
        "cfg_scale": 6.5, "seed": 9, "width": 640, "height": 512, "sampler": "k_euler_a"}}"#;
    let imported = read(&png_with(&[("sd-metadata", old)]));
    assert_eq!((imported.found, imported.recipe.prompt.as_str()), (Source::InvokeAi, "a cat++"));
    assert_eq!(imported.into_plain_recipe().prompt, "a cat");
}

#[test]
fn comfyui_names_its_samplers_and_the_layer_of_its_text_encoder() {
    let graph = |sampler: &str, scheduler: &str| {
        text(&format!(
            r#"{{"1": {{"class_type": "KSampler", "inputs": {{"seed": 1, "steps": 12, "cfg": 4, "sampler_name": "{sampler}",
                  "scheduler": "{scheduler}", "denoise": 1, "positive": ["2", 0], "negative": ["3", 0], "latent_image": ["4", 0]}}}},
                "2": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "a (hill:1.2) [x]", "clip": ["5", 0]}}}},
                "3": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "", "clip": ["5", 0]}}}},
                "4": {{"class_type": "EmptyLatentImage", "inputs": {{"width": 512, "height": 512}}}},
                "5": {{"class_type": "CLIPSetLastLayer", "inputs": {{"stop_at_clip_layer": -2, "clip": ["6", 1]}}}},
                "6": {{"class_type": "CheckpointLoaderSimple", "inputs": {{}}}}}}"#
        ))
    };
    for (name, sampler) in [
        ("euler", Sampler::Euler),
        ("euler_ancestral", Sampler::EulerAncestral),
        ("heun", Sampler::Heun),
        ("dpm_2", Sampler::Dpm2),
        ("dpm_2_ancestral", Sampler::Dpm2Ancestral),
        ("lms", Sampler::Lms),
        ("dpmpp_2s_ancestral", Sampler::DpmPp2SAncestral),
        ("dpmpp_sde", Sampler::DpmPpSde),
        ("dpmpp_sde_gpu", Sampler::DpmPpSde),
        ("dpmpp_2m", Sampler::DpmPp2M),
        ("dpmpp_2m_sde_gpu", Sampler::DpmPp2MSde),
        ("dpmpp_2m_sde_heun", Sampler::DpmPp2MSdeHeun),
        ("dpmpp_3m_sde", Sampler::DpmPp3MSde),
        ("ddpm", Sampler::Ddpm),
        ("lcm", Sampler::Lcm),
        ("ddim", Sampler::Ddim),
        ("uni_pc", Sampler::UniPc),
    ] {
        for (scheduler, schedule) in [
            ("normal", Schedule::Normal),
            ("karras", Schedule::Karras),
            ("exponential", Schedule::Exponential),
            ("sgm_uniform", Schedule::SgmUniform),
            ("simple", Schedule::Simple),
            ("ddim_uniform", Schedule::DdimUniform),
            ("beta", Schedule::Beta),
            ("linear_quadratic", Schedule::LinearQuadratic),
            ("kl_optimal", Schedule::KlOptimal),
        ] {
            let imported = graph(name, scheduler);
            let recipe = &imported.recipe;
            assert_eq!((recipe.sampler, recipe.schedule), (sampler, schedule), "{name} {scheduler}");
            assert_eq!((recipe.convention, recipe.prompt_syntax), (Convention::ComfyUi, PromptSyntax::Comfy));
            assert_eq!((recipe.clip_skip, recipe.prompt.as_str()), (Some(2), "a (hill:1.2) [x]"));
            assert!(imported.not_restored.is_empty() && imported.plain.is_none(), "{:?}", imported.not_restored);
        }
    }
}

//! The arguments of `render` and how they change a recipe.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;

use crate::{
    nets::Precision,
    recipe::{
        Concept, Fusion, FusionMode, GuidanceInterval, Lora, ModelRef, Recipe, RecipeError, Sampler, Schedule, keys,
    },
    session,
};

#[derive(Debug, Default, Args)]
pub struct RenderArgs {
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub negative: Option<String>,
    /// A diffusers folder or a `.safetensors` checkpoint; `pocket` is the bundled model.
    #[arg(long, value_name = "PATH")]
    pub model: Option<String>,
    /// A LoRA file to add to the model, and how much of it (1 when not given); may be given several times.
    #[arg(long = "lora", value_name = "FILE[:WEIGHT]")]
    pub loras: Vec<String>,
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// ddim, pndm, euler, euler-a, heun, dpmpp-2m, unipc or lcm; `-karras` or `-exponential` may be appended.
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<String>,
    /// normal, karras or exponential.
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<String>,
    /// Guidance scale.
    #[arg(long, value_name = "G", allow_negative_numbers = true)]
    pub cfg: Option<f32>,
    /// Factors on the guidance scale by step, straight lines between them: "0:1,20:0.4".
    #[arg(long, value_name = "STEP:FACTOR,…")]
    pub cfg_keys: Option<String>,
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Pixels; the model's own size when not given.
    #[arg(long, value_name = "PX")]
    pub width: Option<usize>,
    #[arg(long, value_name = "PX")]
    pub height: Option<usize>,
    /// cfg or s-cfg.
    #[arg(long, value_name = "METHOD")]
    pub guidance: Option<String>,
    /// Guide only steps FROM up to UNTIL, counted from 0. An approximation: fewer evaluations, another picture.
    #[arg(long, value_name = "FROM..UNTIL")]
    pub guidance_interval: Option<String>,
    /// Stop guiding once the predictions with and without the prompt have a cosine above this, 0.99 say. An
    /// approximation: fewer evaluations, another picture.
    #[arg(long, value_name = "COSINE")]
    pub adaptive_guidance: Option<f32>,
    /// "TEXT; scale=5; keys=0:0.5,10:1; threshold=0.9; warmup=10; cooldown=30; weight=1; reverse"; may be given
    /// several times. Keys are factors on the scale by step, with straight lines between them.
    #[arg(long = "concept", value_name = "CONCEPT")]
    pub concepts: Vec<String>,
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub momentum_scale: Option<f32>,
    #[arg(long, value_name = "BETA", allow_negative_numbers = true)]
    pub momentum_beta: Option<f32>,
    /// The second model of a fusion: a diffusers folder, a `.safetensors` checkpoint, or `pocket-toon`.
    #[arg(long, value_name = "PATH")]
    pub expert: Option<String>,
    #[arg(long, value_name = "TEXT")]
    pub expert_prompt: Option<String>,
    /// "t0=600; kg=1; ke=1; mode=2"; with "rule=general", "rule=expert", "rule=mask; mask=FILE.png" or
    /// "rule=weighted; weight=0.5" something else than saliency decides.
    #[arg(long, value_name = "FUSION")]
    pub fusion: Option<String>,
    /// reference (as the authors' code does it) or fixed (with its defects repaired).
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Start from the recipe of a saved session; the other flags then change it.
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,
    /// A safetensors file whose tensor `init_latents` replaces the seed's noise.
    #[arg(long, value_name = "FILE")]
    pub init_latents: Option<PathBuf>,
    /// Write every tensor of the run to this safetensors file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// auto, cpu or wgpu.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Of products: f32; on the CPU bf16 for half the memory, and for speed where it has AVX512_BF16; on a graphics card
    /// f16 for half the memory.
    #[arg(long, default_value_t, value_name = "PRECISION")]
    pub precision: Precision,
    /// The picture to write.
    #[arg(long, value_name = "FILE.png")]
    pub out: PathBuf,
}

impl RenderArgs {
    /// Changes `recipe` as the flags say.
    pub fn apply(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        set(&mut recipe.prompt, &self.prompt);
        set(&mut recipe.negative, &self.negative);
        if let Some(model) = &self.model {
            recipe.model = model_ref(model);
        }
        if !self.loras.is_empty() {
            recipe.loras = self.loras.iter().map(|text| lora(text)).collect();
        }
        set(&mut recipe.steps, &self.steps);
        set(&mut recipe.cfg, &self.cfg);
        if let Some(text) = &self.cfg_keys {
            recipe.cfg_keys = keys::parse(text)?;
        }
        set(&mut recipe.seed, &self.seed);
        set(&mut recipe.width, &self.width);
        set(&mut recipe.height, &self.height);
        set(&mut recipe.momentum.scale, &self.momentum_scale);
        set(&mut recipe.momentum.beta, &self.momentum_beta);
        self.apply_sampler(recipe)?;
        if let Some(guidance) = &self.guidance {
            recipe.scfg.enabled = guidance_method(guidance)?;
        }
        if let Some(interval) = &self.guidance_interval {
            recipe.guidance_interval = Some(guidance_interval(interval)?);
        }
        if self.adaptive_guidance.is_some() {
            recipe.adaptive_guidance = self.adaptive_guidance;
        }
        if let Some(profile) = &self.profile {
            recipe.profile = profile.parse()?;
        }
        if !self.concepts.is_empty() {
            recipe.concepts = self.concepts.iter().map(|c| concept(c)).collect::<Result<_, _>>()?;
            recipe.assign_concept_ids();
        }
        self.apply_fusion(recipe)
    }

    fn apply_sampler(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        if let Some(name) = &self.sampler {
            let (sampler, schedule) = sampler_and_schedule(name)?;
            recipe.sampler = sampler;
            recipe.schedule = schedule;
        }
        if let Some(schedule) = &self.schedule {
            recipe.schedule = schedule.parse()?;
        }
        Ok(())
    }

    fn apply_fusion(&self, recipe: &mut Recipe) -> Result<(), RecipeError> {
        if self.expert.is_none() && self.expert_prompt.is_none() && self.fusion.is_none() {
            return Ok(());
        }
        let fusion = match (&self.expert, &mut recipe.fusion) {
            (Some(expert), current) => {
                let fusion = current.get_or_insert_with(Fusion::default);
                fusion.expert = model_ref(expert);
                fusion
            }
            (None, Some(current)) => current,
            (None, None) => {
                return Err(RecipeError::Conflict(
                    "--fusion and --expert-prompt need a second model: add --expert PATH".into(),
                ));
            }
        };
        fusion.enabled = true;
        if let Some(prompt) = &self.expert_prompt {
            fusion.prompt = Some(prompt.clone());
        }
        self.fusion.as_deref().map_or(Ok(()), |text| apply_fusion_text(fusion, text))
    }
}

fn set<T: Clone>(target: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        *target = value.clone();
    }
}

fn model_ref(text: &str) -> ModelRef {
    ModelRef::from(text.to_owned())
}

/// Reads "FILE:WEIGHT"; what stands behind the last colon is a weight if it is a number.
fn lora(text: &str) -> Lora {
    let weighted = text.rsplit_once(':').and_then(|(path, weight)| Some((path, weight.trim().parse().ok()?)));
    let (path, weight) = weighted.unwrap_or((text, 1.0));
    Lora { path: path.into(), weight }
}

/// `dpmpp-2m-karras` is short for sampler `dpmpp-2m` with schedule `karras`.
fn sampler_and_schedule(name: &str) -> Result<(Sampler, Schedule), RecipeError> {
    for schedule in [Schedule::Karras, Schedule::Exponential] {
        if let Some(sampler) = name.strip_suffix(schedule.name()).and_then(|rest| rest.strip_suffix('-')) {
            return Ok((sampler.parse()?, schedule));
        }
    }
    Ok((name.parse()?, Schedule::Normal))
}

/// Whether a guidance method is S-CFG.
fn guidance_method(name: &str) -> Result<bool, RecipeError> {
    match name {
        "cfg" => Ok(false),
        "s-cfg" => Ok(true),
        _ => {
            Err(RecipeError::UnknownOption { what: "guidance", given: name.to_owned(), known: "cfg, s-cfg".to_owned() })
        }
    }
}

/// Reads "FROM..UNTIL".
fn guidance_interval(text: &str) -> Result<GuidanceInterval, RecipeError> {
    let (from, until) = text.split_once("..").ok_or_else(|| RecipeError::OutOfRange {
        what: "guidance interval".into(),
        given: format!("\"{text}\""),
        must: "FROM..UNTIL, two numbers of steps",
    })?;
    let step = |value: &str| number("a guidance interval", value.trim(), text);
    Ok(GuidanceInterval { from: step(from)?, until: step(until)? })
}

/// Reads "TEXT; name=value; …; reverse".
fn concept(text: &str) -> Result<Concept, RecipeError> {
    let mut parts = text.split(';').map(str::trim);
    let mut concept = Concept { text: parts.next().unwrap_or_default().to_owned(), ..Concept::default() };
    if concept.text.is_empty() {
        return Err(RecipeError::Conflict(format!("the concept \"{text}\" has no text before its settings")));
    }
    let mut reverse = false;
    for part in parts.filter(|p| !p.is_empty()) {
        match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            None if part == "reverse" => reverse = true,
            Some(("scale", v)) => concept.strength = number("scale", v, text)?,
            Some(("keys", v)) => concept.keys = keys::parse(v)?,
            Some(("threshold", v)) => concept.threshold = number("threshold", v, text)?,
            Some(("warmup", v)) => concept.warmup = number("warmup", v, text)?,
            Some(("cooldown", v)) => concept.cooldown = Some(number("cooldown", v, text)?),
            Some(("weight", v)) => concept.weight = number("weight", v, text)?,
            _ => {
                return Err(RecipeError::UnknownOption {
                    what: "concept setting",
                    given: part.to_owned(),
                    known: "scale=, keys=, threshold=, warmup=, cooldown=, weight=, reverse".to_owned(),
                });
            }
        }
    }
    if reverse {
        concept.strength = -concept.strength;
    }
    Ok(concept)
}

/// Reads "t0=600; kg=1; ke=1; mode=2; rule=weighted; weight=0.5; mask=FILE.png".
fn apply_fusion_text(fusion: &mut Fusion, text: &str) -> Result<(), RecipeError> {
    for part in text.split(';').map(str::trim).filter(|p| !p.is_empty()) {
        match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("t0", v)) => fusion.t0 = number("t0", v, text)?,
            Some(("kg", v)) => fusion.k_g = number("kg", v, text)?,
            Some(("ke", v)) => fusion.k_e = number("ke", v, text)?,
            Some(("mode", v)) => fusion.mode = v.parse::<FusionMode>()?,
            Some(("rule", v)) => fusion.rule = v.parse()?,
            Some(("weight", v)) => fusion.weight = number("weight", v, text)?,
            Some(("mask", v)) => {
                let mask = session::read_mask(Path::new(v)).map_err(|e| RecipeError::Conflict(e.to_string()))?;
                fusion.mask = Some(mask);
            }
            _ => {
                return Err(RecipeError::UnknownOption {
                    what: "fusion setting",
                    given: part.to_owned(),
                    known: "t0=, kg=, ke=, mode=, rule=, weight=, mask=".to_owned(),
                });
            }
        }
    }
    Ok(())
}

fn number<T: FromStr>(name: &str, value: &str, whole: &str) -> Result<T, RecipeError> {
    value
        .parse()
        .map_err(|_| RecipeError::Conflict(format!("\"{value}\" is not a number that {name} can take, in \"{whole}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{FusionRule, Key};

    #[test]
    fn a_concept_reads_all_its_settings() {
        let c = concept(
            "glasses, wearing glasses; scale=-4.5; keys=0:2, 10:0.5; threshold=0.95; warmup=2; cooldown=9; weight=2; reverse",
        );
        let want = Concept {
            text: "glasses, wearing glasses".into(),
            strength: 4.5,
            keys: vec![Key { step: 0, factor: 2.0 }, Key { step: 10, factor: 0.5 }],
            threshold: 0.95,
            warmup: 2,
            cooldown: Some(9),
            weight: 2.0,
            ..Concept::default()
        };
        assert_eq!(c, Ok(want));
    }

    #[test]
    fn a_lora_may_carry_its_weight() {
        for (text, path, weight) in [
            ("a.safetensors", "a.safetensors", 1.0),
            ("b:c/a.safetensors:-0.5", "b:c/a.safetensors", -0.5),
            ("C:\\a.safetensors", "C:\\a.safetensors", 1.0),
        ] {
            assert_eq!(lora(text), Lora { path: path.into(), weight });
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, names) in [
            ("hat; sclae=3", "sclae=3"),
            ("hat; scale=x", "\"x\""),
            ("hat; keys=0:1,9", "\"9\""),
            ("; scale=1", "no text"),
        ] {
            let message = concept(text).expect_err("a bad concept").to_string();
            assert!(message.contains(names), "{message}");
        }
    }

    #[test]
    fn an_interval_is_two_steps() {
        assert_eq!(guidance_interval("2..15"), Ok(GuidanceInterval { from: 2, until: 15 }));
        for text in ["2-15", "a..3", "2.."] {
            let message = guidance_interval(text).expect_err("no interval").to_string();
            assert!(message.contains("guidance interval"), "{message}");
        }
    }

    #[test]
    fn a_fusion_reads_its_rule() {
        let mut fusion = Fusion::default();
        assert_eq!(apply_fusion_text(&mut fusion, "rule=weighted; weight=0.3; t0=0"), Ok(()));
        assert_eq!((fusion.rule, fusion.weight, fusion.t0), (FusionRule::Weighted, 0.3, 0.0));
        for (text, names) in [("rule=loudest", "saliency, general, expert"), ("mask=no/such.png", "no/such.png")] {
            let message = apply_fusion_text(&mut fusion, text).expect_err("a bad fusion").to_string();
            assert!(message.contains(names), "{message}");
        }
    }

    #[test]
    fn sampler_names_may_carry_a_schedule() {
        assert_eq!(sampler_and_schedule("dpmpp-2m-karras"), Ok((Sampler::DpmPp2M, Schedule::Karras)));
        assert_eq!(sampler_and_schedule("euler-a"), Ok((Sampler::EulerAncestral, Schedule::Normal)));
        assert!(sampler_and_schedule("warp").is_err());
    }
}

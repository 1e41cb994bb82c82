//! The `parameters` text that image tools and galleries read: prompt, negative prompt and one line of settings.
//!
//! Apart from the text's form, which is in `infotext`: this says what the settings of a recipe are called.

use super::infotext::{Infotext, Piece};
use crate::recipe::{Convention, Emphasis, PromptSyntax, Recipe, Sampler, Schedule};

/// `recipe` as `parameters` text. `model_hash` is the SHA-256 of the weights in hex, of which ten digits are written.
///
/// The line of settings ends with the whole recipe as JSON, for tools that keep only this text.
pub fn parameters_text(recipe: &Recipe, model_hash: Option<&str>) -> String {
    let settings = settings(recipe, model_hash).into_iter();
    let text = Infotext {
        prompt: recipe.prompt.clone(),
        negative: recipe.negative.clone(),
        settings: settings.map(|(key, value)| Piece::Pair(key.to_owned(), value)).collect(),
    };
    text.to_string()
}

/// Keys and values in the order of other tools.
fn settings(recipe: &Recipe, model_hash: Option<&str>) -> Vec<(&'static str, String)> {
    let mut list = vec![("Steps", recipe.steps.to_string()), ("Sampler", sampler_name(recipe.sampler).to_owned())];
    // Without a name, readers assume the schedule that A1111 calls "Automatic".
    if recipe.schedule != Schedule::Normal || recipe.schedule != automatic_schedule(recipe.sampler) {
        // A1111's name for DDIM's timesteps.
        let is_ddim = recipe.schedule == Schedule::DdimUniform;
        list.push(("Schedule type", if is_ddim { "DDIM" } else { recipe.schedule.title() }.to_owned()));
    }
    list.extend(options(recipe));
    list.push(("CFG scale", recipe.cfg.to_string()));
    list.push(("Seed", recipe.seed.to_string()));
    list.push(("Size", format!("{}x{}", recipe.width, recipe.height)));
    if let Some(hash) = model_hash.and_then(|hash| hash.get(..10)) {
        list.push(("Model hash", hash.to_owned()));
    }
    list.push(("Model", recipe.model.title()));
    let loras: Vec<String> = recipe.active_loras().map(|lora| format!("{}: {}", lora.title(), lora.weight)).collect();
    list.push(("Loras", loras.join(", ")));
    if let Some(name) = recipe.vae.as_deref().and_then(std::path::Path::file_name) {
        list.push(("VAE", name.to_string_lossy().into_owned()));
    }
    list.push(("RNG", "CPU".to_owned()));
    list.push(("Guidance profile", recipe.profile.title().to_owned()));
    if recipe.scfg.enabled {
        list.push(("S-CFG", "True".to_owned()));
    }
    let concepts: Vec<&str> = recipe.active_concepts().map(|c| c.text.trim()).collect();
    if !concepts.is_empty() {
        list.push(("SEGA Active", "True".to_owned()));
        list.push(("SEGA Prompt", concepts.join(", ")));
    }
    if let Some(fusion) = recipe.active_fusion() {
        list.push(("SNB Expert", fusion.expert.title()));
    }
    // A recipe is plain data with text keys, which serialises without errors.
    if let Ok(json) = serde_json::to_string(recipe) {
        list.push(("Sextant", json));
    }
    list.push(("Version", format!("sextant {}", env!("CARGO_PKG_VERSION"))));
    list
}

/// What is not at its default of how sampler and prompts are read.
fn options(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let numbers = [
        (if recipe.sampler == Sampler::Ddim { "Eta DDIM" } else { "Eta" }, recipe.eta),
        ("Sigma noise", recipe.s_noise),
        ("Sigma churn", recipe.s_churn),
        ("Schedule rho", recipe.rho),
        ("Schedule min sigma", recipe.sigma_min),
        ("Schedule max sigma", recipe.sigma_max),
    ];
    let mut list: Vec<_> = numbers.into_iter().filter_map(|(key, value)| Some((key, value?.to_string()))).collect();
    list.extend(recipe.clip_skip.map(|skip| ("Clip skip", skip.to_string())));
    if recipe.emphasis != Emphasis::Original {
        list.push(("Emphasis", recipe.emphasis.title().to_owned()));
    }
    if recipe.prompt_syntax != PromptSyntax::Plain {
        list.push(("Prompt syntax", recipe.prompt_syntax.title().to_owned()));
    }
    if recipe.convention != Convention::Diffusers {
        list.push(("Convention", recipe.convention.title().to_owned()));
    }
    list
}

/// The schedule that A1111 uses with a sampler if none is named.
pub(super) fn automatic_schedule(sampler: Sampler) -> Schedule {
    match sampler {
        Sampler::DpmPp2M | Sampler::DpmPpSde | Sampler::DpmPp2SAncestral => Schedule::Karras,
        Sampler::Dpm2 | Sampler::Dpm2Ancestral | Sampler::Restart => Schedule::Karras,
        Sampler::DpmPp2MSde | Sampler::DpmPp2MSdeHeun | Sampler::DpmPp3MSde => Schedule::Exponential,
        _ => Schedule::Normal,
    }
}

/// The sampler's name in other tools.
fn sampler_name(sampler: Sampler) -> &'static str {
    match sampler {
        Sampler::Pndm => "PLMS",
        other => other.title(),
    }
}

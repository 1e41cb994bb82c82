//! The bar: which kinds of cases the program can run, and which cases await a feature.
//!
//! Apart from the runners, so that what is missing is read at a glance. A feature is done when its entries here are gone.

use crate::{Outcome, autoencoders, embeddings, entry::Entry, lora, networks, prompts, renders, samplers, schedules};

/// Runs one case; the error is a sentence that says what differs.
type Check = fn(&Entry) -> Result<Outcome, String>;

/// A kind of cases.
pub struct Kind {
    pub name: &'static str,
    /// Runs a case of the kind; none where the program has no such feature.
    pub check: Option<Check>,
}

const fn built(name: &'static str, check: Check) -> Kind {
    Kind { name, check: Some(check) }
}

const fn not_built(name: &'static str) -> Kind {
    Kind { name, check: None }
}

/// Every kind that a folder of cases may list. Any other is a failure.
pub const KINDS: &[Kind] = &[
    built("cfg", renders::cfg),
    built("scfg", renders::cfg),
    built("scfg_spec", renders::cfg),
    built("sega", renders::sega),
    built("snb", renders::snb),
    built("text", networks::text),
    built("unet", networks::unet),
    built("vae", networks::vae),
    built("randn", samplers::randn),
    built("sampler", samplers::diffusers),
    built("sampler_kd", samplers::k_diffusion),
    built("schedule", schedules::sigmas),
    built("brownian_tree", samplers::brownian_tree),
    built("lora", lora::lora),
    built("prompts", prompts::prompts),
    built("embeddings", embeddings::embeddings),
    built("vae_file", autoencoders::vae_file),
    built("taesd", autoencoders::taesd),
    not_built("img2img"),
    not_built("inpaint"),
    not_built("ledits"),
    not_built("attention"),
    not_built("chain"),
    not_built("stage2_input"),
    not_built("scfg_taps"),
    not_built("net"),
    not_built("vq"),
];

/// Pipelines whose models the program reads.
pub const PIPELINES: &[&str] = &["StableDiffusionPipeline", "StableDiffusionXLPipeline"];

const THRESHOLDING: &str = "schedulers with dynamic thresholding are not built yet";

/// Cases of built kinds that the program does not follow yet, as `kind::case`, each with what it lacks. They are run, and
/// fail once they agree: then they must leave this list.
pub const AWAITED: &[(&str, &str)] =
    &[("sampler::sampler_ddpm_learned", THRESHOLDING), ("sampler::sampler_dpmpp_2m_if", THRESHOLDING)];

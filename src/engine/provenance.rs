//! What a picture records of its run and of the machine that made it.
//!
//! Apart from `fingerprint`, which is plain data that sessions read.

use super::{device::Opened, run::Run};
use crate::{
    fingerprint::{Fingerprint, LatentDigest},
    model::Model,
    nets::Precision,
};

/// The fingerprint of the steps that `run` has made so far.
pub fn fingerprint(run: &Run<'_>, opened: &Opened, general: &dyn Model, expert: Option<&dyn Model>) -> Fingerprint {
    Fingerprint {
        app: env!("CARGO_PKG_VERSION").to_owned(),
        device: opened.name.clone(),
        cpu: cpu(),
        precision: (opened.precision != Precision::F32).then(|| opened.precision.to_string()),
        probe_digest: opened.probe_digest.clone(),
        model_hash: general.hash().to_owned(),
        expert_hash: expert.map(|model| model.hash().to_owned()),
        start: LatentDigest::of(run.init_latents()),
        steps: run.digests().to_vec(),
    }
}

/// The kind of CPU and those of its extensions that change how sums are rounded.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn cpu() -> String {
    let extensions = [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx", std::arch::is_x86_feature_detected!("avx")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("f16c", std::arch::is_x86_feature_detected!("f16c")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512bf16", std::arch::is_x86_feature_detected!("avx512bf16")),
    ];
    let names = extensions.into_iter().filter(|(_, there)| *there).map(|(name, _)| format!(" {name}"));
    std::env::consts::ARCH.to_owned() + &names.collect::<String>()
}

/// The kind of CPU.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn cpu() -> String {
    std::env::consts::ARCH.to_owned()
}

//! The run itself, as `render` makes it and `verify` repeats it.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use crate::{
    engine::{
        EngineError,
        device::Opened,
        memory::Memory,
        run::{Run, StepRecord},
    },
    nets::Precision,
    session::{Fingerprint, Mark},
    weights::LoadedModel,
};

/// Makes all steps, tells of each on standard error and to `watch`, and gives the mark of each.
pub(super) fn denoise(
    run: &mut Run<'_>,
    memory: &mut Memory,
    watch: &mut dyn FnMut(&StepRecord),
) -> Result<Vec<Mark>, EngineError> {
    let calls = run.calls();
    let begun = Instant::now();
    let mut marks = Vec::with_capacity(calls);
    while let Some(record) = run.step(memory, &|| true)? {
        progress(&record, calls, begun.elapsed());
        marks.push(Mark::of(&record.latents_out));
        watch(&record);
    }
    Ok(marks)
}

/// What the picture is to remember of a run.
pub(super) fn fingerprint(
    run: &Run<'_>,
    steps: Vec<Mark>,
    opened: &Opened,
    general: &LoadedModel,
    expert: Option<&LoadedModel>,
) -> Fingerprint {
    Fingerprint {
        app: env!("CARGO_PKG_VERSION").to_owned(),
        device: opened.name.clone(),
        cpu: cpu(),
        precision: (opened.precision != Precision::F32).then(|| opened.precision.to_string()),
        model_hash: general.content_hash.clone(),
        expert_hash: expert.map(|model| model.content_hash.clone()),
        start: Mark::of(run.init_latents()),
        steps,
    }
}

/// One line a step on standard error. A closed standard error is nobody's loss.
fn progress(record: &StepRecord, calls: usize, elapsed: Duration) {
    let done = record.step + 1;
    let per_step = elapsed.as_secs_f32() / done as f32;
    let left = per_step * (calls - done) as f32;
    let _ = writeln!(std::io::stderr(), "step {done}/{calls} · {per_step:.2} s/step · {left:.0} s left");
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

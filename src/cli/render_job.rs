//! The steps of a run, with progress on standard error.
//!
//! Apart because `render` and `verify` share it.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use crate::engine::{
    EngineError,
    prediction_cache::PredictionCache,
    run::{Run, StepRecord},
};

/// Makes all steps and reports each on standard error and to `watch`.
pub(super) fn denoise(
    run: &mut Run<'_>,
    cache: &mut PredictionCache,
    watch: &mut dyn FnMut(&StepRecord),
) -> Result<(), EngineError> {
    let calls = run.calls();
    let begun = Instant::now();
    while let Some(record) = run.step(cache, &|| true)? {
        progress(&record, calls, begun.elapsed());
        watch(&record);
    }
    Ok(())
}

/// One line a step on standard error. Errors are ignored: standard error may be closed.
fn progress(record: &StepRecord, calls: usize, elapsed: Duration) {
    let done = record.step + 1;
    let per_step = elapsed.as_secs_f32() / done as f32;
    let left = per_step * (calls - done) as f32;
    let _ = writeln!(std::io::stderr(), "step {done}/{calls} · {per_step:.2} s/step · {left:.0} s left");
}

//! The worker pool of the kernels for work outside them.
//!
//! Separate so that only the kernels themselves name their pool.

use burn::tensor::Device;

use super::kernels;

/// Whether networks on `device` compute on the CPU, whose kernels need no warming up.
pub fn is_cpu(device: &Device) -> bool {
    kernels::is_cpu(device)
}

/// Runs `work`, which calls networks on `device` and computes with their results. On the CPU its threads stay awake all
/// the while: waking them for each part would cost as much as some parts take.
pub(crate) fn with_workers<T>(device: &Device, work: impl FnOnce() -> T) -> T {
    kernels::with_workers(device, work)
}

/// Calls `work` with 0..count and gives the results in this order; inside [`with_workers`] on the CPU in parallel.
pub(crate) fn parallel_map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    kernels::parallel_map(count, work)
}

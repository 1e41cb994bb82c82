use burn::tensor::Device;

use super::kernels;

/// Runs `work`, which asks networks on `device` and computes with what they say. If that is the CPU, its threads stand by
/// all the while: waking them for each part would cost as much as some parts take.
pub(crate) fn with_workers<T>(device: &Device, work: impl FnOnce() -> T) -> T {
    kernels::with_workers(device, work)
}

/// Calls `work` with 0..count and gives the results in this order; inside [`with_workers`] on the CPU several at a time.
pub(crate) fn parallel_map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    kernels::parallel_map(count, work)
}

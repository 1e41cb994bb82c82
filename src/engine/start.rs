//! Starts the worker's thread.
//!
//! Apart from the module's declarations, which hold no code.

use std::{io, sync::Arc, thread};

use super::{card::Preference, device::DeviceChoice, handle, handle::EngineHandle, worker};
use crate::model::{LocalModels, ModelSource};

/// Memory for cached results of earlier runs unless it is set otherwise, in bytes; [`EngineHandle::set_memory`].
pub const MEMORY: usize = 1 << 30;

/// Starts the worker's thread on the bundled models and those on disk, with a cache of `memory` bytes. `wake` is called
/// from it after every event.
///
/// # Errors
/// When the operating system refuses a thread.
pub fn start(choice: DeviceChoice, memory: usize, wake: impl Fn() + Send + Sync + 'static) -> io::Result<EngineHandle> {
    start_with(Arc::new(LocalModels), choice, memory, wake)
}

/// [`start`] on models of any source.
///
/// # Errors
/// As [`start`].
pub fn start_with(
    source: Arc<dyn ModelSource>,
    choice: DeviceChoice,
    memory: usize,
    wake: impl Fn() + Send + Sync + 'static,
) -> io::Result<EngineHandle> {
    let (handle, worker) = handle::connect(wake);
    handle.set_memory(memory);
    if matches!(choice, DeviceChoice::Cpu | DeviceChoice::CpuBf16) {
        handle.prefer(Preference::Processor);
    }
    thread::Builder::new().name("engine".into()).spawn(move || worker::serve(&worker, choice, source))?;
    Ok(handle)
}

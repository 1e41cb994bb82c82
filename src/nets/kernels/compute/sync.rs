//! The synchronisation primitives of the worker pool: those of the standard library.
//!
//! Apart so that the model in `checks/kernels` can put loom's in their place and run the very source of `worker_pool.rs`.
#![allow(unsafe_code, reason = "a cell that is shared among threads")]

pub(super) use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering, fence},
};
use std::{
    hint::spin_loop,
    sync::{Condvar, MutexGuard},
    time::{Duration, Instant},
};

/// How long a thread spins for the other side before it sleeps. It is longer than the gaps between kernels. It is short
/// because the other side may be waiting for this very processor where the machine is busy.
pub(super) const SPIN_FOR: Duration = Duration::from_micros(50);
/// A sleeping thread looks again after this time even if nothing wakes it. The protocol does not rely on it: the model has
/// no time-outs.
const PARK_TIMEOUT: Duration = Duration::from_millis(1);

/// A cell whose accesses are closures, as loom has it: the model detects those that overlap.
pub(super) struct SharedCell<T>(std::cell::UnsafeCell<T>);

// SAFETY: the cell gives out raw pointers alone; whoever dereferences them answers for the order of accesses.
unsafe impl<T: Send> Sync for SharedCell<T> {}

impl<T> SharedCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `read` with a pointer for reading.
    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer for writing.
    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// Spins until `ready` or for [`SPIN_FOR`]; says whether it is ready.
pub(super) fn spin(ready: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        for _ in 0..64 {
            if ready() {
                return true;
            }
            spin_loop();
        }
        if begun.elapsed() > SPIN_FOR {
            return false;
        }
    }
}

/// A condition variable whose waits end after [`PARK_TIMEOUT`] at the latest.
pub(super) struct Wakeup(Condvar);

impl Wakeup {
    pub(super) fn new() -> Self {
        Self(Condvar::new())
    }

    pub(super) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, PARK_TIMEOUT).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn notify_all(&self) {
        self.0.notify_all();
    }
}

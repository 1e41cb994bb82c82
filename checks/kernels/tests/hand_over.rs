//! A model of the worker pool: loom runs the source of the pool itself in every order that its threads' steps and the
//! memory orderings allow, and fails where two of them access the same memory unordered, a task is lost or doubled, or a
//! thread sleeps for ever. Time-outs, which would hide the last, do not exist here. Panics are left to the unit tests of
//! `parallel.rs`: loom's threads share one thread of the system, and with it the flag that says whether it panics.

#[path = "../../../src/nets/kernels/compute/worker_pool.rs"]
mod worker_pool;

mod sync {
    //! loom's primitives in place of the standard library's.

    pub use std::sync::PoisonError;

    pub use loom::sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    };
    use loom::{
        cell::UnsafeCell,
        sync::{Condvar, MutexGuard},
    };

    pub struct SharedCell<T>(UnsafeCell<T>);

    // SAFETY: loom checks each access.
    unsafe impl<T: Send> Sync for SharedCell<T> {}

    impl<T> SharedCell<T> {
        pub fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }

        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            self.0.with(read)
        }

        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            self.0.with_mut(write)
        }
    }

    /// Looks once: whoever spins for longer only sees more of the same.
    pub fn spin(ready: impl Fn() -> bool) -> bool {
        ready()
    }

    pub struct Wakeup(Condvar);

    impl Wakeup {
        pub fn new() -> Self {
            Self(Condvar::new())
        }

        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
        }

        pub fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

use loom::{model::Builder, sync::Arc, thread};
use sync::SharedCell;
use worker_pool::{Caller, WorkerPool};

/// Explores all executions, with at most `preemptions` of a thread that could go on, of a caller that does `work` with
/// `helpers`.
fn explore(helpers: usize, preemptions: usize, work: impl Fn(Caller) + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let pool = Arc::new(WorkerPool::new(helpers + 1));
        let help = |_| {
            let pool = pool.clone();
            thread::spawn(move || pool.help())
        };
        let threads: Vec<_> = (0..helpers).map(help).collect();
        let caller = pool.caller();
        assert_eq!(caller.threads(), helpers + 1);
        work(caller);
        for thread in threads {
            thread.join().expect("a helper that returns");
        }
    });
}

/// Runs a job whose tasks write a cell each, unordered but for what the pool promises, and reads the cells.
fn run(caller: &mut Caller, tasks: usize) {
    let cells: Vec<SharedCell<usize>> = (0..tasks).map(|_| SharedCell::new(0)).collect();
    // SAFETY: loom checks that nobody else accesses the cell meanwhile.
    caller.run(tasks, &|i| cells[i].with_mut(|cell| unsafe { *cell += i + 1 }));
    for (i, cell) in cells.iter().enumerate() {
        // SAFETY: likewise.
        assert_eq!(cell.with(|cell| unsafe { *cell }), i + 1, "task {i} runs once");
    }
}

#[test]
fn a_helper_takes_part_in_a_job() {
    explore(1, 4, |mut caller| run(&mut caller, 2));
}

#[test]
fn jobs_follow_one_another() {
    explore(1, 3, |mut caller| {
        run(&mut caller, 2);
        run(&mut caller, 1);
    });
}

#[test]
fn two_helpers_take_part_in_a_job() {
    explore(2, 2, |mut caller| run(&mut caller, 2));
}

#[test]
fn helpers_are_dismissed_without_a_job() {
    explore(2, 3, |caller| drop(caller));
}

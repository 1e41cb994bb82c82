//! Dividing work among the threads of rayon's current pool.
//!
//! A pass through a network is some hundred kernels of 5 to 500 microseconds. Waking a sleeping worker for each costs as
//! much again, so for the length of a pass the pool's workers wait in a [`WorkerPool`], spinning, and take tasks as they
//! come. Apart from the hand-over itself because this needs rayon and thread-local state.
//!
//! Nothing here nests: what is called from inside a task, be it [`with_workers`], [`each`] or [`parallel_map`], runs on the
//! task's own thread. A pool inside a task would wait for workers that are busy with the task's siblings.
#![allow(unsafe_code, reason = "a thread-local pointer to the caller whose work is running")]

use std::{
    cell::Cell,
    ptr::NonNull,
    sync::{Mutex, PoisonError},
};

use super::{
    disjoint::DisjointSlices,
    worker_pool::{Caller, WorkerPool},
};

/// What the current thread is doing.
#[derive(Clone, Copy)]
enum Role {
    /// Nothing of ours.
    Outside,
    /// Work that may be divided: the caller of a pool that has no job open. It lives on this thread's stack.
    Caller(NonNull<Caller<'static>>),
    /// A task: what it calls is not divided.
    Task,
}

thread_local! {
    static ROLE: Cell<Role> = const { Cell::new(Role::Outside) };
}

/// Gives the current thread a role for as long as it lives.
struct InRole(Role);

impl InRole {
    fn begin(role: Role) -> Self {
        Self(ROLE.replace(role))
    }
}

impl Drop for InRole {
    fn drop(&mut self) {
        ROLE.set(self.0);
    }
}

/// Threads among which [`each`] would divide work now.
pub(super) fn threads() -> usize {
    match ROLE.get() {
        // SAFETY: `as_caller` is running on this thread and has the caller on its stack; nothing borrows it, because a thread
        // that is in `Caller::run` has the role of a task.
        Role::Caller(caller) => unsafe { caller.as_ref() }.threads(),
        Role::Outside | Role::Task => 1,
    }
}

/// Runs `work` while the current pool's workers stand by: [`each`] and [`parallel_map`] divide work among them. Inside
/// another call of it, or inside a task, it runs `work` and does nothing else.
pub(crate) fn with_workers<T>(work: impl FnOnce() -> T) -> T {
    let threads = rayon::current_num_threads();
    if threads < 2 || !matches!(ROLE.get(), Role::Outside) {
        return work();
    }
    let pool = &WorkerPool::new(threads);
    let own = rayon::current_thread_index().unwrap_or(threads - 1);
    rayon::in_place_scope(|scope| {
        scope.spawn_broadcast(move |_, worker| {
            // One thread of rayon's pool stays out: the caller works in its place.
            if worker.index() != own {
                as_helper(pool);
            }
        });
        as_caller(pool, work)
    })
}

/// Runs `work` as the caller of `pool`, then dismisses its helpers.
fn as_caller<T>(pool: &WorkerPool, work: impl FnOnce() -> T) -> T {
    let mut caller = pool.caller();
    // Dropped before the caller is.
    let _role = InRole::begin(Role::Caller(NonNull::from(&mut caller).cast()));
    work()
}

fn as_helper(pool: &WorkerPool) {
    let _role = InRole::begin(Role::Task);
    pool.help();
}

/// Calls `task` with 0..tasks, each once, in any order, on the threads that stand by; returns when all are done. Inside a
/// task, or where no threads stand by, it calls them one after another.
pub(super) fn each(tasks: usize, task: impl Fn(usize) + Sync) {
    let role = ROLE.get();
    let _role = InRole::begin(Role::Task);
    match role {
        // SAFETY: as in `threads`. The role of a task, which this thread has meanwhile, keeps others from this pointer.
        Role::Caller(mut caller) if tasks > 1 => unsafe { caller.as_mut() }.run(tasks, &task),
        _ => (0..tasks).for_each(task),
    }
}

/// [`each`] over the parts of `values` of length `size` (the last may be shorter).
pub(super) fn each_part<T: Send>(values: &mut [T], size: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    let (len, size) = (values.len(), size.max(1));
    let values = DisjointSlices::new(values);
    each(len.div_ceil(size), |i| {
        // SAFETY: `each` gives each number once, and parts of different numbers do not overlap.
        task(i, unsafe { values.slice(i * size..len.min((i + 1) * size)) });
    });
}

/// Calls `work` with 0..count, several at a time where threads stand by, and returns the results in this order. Each call
/// has a pool of its own. A thread whose own call has ended helps with the others.
///
/// Passes that are independent wait for each other once at their end, not at each kernel.
pub(crate) fn parallel_map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = threads();
    if threads < 2 || count < 2 {
        return (0..count).map(work).collect();
    }
    // The calls of a last round that is not full share the threads.
    let last = count % threads;
    let share = |i: usize| if i + last < count { 1 } else { threads / last };
    let pools: Vec<WorkerPool> = (0..count).map(|i| WorkerPool::new(share(i))).collect();
    let results: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    // All callers begin before anyone helps. A helper of a pool whose caller is done leaves at once and tries the next.
    each(count + threads * count, |i| {
        let pool = &pools[i % count];
        if i < count {
            let result = as_caller(pool, || work(i));
            *results[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        } else {
            as_helper(pool);
        }
    });
    let result = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    // `each` has called all of them, or has panicked.
    results.into_iter().filter_map(result).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
        thread,
        time::Duration,
    };

    use super::*;

    /// Works with helpers, for any number of cores.
    fn with_helpers(work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("a pool");
        pool.install(|| with_workers(work));
    }

    #[test]
    fn every_task_runs_once() {
        with_helpers(|| {
            for tasks in [0, 1, 2, 3, 17, 1000] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                for _ in 0..50 {
                    each(tasks, |i| {
                        counts[i].fetch_add(1, Relaxed);
                    });
                }
                assert!(counts.iter().all(|c| c.load(Relaxed) == 50), "{tasks} tasks");
            }
        });
    }

    #[test]
    fn parts_cover_a_slice() {
        with_helpers(|| {
            let mut values = vec![0; 103];
            each_part(&mut values, 10, |part, values| {
                each_part(values, 3, |inner, values| values.fill(part * 100 + inner));
            });
            assert!(values.iter().enumerate().all(|(i, &v)| v == i / 10 * 100 + i % 10 / 3));
        });
    }

    #[test]
    fn what_a_task_calls_runs_on_its_own_thread() {
        with_helpers(|| {
            let elsewhere = AtomicUsize::new(0);
            let inner = |own: thread::ThreadId| {
                let here = || usize::from(thread::current().id() != own);
                each(20, |_| _ = elsewhere.fetch_add(here(), Relaxed));
                elsewhere.fetch_add(parallel_map(20, |_| here()).into_iter().sum(), Relaxed);
            };
            each(64, |_| {
                let own = thread::current().id();
                inner(own);
                // Another pool would wait for workers that wait for this task.
                with_workers(|| inner(own));
                assert_eq!(threads(), 1);
            });
            assert_eq!(elsewhere.load(Relaxed), 0);
            assert_eq!(threads(), 4, "after the job, work is divided as before");
        });
    }

    #[test]
    fn workers_inside_workers_are_the_same() {
        with_helpers(|| {
            assert_eq!(with_workers(threads), 4);
            assert_eq!(threads(), 4);
        });
        assert_eq!(threads(), 1);
    }

    #[test]
    fn each_call_of_a_parallel_map_divides_its_work() {
        with_helpers(|| {
            for count in [0, 1, 2, 3, 4, 5, 11] {
                for _ in 0..20 {
                    let sums = parallel_map(count, |i| {
                        let sums: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
                        for (k, sum) in sums.iter().enumerate() {
                            each(17, |task| {
                                sum.fetch_add(task * (i + k), Relaxed);
                            });
                        }
                        sums.into_iter().map(AtomicUsize::into_inner).collect::<Vec<usize>>()
                    });
                    let expected: Vec<_> = (0..count).map(|i| [0, 1, 2].map(|k| 136 * (i + k)).to_vec()).collect();
                    assert_eq!(sums, expected);
                }
            }
        });
    }

    #[test]
    fn helpers_that_sleep_wake_up() {
        with_helpers(|| {
            let total = AtomicUsize::new(0);
            for _ in 0..3 {
                // Much longer than helpers spin.
                thread::sleep(Duration::from_millis(3));
                each(64, |i| {
                    total.fetch_add(i, Relaxed);
                });
            }
            assert_eq!(total.load(Relaxed), 3 * 63 * 32);
        });
    }

    #[test]
    #[should_panic(expected = "panicked")]
    fn a_panic_in_a_task_is_passed_on() {
        with_helpers(|| each(1000, |i| assert!(i != 500, "task {i} panicked")));
    }

    #[test]
    #[should_panic(expected = "panicked")]
    fn a_panic_in_a_parallel_map_is_passed_on() {
        with_helpers(|| drop(parallel_map(3, |i| each(100, |task| assert!(i != 1 || task != 50, "task panicked")))));
    }

    #[test]
    #[should_panic(expected = "a worker pool has one caller")]
    fn a_pool_has_one_caller() {
        let pool = WorkerPool::new(2);
        let _first = pool.caller();
        pool.caller();
    }
}

//! The hand-over of a job's tasks from the thread that has them to threads that stand by.
//!
//! Apart from the code that finds those threads because its correctness rests on memory orderings alone: the model in
//! `checks/kernels` runs this file under loom. It names no primitive but those of `sync`.
//!
//! A caller publishes a job by storing its number in `open` and closes it by storing 0. A helper counts itself in `inside`
//! before it reads `open`, the caller stores 0 before it reads `inside`, and a fence stands between the two steps on both
//! sides: so either the helper sees that the job is closed, or the caller sees the helper and waits for it. The same
//! pattern, with `asleep`, makes sure that no thread sleeps through what it waits for.
#![allow(unsafe_code, reason = "helpers call a closure that the caller borrows for the length of one job")]

use std::marker::PhantomData;

use super::sync::{
    AtomicBool, AtomicUsize, Mutex,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    PoisonError, SharedCell, Wakeup, fence, spin,
};

/// Tasks of a job: a closure and how often it is called. Valid while the job is open.
#[derive(Clone, Copy)]
struct Job {
    task: *const (dyn Fn(usize) + Sync),
    tasks: usize,
}

// SAFETY: the closure is `Sync`, so a reference to it may be used on any thread. Whoever dereferences the pointer answers
// for its lifetime.
unsafe impl Send for Job {}

/// One caller and its helpers.
pub(super) struct WorkerPool {
    threads: usize,
    /// Written by the caller while no job is open and no helper is inside, read by helpers that are inside an open job.
    job: SharedCell<Option<Job>>,
    /// Number of the open job, or 0. No number is used twice.
    open: AtomicUsize,
    /// The next task that no thread has taken.
    next: AtomicUsize,
    /// Helpers that may read the job.
    inside: AtomicUsize,
    /// Whether there is or was a caller.
    claimed: AtomicBool,
    /// Set at the end of the pool: helpers return.
    dismissed: AtomicBool,
    /// Whether a task panicked on a helper.
    failed: AtomicBool,
    /// Threads that sleep or are about to.
    asleep: AtomicUsize,
    sleep_lock: Mutex<()>,
    wakeup: Wakeup,
}

impl WorkerPool {
    /// A pool among whose `threads` (the caller included) work is meant to be divided.
    pub(super) fn new(threads: usize) -> Self {
        Self {
            threads,
            job: SharedCell::new(None),
            open: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            claimed: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            asleep: AtomicUsize::new(0),
            sleep_lock: Mutex::new(()),
            wakeup: Wakeup::new(),
        }
    }

    /// Makes the current thread the caller.
    ///
    /// # Panics
    /// If the pool has or had one: jobs come from one thread.
    pub(super) fn caller(&self) -> Caller<'_> {
        assert!(!self.claimed.swap(true, Relaxed), "a worker pool has one caller");
        Caller { pool: self, jobs: 0, not_send: PhantomData }
    }

    /// Takes part in jobs until the caller is done.
    ///
    /// # Panics
    /// If a task does.
    pub(super) fn help(&self) {
        let mut done = 0;
        loop {
            self.wait(|| self.dismissed.load(Acquire) || ![0, done].contains(&self.open.load(Relaxed)));
            if self.dismissed.load(Acquire) {
                return;
            }
            let mut inside = Inside::enter(self);
            let number = self.open.load(Acquire);
            if number != 0 && number != done {
                done = number;
                // SAFETY: this thread counted itself as inside before it read that the job is open. So the caller wrote the
                // job before (release and acquire of `open`) and writes the cell next when this thread has left.
                if let Some(job) = self.job.with(|job| unsafe { *job }) {
                    inside.at_work = true;
                    // SAFETY: as above, the caller waits in `Caller::run` until this thread has left.
                    unsafe { self.take_tasks(job) };
                    inside.at_work = false;
                }
            }
        }
    }

    /// Calls the job with numbers that no other thread has taken, until there are none.
    ///
    /// # Safety
    /// The job's closure lives.
    unsafe fn take_tasks(&self, job: Job) {
        loop {
            let i = self.next.fetch_add(1, Relaxed);
            if i >= job.tasks {
                return;
            }
            // SAFETY: the caller's promise.
            unsafe { (*job.task)(i) };
        }
    }

    /// Spins for a while, then sleeps, until `ready`.
    fn wait(&self, ready: impl Fn() -> bool) {
        if spin(&ready) {
            return;
        }
        let mut guard = self.sleep_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Relaxed);
        // Either this thread sees what `wake` announces, or `wake` sees this thread.
        fence(SeqCst);
        while !ready() {
            guard = self.wakeup.wait(guard);
        }
        self.asleep.fetch_sub(1, Relaxed);
        drop(guard);
    }

    /// Wakes the threads that sleep, after a change that one of them may be waiting for.
    fn wake(&self) {
        fence(SeqCst);
        if self.asleep.load(Relaxed) > 0 {
            // A thread that found nothing ready holds the lock until it sleeps.
            drop(self.sleep_lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.wakeup.notify_all();
        }
    }
}

/// The thread that has jobs for the pool. Helpers are dismissed when it is dropped.
pub(super) struct Caller<'a> {
    pool: &'a WorkerPool,
    /// Jobs so far: the number of the last one.
    jobs: usize,
    /// It stays on its thread.
    not_send: PhantomData<*const ()>,
}

impl Caller<'_> {
    /// Threads among which jobs are divided, this one included.
    pub(super) fn threads(&self) -> usize {
        self.pool.threads
    }

    /// Calls `task` with 0..tasks, each once, in any order, on this thread and on helpers; returns when all are done.
    /// It takes `self` mutably: no job begins inside another.
    ///
    /// # Panics
    /// If a task does, on any thread. No thread is inside `task` then either.
    pub(super) fn run(&mut self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let pool = self.pool;
        // SAFETY: only the lifetime goes. `Closing` waits for all threads that may call the closure before this returns.
        let task: *const (dyn Fn(usize) + Sync) =
            unsafe { std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(task) };
        let job = Job { task, tasks };
        // SAFETY: no job is open and no helper is inside, so no other thread accesses the cell: the last job was closed, and
        // a helper that came later saw so. There is one caller, and it is borrowed exclusively.
        pool.job.with_mut(|slot| unsafe { *slot = Some(job) });
        pool.next.store(0, Relaxed);
        self.jobs += 1;
        // Publishes the job and `next`.
        pool.open.store(self.jobs, Release);
        pool.wake();
        // Closed also if a task panics.
        let closing = Closing(pool);
        // SAFETY: the closure is borrowed for the length of this call.
        unsafe { pool.take_tasks(job) };
        drop(closing);
        assert!(!pool.failed.load(Relaxed), "a task panicked on another thread");
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.pool.dismissed.store(true, Release);
        self.pool.wake();
    }
}

/// When dropped, closes the open job and waits until no helper is inside.
struct Closing<'a>(&'a WorkerPool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.open.store(0, Relaxed);
        // Either a helper that enters sees that the job is closed, or this thread sees the helper.
        fence(SeqCst);
        self.0.wait(|| self.0.inside.load(Acquire) == 0);
    }
}

/// A helper's stay inside a job that may be open.
struct Inside<'a> {
    pool: &'a WorkerPool,
    /// Still set when the helper leaves if a task panicked.
    at_work: bool,
}

impl<'a> Inside<'a> {
    fn enter(pool: &'a WorkerPool) -> Self {
        pool.inside.fetch_add(1, Relaxed);
        // The other half of the fence in `Closing`.
        fence(SeqCst);
        Self { pool, at_work: false }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.at_work {
            self.pool.failed.store(true, Relaxed);
        }
        // Releases what the tasks wrote.
        self.pool.inside.fetch_sub(1, Release);
        self.pool.wake();
    }
}

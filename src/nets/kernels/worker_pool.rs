//! Dividing work among threads that are already awake.
//!
//! A pass through a network is some hundred kernels of 5 to 500 microseconds. Waking a sleeping worker for each costs
//! as much again, so for the length of a pass the pool's workers wait here, spinning, and take tasks as they come.
#![allow(unsafe_code, reason = "workers borrow the caller's closure and slices for the length of one call")]

use std::{
    cell::{Cell, UnsafeCell},
    hint::spin_loop,
    ptr,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use burn::tensor::Device;

use super::values::is_cpu;

/// How long a thread spins for the other side before it sleeps: longer than the gaps between kernels, and short, for
/// where something else wants the processor, the other side may be waiting for just this one.
const PATIENCE: Duration = Duration::from_micros(50);
/// A sleeper looks again after this even if nobody wakes it.
const NAP: Duration = Duration::from_millis(1);

/// What workers are to do, valid while a job is open.
#[derive(Clone, Copy)]
struct Job {
    task: *const (dyn Fn(usize) + Sync),
    tasks: usize,
}

/// One caller and its helpers.
struct WorkerPool {
    /// Threads that are meant to work in it.
    hands: usize,
    job: UnsafeCell<Option<Job>>,
    /// Number of the open job, or 0. Numbers are never used twice.
    open: AtomicUsize,
    opened: Cell<usize>,
    next: AtomicUsize,
    /// Helpers that may be looking at the job.
    inside: AtomicUsize,
    dismissed: AtomicBool,
    failed: AtomicBool,
    asleep: AtomicUsize,
    bed: Mutex<()>,
    bell: Condvar,
}

// SAFETY: `opened` is touched by the caller alone, as is `job` except between a helper's entering an open job and its
// leaving, during which the caller only reads it; see `run` and `help`.
unsafe impl Sync for WorkerPool {}

thread_local! {
    /// The team whose caller is this thread and which has no job open.
    static TEAM: Cell<*const WorkerPool> = const { Cell::new(ptr::null()) };
}

impl WorkerPool {
    fn new(hands: usize) -> Self {
        Self {
            hands,
            job: UnsafeCell::new(None),
            open: AtomicUsize::new(0),
            opened: Cell::new(0),
            next: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            dismissed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            asleep: AtomicUsize::new(0),
            bed: Mutex::new(()),
            bell: Condvar::new(),
        }
    }
}

/// Threads among which [`each`] would divide work now.
pub(super) fn hands() -> usize {
    // SAFETY: set by `AtWork` on this thread, whose team outlives what runs meanwhile.
    unsafe { TEAM.get().as_ref() }.map_or(1, |team| team.hands)
}

/// Runs `work`, a pass through a network on `device`. If that is the CPU, the current pool's workers stand by: [`each`]
/// divides work among them.
pub(in super::super) fn with_workers<T>(device: &Device, work: impl FnOnce() -> T) -> T {
    let threads = rayon::current_num_threads();
    if threads < 2 || !is_cpu(device) || !TEAM.get().is_null() {
        return work();
    }
    let team = &WorkerPool::new(threads);
    let me = rayon::current_thread_index().unwrap_or(threads - 1);
    rayon::in_place_scope(|scope| {
        scope.spawn_broadcast(move |_, worker| {
            // One thread of the pool stays out: the caller works in its place.
            if worker.index() != me {
                team.help();
            }
        });
        let _at_work = AtWork::begin(team);
        work()
    })
}

/// Calls `work` with 0..count, several at a time where there are threads for it, and gives the results in this order.
/// Each call has a team of its own; who is done with one helps with another.
///
/// Passes that have nothing to do with each other wait for each other only once at their end, not at each kernel.
pub(in super::super) fn parallel_map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = hands();
    if threads < 2 || count < 2 {
        return (0..count).map(work).collect();
    }
    // Those of a last round that is not full share the threads.
    let last = count % threads;
    let hands = |i: usize| if i + last < count { 1 } else { threads / last };
    let teams: Vec<WorkerPool> = (0..count).map(|i| WorkerPool::new(hands(i))).collect();
    let results: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    // All callers begin before anyone helps. A helper of a team whose caller is done leaves at once, and tries the next.
    each(count + threads * count, |i| {
        let team = &teams[i % count];
        if i < count {
            let _at_work = AtWork::begin(team);
            *results[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(work(i));
        } else {
            team.help();
        }
    });
    let result = |slot: Mutex<Option<T>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    // `each` has called all of them, or has panicked.
    results.into_iter().filter_map(result).collect()
}

/// While it lives, the team is this thread's.
struct AtWork<'a>(&'a WorkerPool);

impl<'a> AtWork<'a> {
    fn begin(team: &'a WorkerPool) -> Self {
        TEAM.set(team);
        Self(team)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        TEAM.set(ptr::null());
        self.0.dismissed.store(true, SeqCst);
        self.0.ring();
    }
}

/// Calls `task` with 0..tasks, each once, in any order, on the threads at hand; returns when all are done.
pub(super) fn each(tasks: usize, task: impl Fn(usize) + Sync) {
    // Taken for the time of the job: a kernel called from inside a task runs alone.
    let team = TEAM.replace(ptr::null());
    if team.is_null() || tasks < 2 {
        (0..tasks).for_each(task);
    } else {
        // SAFETY: set by `together` on this thread, whose team outlives what runs inside it.
        unsafe { &*team }.run(tasks, &task);
    }
    TEAM.set(team);
}

/// [`each`] over the parts of `values` of `size` (the last may be shorter).
pub(super) fn each_part<T: Send>(values: &mut [T], size: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    struct Start<T>(*mut T);
    // SAFETY: parts do not overlap and each is lent to one task.
    unsafe impl<T: Send> Sync for Start<T> {}
    impl<T> Start<T> {
        fn get(&self) -> *mut T {
            self.0
        }
    }
    let (len, start, size) = (values.len(), Start(values.as_mut_ptr()), size.max(1));
    each(len.div_ceil(size), |i| {
        let from = i * size;
        // SAFETY: from < len as i < len / size rounded up; each i comes once, so no other part overlaps.
        let part = unsafe { std::slice::from_raw_parts_mut(start.get().add(from), size.min(len - from)) };
        task(i, part);
    });
}

impl WorkerPool {
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime goes: no helper looks at the job after this call, see below.
        let task: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(task) };
        // SAFETY: no job is open and no helper inside, so nobody else looks at the cell.
        unsafe { *self.job.get() = Some(Job { task, tasks }) };
        self.next.store(0, SeqCst);
        let number = self.opened.get() + 1;
        self.opened.set(number);
        self.open.store(number, SeqCst);
        if self.asleep.load(SeqCst) > 0 {
            self.ring();
        }
        // Closed also when a task panics: helpers must not outlive what the task borrows.
        let closing = Closing(self);
        self.take_tasks(Job { task, tasks });
        drop(closing);
        assert!(!self.failed.load(SeqCst), "a helper's task panicked");
    }

    fn take_tasks(&self, job: Job) {
        loop {
            let i = self.next.fetch_add(1, SeqCst);
            if i >= job.tasks {
                return;
            }
            // SAFETY: the job is open, so `run` has not returned and the closure lives.
            unsafe { (*job.task)(i) };
        }
    }

    /// A helper's time with the team.
    fn help(&self) {
        let mut done = 0;
        loop {
            self.wait(|| self.dismissed.load(SeqCst) || ![0, done].contains(&self.open.load(SeqCst)));
            if self.dismissed.load(SeqCst) {
                return;
            }
            let mut inside = Inside::enter(self);
            let number = self.open.load(SeqCst);
            if number != 0 && number != done {
                done = number;
                // Open after this thread said it is inside: from now on `run` waits for it to leave.
                // SAFETY: written before the job was opened, not written again before this thread leaves.
                if let Some(job) = unsafe { *self.job.get() } {
                    inside.at_work = true;
                    self.take_tasks(job);
                    inside.at_work = false;
                }
            }
        }
    }

    /// Spins for a while, then naps, until `ready`.
    fn wait(&self, ready: impl Fn() -> bool) {
        let begun = Instant::now();
        loop {
            for _ in 0..64 {
                if ready() {
                    return;
                }
                spin_loop();
            }
            if begun.elapsed() > PATIENCE {
                break;
            }
        }
        let mut bed = self.bed.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, SeqCst);
        while !ready() {
            bed = self.bell.wait_timeout(bed, NAP).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.asleep.fetch_sub(1, SeqCst);
    }

    fn ring(&self) {
        drop(self.bed.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.notify_all();
    }
}

/// Closes the open job and waits until no helper looks at it.
struct Closing<'a>(&'a WorkerPool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.open.store(0, SeqCst);
        self.0.wait(|| self.0.inside.load(SeqCst) == 0);
    }
}

/// A helper that may be looking at the job.
struct Inside<'a> {
    team: &'a WorkerPool,
    /// Still so when it leaves only if a task panicked.
    at_work: bool,
}

impl<'a> Inside<'a> {
    fn enter(team: &'a WorkerPool) -> Self {
        team.inside.fetch_add(1, SeqCst);
        Self { team, at_work: false }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        if self.at_work {
            self.team.failed.store(true, SeqCst);
        }
        self.team.inside.fetch_sub(1, SeqCst);
        if self.team.asleep.load(SeqCst) > 0 {
            self.team.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Works with helpers whatever the number of cores.
    fn with_helpers(work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().expect("a pool");
        pool.install(|| with_workers(&Device::flex(), work));
    }

    #[test]
    fn every_task_runs_once() {
        with_helpers(|| {
            for tasks in [0, 1, 2, 3, 17, 1000] {
                let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                for _ in 0..50 {
                    each(tasks, |i| {
                        counts[i].fetch_add(1, SeqCst);
                    });
                }
                assert!(counts.iter().all(|c| c.load(SeqCst) == 50), "{tasks} tasks");
            }
        });
    }

    #[test]
    fn parts_cover_a_slice() {
        with_helpers(|| {
            let mut values = vec![0; 103];
            each_part(&mut values, 10, |part, values| {
                // A kernel inside a task runs alone.
                each_part(values, 3, |inner, values| values.fill(part * 100 + inner));
            });
            assert!(values.iter().enumerate().all(|(i, &v)| v == i / 10 * 100 + i % 10 / 3));
        });
    }

    #[test]
    fn side_by_side_each_runs_once_and_divides_its_work() {
        with_helpers(|| {
            for count in [0, 1, 2, 3, 4, 5, 11] {
                for _ in 0..20 {
                    let sums = parallel_map(count, |i| {
                        let sums: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
                        for (k, sum) in sums.iter().enumerate() {
                            each(17, |task| {
                                sum.fetch_add(task * (i + k), SeqCst);
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
    #[should_panic(expected = "panicked")]
    fn a_panic_side_by_side_is_passed_on() {
        with_helpers(|| drop(parallel_map(3, |i| each(100, |task| assert!(i != 1 || task != 50, "task panicked")))));
    }

    #[test]
    fn helpers_that_sleep_wake_up() {
        with_helpers(|| {
            let total = AtomicUsize::new(0);
            for _ in 0..3 {
                let begun = Instant::now();
                while begun.elapsed() < 20 * PATIENCE {
                    spin_loop();
                }
                each(64, |i| {
                    total.fetch_add(i, SeqCst);
                });
            }
            assert_eq!(total.load(SeqCst), 3 * 63 * 32);
        });
    }

    #[test]
    #[should_panic(expected = "panicked")]
    fn a_panic_in_a_task_is_passed_on() {
        with_helpers(|| each(1000, |i| assert!(i != 500, "task {i} panicked")));
    }
}

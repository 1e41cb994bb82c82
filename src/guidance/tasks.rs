//! Work divided into independent tasks, which whoever calls guidance may run on several threads.
//!
//! Apart so that guidance starts no threads and names no thread pool.

use std::sync::{Mutex, PoisonError};

/// Calls a task with 0..count, each once, in any order, and returns when all are done.
pub type Tasks<'a> = &'a (dyn Fn(usize, &(dyn Fn(usize) + Sync)) + 'a);

/// Runs the tasks one after another.
pub fn sequential(count: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(task);
}

/// What `work` makes of 0..count, in this order.
pub(super) fn map<T: Send>(tasks: Tasks<'_>, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let results: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    tasks(count, &|i| *results[i].lock().unwrap_or_else(PoisonError::into_inner) = Some(work(i)));
    results.into_iter().filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

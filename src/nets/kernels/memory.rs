//! Buffers that are not cleared before they are filled, and scratch memory that stays with its thread.
#![allow(unsafe_code, reason = "a vector's length is set after a kernel has filled its capacity")]

use std::{cell::Cell, mem::MaybeUninit};

/// A vector of `len` values that `fill` writes.
///
/// # Safety
/// `fill` must write every element.
pub(super) unsafe fn filled(len: usize, fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    fill(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and the caller vouches that all of it is written.
    unsafe { values.set_len(len) };
    values
}

thread_local! {
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Lends a buffer of `len` values, old contents and all, for the time of `work`. While it is lent, another call on the
/// same thread (a stolen task) gets a fresh one.
pub(super) fn scratch<T>(len: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    let mut buffer = SCRATCH.take();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    let result = work(&mut buffer[..len]);
    SCRATCH.set(buffer);
    result
}

//! Buffers that are not cleared before they are filled and are used again, and scratch memory that stays with its thread.
//!
//! A fresh megabyte costs its page faults, as much time as filling it, and allocators return megabytes to the system at
//! once. So the buffers of tensors that are dropped are kept for the next ones, up to a budget per thread.
#![allow(
    unsafe_code,
    reason = "a vector's length is set after a kernel has filled its capacity; scratch memory has several types"
)]

use std::{cell::RefCell, mem::MaybeUninit, slice};

/// Smaller buffers (in floats) are left to the allocator, which has them at hand.
const SMALL: usize = 16 << 10;

/// Floats that a thread keeps at most, and the longest scratch memory that [`release_scratch`] leaves: 64 MiB.
const BUDGET: usize = 16 << 20;

/// What fits in the place of an f32.
///
/// # Safety
/// Four bytes, aligned as an f32, and any bits are a value.
pub(super) unsafe trait Word: Copy {}

// SAFETY: it is an f32.
unsafe impl Word for f32 {}

/// The bits of `words` as floats.
#[inline(always)]
pub(super) fn as_floats<W: Word>(words: &[W]) -> &[f32] {
    // SAFETY: `Word`.
    unsafe { slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

/// The bits of `words` as floats.
#[inline(always)]
pub(super) fn as_floats_mut<W: Word>(words: &mut [W]) -> &mut [f32] {
    // SAFETY: `Word`, and any bits that are written as floats are a value of it.
    unsafe { slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

/// The bits of `words` as integers.
#[inline(always)]
pub(super) fn as_ints<W: Word>(words: &[W]) -> &[i32] {
    // SAFETY: `Word`; an i32 has the size and alignment of an f32.
    unsafe { slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
}

/// The bits of `words` as integers.
#[inline(always)]
pub(super) fn as_ints_mut<W: Word>(words: &mut [W]) -> &mut [i32] {
    // SAFETY: as above, and any bits that are written as integers are a value of it.
    unsafe { slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

thread_local! {
    /// Buffers that wait for their next use, oldest first.
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Whether [`recycle`] would keep a buffer of `len` values.
pub(crate) fn is_worth_keeping(len: usize) -> bool {
    (SMALL..=BUDGET).contains(&len)
}

/// Keeps a buffer for its next use and drops the oldest ones beyond the budget.
pub(crate) fn recycle(buffer: Vec<f32>) {
    if !is_worth_keeping(buffer.capacity()) {
        return;
    }
    KEPT.with_borrow_mut(|kept| {
        kept.push(buffer);
        let mut total: usize = kept.iter().map(Vec::capacity).sum();
        while total > BUDGET {
            total -= kept.remove(0).capacity();
        }
    });
}

/// An empty vector with room for `len` values, and not for more than twice as many.
fn roomy(len: usize) -> Vec<f32> {
    let kept = KEPT.with_borrow_mut(|kept| {
        let fits = |b: &Vec<f32>| (len..=2 * len).contains(&b.capacity());
        Some(kept.remove(kept.iter().rposition(fits)?))
    });
    let mut values = kept.unwrap_or_else(|| Vec::with_capacity(len));
    values.clear();
    values
}

/// A vector of `len` values that `fill` writes.
///
/// # Safety
/// `fill` must write every element.
pub(super) unsafe fn filled(len: usize, fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    let mut values = roomy(len);
    fill(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and by the caller's promise all of it is written.
    unsafe { values.set_len(len) };
    values
}

thread_local! {
    /// One for each depth of nesting, the outermost last.
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer of `len` elements, with unspecified values, for the time of `work`. A call inside `work` gets another one.
pub(super) fn scratch<W: Word, T>(len: usize, work: impl FnOnce(&mut [W]) -> T) -> T {
    let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    // SAFETY: the buffer is that long, and a word may have the bits of any float.
    let elements = unsafe { slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<W>(), len) };
    let result = work(elements);
    SCRATCH.with_borrow_mut(|waiting| waiting.push(buffer));
    result
}

/// Returns this thread's long scratch memory to the system. A decoder takes hundreds of megabytes for a large picture, and
/// does not keep them while nothing is decoded.
pub(crate) fn release_scratch() {
    SCRATCH.with_borrow_mut(|waiting| waiting.retain(|buffer| buffer.len() <= BUDGET));
}

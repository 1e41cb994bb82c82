//! Buffers that are not cleared before they are filled, are used again, and scratch memory that stays with its thread.
//!
//! A fresh megabyte costs its page faults, as much time as filling it, and allocators give megabytes back at once. So
//! the buffers of tensors that nobody needs any more are kept for the next ones, up to a budget per thread.
#![allow(
    unsafe_code,
    reason = "a vector's length is set after a kernel has filled its capacity; scratch memory has two types"
)]

use std::{cell::RefCell, mem::MaybeUninit};

use super::element::Element;

/// Smaller buffers (in floats) are left to the allocator, which has them at hand.
const SMALL: usize = 16 << 10;

/// Floats that a thread keeps at most, and the longest scratch memory that [`give_back`] leaves: 64 MiB.
const BUDGET: usize = 16 << 20;

thread_local! {
    /// Buffers that wait for their next use, oldest first.
    static KEPT: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Whether [`recycle`] would keep a buffer of `len` values.
pub(super) fn is_worth_keeping(len: usize) -> bool {
    (SMALL..=BUDGET).contains(&len)
}

/// Keeps a buffer for its next use; the oldest ones go where it would be too much.
pub(super) fn recycle(buffer: Vec<f32>) {
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
    // SAFETY: the capacity is at least `len`, and the caller vouches that all of it is written.
    unsafe { values.set_len(len) };
    values
}

thread_local! {
    /// One for each depth of lending, the outermost last.
    static SCRATCH: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends a buffer of `len` elements, old contents and all, for the time of `work`. While it is lent, another call on the
/// same thread gets another one.
pub(super) fn scratch<E: Element, T>(len: usize, work: impl FnOnce(&mut [E]) -> T) -> T {
    let mut buffer = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    // SAFETY: the buffer is that long, and an element has an f32's size and alignment and may have any bits.
    let elements = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<E>(), len) };
    let result = work(elements);
    SCRATCH.with_borrow_mut(|waiting| waiting.push(buffer));
    result
}

/// Gives scratch memory of this thread back to the system that is longer than most work needs: a decoder takes hundreds of
/// megabytes for a large picture, and should not hold them while nothing is decoded.
pub(in super::super) fn give_back() {
    SCRATCH.with_borrow_mut(|waiting| waiting.retain(|buffer| buffer.len() <= BUDGET));
}

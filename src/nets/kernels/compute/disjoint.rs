//! A slice whose parts several threads write.
//!
//! Apart because it is the one place where outputs are reached through a raw pointer: kernels see slices.
#![allow(unsafe_code, reason = "parts of an exclusively borrowed slice are lent to several threads")]

use std::{marker::PhantomData, mem::MaybeUninit, ops::Range};

/// An exclusively borrowed slice, of which copies give out parts. That parts do not overlap is promised by whoever takes
/// them; that they lie inside the slice is checked.
pub(super) struct DisjointSlices<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

/// Where a kernel's tasks write their outputs.
pub(super) type WriteTarget<'a> = DisjointSlices<'a, MaybeUninit<f32>>;

impl<T> Clone for DisjointSlices<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DisjointSlices<'_, T> {}

// SAFETY: it stands for an exclusive borrow of the elements, which may be sent where they may; parts are exclusive borrows
// too.
unsafe impl<T: Send> Send for DisjointSlices<'_, T> {}
// SAFETY: nothing is reached through a shared reference but by `slice`, whose caller promises that parts do not overlap.
unsafe impl<T: Send> Sync for DisjointSlices<'_, T> {}

impl<'a, T> DisjointSlices<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    pub(super) fn len(self) -> usize {
        self.len
    }

    /// The elements of `range`, to be parted further.
    ///
    /// # Panics
    /// If `range` is not inside the slice.
    #[inline(always)]
    pub(super) fn part(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "a part outside the slice");
        // SAFETY: inside the slice or at its end.
        let start = unsafe { self.start.add(range.start) };
        Self { start, len: range.end - range.start, slice: PhantomData }
    }

    /// The elements of `range`.
    ///
    /// # Safety
    /// While the result is in use, no other part that overlaps `range` is.
    ///
    /// # Panics
    /// If `range` is not inside the slice.
    #[inline(always)]
    pub(super) unsafe fn slice(self, range: Range<usize>) -> &'a mut [T] {
        let part = self.part(range);
        // SAFETY: the part is inside a slice that is borrowed exclusively for 'a, and by the caller's promise nobody else
        // uses it.
        unsafe { std::slice::from_raw_parts_mut(part.start, part.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_slice() {
        let mut values = [0, 1, 2, 3, 4, 5];
        let parts = DisjointSlices::new(&mut values);
        // SAFETY: the two do not overlap.
        let (low, high) = unsafe { (parts.slice(0..2), parts.part(3..6).slice(1..3)) };
        (low[1], high[0]) = (10, 40);
        assert_eq!((parts.len(), values), (6, [0, 10, 2, 3, 40, 5]));
    }

    #[test]
    #[should_panic(expected = "a part outside the slice")]
    fn a_part_beyond_the_end_is_refused() {
        // SAFETY: it is the only one.
        unsafe { DisjointSlices::new(&mut [0; 4]).part(1..3).slice(1..3) };
    }
}

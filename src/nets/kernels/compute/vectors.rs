//! Loads and stores of rows that fill no whole number of vectors.
//!
//! Apart because all kernels have such rows: the masks and their safety arguments stand here once.
#![allow(unsafe_code, reason = "vectors are loaded and stored under masks, through pointers")]

use std::mem::MaybeUninit;

use rten_simd::ops::BitOps;

use super::{instruction_set::InstructionSet, memory::Word};

/// Copies as many words as both slices have, of which there are only a few vectors.
#[inline(always)]
pub(super) fn copy_few<I: InstructionSet, W: Word>(isa: I, from: &[W], to: &mut [W]) {
    let ops = isa.i32();
    let (lanes, len) = (ops.len(), from.len().min(to.len()));
    if len < lanes {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
        return;
    }
    for at in (0..len).step_by(lanes) {
        // The last vector overlaps the one before it where there are too few words left.
        let at = at.min(len - lanes);
        // SAFETY: words are 4 bytes of any bits, and there are `lanes` of them from `at` on in both slices.
        unsafe { ops.store_ptr(ops.load_ptr(from.as_ptr().add(at).cast()), to.as_mut_ptr().add(at).cast()) };
    }
}

/// Writes as much of a vector as there is room for in `to`.
#[inline(always)]
pub(super) fn store_first<I: InstructionSet>(isa: I, value: I::F32, to: &mut [MaybeUninit<f32>]) {
    let ops = isa.f32();
    let to_ptr = to.as_mut_ptr().cast::<f32>();
    if to.len() >= ops.len() {
        // SAFETY: there is room for a whole vector.
        unsafe { ops.store_ptr(value, to_ptr) };
    } else {
        // SAFETY: the mask ends with the slice.
        unsafe { ops.store_ptr_mask(value, to_ptr, ops.first_n_mask(to.len())) };
    }
}

/// Writes as many vectors as there is room for in `to`.
#[inline(always)]
pub(super) fn store_all<I: InstructionSet, const V: usize>(isa: I, values: [I::F32; V], to: &mut [f32]) {
    for (value, to) in values.into_iter().zip(to.chunks_exact_mut(isa.f32().len())) {
        isa.f32().store(value, to);
    }
}

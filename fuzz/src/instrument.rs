//! What the compiler's instrumentation calls, and the count of allocated bytes. The only unsafe code of this package.
//!
//! The instrumentation (LLVM's SanitizerCoverage) adds one byte to a table for each edge of the control flow that is passed, and
//! calls a function with the operands of each comparison.
#![allow(
    unsafe_code,
    reason = "the interface of the instrumentation and of allocators is unsafe; each use has its argument"
)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::Relaxed},
};

static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Called before `main`, once for each part of the program, always with the bounds of the whole table.
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
    START.store(start, Relaxed);
    LENGTH.store((end as usize).wrapping_sub(start as usize), Relaxed);
}

/// Sets the table to zero.
pub fn reset_counters() {
    let (start, length) = (START.load(Relaxed), LENGTH.load(Relaxed));
    if start.is_null() {
        return;
    }
    // SAFETY: the table is a static of the program, `length` bytes long, which only instrumented code writes. It does so with
    // plain additions from every thread: a lost count is a lost count.
    unsafe { std::ptr::write_bytes(start, 0, length) };
}

/// A copy of the table.
pub fn counters(into: &mut Vec<u8>) {
    let (start, length) = (START.load(Relaxed), LENGTH.load(Relaxed));
    into.clear();
    if start.is_null() {
        return;
    }
    into.resize(length, 0);
    // SAFETY: as above; `into` has `length` bytes and is no part of the table.
    unsafe { std::ptr::copy_nonoverlapping(start, into.as_mut_ptr(), length) };
}

/// So many comparisons are remembered, the newest ones. A power of two: a place is found without a comparison, because one
/// within the functions below would call them again.
const REMEMBERED: usize = 1 << 10;
static PLACES: [[AtomicU64; 2]; REMEMBERED] = [const { [const { AtomicU64::new(0) }; 2] }; REMEMBERED];
static NEXT: AtomicUsize = AtomicUsize::new(0);

#[inline(always)]
fn remember(a: u64, b: u64) {
    let place = &PLACES[NEXT.fetch_add(1, Relaxed) & (REMEMBERED - 1)];
    place[0].store(a, Relaxed);
    place[1].store(b, Relaxed);
}

/// The operands of the newest comparisons that found different ones.
pub fn comparisons() -> Vec<[u64; 2]> {
    let all = PLACES.iter().map(|[a, b]| [a.load(Relaxed), b.load(Relaxed)]);
    all.filter(|[a, b]| a != b && (*a > 15 || *b > 15)).collect()
}

macro_rules! compared {
    ($($name:ident: $kind:ty),+ $(,)?) => {
        $(
            #[unsafe(no_mangle)]
            pub extern "C" fn $name(a: $kind, b: $kind) {
                remember(u64::from(a), u64::from(b));
            }
        )+
    };
}

compared!(
    __sanitizer_cov_trace_cmp1: u8,
    __sanitizer_cov_trace_cmp2: u16,
    __sanitizer_cov_trace_cmp4: u32,
    __sanitizer_cov_trace_cmp8: u64,
    __sanitizer_cov_trace_const_cmp1: u8,
    __sanitizer_cov_trace_const_cmp2: u16,
    __sanitizer_cov_trace_const_cmp4: u32,
    __sanitizer_cov_trace_const_cmp8: u64,
);

/// A choice among constants, which edges tell apart already.
#[unsafe(no_mangle)]
pub extern "C" fn __sanitizer_cov_trace_switch(_value: u64, _cases: *const u64) {}

/// An allocator that counts, and gives nothing to who asks for more than a machine may have.
pub struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Allocations fail beyond this, which ends the process: nothing that is read may come near.
const MOST: usize = 3 << 29;

fn took(bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: everything is passed on to the system's allocator with the arguments that came in, and its results are passed back,
// or null, which an allocator may always return. Counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if LIVE.load(Relaxed).saturating_add(layout.size()) > MOST {
            return std::ptr::null_mut();
        }
        took(layout.size());
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if LIVE.load(Relaxed).saturating_add(layout.size()) > MOST {
            return std::ptr::null_mut();
        }
        took(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if LIVE.load(Relaxed).saturating_add(size) > MOST {
            return std::ptr::null_mut();
        }
        took(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What `work` returns, and the most bytes that were allocated at once meanwhile.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, PEAK.load(Relaxed).saturating_sub(before))
}

//! The tile that fills all sixteen registers of AVX2: twelve sums, three vectors of columns, one row's weight.
//!
//! Apart because it is written in assembly: compilers find no place for the weight and keep a sum in memory, which then
//! waits for its own store in each round.
#![allow(unsafe_code, reason = "assembly")]

use std::arch::asm;

use super::matrix::ROWS;

/// Rows and vectors of the tile.
pub(super) const TILE: (usize, usize) = (4, 3);
/// Floats of its sums.
pub(super) const SUMS: usize = 96;

/// Bytes from one k to the next, of a panel and of the columns.
const PANEL_STEP: usize = 4 * ROWS;
const RIGHT_STEP: usize = 96;

/// One row's weight times the three vectors of columns in ymm12 to ymm14, added to that row's sums.
macro_rules! row {
    ($place:literal, $a:literal, $b:literal, $c:literal) => {
        concat!(
            "vbroadcastss ymm15, [{panel} + ",
            $place,
            "]\n",
            "vfmadd231ps ymm",
            $a,
            ", ymm12, ymm15\n",
            "vfmadd231ps ymm",
            $b,
            ", ymm13, ymm15\n",
            "vfmadd231ps ymm",
            $c,
            ", ymm14, ymm15\n",
        )
    };
}

/// One k: three vectors of columns times four rows, and on to the next.
macro_rules! round {
    () => {
        concat!(
            "vmovups ymm12, [{right}]\n",
            "vmovups ymm13, [{right} + 32]\n",
            "vmovups ymm14, [{right} + 64]\n",
            row!("0", "0", "1", "2"),
            row!("4", "3", "4", "5"),
            row!("8", "6", "7", "8"),
            row!("12", "9", "10", "11"),
            "add {panel}, {panel_step}\n",
            "add {right}, {right_step}\n",
        )
    };
}

/// Moves the twelve sums between registers and memory.
macro_rules! sums {
    ($($register:literal $place:literal),*; load) => {
        concat!($("vmovups ymm", $register, ", [{sums} + ", $place, "]\n"),*)
    };
    ($($register:literal $place:literal),*; store) => {
        concat!($("vmovups [{sums} + ", $place, "], ymm", $register, "\n"),*)
    };
    ($way:ident) => {
        sums!("0" "0", "1" "32", "2" "64", "3" "96", "4" "128", "5" "160", "6" "192", "7" "224", "8" "256",
            "9" "288", "10" "320", "11" "352"; $way)
    };
}

/// `sums[r][v] += panel[k * 8 + r] * right[(k * 3 + v) * 8..]` for four rows and three vectors of eight, k in 0..depth: one
/// chain of fused multiply-adds each, as the plain loop makes them.
///
/// # Panics
/// If a slice is shorter than that.
#[target_feature(enable = "avx2,fma")]
pub(super) fn chain(panel: &[f32], right: &[f32], depth: usize, sums: &mut [f32; SUMS]) {
    // By divisions, which do not overflow.
    assert!(depth == 0 || panel.len() >= TILE.0 && (panel.len() - TILE.0) / ROWS >= depth - 1, "rows of the panel");
    assert!(right.len() / (TILE.1 * 8) >= depth, "columns");
    // SAFETY: reads four floats at each of `depth` steps of 8 from `panel` and 24 at each of `depth` steps of 24 from
    // `right`, which are there, and reads and writes the 96 of `sums`. Every register that is written is named, none of the
    // stack is touched, and no flags are relied on afterwards.
    unsafe {
        asm!(
            sums!(load),
            "sub {fours}, 4",
            "jb 3f",
            "2:",
            round!(),
            round!(),
            round!(),
            round!(),
            "sub {fours}, 4",
            "jae 2b",
            "3:",
            "add {fours}, 4",
            "jz 5f",
            "4:",
            round!(),
            "dec {fours}",
            "jnz 4b",
            "5:",
            sums!(store),
            panel = inout(reg) panel.as_ptr() => _,
            right = inout(reg) right.as_ptr() => _,
            fours = inout(reg) depth => _,
            sums = in(reg) sums.as_mut_ptr(),
            panel_step = const PANEL_STEP,
            right_step = const RIGHT_STEP,
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
            out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
            out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack),
        );
    }
}

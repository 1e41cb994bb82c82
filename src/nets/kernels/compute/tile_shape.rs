//! How large the tiles are that inner loops compute.
//!
//! Apart because products, convolutions and attention share it, and cut their work by it.

use rten_simd::ops::BitOps;

use super::{
    instruction_set::{InstructionSet, Kernel, Kind},
    matrix::ROWS,
};

/// Vectors side by side in a full tile of the largest shape.
pub(super) const MAX_VECTORS: usize = 3;

/// A full tile: `rows` rows of `vectors` vectors.
#[derive(Clone, Copy, Debug)]
pub(super) struct TileShape {
    pub(super) vectors: usize,
    /// 4 or 8.
    pub(super) rows: usize,
}

impl TileShape {
    /// The shape whose sums fit in registers. Of 32 registers (AVX-512, NEON) 24 hold running sums. Of 16, 12 do where the
    /// inner loop is written by hand (AVX2), else 8: a compiler would always move one or two of 12 to memory and back, which
    /// costs more than it brings.
    #[inline(always)]
    pub(super) const fn of<I: InstructionSet>() -> Self {
        match I::KIND {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => Self { vectors: MAX_VECTORS, rows: ROWS },
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => Self { vectors: MAX_VECTORS, rows: ROWS },
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => Self { vectors: MAX_VECTORS, rows: ROWS / 2 },
            Kind::Generic => Self { vectors: 2, rows: ROWS / 2 },
        }
    }
}

/// Columns of a full tile on this machine.
pub(super) fn tile_width() -> usize {
    struct Width;
    impl Kernel for Width {
        type Output = usize;

        #[inline(always)]
        fn eval<I: InstructionSet>(self, isa: I) -> usize {
            TileShape::of::<I>().vectors * isa.f32().len()
        }
    }
    Width.dispatch()
}

//! The instruction sets that kernels are compiled for, and the choice of the best one at run time.
//!
//! `rten-simd` has the vectors and their operations; apart from it, this names the sets. Tile shapes and safety arguments
//! refer to a set by its type, not by how many lanes its vectors happen to have.
#![allow(unsafe_code, reason = "calls functions that are compiled for an instruction set which was found here")]

use rten_simd::{Isa, isa::GenericIsa};

/// Lanes of the widest f32 vectors of any set.
pub(super) const MAX_LANES: usize = 16;

/// Names of the sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain code.
    Generic,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Kind {
    /// Whether there are 32 vector registers, or 16.
    #[inline(always)]
    pub(super) const fn has_32_registers(self) -> bool {
        match self {
            Self::Generic => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => false,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => true,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
        }
    }
}

/// An instruction set. A value of it exists only where the CPU has the set.
///
/// # Safety
/// `KIND` names the set that the type stands for, and vectors have at most [`MAX_LANES`] lanes of 32 bits.
pub(super) unsafe trait InstructionSet: Isa {
    const KIND: Kind;
}

// SAFETY: it is plain code, with vectors of four lanes.
unsafe impl InstructionSet for GenericIsa {
    const KIND: Kind = Kind::Generic;
}

// SAFETY: made only where AVX2, FMA and F16C were found; eight lanes.
#[cfg(target_arch = "x86_64")]
unsafe impl InstructionSet for rten_simd::isa::Avx2Isa {
    const KIND: Kind = Kind::Avx2;
}

// SAFETY: made only where AVX-512 (F, VL, BW, DQ) and F16C were found; sixteen lanes.
#[cfg(target_arch = "x86_64")]
unsafe impl InstructionSet for rten_simd::isa::Avx512Isa {
    const KIND: Kind = Kind::Avx512;
}

// SAFETY: made only where NEON was found; four lanes.
#[cfg(target_arch = "aarch64")]
unsafe impl InstructionSet for rten_simd::isa::ArmNeonIsa {
    const KIND: Kind = Kind::Neon;
}

/// A computation on vectors, written once for all instruction sets.
pub(super) trait Kernel: Sized {
    type Output;

    /// Computes with the instructions of `isa`. It must be inlined, as everything that it calls on vectors: what is not
    /// does not get the instructions.
    fn eval<I: InstructionSet>(self, isa: I) -> Self::Output;

    /// [`Kernel::eval`] with the best set of this CPU.
    fn dispatch(self) -> Self::Output {
        #[cfg(target_arch = "aarch64")]
        if let Some(isa) = rten_simd::isa::ArmNeonIsa::new() {
            return self.eval(isa);
        }
        #[cfg(target_arch = "x86_64")]
        {
            use rten_simd::isa::{Avx2Isa, Avx512Isa};
            if let Some(isa) = Avx512Isa::new() {
                // SAFETY: `isa` exists, so the CPU has what is enabled.
                return unsafe { with_avx512(isa, self) };
            }
            if let Some(isa) = Avx2Isa::new() {
                // SAFETY: likewise.
                return unsafe { with_avx2(isa, self) };
            }
        }
        self.eval(GenericIsa::new())
    }
}

/// Enables what `Avx512Isa::new` looks for.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,f16c")]
fn with_avx512<K: Kernel>(isa: rten_simd::isa::Avx512Isa, kernel: K) -> K::Output {
    kernel.eval(isa)
}

/// Enables what `Avx2Isa::new` looks for.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx,fma,f16c")]
fn with_avx2<K: Kernel>(isa: rten_simd::isa::Avx2Isa, kernel: K) -> K::Output {
    kernel.eval(isa)
}

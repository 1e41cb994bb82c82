//! Fused kernels for graphics cards, where burn would take a dozen passes over a tensor: every pass reads and writes it.
//!
//! Written in CubeCL, which turns them into what the card speaks (SPIR-V, WGSL, MSL). Each function gives the tensor back
//! if it is on no card or not in f32; `layers` then composes the same of burn's operations, and `tests/card.rs` holds the
//! kernels to what the CPU makes of the same numbers.

mod element;
mod norm;

use burn::{
    backend::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};

pub(super) use element::{geglu, silu};
pub(super) use norm::{Affine, group_norm, layer_norm};

/// Units of a workgroup: every device that wgpu knows has as many.
const UNITS: u32 = 256;

/// The f32 values of a tensor on a card, row by row, else the tensor back.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, handed back to be used")]
fn take<const D: usize>(x: Tensor<D>) -> Result<CubeTensor, Tensor<D>> {
    match float_on_card(x)? {
        x if x.dtype == DType::F32 => Ok(into_contiguous(x)),
        x => Err(give(x)),
    }
}

#[expect(clippy::result_large_err, reason = "the error is the tensor itself, handed back to be used")]
fn float_on_card<const D: usize>(x: Tensor<D>) -> Result<CubeTensor, Tensor<D>> {
    let DispatchTensor { kind, autodiff } = x.into_dispatch();
    match (kind, autodiff) {
        (DispatchTensorKind::Cube(BackendTensor::Float(x)), DispatchAutodiffContext::Disabled) => Ok(x),
        (kind, autodiff) => Err(Tensor::from_dispatch(DispatchTensor { kind, autodiff })),
    }
}

/// The same tensor, on a card with its values row by row in memory: burn 0.22.1's attention reads them so there, whatever
/// the strides say.
pub(super) fn row_major<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    float_on_card(x).map_or_else(|x| x, |x| give(into_contiguous(x)))
}

fn give<const D: usize>(x: CubeTensor) -> Tensor<D> {
    let kind = DispatchTensorKind::Cube(BackendTensor::Float(x));
    Tensor::from_dispatch(DispatchTensor { kind, autodiff: DispatchAutodiffContext::Disabled })
}

/// Room for f32 values of `shape` beside `like`.
fn room<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), Shape::new(shape), DType::F32)
}

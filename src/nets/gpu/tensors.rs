//! From burn's tensors to buffers on a GPU and back.
//!
//! Apart from the kernels, which all begin and end here.

use burn::{
    backend::{BackendTensor, DispatchAutodiffContext, DispatchTensor, DispatchTensorKind},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};

/// Units of a workgroup: every device that wgpu knows has as many.
pub(super) const UNITS: u32 = 256;

/// The f32 values of a tensor on a GPU, row by row, else the tensor back.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(super) fn float_values<const D: usize>(x: Tensor<D>) -> Result<CubeTensor, Tensor<D>> {
    match float_on_gpu(x)? {
        x if x.dtype == DType::F32 => Ok(into_contiguous(x)),
        x => Err(to_tensor(x)),
    }
}

/// As [`float_values`], with values as a layer's weights are stored: f32 or f16.
#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
pub(super) fn stored_values<const D: usize>(x: Tensor<D>) -> Result<CubeTensor, Tensor<D>> {
    match float_on_gpu(x)? {
        x if matches!(x.dtype, DType::F32 | DType::F16) => Ok(into_contiguous(x)),
        x => Err(to_tensor(x)),
    }
}

#[expect(clippy::result_large_err, reason = "the error is the tensor itself, returned to be used")]
fn float_on_gpu<const D: usize>(x: Tensor<D>) -> Result<CubeTensor, Tensor<D>> {
    let DispatchTensor { kind, autodiff } = x.into_dispatch();
    match (kind, autodiff) {
        (DispatchTensorKind::Cube(BackendTensor::Float(x)), DispatchAutodiffContext::Disabled) => Ok(x),
        (kind, autodiff) => Err(Tensor::from_dispatch(DispatchTensor { kind, autodiff })),
    }
}

/// The tensor of burn's API that has these values.
pub(super) fn to_tensor<const D: usize>(x: CubeTensor) -> Tensor<D> {
    let kind = DispatchTensorKind::Cube(BackendTensor::Float(x));
    Tensor::from_dispatch(DispatchTensor { kind, autodiff: DispatchAutodiffContext::Disabled })
}

/// An uninitialised tensor of f32 values of `shape` on the device of `like`.
pub(super) fn empty_like<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), Shape::new(shape), DType::F32)
}

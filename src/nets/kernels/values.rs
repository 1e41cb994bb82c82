//! From burn's tensors to slices and back, without copying.
//!
//! Apart because it is all that the kernels' callers need to know of burn's CPU backend.

use std::ops::Deref;

use burn::{
    backend::{
        BackendTensor, DispatchAutodiffContext, DispatchDevice, DispatchTensor, DispatchTensorKind,
        flex::{FlexTensor, Layout},
    },
    tensor::{Bytes, DType, Device, Shape, Tensor},
};

use super::compute::{is_worth_keeping, recycle};

/// Whether tensors on `device` are in this process's memory, where these kernels can work on them.
pub(in super::super) fn is_cpu(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// A tensor's f32 values in row-major order.
pub(in super::super) struct Values {
    /// Taken when this is dropped.
    tensor: Option<FlexTensor>,
    start: usize,
    len: usize,
}

impl Values {
    /// The values of a tensor that [`is_cpu`], else the tensor back. Views that are not row-major are copied once.
    #[expect(clippy::result_large_err, reason = "the error is the tensor itself, handed back to be used")]
    pub(in super::super) fn take<const D: usize>(x: Tensor<D>) -> Result<Self, Tensor<D>> {
        let DispatchTensor { kind, autodiff } = x.into_dispatch();
        let tensor = match (kind, autodiff) {
            (DispatchTensorKind::Flex(BackendTensor::Float(t)), DispatchAutodiffContext::Disabled)
                if t.dtype() == DType::F32 =>
            {
                t
            }
            (kind, autodiff) => return Err(Tensor::from_dispatch(DispatchTensor { kind, autodiff })),
        };
        let tensor = if tensor.layout().is_contiguous() { tensor } else { tensor.to_contiguous() };
        let (start, len) = (tensor.layout().start_offset(), tensor.layout().num_elements());
        Ok(Self { tensor: Some(tensor), start, len })
    }

    /// [`Values::take`] for a layer whose weights are on the CPU.
    ///
    /// # Panics
    /// If `x` is on another device, as burn's own operations do.
    pub(in super::super) fn of<const D: usize>(x: Tensor<D>) -> Self {
        Self::take(x).unwrap_or_else(|x| panic!("the layer is on the CPU, but its input on {:?}", x.device()))
    }
}

impl Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let all = self.tensor.as_ref().map_or(&[][..], FlexTensor::storage::<f32>);
        &all[self.start..self.start + self.len]
    }
}

impl Drop for Values {
    /// Keeps the buffer for a next tensor if nothing else refers to it.
    fn drop(&mut self) {
        let Some(tensor) = self.tensor.take() else { return };
        let whole = self.start == 0 && tensor.bytes().len() == self.len * size_of::<f32>();
        if whole && tensor.is_unique() && is_worth_keeping(self.len) {
            // Nothing is copied: a buffer that did not begin as a vector of floats is dropped.
            let (bytes, ..) = tensor.into_data().into_parts();
            if let Ok(buffer) = bytes.try_into_vec::<f32>() {
                recycle(buffer);
            }
        }
    }
}

/// The tensor of `shape` that owns `values`.
///
/// # Panics
/// If the shape has another number of elements.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    assert!(values.len() == shape.iter().product::<usize>(), "values of a tensor");
    let layout = Layout::contiguous(Shape::from(shape));
    let tensor = FlexTensor::new(Bytes::from_elems(values), layout, DType::F32);
    Tensor::from_dispatch(DispatchTensor {
        kind: DispatchTensorKind::Flex(BackendTensor::Float(tensor)),
        autodiff: DispatchAutodiffContext::Disabled,
    })
}

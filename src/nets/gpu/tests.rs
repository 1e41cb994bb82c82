//! The GPU's kernels against the CPU's, on shapes that fill no workgroup evenly.
//!
//! They run on a GPU or, because only their arithmetic is in question, on a software rasteriser. A machine that has neither
//! cannot run them, so they are ignored unless asked for:
//! `cargo test --release --lib nets::gpu -- --ignored`.

use std::sync::LazyLock;

use burn::tensor::{DType, Device, DeviceKind, Tensor, TensorData};

use super::super::{
    attention::{attend, attend_fused},
    kernels,
    layers::{self, Activation, Conv, GroupNorm, LayerNorm},
    made_up::{layer, numbers},
};

/// An operation for which there is a GPU kernel, with its sizes.
#[derive(Clone, Copy, Debug)]
enum Fused {
    /// `[batch, inputs, h, w]`, outputs, side of the kernel. Not a kernel of our own, but its weight has burn's layout.
    Convolution([usize; 4], usize, usize),
    /// `[batch, channels, h, w]` in so many groups, then silu where the flag is set.
    GroupNorm([usize; 4], usize, bool),
    /// `[batch, width, positions]`.
    LayerNorm([usize; 3]),
    /// `[batch, 2 * width, positions]`.
    Geglu([usize; 3]),
    /// So many values.
    Silu(usize),
    /// `[batch, width, positions]` of the query, the positions of keys and values, heads, and how many scores may exist at
    /// once on a GPU. There in f16.
    Attention([usize; 3], usize, usize, usize),
}

impl Fused {
    /// Its values on `device`, of numbers whose mean is far from 0: the same numbers on every device.
    fn values(self, device: &Device) -> Result<Vec<f32>, Box<dyn std::error::Error>> {
        let on_cpu = kernels::is_cpu(device);
        Ok(match self {
            Self::Convolution(dims, outputs, kernel) => {
                let shape = [outputs, dims[1], kernel, kernel];
                let conv = layer(device, &shape, |p| Conv::load(p, dims[1], outputs, kernel))?;
                conv.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::GroupNorm(dims, groups, silu) => {
                let norm = layer(device, &[dims[1]], |p| GroupNorm::load(p, groups, dims[1], 1e-5))?;
                let x = far(device, dims);
                match (on_cpu, silu) {
                    (true, true) => Activation::Silu.of(norm.forward(x)),
                    (true, false) => norm.forward(x),
                    (false, silu) => norm.on_gpu(x, silu),
                }
                .try_into_vec_as::<f32>()?
            }
            Self::LayerNorm(dims) => {
                let norm = layer(device, &[dims[1]], |p| LayerNorm::load(p, dims[1], 1e-5))?;
                norm.forward(far(device, dims)).try_into_vec_as::<f32>()?
            }
            Self::Geglu(dims) => layers::geglu(far(device, dims)).try_into_vec_as::<f32>()?,
            Self::Silu(count) => Activation::Silu.of(far(device, [count])).try_into_vec_as::<f32>()?,
            Self::Attention([batch, width, n], keys, heads, budget) => {
                let (query, key) = (far(device, [batch, width, n]), far(device, [batch, width, keys]));
                let parts = [query, key.clone(), key];
                let y = if on_cpu { attend(parts, heads, false, false).0 } else { attend_fused(parts, heads, budget) };
                y.try_into_vec_as::<f32>()?
            }
        })
    }
}

/// Numbers from 0 to 1.5, with a different mean in each plane.
fn far<const D: usize>(device: &Device, shape: [usize; D]) -> Tensor<D> {
    let plane = shape[D - 1];
    let shift = |i: usize| (i / plane % 5) as f32 / 4.0;
    let values = numbers(shape.iter().product()).into_iter().enumerate().map(|(i, x)| x + 0.1 + shift(i)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// f32 on both sides, other sums.
const TOLERANCE: f64 = 2e-6;
/// Products of f16 numbers, summed in f32 or f16.
const TOLERANCE_F16: f64 = 3e-3;

/// The first adapter of the most capable kind.
///
/// # Panics
/// Where wgpu finds none that it can use.
static GPU: LazyLock<Device> = LazyLock::new(|| {
    let kinds = [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0), DeviceKind::Cpu];
    // Kernels in SPIR-V crash the compiler of Mesa 22.3's rasteriser.
    let usable = |kind: &DeviceKind| !(cfg!(feature = "spirv") && matches!(kind, DeviceKind::Cpu));
    let found = kinds.into_iter().filter(usable).find_map(|kind| {
        let device = Device::wgpu_options().device_kind(kind.clone()).init().ok()?;
        eprintln!("on {kind:?}");
        Some(device)
    });
    found.expect("an adapter that wgpu can use, be it a software rasteriser")
});

/// Distance between what the GPU computes and what the CPU does, relative, L2.
fn distance(fused: Fused) -> f64 {
    let [found, expected] = [&*GPU, &Device::flex()].map(|device| fused.values(device).expect("values"));
    assert_eq!(found.len(), expected.len(), "{fused:?}");
    let square = |x: f64| x * x;
    let off: f64 = found.iter().zip(&expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|b| square(f64::from(*b))).sum();
    // Expected values may all be 0; then only 0 is near.
    (off / norm.max(f64::MIN_POSITIVE)).sqrt()
}

/// Small, odd, exactly full, in many parts, in parts larger than the usual.
const EXACT: &[Fused] = &[
    Fused::Convolution([2, 5, 7, 9], 6, 3),
    Fused::Convolution([1, 32, 16, 16], 64, 3),
    Fused::Convolution([1, 12, 5, 5], 20, 1),
    Fused::GroupNorm([1, 2, 1, 3], 1, false),
    Fused::GroupNorm([2, 12, 9, 11], 3, false),
    Fused::GroupNorm([1, 32, 24, 24], 8, true),
    Fused::GroupNorm([1, 6, 65, 67], 2, true),
    Fused::GroupNorm([1, 4, 64, 128], 2, true),
    Fused::GroupNorm([1, 2, 401, 701], 1, true),
    Fused::LayerNorm([1, 1, 1]),
    Fused::LayerNorm([2, 7, 33]),
    Fused::LayerNorm([1, 320, 64]),
    Fused::LayerNorm([3, 129, 145]),
    Fused::Geglu([1, 2, 1]),
    Fused::Geglu([2, 14, 33]),
    Fused::Geglu([1, 640, 576]),
    Fused::Silu(1),
    Fused::Silu(1031),
    Fused::Silu(70_000),
];

#[test]
#[ignore = "needs a GPU or a software rasteriser: cargo test --release --lib nets::gpu -- --ignored"]
fn fused_kernels_agree_with_the_cpu() {
    for &fused in EXACT {
        let off = distance(fused);
        assert!(off < TOLERANCE, "{fused:?}: {off:.1e}");
    }
}

#[test]
#[ignore = "needs a GPU or a software rasteriser that computes in f16: cargo test --release --lib nets::gpu -- --ignored"]
fn attention_in_f16_is_near() {
    assert!(GPU.supports_dtype(DType::F16), "the adapter does not compute in f16");
    // Heads that are padded and heads that are not, lengths that fill tiles and lengths that do not. The last one in several
    // blocks.
    let shapes = [([1, 80, 128], 128, 2, 1 << 20), ([1, 32, 33], 130, 1, 1 << 20), ([2, 64, 100], 144, 4, 40_000)];
    for (query, keys, heads, budget) in shapes {
        let fused = Fused::Attention(query, keys, heads, budget);
        let off = distance(fused);
        assert!(off > 0.0 && off < TOLERANCE_F16, "{fused:?}: {off:.1e}");
    }
}

//! The GPU's kernels against the CPU's, on shapes that fill no workgroup evenly.
//!
//! They run on a GPU or, because only their arithmetic is in question, on a software rasteriser. A machine that has neither
//! cannot run them, so they are ignored unless asked for:
//! `cargo test --release --lib nets::gpu -- --ignored`.

use std::sync::LazyLock;

use burn::tensor::{DType, Device, DeviceKind};

use super::{
    super::{Precision, layers::Conv, made_up::layer_in},
    check::{KernelCheck, far, kernel_checks, relative},
};

/// Weights rounded to 10 bits of mantissa.
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

#[test]
#[ignore = "needs a GPU or a software rasteriser: cargo test --release --lib nets::gpu -- --ignored"]
fn fused_kernels_agree_with_the_cpu() {
    for check in kernel_checks() {
        let off = check.distance(&GPU).expect("values");
        assert!(KernelCheck::passes(off), "{check:?}: {off:.1e}");
    }
}

/// Weights of f16, whose values the CPU's f32 kernels would not have.
#[test]
#[ignore = "needs a GPU or a software rasteriser that computes in f16: cargo test --release --lib nets::gpu -- --ignored"]
fn weights_in_f16_are_near() {
    assert!(GPU.supports_dtype(DType::F16), "the adapter does not compute in f16");
    let device = [&*GPU, &Device::flex()];
    let convolved = device.map(|device| {
        let conv = layer_in(device, Precision::F16, &[20, 12, 3, 3], |p| Conv::load(p, 12, 20, 3)).expect("a layer");
        conv.forward(far(device, [2, 12, 9, 11])).try_into_vec_as::<f32>().expect("values")
    });
    let off = relative([&convolved[0], &convolved[1]]);
    assert!(off > 0.0 && off < TOLERANCE_F16, "{off:.1e}");
}

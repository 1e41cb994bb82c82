//! The kernels for graphics cards compute what the CPU computes, on shapes that fill no workgroup evenly. They are tried
//! on a real card or, because it is only their arithmetic that is asked for, on a software rasteriser; where there is
//! neither, the test says so.

mod common;

use std::sync::LazyLock;

use burn::tensor::{DType, Device, DeviceKind};
use common::relative_l2;
use sextant::nets::operations::Fused;

/// f32 on both sides, other sums.
const TOLERANCE: f64 = 2e-6;
/// Products of f16 numbers, summed in f32 or f16.
const TOLERANCE_F16: f64 = 3e-3;

static CARD: LazyLock<Option<Device>> = LazyLock::new(|| {
    let kinds = [DeviceKind::DiscreteGpu(0), DeviceKind::IntegratedGpu(0), DeviceKind::VirtualGpu(0), DeviceKind::Cpu];
    // Kernels in SPIR-V crash the compiler of Mesa 22.3's rasteriser.
    let usable = |kind: &DeviceKind| !(cfg!(feature = "spirv") && matches!(kind, DeviceKind::Cpu));
    let found = kinds.into_iter().filter(usable).find_map(|kind| {
        let device = Device::wgpu_options().device_kind(kind.clone()).init().ok()?;
        eprintln!("on {kind:?}");
        Some(device)
    });
    if found.is_none() {
        eprintln!("skipped: there is no adapter that wgpu can use, not even a software rasteriser");
    }
    found
});

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
fn fused_kernels_agree() {
    let Some(device) = CARD.as_ref() else { return };
    for &fused in EXACT {
        let (found, expected) = (fused.values(device).expect("values"), fused.values(&Device::flex()).expect("values"));
        let off = relative_l2(&found, &expected);
        assert!(off < TOLERANCE, "{fused:?}: {off:.1e}");
    }
}

#[test]
fn attention_in_f16_is_near() {
    let Some(device) = CARD.as_ref() else { return };
    if !device.supports_dtype(DType::F16) {
        eprintln!("skipped: the adapter does not compute in f16");
        return;
    }
    // Heads that are padded and heads that are not, lengths that fill tiles and lengths that do not.
    // The last one in several blocks.
    let shapes = [([1, 80, 128], 128, 2, 1 << 20), ([1, 32, 33], 130, 1, 1 << 20), ([2, 64, 100], 144, 4, 40_000)];
    for (query, keys, heads, budget) in shapes {
        let fused = Fused::Attention(query, keys, heads, budget);
        let (found, expected) = (fused.values(device).expect("values"), fused.values(&Device::flex()).expect("values"));
        let off = relative_l2(&found, &expected);
        assert!(off > 0.0 && off < TOLERANCE_F16, "{fused:?}: {off:.1e}");
    }
}

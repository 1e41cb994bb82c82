//! Which device computes: a real GPU through wgpu, else the CPU. A software rasteriser is never picked.
//!
//! Apart because a device is opened once for all models.

use std::{fmt, path::Path, str::FromStr};

use burn::tensor::{Device, DeviceKind};
use burn_wgpu::{WgpuInitError, WgpuSetup};

use super::error::EngineError;
use crate::{
    fingerprint,
    model::{self, LocalModels, ModelSource, Target},
    nets::{self, Precision},
    recipe::ModelRef,
    sampling::TorchGenerator,
};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The GPU if there is a real one and it passes the self-test, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// The CPU with products in bf16.
    CpuBf16,
    Wgpu,
    /// A GPU with products in f16.
    WgpuF16,
}

impl DeviceChoice {
    /// The choice with products in `precision`. f16 needs a GPU, bf16 the CPU.
    ///
    /// # Errors
    /// [`EngineError::Device`] for bf16 on a GPU or f16 on the CPU.
    pub fn with(self, precision: Precision) -> Result<Self, EngineError> {
        match (precision, self) {
            (Precision::F32, Self::CpuBf16) => Ok(Self::Cpu),
            (Precision::F32, Self::WgpuF16) => Ok(Self::Wgpu),
            (Precision::F32, choice) => Ok(choice),
            (Precision::Bf16, Self::Wgpu | Self::WgpuF16) => {
                let why = "bf16 is a precision of the CPU alone: choose --device cpu, or --precision f32";
                Err(EngineError::Device(why.into()))
            }
            (Precision::Bf16, _) => Ok(Self::CpuBf16),
            (Precision::F16, Self::Cpu | Self::CpuBf16) => {
                let why =
                    "f16 is a precision of graphics cards alone: choose --device wgpu, or --precision bf16 or f32";
                Err(EngineError::Device(why.into()))
            }
            (Precision::F16, _) => Ok(Self::WgpuF16),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = EngineError;

    fn from_str(s: &str) -> Result<Self, EngineError> {
        match s {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "wgpu" => Ok(Self::Wgpu),
            _ => Err(EngineError::Device(format!("\"{s}\" is not auto, cpu or wgpu"))),
        }
    }
}

/// An opened device with its display name.
#[derive(Clone)]
pub struct Opened {
    pub device: Device,
    /// Of products.
    pub precision: Precision,
    pub name: String,
    /// Digest of what it computes for a few fixed operations; see [`fingerprint::probe_digest`].
    pub probe_digest: Option<String>,
}

impl Opened {
    /// Probes the device once for all runs.
    fn new(device: Device, precision: Precision, name: String) -> Self {
        let output = nets::probe_output(&device).inspect_err(|error| log::warn!("{name} cannot be probed: {error}"));
        let probe_digest = output.ok().map(|output| fingerprint::probe_digest(&output));
        Self { device, precision, name, probe_digest }
    }

    /// Where models are to be loaded.
    pub fn target(&self) -> Target {
        Target { device: self.device.clone(), precision: self.precision }
    }

    /// Whether it is the CPU, whose kernels need no warming up.
    pub fn is_cpu(&self) -> bool {
        nets::is_cpu(&self.device)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.name)
    }
}

/// Largest relative difference (L2) between a GPU and the CPU that passes the self-test.
const SELF_TEST_TOLERANCE: f32 = 2e-3;
/// The same for products in f16: wide enough for 10 bits of mantissa, not for a wrong kernel.
const SELF_TEST_TOLERANCE_F16: f32 = 2e-2;

/// Opens a device. `Auto` falls back to the CPU and logs why; `Wgpu` says why it cannot.
pub fn open(choice: DeviceChoice) -> Result<Opened, EngineError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu(Precision::F32)),
        DeviceChoice::CpuBf16 => Ok(cpu(Precision::Bf16)),
        DeviceChoice::Wgpu => gpu(Precision::F32),
        DeviceChoice::WgpuF16 => gpu(Precision::F16),
        DeviceChoice::Auto => Ok(gpu(Precision::F32).unwrap_or_else(|why| {
            log::info!("computing on the CPU: {why}");
            cpu(Precision::F32)
        })),
    }
}

/// [`open`] for the words of the command line.
///
/// # Errors
/// As [`open`], for words that name no device, and as [`DeviceChoice::with`].
pub fn open_named(name: &str, precision: Precision) -> Result<Opened, EngineError> {
    open(name.parse::<DeviceChoice>()?.with(precision)?)
}

fn cpu(precision: Precision) -> Opened {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut name = format!("CPU · {threads} threads");
    if precision != Precision::F32 {
        name = format!("{name} · {precision}");
    }
    Opened::new(Device::flex(), precision, name)
}

fn gpu(precision: Precision) -> Result<Opened, EngineError> {
    let kind = real_gpu().ok_or_else(|| {
        EngineError::Device("there is no graphics card that wgpu can use (software rasterisers do not count)".into())
    })?;
    let opened: Result<(Device, WgpuSetup), WgpuInitError> = Device::wgpu_options().device_kind(kind).init_with_setup();
    let (device, setup) = opened.map_err(|e| EngineError::Device(format!("the graphics card does not open ({e})")))?;
    // Of the adapter that burn has opened, which need not be the first of its kind.
    let mut name = setup.adapter.get_info().name;
    if precision == Precision::F16 {
        if !setup.adapter.features().contains(wgpu::Features::SHADER_F16) {
            return Err(EngineError::Device(format!("{name} does not compute in f16: choose --precision f32")));
        }
        name = format!("{name} · {precision}");
    }
    self_test(&device, precision, &name)?;
    Ok(Opened::new(device, precision, name))
}

/// The kind of the best hardware adapter: dedicated, integrated, virtual.
fn real_gpu() -> Option<DeviceKind> {
    if !may_have_gpu() {
        return None;
    }
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let kinds = [
        (wgpu::DeviceType::DiscreteGpu, DeviceKind::DiscreteGpu(0)),
        (wgpu::DeviceType::IntegratedGpu, DeviceKind::IntegratedGpu(0)),
        (wgpu::DeviceType::VirtualGpu, DeviceKind::VirtualGpu(0)),
    ];
    let has = |kind| adapters.iter().any(|adapter| adapter.get_info().device_type == kind);
    kinds.into_iter().find(|(device_type, _)| has(*device_type)).map(|(_, kind)| kind)
}

/// Whether the system shows a graphics card at all. Loading the Vulkan drivers to find none takes time, and without a display
/// Mesa's write messages of their own to standard error.
fn may_have_gpu() -> bool {
    // The kernel's render nodes, NVIDIA's driver, and the paravirtual card of WSL.
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
    !cfg!(target_os = "linux") || nodes.iter().any(|node| Path::new(node).exists())
}

/// One prediction and one decoded picture of the bundled model must agree on both devices, at the size they are used at:
/// guards against a driver or kernel that computes wrongly, perhaps for long sums only.
fn self_test(device: &Device, precision: Precision, name: &str) -> Result<(), EngineError> {
    let on = |device: &Device, precision| -> Result<Vec<f32>, EngineError> {
        let target = Target { device: device.clone(), precision };
        let model = LocalModels.load(&ModelRef::Pocket, &[], &target)?;
        let text = model.encode("a red car")?;
        let noise = TorchGenerator::new(7).latents([model.geometry().channels, 24, 24]);
        let mut values = model::predict(model.as_ref(), &noise, 500.0, &text, &[], &|| true)?.output.values;
        values.extend(model.codec().decode(&noise, &|| true)?.values);
        Ok(values)
    };
    let (ours, theirs) = (on(device, precision)?, on(&Device::flex(), Precision::F32)?);
    let square = |x: f32| f64::from(x).powi(2);
    let off: f64 = ours.iter().zip(&theirs).map(|(a, b)| square(a - b)).sum();
    let whole: f64 = theirs.iter().map(|&b| square(b)).sum();
    let difference = (off / whole).sqrt() as f32;
    let granted = if precision == Precision::F16 { SELF_TEST_TOLERANCE_F16 } else { SELF_TEST_TOLERANCE };
    if difference <= granted {
        return Ok(());
    }
    Err(EngineError::Device(format!("{name} fails the self-test (it computes {difference:.1e} away from the CPU)")))
}

//! Which device computes: a real GPU through wgpu, else the CPU. A software rasteriser is never picked.

use std::{fmt, str::FromStr};

use burn::tensor::{Device, DeviceKind};

use super::error::EngineError;
use crate::{
    fingerprint,
    nets::{self, Precision, TapRequest},
    recipe::ModelRef,
    weights::{self, LoadedModel},
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
}

impl DeviceChoice {
    /// The choice with products in `precision`, which only the CPU's own kernels can choose.
    ///
    /// # Errors
    /// [`EngineError::Device`] where bf16 is asked of a graphics card.
    pub fn with(self, precision: Precision) -> Result<Self, EngineError> {
        match (precision, self) {
            (Precision::F32, Self::CpuBf16) => Ok(Self::Cpu),
            (Precision::F32, choice) => Ok(choice),
            (Precision::Bf16, Self::Wgpu) => {
                let why = "bf16 is a precision of the CPU alone: choose --device cpu, or --precision f32";
                Err(EngineError::Device(why.into()))
            }
            (Precision::Bf16, _) => Ok(Self::CpuBf16),
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

/// An opened device with its name for people.
#[derive(Clone)]
pub struct Opened {
    pub device: Device,
    /// Of products, on the CPU.
    pub precision: Precision,
    pub name: String,
    /// What it makes of a few fixed operations, in short; see [`fingerprint::canary`].
    pub canary: Option<String>,
}

impl Opened {
    /// Asks the device for its canary, once for all runs.
    fn new(device: Device, precision: Precision, name: String) -> Self {
        let canary = nets::canary(&device).inspect_err(|error| log::warn!("{name} gives no canary: {error}"));
        Self { canary: canary.ok().map(|song| fingerprint::canary(&song)), device, precision, name }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({})", self.name)
    }
}

/// Largest relative difference (L2) that the self-test grants a GPU against the CPU.
const SELF_TEST_TOLERANCE: f32 = 2e-3;

/// Opens a device. `Auto` falls back to the CPU and logs why; `Wgpu` says why it cannot.
pub fn open(choice: DeviceChoice) -> Result<Opened, EngineError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu(Precision::F32)),
        DeviceChoice::CpuBf16 => Ok(cpu(Precision::Bf16)),
        DeviceChoice::Wgpu => gpu(),
        DeviceChoice::Auto => Ok(gpu().unwrap_or_else(|why| {
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

fn gpu() -> Result<Opened, EngineError> {
    let (kind, name) = real_gpu().ok_or_else(|| {
        EngineError::Device("there is no graphics card that wgpu can use (software rasterisers do not count)".into())
    })?;
    let device = Device::wgpu_options()
        .device_kind(kind)
        .init()
        .map_err(|e| EngineError::Device(format!("{name} does not open ({e})")))?;
    self_test(&device, &name)?;
    Ok(Opened::new(device, Precision::F32, name))
}

/// The first hardware adapter, dedicated cards first.
fn real_gpu() -> Option<(DeviceKind, String)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let kinds = [
        (wgpu::DeviceType::DiscreteGpu, DeviceKind::DiscreteGpu(0)),
        (wgpu::DeviceType::IntegratedGpu, DeviceKind::IntegratedGpu(0)),
        (wgpu::DeviceType::VirtualGpu, DeviceKind::VirtualGpu(0)),
    ];
    kinds.into_iter().find_map(|(device_type, kind)| {
        let found = adapters.iter().map(wgpu::Adapter::get_info).find(|info| info.device_type == device_type)?;
        Some((kind, found.name))
    })
}

/// One pass of the bundled U-Net and decoder on both devices must agree, at the size they are used at: guards against a
/// driver or kernel that computes wrongly, for long sums only perhaps.
fn self_test(device: &Device, name: &str) -> Result<(), EngineError> {
    let on = |device: &Device| -> Result<Vec<f32>, EngineError> {
        let model: LoadedModel = weights::load(&ModelRef::Pocket, device)?;
        let text = model.encode("a red car")?;
        let noise = crate::sampling::TorchGenerator::new(7).latents([model.unet.config().channels, 24, 24]);
        let mut values = model.unet.predict(&noise, 500.0, &text, &TapRequest::none(), &|| true)?.output.values;
        values.extend(model.vae.decode(&noise, &|| true)?.values);
        Ok(values)
    };
    let (ours, theirs) = (on(device)?, on(&Device::flex())?);
    let square = |x: f32| f64::from(x).powi(2);
    let off: f64 = ours.iter().zip(&theirs).map(|(a, b)| square(a - b)).sum();
    let whole: f64 = theirs.iter().map(|&b| square(b)).sum();
    let difference = (off / whole).sqrt() as f32;
    if difference <= SELF_TEST_TOLERANCE {
        return Ok(());
    }
    Err(EngineError::Device(format!("{name} fails the self-test (it computes {difference:.1e} away from the CPU)")))
}

//! Opens the devices that compute: the CPU, and a real GPU through wgpu. A software rasteriser is never picked.
//!
//! Apart because a device is opened once for all models.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    path::Path,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use burn::tensor::Device;
use burn_wgpu::{WgpuInitError, WgpuSetup};

use super::{
    card::{
        adapters::{Adapter, adapters, pick},
        self_test::self_test,
        verdicts,
    },
    error::EngineError,
};
use crate::{
    fingerprint,
    model::Target,
    nets::{self, Precision},
    recipe::ModelRef,
};

/// What the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The CPU until a graphics card is ready, then the faster of the two.
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
            _ => Err(EngineError::Device(format!("\"{s}\" is not auto, cpu, wgpu or wgpu:NAME"))),
        }
    }
}

/// What the command line names: a choice, and behind a colon the name of a card or a part of it.
///
/// # Errors
/// [`EngineError::Device`] for words that name no device.
pub fn parse(words: &str) -> Result<(DeviceChoice, Option<String>), EngineError> {
    match words.split_once(':') {
        Some(("wgpu", name)) if !name.trim().is_empty() => Ok((DeviceChoice::Wgpu, Some(name.trim().to_owned()))),
        _ => Ok((words.parse()?, None)),
    }
}

/// An opened device with its display name.
#[derive(Clone)]
pub struct Opened {
    pub device: Device,
    /// Of products.
    pub precision: Precision,
    pub name: String,
    /// How many bytes of one tensor its kernels can reach; `None` where nothing limits them.
    pub largest_tensor: Option<usize>,
    /// Digest of what it computes for a few fixed operations; see [`fingerprint::probe_digest`].
    pub probe_digest: Option<String>,
}

impl Opened {
    /// Probes the device once for all runs.
    pub fn new(device: Device, precision: Precision, name: String) -> Self {
        let output = nets::probe_output(&device).inspect_err(|error| log::warn!("{name} cannot be probed: {error}"));
        let probe_digest = output.ok().map(|output| fingerprint::probe_digest(&output));
        Self { device, precision, name, largest_tensor: None, probe_digest }
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

/// Opens a device; of graphics cards the chosen one, or the best. `Auto` is the CPU: it computes at once.
///
/// # Errors
/// [`EngineError::Device`] says why a graphics card cannot be used.
pub fn open(choice: DeviceChoice, chosen: Option<&str>) -> Result<Opened, EngineError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu(Precision::F32)),
        DeviceChoice::CpuBf16 => Ok(cpu(Precision::Bf16)),
        DeviceChoice::Wgpu => gpu(Precision::F32, chosen),
        DeviceChoice::WgpuF16 => gpu(Precision::F16, chosen),
        DeviceChoice::Auto => Ok(cpu(Precision::F32)),
    }
}

/// Opens the device of a run without a window, by the words of the command line. `auto` takes the device that will be done
/// first: the CPU for the bundled models, which it draws while a card's kernels would still be compiled; for larger ones the card,
/// if there is one that passes its test. What is waited for goes to `busy`.
///
/// # Errors
/// As [`open`], for words that name no device, and as [`DeviceChoice::with`].
pub fn open_headless(
    name: &str,
    precision: Precision,
    model: &ModelRef,
    busy: &dyn Fn(String),
) -> Result<Opened, EngineError> {
    let (choice, chosen) = parse(name)?;
    let (choice, chosen) = (choice.with(precision)?, chosen.as_deref());
    let is_bundled = matches!(model, ModelRef::Pocket | ModelRef::PocketToon);
    let waiting = || busy("Opening the graphics card, compiling its kernels and testing them…".into());
    match choice {
        DeviceChoice::Auto if !is_bundled && may_have_card() => {
            waiting();
            Ok(gpu(Precision::F32, None).unwrap_or_else(|why| {
                busy(format!("Computing on the processor: {why}"));
                cpu(Precision::F32)
            }))
        }
        DeviceChoice::Wgpu | DeviceChoice::WgpuF16 => {
            waiting();
            open(choice, chosen)
        }
        _ => open(choice, None),
    }
}

/// Opens the CPU.
pub fn cpu(precision: Precision) -> Opened {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut name = format!("CPU · {threads} threads");
    if precision != Precision::F32 {
        name = format!("{name} · {precision}");
    }
    Opened::new(Device::flex(), precision, name)
}

fn gpu(precision: Precision, chosen: Option<&str>) -> Result<Opened, EngineError> {
    let card = open_card(precision, chosen)?;
    self_test(&card.device, precision, &card.name)?;
    Ok(card.into_opened())
}

/// A graphics card that is open, of which nothing is tested.
pub struct Card {
    pub device: Device,
    pub precision: Precision,
    /// For people.
    pub name: String,
    /// Names it with its driver and this program, as [`verdicts::key`].
    pub key: String,
    largest_tensor: usize,
}

impl Card {
    /// Probes what it computes.
    pub fn into_opened(self) -> Opened {
        let opened = Opened::new(self.device, self.precision, self.name);
        Opened { largest_tensor: Some(self.largest_tensor), ..opened }
    }
}

/// The cards that this process has opened, by their names: burn opens each only once.
static CARDS: Mutex<BTreeMap<String, (Device, WgpuSetup)>> = Mutex::new(BTreeMap::new());

/// Opens the chosen graphics card or the best one, or gives it where it is open.
///
/// # Errors
/// [`EngineError::Device`] where there is none, none of that name, where it does not open, and where it does not compute in
/// `precision`.
pub fn open_card(precision: Precision, chosen: Option<&str>) -> Result<Card, EngineError> {
    let adapter = pick(&adapters(), chosen).map_err(EngineError::Device)?;
    let mut cards = CARDS.lock().unwrap_or_else(PoisonError::into_inner);
    let (device, setup) = match cards.entry(adapter.name.clone()) {
        Entry::Occupied(open) => open.into_mut(),
        Entry::Vacant(place) => place.insert(open_adapter(&adapter)?),
    };
    let (mut name, key) = (adapter.name, verdicts::key(&setup.adapter.get_info()));
    if precision == Precision::F16 && !setup.adapter.features().contains(wgpu::Features::SHADER_F16) {
        return Err(EngineError::Device(format!("{name} does not compute in f16: choose --precision f32")));
    }
    if precision == Precision::F16 {
        name = format!("{name} · {precision}");
    }
    let limits = setup.device.limits();
    let largest = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let largest_tensor = usize::try_from(largest).unwrap_or(usize::MAX);
    Ok(Card { device: device.clone(), precision, name, key, largest_tensor })
}

/// Forgets the cards that are open, and that they ever passed a check: one was lost.
pub fn forget_cards() {
    CARDS.lock().unwrap_or_else(PoisonError::into_inner).clear();
    if let Some(path) = verdicts::path() {
        verdicts::forget_all(&path);
    }
}

/// Kernels in one submission at most: drivers reset a card on which one takes seconds.
const TASKS: usize = 16;

fn open_adapter(adapter: &Adapter) -> Result<(Device, WgpuSetup), EngineError> {
    let options = Device::wgpu_options().device_kind(adapter.kind()).tasks_max(TASKS);
    let opened: Result<_, WgpuInitError> = options.init_with_setup();
    opened.map_err(|e| {
        EngineError::Device(format!(
            "the graphics card does not open ({e}); one that was lost opens again after a restart"
        ))
    })
}

/// Whether the system shows a graphics card at all, or its user names drivers to Vulkan's loader. Loading the drivers to find
/// none takes time, and without a display Mesa's write messages of their own to standard error.
pub fn may_have_card() -> bool {
    // The kernel's render nodes, NVIDIA's driver, and the paravirtual card of WSL.
    let nodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];
    let named = ["VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_ICD_FILENAMES"];
    !cfg!(target_os = "linux")
        || nodes.iter().any(|node| Path::new(node).exists())
        || named.iter().any(|name| std::env::var_os(name).is_some())
}

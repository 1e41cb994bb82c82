//! The graphics cards of this machine, in the order in which they are taken, and the one that a user has named.
//!
//! Apart from opening one: listing and choosing need no device.

use burn::tensor::DeviceKind;
use wgpu::DeviceType;

/// Kinds that compute, the fastest first. Software rasterisers are none.
const KINDS: [DeviceType; 3] = [DeviceType::DiscreteGpu, DeviceType::IntegratedGpu, DeviceType::VirtualGpu];

/// A graphics card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// For people; no two have the same.
    pub name: String,
    device_type: DeviceType,
    /// Among those of its kind, as wgpu lists them.
    index: usize,
}

impl Adapter {
    /// As burn selects it.
    pub fn kind(&self) -> DeviceKind {
        match self.device_type {
            DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(self.index),
            DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(self.index),
            _ => DeviceKind::VirtualGpu(self.index),
        }
    }
}

/// The cards of this machine, dedicated ones first.
pub fn adapters() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let infos: Vec<_> = found.iter().map(wgpu::Adapter::get_info).collect();
    // Under several graphics APIs a card is there several times; burn counts those of one.
    let api = infos.iter().find(|info| KINDS.contains(&info.device_type)).map(|info| info.backend);
    in_order(infos.into_iter().filter(|info| Some(info.backend) == api).map(|info| (info.device_type, info.name)))
}

fn in_order(found: impl Iterator<Item = (DeviceType, String)>) -> Vec<Adapter> {
    let found: Vec<_> = found.collect();
    let mut list: Vec<Adapter> = Vec::new();
    for kind in KINDS {
        for (index, (device_type, name)) in found.iter().filter(|(device_type, _)| *device_type == kind).enumerate() {
            let same = found.iter().filter(|(_, other)| other == name).count() > 1;
            let before = list.iter().filter(|other| other.name.starts_with(name.as_str())).count();
            let name = if same { format!("{name} #{}", before + 1) } else { name.clone() };
            list.push(Adapter { name, device_type: *device_type, index });
        }
    }
    list
}

/// The chosen card, by its name or a part of it in any case; the first where none is chosen.
///
/// # Errors
/// One sentence: there is none, or none of that name, and which there are.
pub fn pick(list: &[Adapter], chosen: Option<&str>) -> Result<Adapter, String> {
    let first =
        list.first().ok_or("there is no graphics card that wgpu can use (software rasterisers do not count)")?;
    let Some(chosen) = chosen else { return Ok(first.clone()) };
    let exact = list.iter().find(|adapter| adapter.name == chosen);
    let part = || list.iter().find(|adapter| adapter.name.to_lowercase().contains(&chosen.to_lowercase()));
    exact.or_else(part).cloned().ok_or_else(|| {
        let names: Vec<_> = list.iter().map(|adapter| adapter.name.as_str()).collect();
        format!("there is no graphics card \"{chosen}\"; this machine has: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laptop() -> Vec<Adapter> {
        let found = [
            (DeviceType::IntegratedGpu, "Iris Xe"),
            (DeviceType::Cpu, "llvmpipe"),
            (DeviceType::DiscreteGpu, "RTX 3060"),
            (DeviceType::DiscreteGpu, "RTX 4090"),
            (DeviceType::DiscreteGpu, "RTX 3060"),
        ];
        in_order(found.into_iter().map(|(kind, name)| (kind, name.to_owned())))
    }

    #[test]
    fn dedicated_cards_come_first_and_no_two_have_one_name() {
        let names: Vec<_> = laptop().into_iter().map(|adapter| adapter.name).collect();
        assert_eq!(names, ["RTX 3060 #1", "RTX 4090", "RTX 3060 #2", "Iris Xe"]);
        assert_eq!(laptop()[2].kind(), DeviceKind::DiscreteGpu(2));
        assert_eq!(laptop()[3].kind(), DeviceKind::IntegratedGpu(0));
    }

    #[test]
    fn the_chosen_card_is_taken_wherever_it_stands() {
        let picked = |chosen| pick(&laptop(), chosen).map(|adapter| adapter.name);
        assert_eq!(picked(None).as_deref(), Ok("RTX 3060 #1"));
        assert_eq!(picked(Some("RTX 3060 #2")).as_deref(), Ok("RTX 3060 #2"));
        assert_eq!(picked(Some("iris")).as_deref(), Ok("Iris Xe"));
        let none = picked(Some("Arc")).expect_err("there is none");
        assert!(none.contains("\"Arc\"") && none.contains("RTX 4090, "), "{none}");
        assert!(pick(&[], Some("Arc")).expect_err("none").contains("no graphics card that"));
    }
}

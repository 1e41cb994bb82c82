//! The modules of a network, by every key under which LoRA files may name them.
//!
//! Separate from the files: it depends on the model alone.

use std::collections::BTreeMap;

use super::names::{Network, key_of};
use crate::weights::ldm_names::{UNetLayout, open_clip_name};

/// The modules of `network` by key, under diffusers', LDM's and OpenCLIP's names; `tensors` are its weights.
pub(super) fn modules_by_key(network: Network, tensors: &[&str]) -> BTreeMap<String, String> {
    let names = tensors.iter().filter_map(|name| Some(name.rsplit_once('.')?.0));
    let layout = (network == Network::UNet).then(|| UNetLayout::of(names.clone()));
    let mut modules = BTreeMap::new();
    for name in names {
        let other = match &layout {
            Some(layout) => layout.ldm_name(name),
            None => open_clip_name(name.strip_prefix("text_model.").unwrap_or(name)),
        };
        for spelling in std::iter::once(name).chain(other.as_deref()) {
            modules.insert(key_of(network, spelling), name.to_owned());
        }
    }
    modules
}

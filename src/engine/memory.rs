//! Whether the machine has the memory for a picture, asked before it is begun.
//!
//! Apart from the run because it looks at the machine. An estimate of what is surely needed: a refusal is right, and what is
//! let through may still be slow.

use super::error::EngineError;
use crate::{
    guidance::scfg,
    model::Model,
    recipe::{Recipe, SIDE_STEP},
};

/// What is left for the rest of the system, as a share of what is free: one part in so many.
const LEFT_OVER: usize = 20;
/// A decoder holds the largest of its maps, and the one that it is made of.
const DECODED_MAPS: usize = 2;

/// Whether a recipe cannot be drawn without regions at every step.
pub fn needs_regions(recipe: &Recipe) -> bool {
    recipe.scfg.enabled || recipe.speaks_of_regions()
}

/// Whether there is room to find regions at every step only to show them.
pub fn has_room_for_regions(recipe: &Recipe, general: &dyn Model) -> bool {
    free().is_none_or(|free| check(recipe, general, true, free).is_ok())
}

/// The bytes that drawing a recipe needs beside the weights: while denoising or while decoding, whichever is more.
pub fn needed(recipe: &Recipe, general: &dyn Model, segment: bool) -> usize {
    let geometry = general.geometry();
    let latents = [recipe.height / geometry.factor.max(1), recipe.width / geometry.factor.max(1)];
    let levels = if segment { scfg::levels(&general.denoiser().levels()) } else { Vec::new() };
    let texts = 2 + recipe.active_concepts().count();
    let denoising = general.denoiser().working_memory(latents, texts, &levels);
    denoising.max(DECODED_MAPS * general.codec().largest_tensor(latents))
}

/// Checks that `free` bytes are enough for a recipe.
///
/// # Errors
/// [`EngineError::OutOfMemory`] with what would fit.
pub fn check(recipe: &Recipe, general: &dyn Model, segment: bool, free: usize) -> Result<(), EngineError> {
    let usable = free - free / LEFT_OVER;
    let needed_bytes = needed(recipe, general, segment);
    if needed_bytes <= usable {
        return Ok(());
    }
    let (width, height) = (recipe.width, recipe.height);
    let fits = |size: [usize; 2], segment| {
        needed(&Recipe { width: size[0], height: size[1], ..recipe.clone() }, general, segment) <= usable
    };
    let mut remedies = Vec::new();
    if recipe.scfg.enabled && !recipe.speaks_of_regions() && fits([width, height], false) {
        remedies.push("use plain guidance, which keeps no maps".to_owned());
    }
    // The same shape, a little smaller each time.
    let smaller = (1..width / SIDE_STEP).map(|k| {
        let w = width - k * SIDE_STEP;
        [w, (height * w / width / SIDE_STEP * SIDE_STEP).max(SIDE_STEP)]
    });
    let multiple = general.geometry().multiple_of.max(1);
    let allowed = |size: &[usize; 2]| size.iter().all(|side| side.is_multiple_of(multiple));
    if let Some([w, h]) = smaller.filter(allowed).find(|size| fits(*size, segment)) {
        remedies.push(format!("choose at most {w}x{h}"));
    }
    if remedies.is_empty() {
        remedies.push("close other programs".to_owned());
    }
    let gib = |bytes: usize| bytes as f32 / (1 << 30) as f32;
    let remedy = remedies.join(", or ");
    Err(EngineError::OutOfMemory { width, height, needed: gib(needed_bytes), free: gib(usable), remedy })
}

/// The bytes that a program can still have without the system swapping or ending it; none where that is not known.
pub fn free() -> Option<usize> {
    let machine = meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    let of = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<usize>().ok();
    // A container may have less than its machine.
    let group = of("memory.max").zip(of("memory.current")).map(|(most, now)| most.saturating_sub(now));
    Some(group.map_or(machine, |group| group.min(machine)))
}

/// The line `MemAvailable:   16384 kB`.
fn meminfo(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_own_number_is_read() {
        assert_eq!(meminfo("MemTotal: 9 kB\nMemAvailable:   16384 kB\n"), Some(16 << 20));
        assert_eq!(meminfo("MemTotal: 9 kB\n"), None);
        #[cfg(target_os = "linux")]
        assert!(free().is_some_and(|bytes| bytes > 1 << 20));
    }
}

//! S-CFG's rates: how strongly each region is guided (algorithms.md §1.2, Rates).
//!
//! Apart because a segmentation serves any number of them: rates follow the predictions, segmentations the attention.

use super::segmentation::Segmentation;
use crate::{
    guidance::blur,
    recipe::{Profile, Scfg},
    tensor::{Latents, Plane},
};

/// The rate map rho at latent size, from the difference of the two predictions: the effective guidance scale at an
/// element is `guidance_scale * rho`.
pub fn rate(
    profile: Profile,
    settings: &Scfg,
    guidance_scale: f32,
    segmentation: &Segmentation,
    uncond: &Latents,
    cond: &Latents,
) -> Plane {
    // 1. The norm over channels of the difference.
    let norm = cond.zip(uncond, |c, u| c - u).channel_norm();
    let Some(benchmark) = benchmark(profile, segmentation, &norm) else {
        return Plane::filled(norm.height, norm.width, 1.0);
    };
    // 2, 3. The rate of an element is that of its region; several owners' rates add up.
    let rates = token_rates(segmentation, &norm, benchmark);
    let cap = settings.scale_cap / guidance_scale;
    let raw = segmentation.owners.map(|owners| {
        let sum: f32 = owners.iter().map(|&k| rates[usize::from(k)]).sum();
        // 4. Both clamps.
        sum.clamp(settings.rate_min, settings.rate_max).min(cap)
    });
    // 5.
    blur::smooth(&raw)
}

/// Step 2: the mean strength that every region is brought to, the foreground's. `None` in `fixed` where there is no
/// foreground, or nothing but foreground, to compare with.
fn benchmark(profile: Profile, segmentation: &Segmentation, norm: &Plane) -> Option<f32> {
    let fore = segmentation.foreground.map(f32::from);
    let uniform = fore.values.iter().all(|&v| v == 0.0) || fore.values.iter().all(|&v| v == 1.0);
    if profile == Profile::Fixed && segmentation.fore.is_some() && uniform {
        return None;
    }
    Some(region_mean(norm, &fore))
}

/// Step 3: benchmark over region mean, by token position; 0 for a token that owns nothing.
fn token_rates(segmentation: &Segmentation, norm: &Plane, benchmark: f32) -> Vec<f32> {
    let mut sums = vec![(0.0f64, 0.0f64); segmentation.tokens.len()];
    for (owners, &norm) in segmentation.owners.iter().zip(&norm.values) {
        for &k in owners {
            let (sum, area) = &mut sums[usize::from(k)];
            *sum += f64::from(norm);
            *area += 1.0;
        }
    }
    let rate = |(sum, area): (f64, f64)| {
        let mean = (sum / (area + 1e-8)) as f32;
        if area == 0.0 { 0.0 } else { benchmark / (mean + 1e-8) }
    };
    sums.into_iter().map(rate).collect()
}

fn region_mean(norm: &Plane, mask: &Plane) -> f32 {
    let weighted: f64 = norm.values.iter().zip(&mask.values).map(|(n, m)| f64::from(n * m)).sum();
    let area: f64 = mask.values.iter().map(|&m| f64::from(m)).sum();
    (weighted / (area + 1e-8)) as f32
}

//! S-CFG, semantic-aware classifier-free guidance (Shen et al., CVPR 2024; arXiv 2404.05384).
//!
//! The network's own attention cuts the picture into one region per token; every region's guidance is rescaled so that
//! its mean strength equals the foreground's. Numbering as in algorithms.md §1.2.
//!
//! `reference` is the authors' code. `fixed` uses the self-attention powers as published, gives every element exactly
//! one owner, and falls back to rate 1 where there is no foreground or nothing but foreground.

use burn::tensor::Tensor;

use super::{blur, snb::resize_bilinear};
use crate::{
    field::{Latents, Plane},
    recipe::{Profile, Scfg},
};

/// Head-mean attention probabilities of one transformer block, one picture.
pub struct Attention {
    /// Latent side divided by grid side.
    pub factor: usize,
    /// Height and width of the block's grid, N elements.
    pub grid: [usize; 2],
    /// `[N, N]`, rows are queries and sum to 1.
    pub self_map: Tensor<2>,
    /// `[N, L]`, one column per token position.
    pub cross_map: Tensor<2>,
}

/// The published levels: a quarter and an eighth of the latent side.
const PUBLISHED: [usize; 2] = [4, 8];

/// Which levels to use of those at which a network has cross-attention: the published two, else its two coarsest.
pub fn levels(available: &[usize]) -> Vec<usize> {
    if PUBLISHED.iter().all(|level| available.contains(level)) {
        return PUBLISHED.to_vec();
    }
    let mut sorted = available.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.split_off(sorted.len().saturating_sub(PUBLISHED.len()))
}

/// Who owns what: the segmentation of one step on the attention grid, and at latent size.
#[derive(Clone, Debug)]
pub struct Segmentation {
    /// Refined, normalised token maps of the prompt branch, averaged over layers: L maps on the finer grid.
    pub tokens: Vec<Plane>,
    /// Start-token map and rest map of the unconditional branch, likewise.
    pub fore: [Plane; 2],
    /// Positions of the owning tokens at latent size. One each; several only in `reference`, on exact ties.
    owners: Plane<usize>,
    owner_sets: Vec<Vec<u16>>,
    pub foreground: Plane<u8>,
}

impl Segmentation {
    /// Memory it takes.
    pub fn bytes(&self) -> usize {
        let planes = self.tokens.iter().chain(&self.fore);
        let maps: usize = planes.map(|plane| size_of_val(plane.values.as_slice())).sum();
        maps + size_of_val(self.owners.values.as_slice()) + self.foreground.values.len()
    }

    /// The first owning token position of each element: `[height, width]`.
    pub fn region(&self) -> Plane<u16> {
        self.owners.map(|set| self.owner_sets[set][0])
    }
}

/// Regions and foreground, from the attention of both branches at the chosen levels.
pub fn segment(profile: Profile, cond: &[Attention], uncond: &[Attention], latent_size: [usize; 2]) -> Segmentation {
    let tokens =
        layer_mean(&refined_layers(profile, cond).iter().map(|maps| normalised_tokens(maps)).collect::<Vec<_>>());
    let fore = layer_mean(&refined_layers(profile, uncond).iter().map(|maps| start_and_rest(maps)).collect::<Vec<_>>());
    let [start, rest]: [Plane; 2] = fore.try_into().unwrap_or_else(|_| unreachable!("start_and_rest gives two maps"));

    let (owners, owner_sets) = owners(profile, &tokens);
    let is_fore = start.values.iter().zip(&rest.values).map(|(s, r)| u8::from(s < r)).collect();
    let foreground: Plane<u8> = Plane::new(start.height, start.width, is_fore);
    let [h, w] = latent_size;
    Segmentation {
        tokens,
        fore: [start, rest],
        owners: owners.resize_nearest(h, w),
        owner_sets,
        foreground: foreground.resize_nearest(h, w),
    }
}

/// Steps 1 to 4 for every layer: refined cross maps, one plane a token, all on the finest of the layers' grids, blurred.
fn refined_layers(profile: Profile, layers: &[Attention]) -> Vec<Vec<Plane>> {
    let grid = layers.iter().map(|l| l.grid).max().unwrap_or([1, 1]);
    let on_grid = |map: &Plane| blur::smooth(&resize_bilinear(map, grid[0], grid[1]));
    layers.iter().map(|layer| refine(profile, layer).iter().map(on_grid).collect()).collect()
}

/// Steps 1 and 2: cross-attention spread along self-attention, `[L]` maps on the layer's own grid.
fn refine(profile: Profile, layer: &Attention) -> Vec<Plane> {
    let s = &layer.self_map;
    let once = s.clone().matmul(layer.cross_map.clone());
    let twice = s.clone().matmul(once.clone());
    let mean = match profile {
        // The loop of the reference multiplies S by S anew each time, so that it adds S^2 three times.
        Profile::Reference => (once + twice.mul_scalar(3.0)).div_scalar(4.0),
        Profile::Fixed => {
            let third = s.clone().matmul(twice.clone());
            let fourth = s.clone().matmul(third.clone());
            (once + twice + third + fourth).div_scalar(4.0)
        }
    };
    let [n, tokens] = mean.dims();
    let values: Vec<f32> = mean.into_data().iter::<f32>().collect();
    let plane = |k: usize| Plane::new(layer.grid[0], layer.grid[1], (0..n).map(|p| values[p * tokens + k]).collect());
    (0..tokens).map(plane).collect()
}

/// Step 5: every token map divided by its own spatial mean.
fn normalised_tokens(maps: &[Plane]) -> Vec<Plane> {
    maps.iter().map(|map| scaled(map, map.mean() + 1e-8)).collect()
}

/// Step 6: the start token's map and the sum of all others, each divided by its own mean.
fn start_and_rest(maps: &[Plane]) -> Vec<Plane> {
    let mut rest = Plane::filled(maps[0].height, maps[0].width, 0.0);
    for map in &maps[1..] {
        for (sum, value) in rest.values.iter_mut().zip(&map.values) {
            *sum += value;
        }
    }
    [&maps[0], &rest].into_iter().map(|map| scaled(map, map.mean())).collect()
}

fn scaled(map: &Plane, divisor: f32) -> Plane {
    map.map(|v| v / divisor)
}

/// Mean over layers, map by map.
fn layer_mean(layers: &[Vec<Plane>]) -> Vec<Plane> {
    let mut mean = layers[0].clone();
    for layer in &layers[1..] {
        for (sum, map) in mean.iter_mut().zip(layer) {
            for (s, v) in sum.values.iter_mut().zip(&map.values) {
                *s += v;
            }
        }
    }
    mean.iter().map(|map| scaled(map, layers.len() as f32)).collect()
}

/// The tokens with the largest map at each element, as an index into a list of owner sets.
fn owners(profile: Profile, tokens: &[Plane]) -> (Plane<usize>, Vec<Vec<u16>>) {
    let mut sets: Vec<Vec<u16>> = Vec::new();
    let mut index = Vec::with_capacity(tokens[0].values.len());
    for p in 0..tokens[0].values.len() {
        let best = tokens.iter().map(|map| map.values[p]).fold(f32::NEG_INFINITY, f32::max);
        let mut set: Vec<u16> = (0..tokens.len()).filter(|&k| tokens[k].values[p] >= best).map(|k| k as u16).collect();
        if profile == Profile::Fixed {
            set.truncate(1);
        }
        index.push(sets.iter().position(|known| *known == set).unwrap_or_else(|| {
            sets.push(set);
            sets.len() - 1
        }));
    }
    (Plane::new(tokens[0].height, tokens[0].width, index), sets)
}

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
    let norm = cond.zip(uncond, |c, u| c - u).channel_norm();
    let fore = segmentation.foreground.map(f32::from);
    if profile == Profile::Fixed && (fore.values.iter().all(|&v| v == 0.0) || fore.values.iter().all(|&v| v == 1.0)) {
        return Plane::filled(norm.height, norm.width, 1.0);
    }
    let benchmark = region_mean(&norm, &fore);
    let rates = token_rates(segmentation, &norm, benchmark);
    let cap = settings.scale_cap / guidance_scale;
    let raw = segmentation.owners.map(|set| {
        let sum: f32 = segmentation.owner_sets[set].iter().map(|&k| rates[usize::from(k)]).sum();
        sum.clamp(settings.rate_min, settings.rate_max).min(cap)
    });
    blur::smooth(&raw)
}

/// Foreground mean over region mean, by token position; 0 for a token that owns nothing.
fn token_rates(segmentation: &Segmentation, norm: &Plane, benchmark: f32) -> Vec<f32> {
    let owns = |k: u16| segmentation.owners.map(|set| f32::from(u8::from(segmentation.owner_sets[set].contains(&k))));
    let rate = |k: usize| {
        let mask = owns(k as u16);
        if mask.values.iter().all(|&v| v == 0.0) { 0.0 } else { benchmark / (region_mean(norm, &mask) + 1e-8) }
    };
    (0..segmentation.tokens.len()).map(rate).collect()
}

fn region_mean(norm: &Plane, mask: &Plane) -> f32 {
    let weighted: f64 = norm.values.iter().zip(&mask.values).map(|(n, m)| f64::from(n * m)).sum();
    let area: f64 = mask.values.iter().map(|&m| f64::from(m)).sum();
    (weighted / (area + 1e-8)) as f32
}

/// The guidance term `g * rho * (eps_c - eps_u)`: the rate is shared by all channels.
pub fn term(guidance_scale: f32, rate: &Plane, uncond: &Latents, cond: &Latents) -> Latents {
    let area = uncond.area();
    let at = |i: usize| guidance_scale * rate.values[i % area] * (cond.values[i] - uncond.values[i]);
    uncond.like((0..uncond.values.len()).map(at).collect())
}

//! S-CFG, semantic-aware classifier-free guidance (Shen et al., CVPR 2024; arXiv 2404.05384).
//!
//! The network's own attention cuts the picture into one region per token; every region's guidance is rescaled so that
//! its mean strength equals the foreground's. Numbering as in algorithms.md §1.2.
//!
//! `reference` is the authors' code. `fixed` uses the self-attention powers as published, gives every element exactly
//! one owner, and falls back to rate 1 where there is no foreground or nothing but foreground.

use burn::tensor::Tensor;

use super::{blur, refine::refine};
use crate::{
    nets::NetError,
    recipe::{Profile, Scfg},
    tensor::{Latents, Plane},
};

/// Head-mean attention probabilities of one transformer block, one picture.
pub struct Attention {
    /// Height and width of the block's grid, N elements.
    pub grid: [usize; 2],
    /// `[N, N]`, columns are queries and sum to 1.
    pub self_map: Tensor<2>,
    /// `[L, N]`, one row per token position.
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

    /// The same maps with other owners. `united` names the token that each token counts as; `may_own` the tokens that
    /// may own an element at latent size, `None` where attention decides alone.
    pub fn with_owners(&self, profile: Profile, united: &[u16], may_own: &dyn Fn(usize) -> Option<Vec<bool>>) -> Self {
        let (h, w, grid) = (self.owners.height, self.owners.width, &self.tokens[0]);
        let mut sets = OwnerSets::default();
        let mut index = Vec::with_capacity(h * w);
        for (element, &known) in self.owners.values.iter().enumerate() {
            let (y, x) = (element / w, element % w);
            let mut set = match may_own(element) {
                Some(allowed) => {
                    let place = (y * grid.height / h) * grid.width + x * grid.width / w;
                    best(profile, &self.tokens, place, |k| allowed.get(k).is_some_and(|&may| may))
                }
                None => self.owner_sets[known].clone(),
            };
            set.iter_mut().for_each(|k| *k = united.get(usize::from(*k)).copied().unwrap_or(*k));
            set.sort_unstable();
            set.dedup();
            index.push(sets.index(set));
        }
        Self { owners: Plane::new(h, w, index), owner_sets: sets.0, ..self.clone() }
    }
}

/// Owner sets, each once.
#[derive(Default)]
struct OwnerSets(Vec<Vec<u16>>);

impl OwnerSets {
    fn index(&mut self, set: Vec<u16>) -> usize {
        self.0.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.0.push(set);
            self.0.len() - 1
        })
    }
}

/// Regions and foreground, from the attention of both branches at the chosen levels.
///
/// # Errors
/// When the device does not give the maps.
pub fn segment(
    profile: Profile,
    cond: &[Attention],
    uncond: &[Attention],
    latent_size: [usize; 2],
) -> Result<Segmentation, NetError> {
    let [tokens, fore] = refine(profile, [(cond, MapsOf::EveryToken), (uncond, MapsOf::StartAndRest)])?;
    let [start, rest]: [Plane; 2] = fore.try_into().unwrap_or_else(|_| unreachable!("StartAndRest is two maps"));

    let (owners, owner_sets) = owners(profile, &tokens);
    let is_fore = start.values.iter().zip(&rest.values).map(|(s, r)| u8::from(s < r)).collect();
    let foreground: Plane<u8> = Plane::new(start.height, start.width, is_fore);
    let [h, w] = latent_size;
    Ok(Segmentation {
        tokens,
        fore: [start, rest],
        owners: owners.resize_nearest(h, w),
        owner_sets,
        foreground: foreground.resize_nearest(h, w),
    })
}

/// Which maps of a layer are refined.
#[derive(Clone, Copy)]
pub(super) enum MapsOf {
    /// Those that make token regions: all tokens'.
    EveryToken,
    /// Those that make the foreground: the start token's, and the sum of all others. Whatever is done to maps before
    /// they are normalised is linear, so that they can be summed first.
    StartAndRest,
}

impl MapsOf {
    /// How many maps of a layer.
    pub(super) fn count(self, layer: &Attention) -> usize {
        match self {
            Self::EveryToken => layer.cross_map.dims()[0],
            Self::StartAndRest => 2,
        }
    }

    /// One map after another, N elements each.
    pub(super) fn maps(self, layer: &Attention) -> Result<Vec<f32>, NetError> {
        let n = layer.cross_map.dims()[1];
        let mut maps = layer.cross_map.clone().try_into_vec_as::<f32>()?;
        if matches!(self, Self::StartAndRest) {
            let mut tokens = maps[n..].chunks_exact_mut(n);
            if let Some(rest) = tokens.next() {
                for token in tokens {
                    rest.iter_mut().zip(token).for_each(|(rest, value)| *rest += *value);
                }
            }
            maps.resize(2 * n, 0.0);
        }
        Ok(maps)
    }
}

/// The tokens with the largest map at each element, as an index into a list of owner sets.
fn owners(profile: Profile, tokens: &[Plane]) -> (Plane<usize>, Vec<Vec<u16>>) {
    let mut best = tokens[0].map(|_| f32::NEG_INFINITY).values;
    // Where there is nothing but NaN the run is about to be given up for it, but not here.
    let mut first = vec![0; best.len()];
    for (k, map) in tokens.iter().enumerate() {
        for ((best, first), &value) in best.iter_mut().zip(&mut first).zip(&map.values) {
            if value > *best {
                (*best, *first) = (value, k as u16);
            }
        }
    }
    let mut sets = OwnerSets::default();
    let set_of = |(p, &first): (usize, &u16)| {
        let rivals = tokens.iter().enumerate().skip(usize::from(first) + 1);
        let ties = rivals.filter(|(_, map)| profile == Profile::Reference && map.values[p] >= best[p]);
        sets.index(std::iter::once(first).chain(ties.map(|(k, _)| k as u16)).collect())
    };
    let index = first.iter().enumerate().map(set_of).collect();
    (Plane::new(tokens[0].height, tokens[0].width, index), sets.0)
}

/// The tokens with the largest map at element `p` of those that `may` own it; one, or in `reference` all that tie.
fn best(profile: Profile, tokens: &[Plane], p: usize, may: impl Fn(usize) -> bool) -> Vec<u16> {
    let of = || (0..tokens.len()).filter(|&k| may(k));
    let most = of().map(|k| tokens[k].values[p]).fold(f32::NEG_INFINITY, f32::max);
    let mut set: Vec<u16> = of().filter(|&k| tokens[k].values[p] >= most).map(|k| k as u16).collect();
    if set.is_empty() {
        // Nothing but NaN: the run is about to be given up for it, but not here.
        set.push(0);
    }
    if profile == Profile::Fixed {
        set.truncate(1);
    }
    set
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
    let mut sums = vec![(0.0f64, 0.0f64); segmentation.tokens.len()];
    for (&set, &norm) in segmentation.owners.values.iter().zip(&norm.values) {
        for &k in &segmentation.owner_sets[set] {
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

/// The guidance term `g * rho * (eps_c - eps_u)`: the rate is shared by all channels.
pub fn term(guidance_scale: f32, rate: &Plane, uncond: &Latents, cond: &Latents) -> Latents {
    let area = uncond.area();
    let at = |i: usize| guidance_scale * rate.values[i % area] * (cond.values[i] - uncond.values[i]);
    uncond.like((0..uncond.values.len()).map(at).collect())
}

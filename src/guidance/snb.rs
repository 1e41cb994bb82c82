//! SNB, saliency-aware noise blending (MagicFusion: Zhao et al., ICCV 2023; arXiv 2303.13126).
//!
//! Two models predict from the same latents; at every element the one whose guidance response is the more *salient*
//! supplies its whole guided noise. Numbering as in algorithms.md §3.2. Responses are differences of noise (epsilon)
//! predictions: temperatures mean something else in other parametrisations.
//!
//! The rules that SNB is compared with (one model alone, a given mask, a weighted sum) replace step 6:
//! [`Choice::apply_rule`]. The saliencies are computed all the same, for display. One paper, one file.

use super::resample::{bilinear, painted};
use crate::{
    recipe::{Fusion, FusionMode, FusionRule, Owner, Paint, Profile},
    tensor::{Latents, Plane},
};

/// Step 8: whether the expert is evaluated at raw timestep `t` (0..1000). A rule that lets one model draw alone has no
/// window.
pub fn is_fused_at(fusion: &Fusion, t: f32) -> bool {
    match fusion.rule {
        FusionRule::General => false,
        FusionRule::Expert => true,
        FusionRule::Saliency | FusionRule::Mask | FusionRule::Weighted => in_window(fusion.mode, t, fusion.t0),
    }
}

/// The timestep gate T0. Strict `>`, as in the reference.
fn in_window(mode: FusionMode, t: f32, t0: f32) -> bool {
    match mode {
        FusionMode::Off => false,
        FusionMode::Low => t <= t0,
        FusionMode::High => t > t0,
    }
}

/// One model's predictions, in one parametrisation for both models.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub uncond: &'a Latents,
    pub cond: &'a Latents,
}

/// What steps 3 to 6 need besides the predictions.
pub struct Setting<'a> {
    pub profile: Profile,
    pub fusion: &'a Fusion,
    /// The guidance scale s, times what brings differences of predictions to differences of noise.
    pub scale: f32,
    /// The model that the user lets draw each element, where there is one.
    pub owners: Option<&'a Plane<Owner>>,
}

/// Steps 3 to 6 with the user's bias and owners and the fusion's rule: which model draws where.
pub fn decide(setting: &Setting<'_>, general: Pair<'_>, expert: Pair<'_>) -> Choice {
    let Setting { profile, fusion, scale, owners } = *setting;
    let general_response = response(scale, general.cond, general.uncond);
    let expert_response = response(scale, expert.cond, expert_baseline(profile, general, expert));
    let mut choice = choose(profile, &general_response, &expert_response, fusion.k_g, fusion.k_e);
    if fusion.rule == FusionRule::Saliency {
        if let Some(bias) = painted(&fusion.bias, [choice.mask.height, choice.mask.width]) {
            apply_bias(&mut choice, fusion.k_g, fusion.k_e, &bias);
        }
        if let Some(owners) = owners {
            apply_owners(&mut choice, owners);
        }
    }
    choice.apply_rule(fusion)
}

/// Step 3: the baseline of the expert's response. `reference` measures both models against the general model's
/// unconditional prediction, `fixed` each against its own.
fn expert_baseline<'a>(profile: Profile, general: Pair<'a>, expert: Pair<'a>) -> &'a Latents {
    match profile {
        Profile::Reference => general.uncond,
        Profile::Fixed => expert.uncond,
    }
}

/// Step 3: `scale (eps_c - eps_baseline)`.
fn response(scale: f32, cond: &Latents, baseline: &Latents) -> Latents {
    cond.zip(baseline, |c, b| scale * (c - b))
}

/// Both saliency maps and the choice made from them.
#[derive(Clone, Debug)]
pub struct Choice {
    /// After smoothing and channel mean, before sharpness and softmax: `[height, width]`.
    pub saliency_general: Plane,
    pub saliency_expert: Plane,
    /// 1 where the expert draws; in a weighted sum, where it has its share.
    pub mask: Plane<u8>,
}

impl Choice {
    /// The mask as a fusion's rule sets it; saliencies stay as they are.
    pub fn apply_rule(mut self, fusion: &Fusion) -> Self {
        let (height, width) = (self.mask.height, self.mask.width);
        match (fusion.rule, &fusion.mask) {
            (FusionRule::Saliency, _) => {}
            (FusionRule::Mask, Some(given)) => self.mask = given_mask(given, height, width),
            (FusionRule::Expert | FusionRule::Weighted, _) => self.mask.values.fill(1),
            (FusionRule::General | FusionRule::Mask, _) => self.mask.values.fill(0),
        }
        self
    }
}

/// A given mask on the latent grid: the expert draws an element of which the mask covers at least half.
fn given_mask(given: &Paint, height: usize, width: usize) -> Plane<u8> {
    // On a grid finer than both, so that a cell of the mask counts by about the area that it covers.
    let [rows, columns] = given.size();
    let fine = |cells: usize, from: usize| cells * from.div_ceil(cells).max(1) * 2;
    let (fine_rows, fine_columns) = (fine(height, rows), fine(width, columns));
    let large = given.resized(fine_rows, fine_columns);
    let (down, across) = (fine_rows / height, fine_columns / width);
    let covered = |i: usize| {
        let (y, x) = (i / width * down, i % width * across);
        let inside = (0..down * across).filter(|k| large.at(y + k / across, x + k % across) > 0).count();
        u8::from(2 * inside >= down * across)
    };
    Plane::new(height, width, (0..height * width).map(covered).collect())
}

/// Steps 4 to 6: which model draws where, from the responses `g (eps_c - eps_baseline)` of both.
///
/// `k_g` and `k_e` sharpen the saliencies before the softmax over space; since each softmax sums to 1, a sharper model
/// wins at its peaks and loses elsewhere.
pub fn choose(profile: Profile, general: &Latents, expert: &Latents, k_g: f32, k_e: f32) -> Choice {
    let saliency_general = saliency(general);
    let saliency_expert = saliency(expert);
    let normalize = match profile {
        Profile::Reference => softmax,
        Profile::Fixed => log_softmax,
    };
    let g = normalize(&saliency_general, k_g);
    let e = normalize(&saliency_expert, k_e);
    // A tie goes to the general model.
    let mask = g.iter().zip(&e).map(|(g, e)| u8::from(e > g)).collect();
    let mask = Plane::new(general.height, general.width, mask);
    Choice { saliency_general, saliency_expert, mask }
}

/// Adds `bias` to the expert's advantage in log-saliency. Where it is 0 the choice stays as it is. In the log domain, so
/// that it counts also where the reference's probabilities underflow.
pub fn apply_bias(choice: &mut Choice, k_g: f32, k_e: f32, bias: &Plane) {
    let g = log_softmax(&choice.saliency_general, k_g);
    let e = log_softmax(&choice.saliency_expert, k_e);
    for (i, &bias) in bias.values.iter().enumerate().filter(|(_, bias)| **bias != 0.0) {
        choice.mask.values[i] = u8::from(e[i] + bias > g[i]);
    }
}

/// What step 6 compares, in the log domain: the log-saliencies of both models after their sharpness, and the user's bias on
/// the expert's side, element by element. The element goes to the larger; a tie to the general model.
pub fn compared(fusion: &Fusion, saliency_general: &Plane, saliency_expert: &Plane) -> [Vec<f32>; 2] {
    let general = log_softmax(saliency_general, fusion.k_g);
    let mut expert = log_softmax(saliency_expert, fusion.k_e);
    if let Some(bias) = painted(&fusion.bias, [saliency_expert.height, saliency_expert.width]) {
        expert.iter_mut().zip(&bias.values).for_each(|(value, bias)| *value += bias);
    }
    [general, expert]
}

/// Gives elements to the model that owns their region, regardless of the saliencies.
pub fn apply_owners(choice: &mut Choice, owners: &Plane<Owner>) {
    for (mask, owner) in choice.mask.values.iter_mut().zip(&owners.values) {
        match owner {
            Owner::Saliency => {}
            Owner::General => *mask = 0,
            Owner::Expert => *mask = 1,
        }
    }
}

/// Step 7: the expert's guided noise where the mask is 1, the general model's elsewhere.
pub fn blend(mask: &Plane<u8>, general: &Latents, expert: &Latents) -> Latents {
    let area = general.area();
    let pick = |i: usize| if mask.values[i % area] == 1 { expert.values[i] } else { general.values[i] };
    general.like((0..general.values.len()).map(pick).collect())
}

/// Step 4: magnitude, 4x4 box filter of stride 1 with counted zero padding (a side shrinks by 1), back to size by
/// bilinear interpolation, mean over channels.
fn saliency(response: &Latents) -> Plane {
    let (h, w) = (response.height, response.width);
    let mut mean = vec![0.0f32; h * w];
    for c in 0..response.channels {
        let magnitude = Plane::new(h, w, response.channel(c).iter().map(|v| v.abs()).collect());
        let smooth = bilinear(&box_filter(&magnitude), h, w);
        for (sum, value) in mean.iter_mut().zip(&smooth.values) {
            *sum += value;
        }
    }
    let channels = response.channels as f32;
    Plane::new(h, w, mean.into_iter().map(|sum| sum / channels).collect())
}

const BOX: usize = 4;

fn box_filter(map: &Plane) -> Plane {
    let (h, w) = (map.height, map.width);
    let (out_h, out_w) = (h - 1, w - 1);
    let mut out = Vec::with_capacity(out_h * out_w);
    for y in 0..out_h {
        for x in 0..out_w {
            // Window rows y-1 ..= y+2 of the map; what lies outside counts as zero.
            let mut sum = 0.0;
            for yy in y.saturating_sub(1)..(y + BOX - 1).min(h) {
                for xx in x.saturating_sub(1)..(x + BOX - 1).min(w) {
                    sum += map.at(yy, xx);
                }
            }
            out.push(sum / (BOX * BOX) as f32);
        }
    }
    Plane::new(out_h, out_w, out)
}

/// Step 5 as the reference has it: probabilities over space, which underflow when k is large.
fn softmax(map: &Plane, k: f32) -> Vec<f32> {
    let top = map.max() * k;
    let exps: Vec<f32> = map.values.iter().map(|v| (k * v - top).exp()).collect();
    let sum: f32 = exps.iter().sum();
    exps.into_iter().map(|e| e / sum).collect()
}

/// Step 5 in the log domain: the same order of values without underflow.
fn log_softmax(map: &Plane, k: f32) -> Vec<f32> {
    let top = map.max() * k;
    let log_sum = map.values.iter().map(|v| f64::from(k * v - top).exp()).sum::<f64>().ln() as f32;
    map.values.iter().map(|v| k * v - top - log_sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_loses_a_quarter_at_edges_after_the_box_filter() {
        let out = box_filter(&Plane::filled(8, 8, 1.0));
        assert_eq!((out.height, out.width), (7, 7));
        assert_eq!((out.at(0, 0), out.at(0, 3), out.at(3, 3), out.at(6, 6)), (0.5625, 0.75, 1.0, 0.5625));
    }

    #[test]
    fn a_fine_mask_draws_where_it_covers_half_of_an_element() {
        // Four columns of the mask to an element: 3, 2, 1 and 0 of them are painted.
        let mask: Paint = "1x16: 1*3 0*1 1*2 0*2 1*1 0*7".parse().expect("a mask");
        assert_eq!(given_mask(&mask, 1, 4).values, [1, 1, 0, 0]);
        // Two elements to three columns: the middle column lies half in each.
        let mask: Paint = "1x3: 1*2 0*1".parse().expect("a mask");
        assert_eq!(given_mask(&mask, 1, 2).values, [1, 1]);
        let mask: Paint = "1x3: 1*1 0*2".parse().expect("a mask");
        assert_eq!(given_mask(&mask, 2, 2).values, [1, 0, 1, 0]);
    }

    #[test]
    fn sharpness_beyond_f32_underflow_still_chooses_by_saliency() {
        let map = |values: &[f32]| {
            let cell = |v: &f32| std::iter::repeat_n(*v, 8);
            let row: Vec<f32> = values.iter().flat_map(cell).collect();
            Latents::new(1, 8, row.len(), std::iter::repeat_n(row, 8).flatten().collect())
        };
        // Far below both peaks the reference's probabilities are 0 on both sides, a tie that the general model gets.
        let (general, expert) = (map(&[40.0, 1.0, 0.0]), map(&[40.0, 5.0, 0.0]));
        let at = |profile| choose(profile, &general, &expert, 10.0, 10.0).mask.at(4, 12);
        assert_eq!((at(Profile::Reference), at(Profile::Fixed)), (0, 1));
    }

    fn tied(side: usize) -> Choice {
        let flat = Latents::new(1, side, side, vec![1.0; side * side]);
        choose(Profile::Fixed, &flat, &flat, 1.0, 1.0)
    }

    #[test]
    fn a_bias_decides_where_it_is_painted_and_nowhere_else() {
        let mut choice = tied(8);
        choice.mask.values[5] = 1;
        let mut bias = Plane::filled(8, 8, 0.0);
        (bias.values[3], bias.values[4], bias.values[6]) = (0.01, -0.01, 2.0);
        apply_bias(&mut choice, 1.0, 1.0, &bias);
        assert_eq!(choice.mask.values[..8], [0, 0, 0, 1, 0, 1, 1, 0]);
    }

    #[test]
    fn what_is_compared_decides_who_draws() {
        let wave = |phase: f32| {
            let values = (0..64).map(|i| (i as f32 * 0.7 + phase).sin()).collect();
            Latents::new(1, 8, 8, values)
        };
        let (zero, general, expert) = (Latents::zeros(1, 8, 8), wave(0.0), wave(1.3));
        let mut bias = Paint::blank(8, 8);
        bias.set(2, 2, 300);
        let fusion = Fusion { k_g: 1.5, k_e: 4.0, bias, ..Fusion::default() };
        let setting = Setting { profile: Profile::Fixed, fusion: &fusion, scale: 2.0, owners: None };
        let pair = |cond| Pair { uncond: &zero, cond };
        let choice = decide(&setting, pair(&general), pair(&expert));
        let [g, e] = compared(&fusion, &choice.saliency_general, &choice.saliency_expert);
        let larger: Vec<u8> = g.iter().zip(&e).map(|(g, e)| u8::from(e > g)).collect();
        assert_eq!(choice.mask.values, larger);
        assert!(choice.mask.values.contains(&0) && choice.mask.values.contains(&1));
    }

    #[test]
    fn an_owner_overrules_the_halves() {
        let mut choice = tied(8);
        choice.mask.values[1] = 1;
        let mut owners = Plane::filled(8, 8, Owner::Saliency);
        (owners.values[0], owners.values[1]) = (Owner::Expert, Owner::General);
        apply_owners(&mut choice, &owners);
        assert_eq!(choice.mask.values[..3], [1, 0, 0]);
    }

    #[test]
    fn windows_are_gated_by_raw_timestep_and_rules_without_one_ignore_it() {
        let at = |rule, mode| {
            let fusion = Fusion { rule, mode, t0: 600.0, ..Fusion::default() };
            [599.0, 600.0, 601.0].map(|t| is_fused_at(&fusion, t))
        };
        assert_eq!(at(FusionRule::Saliency, FusionMode::Low), [true, true, false]);
        assert_eq!(at(FusionRule::Saliency, FusionMode::High), [false, false, true]);
        assert_eq!(at(FusionRule::Weighted, FusionMode::Off), [false; 3]);
        assert_eq!(at(FusionRule::Expert, FusionMode::Off), [true; 3]);
        assert_eq!(at(FusionRule::General, FusionMode::Low), [false; 3]);
    }

    #[test]
    fn the_expert_has_its_own_baseline_in_fixed_only() {
        let flat = |value: f32| Latents::new(1, 8, 8, vec![value; 64]);
        let (zero, one, two) = (flat(0.0), flat(1.0), flat(2.0));
        let (general, expert) = (Pair { uncond: &zero, cond: &one }, Pair { uncond: &one, cond: &two });
        let saliency = |profile| {
            let fusion = &Fusion::default();
            let choice = decide(&Setting { profile, fusion, scale: 3.0, owners: None }, general, expert);
            (choice.saliency_general.at(4, 4), choice.saliency_expert.at(4, 4))
        };
        assert_eq!(saliency(Profile::Fixed), (3.0, 3.0));
        assert_eq!(saliency(Profile::Reference), (3.0, 6.0));
    }
}

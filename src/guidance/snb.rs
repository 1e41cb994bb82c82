//! SNB, saliency-aware noise blending (MagicFusion: Zhao et al., ICCV 2023; arXiv 2303.13126).
//!
//! Two models look at the same latents; at every element the one whose guidance response is the more *salient* supplies
//! its whole guided noise. Numbering as in algorithms.md §3.2. Predictions are noise (epsilon) here: temperatures mean
//! something else in other parametrisations.
//!
//! The rules that SNB is compared with (one model alone, a given mask, a weighted sum) put something else in the place
//! of step 6: [`Choice::apply_rule`]. The saliencies are worked out all the same, to be looked at.

use crate::{
    recipe::{Fusion, FusionRule, Owner, Paint, Profile},
    tensor::{Latents, Plane},
};

/// Both saliency maps and the choice made from them.
#[derive(Clone, Debug)]
pub struct Choice {
    /// After smoothing and channel mean, before sharpness and softmax: `[height, width]`.
    pub saliency_general: Plane,
    pub saliency_expert: Plane,
    /// 1 where the expert draws; in a weighted sum, where it has its part.
    pub mask: Plane<u8>,
}

impl Choice {
    /// The choice as a fusion's rule has it; the contest is left as it is.
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

/// A given mask on the latent grid: the expert draws an element when the mask asks for it on at least half of the
/// element.
fn given_mask(given: &Paint, height: usize, width: usize) -> Plane<u8> {
    // Finer than both grids, so that a cell of the mask counts by about the area that it covers.
    let [rows, columns] = given.size();
    let fine = |cells: usize, from: usize| cells * from.div_ceil(cells).max(1) * 2;
    let (fine_rows, fine_columns) = (fine(height, rows), fine(width, columns));
    let large = given.resized(fine_rows, fine_columns);
    let (down, across) = (fine_rows / height, fine_columns / width);
    let wanted = |i: usize| {
        let (y, x) = (i / width * down, i % width * across);
        let inside = (0..down * across).filter(|k| large.at(y + k / across, x + k % across) > 0).count();
        u8::from(2 * inside >= down * across)
    };
    Plane::new(height, width, (0..height * width).map(wanted).collect())
}

/// Steps 3 to 6: who draws where, from the responses `g (eps_c - eps_baseline)` of both models.
///
/// `k_g` and `k_e` sharpen the saliencies before the softmax over space; since each softmax sums to 1, sharpening a
/// model's map lets it win at its peaks and lose elsewhere.
pub fn choose(profile: Profile, general: &Latents, expert: &Latents, k_g: f32, k_e: f32) -> Choice {
    let saliency_general = saliency(general);
    let saliency_expert = saliency(expert);
    let compete = match profile {
        Profile::Reference => softmax,
        Profile::Fixed => log_softmax,
    };
    let g = compete(&saliency_general, k_g);
    let e = compete(&saliency_expert, k_e);
    // A tie goes to the general model.
    let mask = g.iter().zip(&e).map(|(g, e)| u8::from(e > g)).collect();
    let mask = Plane::new(general.height, general.width, mask);
    Choice { saliency_general, saliency_expert, mask }
}

/// A bias in the contest: `bias` is added to the expert's advantage in log-saliency. Where it is 0 the choice stays as
/// it was made; in the log domain, so that it counts also where the reference's probabilities underflow.
pub fn apply_bias(choice: &mut Choice, k_g: f32, k_e: f32, bias: &Plane) {
    let g = log_softmax(&choice.saliency_general, k_g);
    let e = log_softmax(&choice.saliency_expert, k_e);
    for (i, &bias) in bias.values.iter().enumerate().filter(|(_, bias)| **bias != 0.0) {
        choice.mask.values[i] = u8::from(e[i] + bias > g[i]);
    }
}

/// Gives elements to the model that their region belongs to, whatever the saliencies say.
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
    weighted(mask, 1.0, general, expert)
}

/// As [`blend`], but where the mask is 1 the expert has only a share of the noise, 0..=1, and the general model the
/// rest.
pub fn weighted(mask: &Plane<u8>, share: f32, general: &Latents, expert: &Latents) -> Latents {
    let area = general.area();
    let mixed = |g: f32, e: f32| match share {
        // Alone, each is taken as it is: a sum with nothing would still round.
        1.0 => e,
        0.0 => g,
        share => g + share * (e - g),
    };
    let pick = |i: usize| {
        let general = general.values[i];
        if mask.values[i % area] == 1 { mixed(general, expert.values[i]) } else { general }
    };
    general.like((0..general.values.len()).map(pick).collect())
}

/// Step 4: magnitude, 4x4 box filter of stride 1 with counted zero padding (a side shrinks by 1), back to size by
/// bilinear interpolation, mean over channels.
fn saliency(response: &Latents) -> Plane {
    let (h, w) = (response.height, response.width);
    let mut mean = vec![0.0f32; h * w];
    for c in 0..response.channels {
        let magnitude = Plane::new(h, w, response.channel(c).iter().map(|v| v.abs()).collect());
        let smooth = resize_bilinear(&box_filter(&magnitude), h, w);
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

/// Bilinear resize with half-pixel centres (torch, `align_corners=False`).
pub(super) fn resize_bilinear(map: &Plane, height: usize, width: usize) -> Plane {
    if (map.height, map.width) == (height, width) {
        return map.clone();
    }
    let ys: Vec<_> = (0..height).map(|y| source(y, map.height, height)).collect();
    let xs: Vec<_> = (0..width).map(|x| source(x, map.width, width)).collect();
    let mut out = Vec::with_capacity(height * width);
    for &(y0, y1, ty) in &ys {
        for &(x0, x1, tx) in &xs {
            let top = map.at(y0, x0) * (1.0 - tx) + map.at(y0, x1) * tx;
            let bottom = map.at(y1, x0) * (1.0 - tx) + map.at(y1, x1) * tx;
            out.push(top * (1.0 - ty) + bottom * ty);
        }
    }
    Plane::new(height, width, out)
}

/// The two source indices and the weight of the second for target index `i`.
pub(super) fn source(i: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let position = ((i as f32 + 0.5) * (from as f32 / to as f32) - 0.5).max(0.0);
    let low = (position as usize).min(from - 1);
    (low, (low + 1).min(from - 1), position - low as f32)
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

    /// A contest that each wins half of: the expert the right half.
    fn contest() -> Choice {
        let saliency =
            |expert: bool| Plane::new(2, 4, (0..8).map(|i| f32::from(u8::from((i % 4 > 1) == expert))).collect());
        let mask = Plane::new(2, 4, vec![0, 0, 1, 1, 0, 0, 1, 1]);
        Choice { saliency_general: saliency(false), saliency_expert: saliency(true), mask }
    }

    fn drawn(fusion: &Fusion) -> Vec<f32> {
        let (general, expert) = (Latents::new(1, 2, 4, vec![1.0; 8]), Latents::new(1, 2, 4, vec![3.0; 8]));
        let choice = contest().apply_rule(fusion);
        assert_eq!(choice.saliency_expert, contest().saliency_expert, "a rule changes no saliency");
        weighted(&choice.mask, fusion.expert_share(), &general, &expert).values
    }

    #[test]
    fn each_rule_decides_who_draws() {
        let by = |rule| Fusion { rule, ..Fusion::default() };
        assert_eq!(drawn(&by(FusionRule::Saliency)), [1.0, 1.0, 3.0, 3.0, 1.0, 1.0, 3.0, 3.0]);
        assert_eq!(drawn(&by(FusionRule::General)), [1.0; 8]);
        assert_eq!(drawn(&by(FusionRule::Expert)), [3.0; 8]);
        assert_eq!(drawn(&Fusion { weight: 0.25, ..by(FusionRule::Weighted) }), [1.5; 8]);
        assert_eq!(drawn(&Fusion { weight: 0.0, ..by(FusionRule::Weighted) }), [1.0; 8]);
        let mask = "2x2: 1*1 0*2 1*1".parse().expect("a mask");
        let given = drawn(&Fusion { mask: Some(mask), ..by(FusionRule::Mask) });
        assert_eq!(given, [3.0, 3.0, 1.0, 1.0, 1.0, 1.0, 3.0, 3.0]);
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
    fn an_owner_overrules_the_contest() {
        let mut choice = tied(8);
        choice.mask.values[1] = 1;
        let mut owners = Plane::filled(8, 8, Owner::Saliency);
        (owners.values[0], owners.values[1]) = (Owner::Expert, Owner::General);
        apply_owners(&mut choice, &owners);
        assert_eq!(choice.mask.values[..3], [1, 0, 0]);
    }
}

//! The two formulas that put the methods together, for every model m and latent element p:
//!
//! ```text
//! eps_m(p) = eps_u + g * rho(p) * override(p) * (eps_c - eps_u)  +  sum_k lock_k(p) * SEGA_k(p)
//! eps(p)   = M(p) * eps_expert(p) + (1 - M(p)) * eps_general(p)
//! ```
//!
//! rho is S-CFG's rate, override the user's factor on a region, lock_k the regions that concept k is confined to (applied
//! in [`super::sega`], because momentum must not carry an edit out of them), M SNB's mask. With override and lock at 1
//! each method is exactly its reference. Apart because no single paper has them.

use super::{cfg, snb};
use crate::tensor::{Latents, Plane};

/// `g * rho * override * (eps_c - eps_u)`; a factor that is `None` is 1 everywhere.
pub fn guidance_term(
    guidance_scale: f32,
    rate: Option<&Plane>,
    factors: Option<Plane>,
    uncond: &Latents,
    cond: &Latents,
) -> Latents {
    match (rate, factors) {
        (None, None) => cfg::term(guidance_scale, uncond, cond),
        (Some(rate), None) => scaled_term(guidance_scale, rate, uncond, cond),
        (None, Some(factors)) => scaled_term(guidance_scale, &factors, uncond, cond),
        (Some(rate), Some(mut factors)) => {
            factors.values.iter_mut().zip(&rate.values).for_each(|(factor, rho)| *factor *= rho);
            scaled_term(guidance_scale, &factors, uncond, cond)
        }
    }
}

/// `g * map * (eps_c - eps_u)`, the map `[height, width]` shared by all channels.
fn scaled_term(guidance_scale: f32, map: &Plane, uncond: &Latents, cond: &Latents) -> Latents {
    let area = uncond.area();
    let at = |i: usize| guidance_scale * map.values[i % area] * (cond.values[i] - uncond.values[i]);
    uncond.like((0..uncond.values.len()).map(at).collect())
}

/// `eps_u + guidance + SEGA`: the first formula, its terms given.
pub fn guided(uncond: &Latents, guidance: &Latents, sega: Option<&Latents>) -> Latents {
    let guided = uncond.zip(guidance, |u, g| u + g);
    match sega {
        Some(term) => guided.zip(term, |e, t| e + t),
        None => guided,
    }
}

/// `M * eps_expert + (1 - M) * eps_general`: the second formula, M being `share` (0..=1) where the mask is 1 and 0
/// elsewhere. SNB itself has share 1.
pub fn fuse(mask: &Plane<u8>, share: f32, general: &Latents, expert: &Latents) -> Latents {
    if share == 1.0 {
        return snb::blend(mask, general, expert);
    }
    let area = general.area();
    let pick = |i: usize| {
        let value = general.values[i];
        // A share of nothing is left out: a sum with zero would still round.
        if mask.values[i % area] == 1 && share != 0.0 { value + share * (expert.values[i] - value) } else { value }
    };
    general.like((0..general.values.len()).map(pick).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        guidance::snb::Choice,
        recipe::{Fusion, FusionRule},
    };

    fn latents(values: [f32; 4]) -> Latents {
        Latents::new(2, 1, 2, values.to_vec())
    }

    #[test]
    fn rate_and_override_multiply_and_are_shared_by_all_channels() {
        let (uncond, cond) = (latents([0.0, 1.0, 2.0, 3.0]), latents([1.0, 3.0, 5.0, 7.0]));
        let map = |left: f32, right: f32| Plane::new(1, 2, vec![left, right]);
        let term = |rate: Option<&Plane>, factors| guidance_term(2.0, rate, factors, &uncond, &cond).values;
        assert_eq!(term(None, None), [2.0, 4.0, 6.0, 8.0]);
        assert_eq!(term(Some(&map(1.0, 3.0)), None), [2.0, 12.0, 6.0, 24.0]);
        assert_eq!(term(None, Some(map(0.5, 0.0))), [1.0, 0.0, 3.0, 0.0]);
        assert_eq!(term(Some(&map(1.0, 3.0)), Some(map(0.5, 2.0))), [1.0, 24.0, 3.0, 48.0]);
    }

    #[test]
    fn a_share_is_a_weighted_sum_and_its_ends_are_exact() {
        let (general, expert) = (latents([0.1, 0.2, 0.3, 0.4]), latents([0.7, 1.2, 3.3, 0.9]));
        let mask = Plane::new(1, 2, vec![1, 0]);
        assert_eq!(fuse(&mask, 1.0, &general, &expert).values, [0.7, 0.2, 3.3, 0.4]);
        assert_eq!(fuse(&mask, 0.0, &general, &expert), general);
        let half = fuse(&mask, 0.5, &general, &expert).values;
        assert!((half[0] - 0.4).abs() < 1e-6 && half[1] == 0.2 && (half[2] - 1.8).abs() < 1e-6 && half[3] == 0.4);
    }

    /// A choice in which each model draws half: the expert the right half.
    fn halves() -> Choice {
        let saliency =
            |expert: bool| Plane::new(2, 4, (0..8).map(|i| f32::from(u8::from((i % 4 > 1) == expert))).collect());
        let mask = Plane::new(2, 4, vec![0, 0, 1, 1, 0, 0, 1, 1]);
        Choice { saliency_general: saliency(false), saliency_expert: saliency(true), mask }
    }

    fn drawn(fusion: &Fusion) -> Vec<f32> {
        let (general, expert) = (Latents::new(1, 2, 4, vec![1.0; 8]), Latents::new(1, 2, 4, vec![3.0; 8]));
        let choice = halves().apply_rule(fusion);
        assert_eq!(choice.saliency_expert, halves().saliency_expert, "a rule changes no saliency");
        fuse(&choice.mask, fusion.expert_share(), &general, &expert).values
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
}

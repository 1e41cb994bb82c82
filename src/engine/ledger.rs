//! The guidance ledger: per step, norms and directions of the guidance terms, as numbers for plots.
//!
//! Apart from the report because sessions save it, too.

use serde::{Deserialize, Serialize};

use super::guided_step::Predictions;
use crate::{
    guidance::quantile::quantile,
    recipe::Recipe,
    tensor::{Latents, Plane},
};

/// The numbers of one step that are not read off its maps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// The spread of S-CFG's rates; absent where it does not act.
    pub rate: Option<Spread>,
    /// One per active concept, in order; empty without guidance.
    pub concepts: Vec<Pull>,
}

/// 5th percentile, mean and 95th percentile of a map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub low: f32,
    pub mean: f32,
    pub high: f32,
}

/// The direction of one concept at one step: the signed difference of its prediction and the unconditional one, before
/// the threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pull {
    /// Norm of what momentum adds to the next step; in the reference profile all concepts share one.
    pub momentum: f32,
    /// Cosine with the prompt's direction; absent where the concept was not evaluated or has strength 0.
    pub with_prompt: Option<f32>,
    /// Cosine with every active concept, in order; 1 with itself.
    pub with: Vec<Option<f32>>,
}

impl Ledger {
    /// The cosine of the directions of two active concepts.
    pub fn cosine(&self, a: usize, b: usize) -> Option<f32> {
        *self.concepts.get(a)?.with.get(b)?
    }
}

impl Spread {
    fn of(map: &Plane) -> Self {
        let at = |q| quantile(&map.values, q);
        Self { low: at(0.05), mean: map.mean(), high: at(0.95) }
    }
}

/// The ledger of step `step`, from the predictions of the general model.
pub(super) fn ledger(recipe: &Recipe, step: usize, general: &Predictions) -> Ledger {
    let rate = general.rate.as_ref().map(Spread::of);
    let (Some(uncond), Some(sega)) = (&general.uncond, &general.sega) else {
        return Ledger { rate, concepts: Vec::new() };
    };
    let prompt = Some(general.cond.zip(uncond, |c, u| c - u));
    let directions: Vec<Option<Latents>> = (recipe.active_concepts().zip(&general.concepts))
        .map(|(concept, prediction)| {
            let sign = sign(concept.strength_at(step))?;
            Some(prediction.as_ref()?.zip(uncond, |k, u| sign * (k - u)))
        })
        .collect();
    let concepts = directions.iter().zip(&sega.momentum).map(|(own, &momentum)| Pull {
        momentum,
        with_prompt: cosine(own, &prompt),
        with: directions.iter().map(|other| cosine(own, other)).collect(),
    });
    Ledger { rate, concepts: concepts.collect() }
}

fn sign(scale: f32) -> Option<f32> {
    (scale != 0.0).then(|| scale.signum())
}

/// `a · b / (|a| |b|)`, summed in f64; absent where one of them is.
fn cosine(a: &Option<Latents>, b: &Option<Latents>) -> Option<f32> {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    let dot = |x: &Latents, y: &Latents| -> f64 {
        x.values.iter().zip(&y.values).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let size = (dot(a, a) * dot(b, b)).sqrt();
    (size > 0.0).then(|| (dot(a, b) / size).clamp(-1.0, 1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latents(values: &[f32]) -> Option<Latents> {
        Some(Latents::new(1, 1, values.len(), values.to_vec()))
    }

    #[test]
    fn cosines_depend_on_directions_and_not_on_sizes() {
        let a = latents(&[1.0, 2.0, -1.0]);
        assert_eq!(cosine(&a, &latents(&[10.0, 20.0, -10.0])), Some(1.0));
        assert_eq!(cosine(&a, &latents(&[-0.5, -1.0, 0.5])), Some(-1.0));
        assert_eq!(cosine(&a, &latents(&[2.0, -1.0, 0.0])), Some(0.0));
        assert_eq!((cosine(&a, &latents(&[0.0; 3])), cosine(&a, &None)), (None, None));
    }

    #[test]
    fn a_spread_leaves_the_outermost_twentieths_out() {
        let map = Plane::new(1, 101, (0..101).map(|v| v as f32).collect());
        assert_eq!(Spread::of(&map), Spread { low: 5.0, mean: 50.0, high: 95.0 });
    }
}

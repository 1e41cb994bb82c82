//! Whether a model on disk can be the expert beside another, and what is done to make it fit: in words, from config files
//! alone.
//!
//! Apart from `compatibility` because it knows the parts of latent diffusion models: U-Net, text encoders, VAE.

use super::compatibility::{CompatibilityPoint, ModelPair, Shared, Verdict};
use crate::{
    recipe::ModelRef,
    sampling::PredictionType,
    weights::{Outline, Rest},
};

/// Side in pixels of the pictures that a complete model was trained on, as its config files say; `None` where they do not.
pub fn native_side(model: &ModelRef) -> Option<usize> {
    let outline = Outline::read(model).ok()?;
    Some(outline.sample_size? * outline.rest?.factor)
}

/// Reads the config files of both models and compares them.
pub(super) fn check(pair: &ModelPair) -> Vec<CompatibilityPoint> {
    match (Outline::read(&pair.general), Outline::read(&pair.expert)) {
        (Ok(general), Ok(expert)) => compare(&general, &expert, pair.general == pair.expert),
        (Err(error), _) | (_, Err(error)) => vec![refused(error.to_string())],
    }
}

fn point(verdict: Verdict, text: impl Into<String>) -> CompatibilityPoint {
    CompatibilityPoint { verdict, text: text.into() }
}

fn refused(text: impl Into<String>) -> CompatibilityPoint {
    point(Verdict::Refused, text)
}

fn compare(general: &Outline, expert: &Outline, same: bool) -> Vec<CompatibilityPoint> {
    let Some(rest) = &general.rest else {
        return vec![refused("the general model holds only a U-Net: choose a complete model there")];
    };
    if same {
        return vec![point(Verdict::Fits, "it is the general model itself: useful with a prompt of its own")];
    }
    let own = expert.rest.as_ref().unwrap_or(rest);
    let g = Shared { channels: general.channels, factor: rest.factor, schedule: &rest.scheduler };
    let e = Shared { channels: expert.channels, factor: own.factor, schedule: &own.scheduler };
    let mut points: Vec<_> = e.mismatches(&g).into_iter().map(refused).collect();
    if points.is_empty() {
        let text = format!("same latents ({} channels, 1/{} of the picture) and noise schedule", g.channels, g.factor);
        points.push(point(Verdict::Fits, text));
    }
    points.push(prediction(rest.scheduler.prediction_type, own.scheduler.prediction_type));
    points.push(text_encoders(rest, expert));
    points
}

fn prediction(general: PredictionType, expert: PredictionType) -> CompatibilityPoint {
    let name = |kind| match kind {
        PredictionType::Epsilon => "the noise",
        PredictionType::VPrediction => "the velocity v",
    };
    if general == expert {
        return point(Verdict::Fits, format!("both predict {}", name(general)));
    }
    let (g, e) = (name(general), name(expert));
    point(Verdict::Adapted, format!("it predicts {e}, the general model {g}: converted at every step"))
}

fn text_encoders(general: &Rest, expert: &Outline) -> CompatibilityPoint {
    let Some(own) = &expert.rest else {
        let (expected, made) = (expert.context_width, general.text_width());
        if expected != made {
            return refused(format!("its U-Net takes text embeddings {expected} wide, the general model makes {made}"));
        }
        return point(Verdict::Fits, "only a U-Net: text encoder and VAE are the general model's");
    };
    let said = |rest: &Rest| {
        let each: Vec<_> = rest.text.iter().map(|[width, layers]| format!("{width} wide, {layers} layers")).collect();
        each.join(" and ")
    };
    if own.text == general.text {
        return point(Verdict::Fits, format!("a text encoder of its own, of the same shape ({})", said(own)));
    }
    let text = format!(
        "another text encoder ({}; the general model's: {}): each reads its own prompt, which only profile fixed can",
        said(own),
        said(general)
    );
    point(Verdict::Adapted, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::ScheduleConfig;

    fn outline(channels: usize, factor: usize, text: &[[usize; 2]]) -> Outline {
        let rest = Rest { factor, scheduler: ScheduleConfig::default(), text: text.to_vec() };
        Outline { channels, sample_size: None, context_width: rest.text_width(), rest: Some(rest) }
    }

    fn worst(points: &[CompatibilityPoint]) -> Verdict {
        points.iter().map(|p| p.verdict).max().expect("a point")
    }

    fn said(general: &Outline, expert: &Outline) -> (Verdict, String) {
        let points = compare(general, expert, false);
        let text = points.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join("; ");
        (worst(&points), text)
    }

    #[test]
    fn a_model_says_which_size_it_was_trained_on() {
        assert_eq!(native_side(&ModelRef::Pocket), Some(192));
        assert_eq!(native_side(&ModelRef::Folder("nowhere".into())), None);
    }

    #[test]
    fn every_difference_is_named() {
        let sd = outline(4, 8, &[[768, 12]]);
        assert_eq!(said(&sd, &sd).0, Verdict::Fits);
        let (verdict, text) = said(&sd, &outline(16, 4, &[[768, 12]]));
        assert_eq!(verdict, Verdict::Refused);
        assert!(text.contains("16 latent channels") && text.contains("1/4 of the picture"), "{text}");
        let mut other = sd.clone();
        if let Some(rest) = &mut other.rest {
            rest.scheduler.beta_end = 0.02;
        }
        assert!(said(&sd, &other).1.contains("another noise schedule"));
        let mut velocity = outline(4, 8, &[[1024, 23]]);
        if let Some(rest) = &mut velocity.rest {
            rest.scheduler.prediction_type = PredictionType::VPrediction;
        }
        let (verdict, text) = said(&sd, &velocity);
        assert_eq!(verdict, Verdict::Adapted);
        assert!(text.contains("predicts the velocity v") && text.contains("1024 wide, 23 layers"), "{text}");
        let part = Outline { rest: None, ..sd.clone() };
        assert_eq!(said(&sd, &part).0, Verdict::Fits);
        assert_eq!(said(&sd, &Outline { context_width: 1024, ..part.clone() }).0, Verdict::Refused);
        assert_eq!(said(&part, &sd).0, Verdict::Refused);
    }

    #[test]
    fn the_bundled_models_fit_and_a_missing_one_is_said_to_be() {
        let with = |expert| check(&ModelPair { general: ModelRef::Pocket, expert });
        let toon = with(ModelRef::PocketToon);
        assert_eq!((worst(&toon), toon.len()), (Verdict::Fits, 3));
        let missing = with(ModelRef::Folder("no/such/model".into()));
        assert_eq!(worst(&missing), Verdict::Refused);
        assert!(missing[0].text.contains("no/such/model"));
    }
}

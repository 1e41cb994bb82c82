//! Whether a model can be the expert beside another, and what will be done to make it fit: in words, from config files
//! alone.

use crate::{
    recipe::ModelRef,
    sampling::{PredictionType, ScheduleConfig},
    weights::{LoadedModel, Outline, Rest},
};

/// Two models that may be fused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPair {
    pub general: ModelRef,
    pub expert: ModelRef,
}

/// What was found of two partners.
#[derive(Clone, Debug, PartialEq)]
pub struct Compatibility {
    pub partners: ModelPair,
    pub points: Vec<CompatibilityPoint>,
}

/// One thing that fits, or does not.
#[derive(Clone, Debug, PartialEq)]
pub struct CompatibilityPoint {
    pub verdict: Verdict,
    /// A clause that ends neither with a full stop nor begins with a capital.
    pub text: String,
}

/// From best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Fits,
    /// It differs, and the difference is made up for.
    Adapted,
    /// They cannot be fused.
    Refused,
}

impl Compatibility {
    /// The worst of all points.
    pub fn verdict(&self) -> Verdict {
        self.points.iter().map(|point| point.verdict).max().unwrap_or(Verdict::Fits)
    }
}

/// What must be the same in both models.
pub(super) struct ModelSpec<'a> {
    channels: usize,
    factor: usize,
    scheduler: &'a ScheduleConfig,
}

impl<'a> ModelSpec<'a> {
    pub(super) fn of(model: &'a LoadedModel) -> Self {
        let (channels, factor) = (model.unet.config().channels, model.vae.config().factor());
        Self { channels, factor, scheduler: &model.scheduler }
    }
}

/// Why the expert cannot be fused with the general model, one clause a reason; none when it can.
///
/// Latent channels, VAE factor and noise schedule must be shared: both look at the same latents at the same step.
pub(super) fn mismatches(general: &ModelSpec<'_>, expert: &ModelSpec<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    let (g, e) = (general.channels, expert.channels);
    if g != e {
        reasons.push(format!("it works on {e} latent channels, the general model on {g}"));
    }
    let (g, e) = (general.factor, expert.factor);
    if g != e {
        reasons.push(format!("its latents are 1/{e} of the picture, the general model's 1/{g}"));
    }
    let noise = |s: &ScheduleConfig| (s.beta_start, s.beta_end, s.beta_schedule, s.num_train_timesteps);
    if noise(general.scheduler) != noise(expert.scheduler) {
        reasons.push("it was trained on another noise schedule (beta_start, beta_end or beta_schedule differ)".into());
    }
    reasons
}

/// Reads the config files of both models and compares them.
pub(super) fn check(partners: ModelPair) -> Compatibility {
    let points = match (Outline::read(&partners.general), Outline::read(&partners.expert)) {
        (Ok(general), Ok(expert)) => compare(&general, &expert, partners.general == partners.expert),
        (Err(error), _) | (_, Err(error)) => vec![refused(error.to_string())],
    };
    Compatibility { partners, points }
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
    let lent = expert.rest.as_ref().unwrap_or(rest);
    let traits = |outline: &Outline, scheduler| ModelSpec { channels: outline.channels, factor: 0, scheduler };
    let [g, e] = [
        ModelSpec { factor: rest.factor, ..traits(general, &rest.scheduler) },
        ModelSpec { factor: lent.factor, ..traits(expert, &lent.scheduler) },
    ];
    let mut points: Vec<_> = mismatches(&g, &e).into_iter().map(refused).collect();
    if points.is_empty() {
        let text = format!("same latents ({} channels, 1/{} of the picture) and noise schedule", g.channels, g.factor);
        points.push(point(Verdict::Fits, text));
    }
    points.push(prediction(rest.scheduler.prediction_type, lent.scheduler.prediction_type));
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
        let (wanted, made) = (expert.context_width, general.text_width());
        if wanted != made {
            return refused(format!("its U-Net wants text embeddings {wanted} wide, the general model makes {made}"));
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

    fn outline(channels: usize, factor: usize, text: &[[usize; 2]]) -> Outline {
        let rest = Rest { factor, scheduler: ScheduleConfig::default(), text: text.to_vec() };
        Outline { channels, context_width: rest.text_width(), rest: Some(rest) }
    }

    fn said(general: &Outline, expert: &Outline) -> (Verdict, String) {
        let points = compare(general, expert, false);
        let partners = ModelPair { general: ModelRef::Pocket, expert: ModelRef::PocketToon };
        let text = points.iter().map(|p| p.text.as_str()).collect::<Vec<_>>().join("; ");
        (Compatibility { partners, points }.verdict(), text)
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
        let with = |expert| check(ModelPair { general: ModelRef::Pocket, expert });
        let toon = with(ModelRef::PocketToon);
        assert_eq!(toon.verdict(), Verdict::Fits);
        assert_eq!(toon.points.len(), 3);
        let missing = with(ModelRef::Folder("no/such/model".into()));
        assert_eq!(missing.verdict(), Verdict::Refused);
        assert!(missing.points[0].text.contains("no/such/model"));
    }
}

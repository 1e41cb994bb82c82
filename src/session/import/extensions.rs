//! The settings that guidance extensions of A1111 write: SEGA, S-CFG, and our own plain ones.
//!
//! The extension's `tail percentage` is the share of elements that are touched, so our threshold is one minus it.

use std::collections::BTreeMap;

use super::settings::{Found, ImportedSettings, is_true};
use crate::recipe::{Concept, Fusion, ModelRef};

/// Settings of extensions, kept until all are there.
#[derive(Default)]
pub(super) struct Extensions<'a>(BTreeMap<&'a str, &'a str>);

const SEGA: &str = "SEGA Active";
const SCFG: &str = "SCFG Active";
const EXPERT: &str = "SNB Expert";

/// What is read here; the rest is another's.
const KEYS: &[&str] = &[
    SEGA,
    "SEGA Prompt",
    "SEGA Negative Prompt",
    "SEGA Warmup Period",
    "SEGA Edit Guidance Scale",
    "SEGA Tail Percentage Threshold",
    "SEGA Momentum Scale",
    "SEGA Momentum Beta",
    SCFG,
    "S-CFG",
    "SCFG Scale",
    "SCFG Rate Min",
    "SCFG Rate Max",
    "SCFG Rate Clamp",
    "SCFG Start Step",
    "SCFG End Step",
    EXPERT,
];

impl<'a> Extensions<'a> {
    /// Keeps a setting if it belongs to an extension.
    pub fn take(&mut self, key: &'a str, value: &'a str) -> bool {
        let ours = KEYS.contains(&key);
        if ours {
            self.0.insert(key, value);
        }
        ours
    }

    /// Puts the settings into the recipe, or on the list.
    pub fn finish(mut self, draft: &mut ImportedSettings) {
        self.scfg(draft);
        self.sega(draft);
        self.fusion(draft);
        for (key, value) in self.0 {
            draft.leave(key, value);
        }
    }

    /// Takes a setting out.
    fn next(&mut self, key: &'static str) -> Option<Found<'a>> {
        self.0.remove(key).map(|value| (key, value))
    }

    /// Drops a setting that changes nothing, so that only those that do are listed.
    fn forget(&mut self, key: &str, harmless: impl FnOnce(f32) -> bool) {
        if self.0.get(key).and_then(|value| value.trim().parse().ok()).is_some_and(harmless) {
            self.0.remove(key);
        }
    }

    fn scfg(&mut self, draft: &mut ImportedSettings) {
        let active = self.next(SCFG).or_else(|| self.next("S-CFG"));
        draft.recipe.scfg.enabled = active.is_some_and(|(_, value)| is_true(value));
        self.scfg_rates(draft);
        // The extension's 0 is "no clamp", which a recipe cannot say.
        if self.0.get("SCFG Rate Clamp").is_some_and(|v| v.trim().parse::<f32>().is_ok_and(|v| v > 0.0)) {
            let clamp = self.next("SCFG Rate Clamp");
            clamp.into_iter().for_each(|found| draft.number(found, |r, v| r.scfg.scale_cap = v));
        }
        self.forget("SCFG Scale", |scale| scale == 1.0);
        self.forget("SCFG Start Step", |step| step == 0.0);
        let steps = draft.recipe.steps as f32;
        self.forget("SCFG End Step", |step| step >= steps);
    }

    /// Both bounds at once: each is held against the other.
    fn scfg_rates(&mut self, draft: &mut ImportedSettings) {
        let bound = |key: &str, own: f32| self.0.get(key).map_or(Some(own), |value| value.trim().parse().ok());
        let own = (draft.recipe.scfg.rate_min, draft.recipe.scfg.rate_max);
        let (Some(least), Some(most)) = (bound("SCFG Rate Min", own.0), bound("SCFG Rate Max", own.1)) else { return };
        let text = format!("{least} to {most}");
        draft.change(("SCFG Rate", &text), |r| (r.scfg.rate_min, r.scfg.rate_max) = (least, most));
        self.0.retain(|key, _| !matches!(*key, "SCFG Rate Min" | "SCFG Rate Max"));
    }

    fn sega(&mut self, draft: &mut ImportedSettings) {
        let active = self.next(SEGA).is_none_or(|(_, value)| is_true(value));
        let wanted = [(self.next("SEGA Prompt"), false), (self.next("SEGA Negative Prompt"), true)];
        for (found, reverse) in wanted {
            let usual = Concept::default().strength;
            let strength = if reverse { -usual } else { usual };
            let texts = found.map_or("", |(_, value)| value).split(',').map(str::trim).filter(|t| !t.is_empty());
            for text in texts {
                let concept = Concept { text: text.to_owned(), strength, enabled: active, ..Concept::default() };
                draft.recipe.add_concept(concept);
            }
        }
        if draft.recipe.concepts.is_empty() {
            return;
        }
        self.each_concept(draft, "SEGA Edit Guidance Scale", |c, v| c.strength = c.strength.signum() * v);
        self.each_concept(draft, "SEGA Tail Percentage Threshold", |c, v| c.threshold = 1.0 - v);
        if let Some(found) = self.next("SEGA Warmup Period") {
            let warmup = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            draft.whole(found, |r, n| r.concepts.iter_mut().for_each(|c| c.warmup = warmup(n)));
        }
        let momentum = (self.next("SEGA Momentum Scale"), self.next("SEGA Momentum Beta"));
        momentum.0.into_iter().for_each(|found| draft.number(found, |r, v| r.momentum.scale = v));
        momentum.1.into_iter().for_each(|found| draft.number(found, |r, v| r.momentum.beta = v));
    }

    /// The extension has one number for all concepts.
    fn each_concept(&mut self, draft: &mut ImportedSettings, key: &'static str, put: fn(&mut Concept, f32)) {
        if let Some(found) = self.next(key) {
            draft.number(found, |recipe, value| recipe.concepts.iter_mut().for_each(|c| put(c, value)));
        }
    }

    /// The plain text names only the expert.
    fn fusion(&mut self, draft: &mut ImportedSettings) {
        let Some(found) = self.next(EXPERT) else { return };
        let expert = [ModelRef::Pocket, ModelRef::PocketToon].into_iter().find(|model| model.title() == found.1);
        match expert {
            Some(expert) => {
                draft.recipe.fusion = Some(Fusion { expert, ..Fusion::default() });
                draft.refuse(found, "taken with the fusion's usual settings: the text does not tell them");
            }
            None => draft.refuse(found, "the text does not say where this model is"),
        }
    }
}

//! Settings of guidance extensions of A1111, SEGA and S-CFG, and this program's own in the same line.
//!
//! They stand apart because several of them make one concept: they are collected first and read together. The extension's
//! `tail percentage` is the share of elements that a concept changes, so the threshold is one minus it.

use std::collections::BTreeMap;

use super::settings::{ImportedSettings, Setting, is_true};
use crate::recipe::{Concept, Fusion, ModelRef};

/// Settings of extensions, collected until all are known.
#[derive(Default)]
pub(super) struct Extensions<'a>(BTreeMap<&'a str, &'a str>);

const SEGA: &str = "SEGA Active";
const SCFG: &str = "SCFG Active";
const EXPERT: &str = "SNB Expert";

/// The keys of extensions.
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
    /// Collects a setting if it belongs to an extension; returns whether it does.
    pub fn collect(&mut self, key: &'a str, value: &'a str) -> bool {
        let ours = KEYS.contains(&key);
        if ours {
            self.0.insert(key, value);
        }
        ours
    }

    /// Puts the settings into the recipe, and lists those that do not fit.
    pub fn finish(mut self, imported: &mut ImportedSettings) {
        self.scfg(imported);
        self.sega(imported);
        self.fusion(imported);
        for (key, value) in self.0 {
            imported.list_unsupported(key, value);
        }
    }

    /// Removes a setting.
    fn take(&mut self, key: &'static str) -> Option<Setting<'a>> {
        self.0.remove(key).map(|value| (key, value))
    }

    /// Removes a setting whose value changes nothing, so that it is not listed.
    fn drop_if(&mut self, key: &str, harmless: impl FnOnce(f32) -> bool) {
        if self.0.get(key).and_then(|value| value.trim().parse().ok()).is_some_and(harmless) {
            self.0.remove(key);
        }
    }

    fn scfg(&mut self, imported: &mut ImportedSettings) {
        let active = self.take(SCFG).or_else(|| self.take("S-CFG"));
        imported.recipe.scfg.enabled = active.is_some_and(|(_, value)| is_true(value));
        self.scfg_rates(imported);
        // The extension's 0 means "no clamp", which a recipe cannot express.
        if self.0.get("SCFG Rate Clamp").is_some_and(|v| v.trim().parse::<f32>().is_ok_and(|v| v > 0.0)) {
            let clamp = self.take("SCFG Rate Clamp");
            clamp.into_iter().for_each(|found| imported.number(found, |r, v| r.scfg.scale_cap = v));
        }
        self.drop_if("SCFG Scale", |scale| scale == 1.0);
        self.drop_if("SCFG Start Step", |step| step == 0.0);
        let steps = imported.recipe.steps as f32;
        self.drop_if("SCFG End Step", |step| step >= steps);
    }

    /// Both bounds at once: a recipe is valid only if they are in order.
    fn scfg_rates(&mut self, imported: &mut ImportedSettings) {
        let bound = |key: &str, own: f32| self.0.get(key).map_or(Some(own), |value| value.trim().parse().ok());
        let own = (imported.recipe.scfg.rate_min, imported.recipe.scfg.rate_max);
        let (Some(least), Some(most)) = (bound("SCFG Rate Min", own.0), bound("SCFG Rate Max", own.1)) else { return };
        let text = format!("{least} to {most}");
        imported.change(("SCFG Rate", &text), |r| (r.scfg.rate_min, r.scfg.rate_max) = (least, most));
        self.0.retain(|key, _| !matches!(*key, "SCFG Rate Min" | "SCFG Rate Max"));
    }

    fn sega(&mut self, imported: &mut ImportedSettings) {
        let active = self.take(SEGA).is_none_or(|(_, value)| is_true(value));
        let prompts = [(self.take("SEGA Prompt"), false), (self.take("SEGA Negative Prompt"), true)];
        for (found, reverse) in prompts {
            let usual = Concept::default().strength;
            let strength = if reverse { -usual } else { usual };
            let texts = found.map_or("", |(_, value)| value).split(',').map(str::trim).filter(|t| !t.is_empty());
            for text in texts {
                let concept = Concept { text: text.to_owned(), strength, enabled: active, ..Concept::default() };
                imported.recipe.add_concept(concept);
            }
        }
        if imported.recipe.concepts.is_empty() {
            return;
        }
        self.each_concept(imported, "SEGA Edit Guidance Scale", |c, v| c.strength = c.strength.signum() * v);
        self.each_concept(imported, "SEGA Tail Percentage Threshold", |c, v| c.threshold = 1.0 - v);
        if let Some(found) = self.take("SEGA Warmup Period") {
            let warmup = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            imported.whole(found, |r, n| r.concepts.iter_mut().for_each(|c| c.warmup = warmup(n)));
        }
        let momentum = (self.take("SEGA Momentum Scale"), self.take("SEGA Momentum Beta"));
        momentum.0.into_iter().for_each(|found| imported.number(found, |r, v| r.momentum.scale = v));
        momentum.1.into_iter().for_each(|found| imported.number(found, |r, v| r.momentum.beta = v));
    }

    /// Sets a number of all concepts: the extension has one for all.
    fn each_concept(&mut self, imported: &mut ImportedSettings, key: &'static str, put: fn(&mut Concept, f32)) {
        if let Some(found) = self.take(key) {
            imported.number(found, |recipe, value| recipe.concepts.iter_mut().for_each(|c| put(c, value)));
        }
    }

    /// The plain settings name only the expert.
    fn fusion(&mut self, imported: &mut ImportedSettings) {
        let Some(found) = self.take(EXPERT) else { return };
        let expert = [ModelRef::Pocket, ModelRef::PocketToon].into_iter().find(|model| model.title() == found.1);
        match expert {
            Some(expert) => {
                imported.recipe.fusion = Some(Fusion { expert, ..Fusion::default() });
                imported.list_rejected(found, "taken with the fusion's usual settings: the text does not tell them");
            }
            None => imported.list_rejected(found, "the text does not say where this model is"),
        }
    }
}

//! Brings a recipe that was read from a file within the limits that [`Recipe::validate`] holds it to.
//!
//! Apart from the check: a person is told of what they have typed, a file is mended and its reader is told of that. After it no
//! loop, allocation or plot over a number of the recipe is longer than one over a recipe of the window's own.

use std::{collections::HashSet, fmt::Display, ops::RangeInclusive};

use super::{
    concept::Concept,
    fusion::Fusion,
    keys::Key,
    recipe::{Recipe, SIDE_STEP},
    scfg::Scfg,
    validate::{CFG, CHURN, CLIP_SKIP, ETA, LORA_WEIGHTS, PAINTED_LEVELS, REGION_FACTORS, RHO, SIDES, SIGMAS, STEPS},
};

/// Scales, strengths and weights that a file may ask for, on either side of 0. Sliders end far below.
const MOST: f32 = 1000.0;
/// Lists of a recipe: more is no picture that anybody has steered.
const MOST_CONCEPTS: usize = 256;
const MOST_LORAS: usize = 64;
const MOST_EMBEDDINGS: usize = 256;
const MOST_REGIONS: usize = 1024;
/// Letters of a text. A prompt of which a model reads 75 words needs no more.
const MOST_LETTERS: usize = 100_000;

impl Recipe {
    /// Brings every number, list and text within its limits. Returns a few words for each that was changed, such as
    /// `steps 5000, now 1000`; nothing for a recipe of the program's own.
    pub fn bring_within_limits(&mut self) -> Vec<String> {
        let mut limits = Limits { mended: Vec::new() };
        let defaults = Self::default();
        limits.text("prompt", &mut self.prompt);
        limits.text("negative prompt", &mut self.negative);
        limits.whole("steps", &mut self.steps, STEPS);
        limits.side("width", &mut self.width);
        limits.side("height", &mut self.height);
        limits.real("guidance scale", &mut self.cfg, CFG, defaults.cfg);
        limits.sampling(self);
        limits.keys("guidance scale", &mut self.cfg_keys);
        limits.list("LoRAs", &mut self.loras, MOST_LORAS);
        for lora in &mut self.loras {
            let name = format!("weight of the LoRA {}", lora.title());
            limits.real(&name, &mut lora.weight, LORA_WEIGHTS, 1.0);
        }
        limits.list("embeddings", &mut self.embeddings, MOST_EMBEDDINGS);
        limits.approximations(self);
        limits.scfg(&mut self.scfg, &defaults.scfg);
        limits.regions(self);
        limits.list("concepts", &mut self.concepts, MOST_CONCEPTS);
        for (k, concept) in self.concepts.iter_mut().enumerate() {
            limits.concept(k, concept);
        }
        limits.real("momentum scale", &mut self.momentum.scale, 0.0..=1.0, defaults.momentum.scale);
        limits.real("momentum beta", &mut self.momentum.beta, 0.0..=0.999, defaults.momentum.beta);
        if let Some(fusion) = &mut self.fusion {
            limits.fusion(fusion);
        }
        limits.mended
    }
}

/// What was changed so far.
struct Limits {
    mended: Vec<String>,
}

impl Limits {
    fn say(&mut self, name: &str, before: impl Display, now: impl Display) {
        self.mended.push(format!("{name} {before}, now {now}"));
    }

    fn whole(&mut self, name: &str, value: &mut usize, range: RangeInclusive<usize>) {
        let within = (*value).clamp(*range.start(), *range.end());
        if within != *value {
            self.say(name, *value, within);
            *value = within;
        }
    }

    /// A value that is no number becomes the default.
    fn real(&mut self, name: &str, value: &mut f32, range: RangeInclusive<f32>, default: f32) {
        let within = if value.is_nan() { default } else { value.clamp(*range.start(), *range.end()) };
        if within != *value {
            self.say(name, *value, within);
            *value = within;
        }
    }

    fn sampling(&mut self, recipe: &mut Recipe) {
        recipe.clip_skip.iter_mut().for_each(|skip| self.whole("clip skip", skip, CLIP_SKIP));
        let options = [
            ("eta", &mut recipe.eta, ETA, 1.0),
            ("s-noise", &mut recipe.s_noise, ETA, 1.0),
            ("s-churn", &mut recipe.s_churn, CHURN, 0.0),
            ("rho", &mut recipe.rho, RHO, 7.0),
            ("smallest sigma", &mut recipe.sigma_min, SIGMAS, *SIGMAS.start()),
            ("largest sigma", &mut recipe.sigma_max, SIGMAS, *SIGMAS.end()),
        ];
        for (name, value, range, default) in options {
            value.iter_mut().for_each(|value| self.real(name, value, range.clone(), default));
        }
        if let (Some(least), Some(most)) = (recipe.sigma_min, recipe.sigma_max)
            && least >= most
        {
            self.mended.push(format!("smallest sigma {least} and largest sigma {most}, now the model's"));
            (recipe.sigma_min, recipe.sigma_max) = (None, None);
        }
    }

    fn side(&mut self, name: &str, pixels: &mut usize) {
        let within = (*pixels).clamp(*SIDES.start(), *SIDES.end()) / SIDE_STEP * SIDE_STEP;
        if within != *pixels {
            self.say(name, *pixels, within);
            *pixels = within;
        }
    }

    fn list<T>(&mut self, name: &str, list: &mut Vec<T>, most: usize) {
        if list.len() > most {
            self.mended.push(format!("{} {name}, now the first {most}", list.len()));
            list.truncate(most);
        }
    }

    fn text(&mut self, name: &str, text: &mut String) {
        if let Some((end, _)) = text.char_indices().nth(MOST_LETTERS) {
            self.mended.push(format!("{name} of {} bytes, now its first {MOST_LETTERS} letters", text.len()));
            text.truncate(end);
        }
    }

    /// Factors within their range, in the order of their steps.
    fn keys(&mut self, name: &str, keys: &mut Vec<Key>) {
        for key in &mut *keys {
            self.real(&format!("key of the {name} at step {}", key.step), &mut key.factor, 0.0..=Key::MOST, 1.0);
        }
        let is_in_order = |keys: &[Key]| keys.windows(2).all(|pair| pair[0].step < pair[1].step);
        if !is_in_order(keys) {
            keys.sort_by_key(|key| key.step);
            keys.dedup_by_key(|key| key.step);
            self.mended.push(format!("keys of the {name} out of order, now sorted"));
        }
        self.list(&format!("keys of the {name}"), keys, *STEPS.end());
    }

    fn approximations(&mut self, recipe: &mut Recipe) {
        if let Some(interval) = recipe.guidance_interval.take_if(|interval| interval.from >= interval.until) {
            self.mended.push(format!("guidance interval {}..{}, now none", interval.from, interval.until));
        }
        if let Some(cosine) = recipe.adaptive_guidance.take_if(|cosine| !(*cosine > 0.0 && *cosine <= 1.0)) {
            self.mended.push(format!("adaptive guidance {cosine}, now none"));
        }
    }

    fn scfg(&mut self, scfg: &mut Scfg, defaults: &Scfg) {
        self.real("S-CFG rate minimum", &mut scfg.rate_min, 0.0..=MOST, defaults.rate_min);
        let at_least = scfg.rate_min;
        self.real("S-CFG rate maximum", &mut scfg.rate_max, at_least..=MOST, defaults.rate_max.max(at_least));
        self.real("S-CFG scale cap", &mut scfg.scale_cap, f32::MIN_POSITIVE..=MOST, defaults.scale_cap);
    }

    fn regions(&mut self, recipe: &mut Recipe) {
        self.list("regions", &mut recipe.regions, MOST_REGIONS);
        for region in &mut recipe.regions {
            let name = format!("factor of the region of token {}", region.position);
            self.real(&name, &mut region.factor, REGION_FACTORS, 1.0);
        }
        self.list("painted regions", &mut recipe.painted, MOST_REGIONS);
        let mut seen = HashSet::new();
        let before = recipe.groups.len();
        recipe.groups.retain(|group| {
            let ascending = !group.positions.is_empty() && group.positions.is_sorted_by(|a, b| a < b);
            ascending && group.positions.iter().all(|&position| seen.insert(position))
        });
        if recipe.groups.len() < before {
            self.mended.push(format!("{before} merged regions, now {} that share no token", recipe.groups.len()));
        }
        let levels = recipe.painted_factor.levels();
        if levels.iter().any(|level| !PAINTED_LEVELS.contains(level)) {
            recipe.painted_factor = recipe.painted_factor.clamped(PAINTED_LEVELS);
            self.mended.push("painted factor outside of 0 to 10, now within".into());
        }
    }

    fn concept(&mut self, k: usize, concept: &mut Concept) {
        let defaults = Concept::default();
        self.text(&format!("text of concept {}", k + 1), &mut concept.text);
        let short: String = concept.text.chars().take(40).collect();
        let name = |field: &str| format!("{field} of concept {} (\"{short}\")", k + 1);
        self.real(&name("scale"), &mut concept.strength, -MOST..=MOST, defaults.strength);
        self.real(&name("threshold"), &mut concept.threshold, 0.0..=1.0, defaults.threshold);
        self.real(&name("weight"), &mut concept.weight, -MOST..=MOST, defaults.weight);
        self.whole(&name("warm-up"), &mut concept.warmup, 0..=*STEPS.end());
        if let Some(cooldown) = &mut concept.cooldown {
            self.whole(&name("cool-down"), cooldown, 0..=*STEPS.end());
        }
        self.keys(&name("scale"), &mut concept.keys);
        self.list(&name("locked regions"), &mut concept.lock, MOST_REGIONS);
    }

    fn fusion(&mut self, fusion: &mut Fusion) {
        let defaults = Fusion::default();
        if let Some(prompt) = &mut fusion.prompt {
            self.text("the expert's prompt", prompt);
        }
        self.real("fusion t0", &mut fusion.t0, -MOST..=MOST, defaults.t0);
        self.real("fusion kg", &mut fusion.k_g, 0.0..=MOST, defaults.k_g);
        self.real("fusion ke", &mut fusion.k_e, 0.0..=MOST, defaults.k_e);
        self.real("fusion weight", &mut fusion.weight, 0.0..=1.0, defaults.weight);
        self.list("owned regions", &mut fusion.owners, MOST_REGIONS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{GuidanceInterval, Momentum};

    fn mended(mut recipe: Recipe) -> (Recipe, Vec<String>) {
        let said = recipe.bring_within_limits();
        (recipe, said)
    }

    #[test]
    fn a_recipe_of_the_programs_own_is_left_alone() {
        let recipe =
            Recipe { concepts: vec![Concept::default()], fusion: Some(Fusion::default()), ..Recipe::default() };
        assert_eq!(mended(recipe.clone()), (recipe, Vec::new()));
    }

    #[test]
    fn numbers_without_measure_become_the_nearest_that_is_allowed() {
        let (recipe, said) = mended(Recipe {
            steps: usize::MAX,
            width: usize::MAX,
            height: 0,
            cfg: f32::NAN,
            guidance_interval: Some(GuidanceInterval { from: 9, until: 3 }),
            adaptive_guidance: Some(f32::NAN),
            scfg: Scfg { enabled: true, rate_min: f32::INFINITY, rate_max: f32::NAN, scale_cap: -1.0 },
            concepts: vec![Concept {
                strength: f32::NEG_INFINITY,
                threshold: f32::NAN,
                warmup: usize::MAX,
                cooldown: Some(usize::MAX),
                keys: vec![Key { step: 5, factor: 99.0 }, Key { step: 5, factor: f32::NAN }],
                ..Concept::default()
            }],
            momentum: Momentum { scale: 7.0, beta: 7.0 },
            fusion: Some(Fusion { t0: f32::NAN, k_g: f32::INFINITY, weight: -3.0, ..Fusion::default() }),
            ..Recipe::default()
        });
        assert_eq!((recipe.steps, recipe.width, recipe.height), (1000, 2048, 64));
        assert!(said.len() >= 16 && said[0] == format!("steps {}, now 1000", usize::MAX), "{said:#?}");
        assert_eq!(recipe.validate(), Ok(()), "what was mended is a recipe");
    }

    #[test]
    fn lists_and_texts_end_somewhere() {
        let (recipe, said) = mended(Recipe {
            prompt: "ä".repeat(300_000),
            concepts: vec![Concept::default(); 10_000],
            ..Recipe::default()
        });
        assert_eq!((recipe.prompt.chars().count(), recipe.concepts.len()), (MOST_LETTERS, MOST_CONCEPTS));
        assert_eq!(said.len(), 2, "{said:?}");
    }
}

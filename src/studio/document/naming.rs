//! Names of takes: what has changed since the take before.

use crate::recipe::{Fusion, FusionRule, Recipe};

const LONGEST: usize = 18;

/// A short name for a take of `recipe`, told apart from the take before it.
pub fn name(recipe: &Recipe, before: Option<&Recipe>) -> String {
    let Some(before) = before else { return shorten(&first_words(&recipe.prompt), LONGEST) };
    shorten(&difference(recipe, before).unwrap_or_else(|| "again".into()), LONGEST)
}

fn difference(now: &Recipe, then: &Recipe) -> Option<String> {
    if now.prompt != then.prompt {
        return Some(first_words(&now.prompt));
    }
    if now.negative != then.negative {
        return Some("negative".into());
    }
    if now.model != then.model {
        return Some(now.model.title());
    }
    if let Some(changed) = now.loras.iter().find(|lora| !then.loras.contains(lora)) {
        return Some(format!("{} {:.2}", changed.title(), changed.weight));
    }
    if now.loras != then.loras {
        return Some("no LoRA".into());
    }
    if let Some(text) = concept_difference(now, then) {
        return Some(text);
    }
    if now.active_fusion() != then.active_fusion() {
        return Some(fusion(now.active_fusion()).into());
    }
    if now.seed != then.seed {
        return Some(format!("seed {}", now.seed));
    }
    if now.scfg != then.scfg {
        return Some(if now.scfg.enabled { "S-CFG".into() } else { "CFG".into() });
    }
    if now.cfg != then.cfg {
        return Some(format!("scale {:.1}", now.cfg));
    }
    if now.cfg_keys != then.cfg_keys {
        return Some("scale over steps".into());
    }
    if (now.sampler, now.schedule) != (then.sampler, then.schedule) {
        return Some(now.sampler.title().into());
    }
    if now.steps != then.steps {
        return Some(format!("{} steps", now.steps));
    }
    if (now.width, now.height) != (then.width, then.height) {
        return Some(format!("{}×{}", now.width, now.height));
    }
    let said = |r: &Recipe| (r.regions.clone(), r.painted_factor.clone());
    if !now.divides_like(then) || said(now) != said(then) {
        return Some("regions".into());
    }
    (now.profile != then.profile).then(|| now.profile.title().into())
}

fn fusion(fusion: Option<&Fusion>) -> &'static str {
    match fusion.map(|fusion| fusion.rule) {
        None => "no fusion",
        Some(FusionRule::Saliency) => "fusion",
        Some(FusionRule::General) => "general only",
        Some(FusionRule::Expert) => "expert only",
        Some(FusionRule::Mask) => "fusion by mask",
        Some(FusionRule::Weighted) => "weighted sum",
    }
}

fn concept_difference(now: &Recipe, then: &Recipe) -> Option<String> {
    let (was, is): (Vec<_>, Vec<_>) = (then.active_concepts().collect(), now.active_concepts().collect());
    if let Some(changed) = is.iter().find(|c| !was.iter().any(|w| w.same_settings(c))) {
        return Some(format!("{} {:+.1}", changed.text.trim(), changed.strength));
    }
    was.iter().find(|c| !is.iter().any(|i| i.same_settings(c))).map(|gone| format!("no {}", gone.text.trim()))
}

fn first_words(prompt: &str) -> String {
    let text = prompt.trim();
    if text.is_empty() { "no prompt".into() } else { text.to_owned() }
}

/// `text` in at most `longest` characters, with a sign that something is left out.
pub fn shorten(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Concept;

    #[test]
    fn the_name_says_what_changed() {
        let base = Recipe { prompt: "a cat".into(), ..Recipe::default() };
        assert_eq!(name(&base, None), "a cat");
        assert_eq!(name(&base, Some(&base)), "again");
        let seed = Recipe { seed: 8, ..base.clone() };
        assert_eq!(name(&seed, Some(&base)), "seed 8");
        let concept = Concept { text: "night".into(), strength: -2.5, ..Concept::default() };
        let night = Recipe { concepts: vec![concept], ..base.clone() };
        assert_eq!(name(&night, Some(&base)), "night -2.5");
        assert_eq!(name(&base, Some(&night)), "no night");
        let group = crate::recipe::RegionGroup { positions: vec![1, 2], name: String::new() };
        assert_eq!(name(&Recipe { groups: vec![group], ..base.clone() }, Some(&base)), "regions");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = Recipe { prompt: "ünïcödé everywhere and then some more".into(), ..Recipe::default() };
        let given = name(&long, None);
        assert!(given.ends_with('…') && given.chars().count() <= LONGEST, "{given}");
    }
}

//! Names of takes: what has changed since the take before.

use super::track::Track;
use crate::{
    engine::{Token, TokenKind},
    recipe::{Fusion, FusionRule, Recipe, SamplerSettings, group_of},
};

const LONGEST: usize = 18;

/// A short name for the take of a run, told apart from the take that its recipe was changed from.
pub fn name(run: &Track, before: Option<&Track>) -> String {
    let Some(before) = before else { return shorten(&first_words(&run.recipe.prompt), LONGEST) };
    let changes = differences(run, &before.recipe);
    shorten(&if changes.is_empty() { "again".to_owned() } else { changes.join(", ") }, LONGEST)
}

/// What has changed, the most telling first.
fn differences(run: &Track, then: &Recipe) -> Vec<String> {
    let now = &run.recipe;
    let mut said = Vec::new();
    let mut say = |changed: bool, what: &dyn Fn() -> String| said.extend(changed.then(what));
    say(now.prompt != then.prompt, &|| prompt_difference(&now.prompt, &then.prompt));
    say(now.negative != then.negative, &|| "negative".into());
    say(now.model != then.model, &|| now.model.title());
    say(now.loras != then.loras, &|| loras(now, then));
    say(now.vae != then.vae, &|| if now.vae.is_some() { "other VAE" } else { "own VAE" }.into());
    say(now.embeddings != then.embeddings, &|| "embeddings".into());
    let concept = concept_difference(now, then);
    say(concept.is_some(), &|| concept.clone().unwrap_or_default());
    say(now.active_fusion() != then.active_fusion(), &|| fusion(now.active_fusion()).into());
    // Factors of another prompt are at other positions.
    let factor = (now.prompt == then.prompt).then(|| factor_difference(run, then)).flatten();
    say(factor.is_some(), &|| factor.clone().unwrap_or_default());
    say(now.seed != then.seed, &|| format!("seed {}", now.seed));
    say(now.scfg.enabled != then.scfg.enabled, &|| if now.scfg.enabled { "S-CFG" } else { "no S-CFG" }.into());
    say(now.scfg.enabled && then.scfg.enabled && now.scfg != then.scfg, &|| "S-CFG rates".into());
    say(now.cfg != then.cfg, &|| format!("cfg {}", number(now.cfg)));
    say(now.cfg_keys != then.cfg_keys, &|| "cfg over steps".into());
    say((now.sampler, now.schedule) != (then.sampler, then.schedule), &|| now.sampler.title().into());
    let options = |r: &Recipe| {
        let sampling = SamplerSettings::of(r);
        (sampling.convention, sampling.eta, sampling.s_noise, sampling.s_churn, r.rho, r.sigma_min, r.sigma_max)
    };
    say(options(now) != options(then), &|| "sampler options".into());
    say(now.text_rules() != then.text_rules(), &|| "prompt syntax".into());
    say(now.steps != then.steps, &|| format!("{} steps", now.steps));
    say((now.width, now.height) != (then.width, then.height), &|| format!("{}×{}", now.width, now.height));
    let same_words = now.prompt == then.prompt;
    let painted = now.painted_factor != then.painted_factor || now.painted != then.painted;
    say(same_words && painted, &|| "paint".into());
    say(same_words && !painted && !now.divides_like(then), &|| "regions".into());
    say(now.momentum != then.momentum, &|| "momentum".into());
    say(now.profile != then.profile, &|| now.profile.title().into());
    said
}

/// A number without decimals that say nothing: "10", "1.8", "0.25".
fn number(value: f32) -> String {
    format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// "+with rain", "−balloon"; the new prompt where it has no word of the old one.
fn prompt_difference(now: &str, then: &str) -> String {
    let without = |prompt: &str, other: &str| {
        let mut others: Vec<&str> = other.split_whitespace().collect();
        let new = |word: &&str| match others.iter().position(|known| known == word) {
            Some(at) => {
                others.swap_remove(at);
                false
            }
            None => true,
        };
        prompt.split_whitespace().filter(new).collect::<Vec<_>>().join(" ")
    };
    let (added, gone) = (without(now, then), without(then, now));
    let all = now.split_whitespace().collect::<Vec<_>>().join(" ");
    match (added.is_empty(), gone.is_empty()) {
        _ if added == all => first_words(now),
        (true, true) => "other order".into(),
        (false, true) => format!("+{added}"),
        (true, false) => format!("−{gone}"),
        (false, false) => format!("+{added} −{gone}"),
    }
}

fn loras(now: &Recipe, then: &Recipe) -> String {
    let changed = now.loras.iter().find(|lora| !then.loras.contains(lora));
    changed.map_or_else(|| "no LoRA".into(), |lora| format!("{} {}", lora.title(), number(lora.weight)))
}

/// "cat ×1.8".
fn factor_difference(run: &Track, then: &Recipe) -> Option<String> {
    let mut positions = run.recipe.regions.iter().chain(&then.regions).map(|region| region.position);
    let changed = positions.find(|&p| run.recipe.region_factor(p) != then.region_factor(p))?;
    Some(format!("{} ×{}", region(run, changed), number(run.recipe.region_factor(changed))))
}

/// A region's name: the one that it was given, else its words.
fn region(run: &Track, position: usize) -> String {
    let word = |token: &&Token| token.kind == TokenKind::Word;
    let group = group_of(&run.recipe.groups, position);
    if let Some(group) = group.filter(|group| !group.name.trim().is_empty()) {
        return group.name.trim().to_owned();
    }
    let positions = group.map_or_else(|| vec![position], |group| group.positions.clone());
    let words: Vec<&str> =
        run.tokens.iter().filter(word).filter(|t| positions.contains(&t.position)).map(|t| t.text.trim()).collect();
    if words.is_empty() { "background".to_owned() } else { words.join(" ") }
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
        return Some(format!("{} {}{}", changed.text.trim(), sign(changed.strength), number(changed.strength.abs())));
    }
    was.iter().find(|c| !is.iter().any(|i| i.same_settings(c))).map(|gone| format!("no {}", gone.text.trim()))
}

fn sign(value: f32) -> &'static str {
    if value < 0.0 { "−" } else { "+" }
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
    use crate::{
        recipe::{Concept, RegionFactor},
        studio::document::regions::labels::tests::tokens,
    };

    fn named(now: &Recipe, then: Option<&Recipe>) -> String {
        let track = |recipe: &Recipe| Track { tokens: tokens("a cat"), ..Track::new(recipe.clone()) };
        name(&track(now), then.map(track).as_ref())
    }

    #[test]
    fn the_name_says_what_changed() {
        let base = Recipe { prompt: "a cat".into(), ..Recipe::default() };
        assert_eq!(named(&base, None), "a cat");
        assert_eq!(named(&base, Some(&base)), "again");
        let prompt = |prompt: &str| Recipe { prompt: prompt.into(), ..base.clone() };
        assert_eq!(named(&prompt("a cat with rain"), Some(&base)), "+with rain");
        assert_eq!(named(&prompt("a"), Some(&base)), "−cat");
        assert_eq!(named(&prompt("a dog"), Some(&base)), "+dog −cat");
        assert_eq!(named(&prompt("two dogs"), Some(&base)), "two dogs");
        let seed = Recipe { seed: 8, ..base.clone() };
        assert_eq!(named(&seed, Some(&base)), "seed 8");
        let concept = Concept { text: "night".into(), strength: -2.5, ..Concept::default() };
        let night = Recipe { concepts: vec![concept], ..base.clone() };
        assert_eq!(named(&night, Some(&base)), "night −2.5");
        assert_eq!(named(&base, Some(&night)), "no night");
        let group = crate::recipe::RegionGroup { positions: vec![1, 2], name: String::new() };
        assert_eq!(named(&Recipe { groups: vec![group], ..base.clone() }, Some(&base)), "regions");
        let strong = Recipe { regions: vec![RegionFactor { position: 2, factor: 1.8 }], ..base.clone() };
        assert_eq!(named(&strong, Some(&base)), "cat ×1.8");
        assert_eq!(named(&base, Some(&strong)), "cat ×1");
        assert_eq!(named(&Recipe { cfg: 10.0, ..base.clone() }, Some(&base)), "cfg 10");
        assert_eq!(named(&Recipe { cfg: 7.5, seed: 4, ..base.clone() }, Some(&base)), "seed 4, cfg 7.5");
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let long = Recipe { prompt: "ünïcödé everywhere and then some more".into(), ..Recipe::default() };
        let given = named(&long, None);
        assert!(given.ends_with('…') && given.chars().count() <= LONGEST, "{given}");
    }
}

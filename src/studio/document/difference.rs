//! How two recipes differ, in words.

use std::path::Path;

use super::track::Track;
use crate::{
    engine::{Token, TokenKind},
    recipe::{Concept, Fusion, FusionRule, Key, Recipe},
};

/// One side of a comparison: its recipe, and the tokens that its regions are named by.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    recipe: &'a Recipe,
    tokens: &'a [Token],
}

impl<'a> From<&'a Track> for Side<'a> {
    fn from(track: &'a Track) -> Self {
        Self { recipe: &track.recipe, tokens: &track.tokens }
    }
}

impl Side<'_> {
    /// A region by its word, or by its position where the tokens are not known.
    fn region(&self, position: usize) -> String {
        match self.tokens.iter().find(|t| t.position == position && t.kind == TokenKind::Word) {
            Some(token) => token.text.trim().to_owned(),
            None => format!("token {position}"),
        }
    }
}

/// Collects differences: name, A's value, B's value.
#[derive(Default)]
struct RecipeDiff(Vec<String>);

impl RecipeDiff {
    fn push(&mut self, name: &str, a: String, b: String) {
        if a != b {
            self.0.push(format!("{name} {a} → {b}"));
        }
    }

    /// As [`Self::push`], with the text made from each side.
    fn each<T: ?Sized>(&mut self, name: &str, a: &T, b: &T, text: impl Fn(&T) -> String) {
        self.push(name, text(a), text(b));
    }
}

fn quoted(text: &str) -> String {
    if text.trim().is_empty() { "none".to_owned() } else { format!("\"{}\"", text.trim()) }
}

fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// Every setting that differs: "S-CFG off → on", "sunglasses +9.0 → -5.0".
pub fn settings(a: Side<'_>, b: Side<'_>) -> Vec<String> {
    let mut list = RecipeDiff::default();
    let (x, y) = (a.recipe, b.recipe);
    list.each("prompt", x, y, |r| quoted(&r.prompt));
    list.each("negative", x, y, |r| quoted(&r.negative));
    list.each("model", x, y, |r| r.model.title());
    list.each("LoRA", x, y, loras);
    list.each("VAE", x, y, |r| r.vae.as_deref().map_or("its own".to_owned(), file_name));
    list.each("embeddings", x, y, |r| {
        let names: Vec<String> = r.embeddings.iter().map(|path| file_name(path)).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    });
    list.each("profile", x, y, |r| r.profile.title().into());
    list.each("scale", x, y, |r| format!("{:.1}{}", r.cfg, keys(&r.cfg_keys)));
    list.each("guided steps", x, y, |r| {
        r.guidance_interval.map_or("all".to_owned(), |steps| format!("{} to {}", steps.from + 1, steps.until))
    });
    list.each("adaptive guidance", x, y, |r| {
        r.adaptive_guidance.map_or("off".to_owned(), |cosine| format!("{cosine:.3}"))
    });
    list.each("S-CFG", x, y, |r| switch(r.scfg.enabled));
    if x.scfg.enabled && y.scfg.enabled {
        list.each("S-CFG rate between", x, y, |r| format!("{} and {}", r.scfg.rate_min, r.scfg.rate_max));
        list.each("S-CFG scale at most", x, y, |r| r.scfg.scale_cap.to_string());
    }
    list.push("region factors", factors(a), factors(b));
    regions(&mut list, a, b);
    for text in texts(x, y) {
        list.push(text, concept(a, text), concept(b, text));
    }
    fusion(&mut list, x, y);
    list.each("momentum", x, y, |r| format!("{:.2} β {:.2}", r.momentum.scale, r.momentum.beta));
    list.each("seed", x, y, |r| r.seed.to_string());
    list.each("steps", x, y, |r| r.steps.to_string());
    list.each("sampler", x, y, |r| r.sampler.title().into());
    list.each("schedule", x, y, |r| r.schedule.title().into());
    sampling_options(&mut list, x, y);
    list.each("size", x, y, |r| format!("{}×{}", r.width, r.height));
    list.0
}

/// Options of sampler and schedule, and how texts are read.
fn sampling_options(list: &mut RecipeDiff, x: &Recipe, y: &Recipe) {
    let shown = |value: Option<f32>| value.map_or("as usual".to_owned(), |value| value.to_string());
    list.each("conventions", x, y, |r| r.convention.title().into());
    list.each("eta", x, y, |r| shown(r.eta));
    list.each("s-noise", x, y, |r| shown(r.s_noise));
    list.each("s-churn", x, y, |r| shown(r.s_churn));
    list.each("rho", x, y, |r| shown(r.rho));
    list.each("smallest sigma", x, y, |r| shown(r.sigma_min));
    list.each("largest sigma", x, y, |r| shown(r.sigma_max));
    list.each("prompt syntax", x, y, |r| r.prompt_syntax.title().into());
    list.each("emphasis", x, y, |r| r.emphasis.title().into());
    list.each("clip skip", x, y, |r| r.clip_skip.map_or("as usual".to_owned(), |skip| skip.to_string()));
}

/// "cat ×1.50, beach ×0.50".
fn factors(side: Side<'_>) -> String {
    let other = side.recipe.regions.iter().filter(|r| r.factor != 1.0);
    let all: Vec<String> = other.map(|r| format!("{} ×{:.2}", side.region(r.position), r.factor)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn fusion(list: &mut RecipeDiff, a: &Recipe, b: &Recipe) {
    list.each("fusion", a, b, |r| switch(r.active_fusion().is_some()));
    let Some((f, g)) = a.active_fusion().zip(b.active_fusion()) else { return };
    list.each("fusion rule", f, g, |f| rule(f).into());
    // Settings that a rule does not use make no difference.
    let uses = |rule| f.rule == rule && g.rule == rule;
    if [f, g].iter().all(|f| f.rule != FusionRule::General) {
        list.each("expert", f, g, |f| f.expert.title());
        list.each("expert prompt", f, g, |f| quoted(f.prompt.as_deref().unwrap_or("")));
    }
    if uses(FusionRule::Saliency) {
        list.each("sharpness of general / expert", f, g, |f| format!("{:.2} / {:.2}", f.k_g, f.k_e));
    }
    if f.has_window() && g.has_window() {
        list.each("fused steps", f, g, |f| f.mode.title().replace("T0", &format!("{:.0}", f.t0)));
    }
    if uses(FusionRule::Weighted) {
        list.each("expert's share", f, g, |f| format!("{:.0} %", 100.0 * f.weight));
    }
    if uses(FusionRule::Mask) && f.mask != g.mask {
        list.0.push("another mask".into());
    }
}

/// A fusion's rule in words.
pub fn rule(fusion: &Fusion) -> &'static str {
    match fusion.rule {
        FusionRule::Saliency => "saliency",
        FusionRule::General => "general model only",
        FusionRule::Expert => "expert only",
        FusionRule::Mask => "given mask",
        FusionRule::Weighted => "weighted sum",
    }
}

/// Merged words, what is painted, and regions with a model of their own.
fn regions(list: &mut RecipeDiff, a: Side<'_>, b: Side<'_>) {
    list.push("merged regions", merged(a), merged(b));
    let fusion = |side: Side<'_>| side.recipe.active_fusion().map(Fusion::normalized).unwrap_or_default();
    let (f, g) = (fusion(a), fusion(b));
    list.push("drawn by", owners(a, &f), owners(b, &g));
    let painted = [
        ("painted regions", a.recipe.painted == b.recipe.painted),
        ("painted factor", a.recipe.painted_factor == b.recipe.painted_factor),
        ("painted bias", f.bias == g.bias),
    ];
    list.0.extend(painted.iter().filter(|(_, same)| !same).map(|(name, _)| format!("{name} differs")));
}

/// "red balloon, big cat".
fn merged(side: Side<'_>) -> String {
    let words = |positions: &[usize]| positions.iter().map(|&p| side.region(p)).collect::<Vec<_>>().join(" ");
    let several = side.recipe.groups.iter().filter(|group| group.positions.len() > 1);
    let all: Vec<String> = several.map(|group| words(&group.positions)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// "cat expert", or saliency everywhere.
fn owners(side: Side<'_>, fusion: &Fusion) -> String {
    let all: Vec<String> = fusion.owners.iter().map(|o| format!("{} {}", side.region(o.position), o.owner)).collect();
    if all.is_empty() { "saliency".into() } else { all.join(", ") }
}

/// The texts of all active concepts of both, once each, in order.
fn texts<'a>(a: &'a Recipe, b: &'a Recipe) -> Vec<&'a str> {
    let mut texts = Vec::new();
    for text in a.active_concepts().chain(b.active_concepts()).map(|c| c.text.trim()) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

/// A concept's settings in short: strength first, then only what differs from the default.
fn concept(side: Side<'_>, text: &str) -> String {
    let Some(c) = side.recipe.active_concepts().find(|c| c.text.trim() == text) else { return "none".into() };
    let usual = Concept::default();
    let mut said = format!("{:+.1}{}", c.strength, keys(&c.keys));
    if c.threshold != usual.threshold {
        said += &format!(" top {:.0} %", 100.0 * (1.0 - c.threshold));
    }
    said += &format!(" from {}", c.warmup + 1);
    if let Some(end) = c.cooldown {
        said += &format!(" to {end}");
    }
    if c.weight != usual.weight {
        said += &format!(" weight {:.2}", c.weight);
    }
    if !c.lock.is_empty() {
        let regions: Vec<String> = c.lock.iter().map(|&position| side.region(position)).collect();
        said += &format!(" only on {}", regions.join(" and "));
    }
    said
}

/// Factors over the steps, counted from 1: " (step 1 ×0.50, step 11 ×1.00)".
fn keys(keys: &[Key]) -> String {
    let each: Vec<String> = keys.iter().map(|key| format!("step {} ×{:.2}", key.step + 1, key.factor)).collect();
    if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The LoRAs that change something, each with its weight.
fn loras(recipe: &Recipe) -> String {
    let all: Vec<String> = recipe.active_loras().map(|lora| format!("{} {:.2}", lora.title(), lora.weight)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{RegionFactor, Scfg};

    fn told(a: &Recipe, b: &Recipe) -> Vec<String> {
        let token = |(at, text): (usize, &str)| Token { position: at + 1, text: text.into(), kind: TokenKind::Word };
        let tokens: Vec<Token> = ["a", "cat", "beach"].into_iter().enumerate().map(token).collect();
        settings(Side { recipe: a, tokens: &tokens }, Side { recipe: b, tokens: &tokens })
    }

    #[test]
    fn only_what_differs_is_told() {
        let hat = Concept { text: "hat".into(), strength: 9.0, warmup: 3, ..Concept::default() };
        let a = Recipe { concepts: vec![hat.clone()], ..Recipe::default() };
        let mut b = a.clone();
        assert_eq!(told(&a, &b), Vec::<String>::new());
        b.scfg.enabled = true;
        b.concepts[0].strength = -5.0;
        assert_eq!(told(&a, &b), ["S-CFG off → on", "hat +9.0 from 4 → -5.0 from 4"]);
        b.concepts[0].keys = vec![Key { step: 0, factor: 0.5 }, Key { step: 9, factor: 2.0 }];
        assert_eq!(told(&a, &b)[1], "hat +9.0 from 4 → -5.0 (step 1 ×0.50, step 10 ×2.00) from 4");
        b.concepts[0].enabled = false;
        assert_eq!(told(&a, &b)[1], "hat +9.0 from 4 → none");
    }

    #[test]
    fn regions_and_fusion_are_told_in_words() {
        let factor = |position, factor| RegionFactor { position, factor };
        let scfg = Scfg { enabled: true, ..Scfg::default() };
        let hat = Concept { text: "hat".into(), lock: vec![2, 9], ..Concept::default() };
        let a = Recipe { scfg, fusion: Some(Fusion::default()), concepts: vec![hat.clone()], ..Recipe::default() };
        let mut b = a.clone();
        b.regions = vec![factor(2, 1.5), factor(3, 0.5), factor(1, 1.0)];
        b.concepts[0].lock.clear();
        b.scfg.rate_max = 2.0;
        b.fusion = Some(Fusion { rule: FusionRule::Weighted, weight: 0.3, t0: 250.0, ..Fusion::default() });
        let want = [
            "S-CFG rate between 0.8 and 3 → 0.8 and 2",
            "region factors none → cat ×1.50, beach ×0.50",
            "hat +5.0 from 11 only on cat and token 9 → +5.0 from 11",
            "fusion rule saliency → weighted sum",
            "fused steps Early steps (t > 600) → Early steps (t > 250)",
        ];
        assert_eq!(told(&a, &b), want);
        let mut c = b.clone();
        c.fusion = Some(Fusion { rule: FusionRule::Weighted, weight: 0.5, k_e: 3.0, t0: 250.0, ..Fusion::default() });
        assert_eq!(told(&b, &c), ["expert's share 30 % → 50 %"]);
        b = Recipe {
            fusion: Some(Fusion { rule: FusionRule::Expert, k_g: 3.0, t0: 1.0, ..Fusion::default() }),
            ..a.clone()
        };
        assert_eq!(told(&a, &b), ["fusion rule saliency → expert only"]);
    }
}

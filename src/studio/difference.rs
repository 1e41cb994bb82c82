//! What two recipes differ in, in words, and what two pictures differ by, in numbers.

use crate::{
    field::Picture,
    recipe::{Concept, Fusion, Recipe},
};

/// Every setting that differs: "S-CFG off → on", "sunglasses +9.0 → -5.0".
pub fn settings(a: &Recipe, b: &Recipe) -> Vec<String> {
    let mut list = Vec::new();
    let mut tell = |name: &str, a: String, b: String| {
        if a != b {
            list.push(format!("{name} {a} → {b}"));
        }
    };
    let quoted = |text: &str| if text.trim().is_empty() { "none".to_owned() } else { format!("\"{}\"", text.trim()) };
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    tell("prompt", quoted(&a.prompt), quoted(&b.prompt));
    tell("negative", quoted(&a.negative), quoted(&b.negative));
    tell("model", a.model.title(), b.model.title());
    tell("profile", a.profile.title().into(), b.profile.title().into());
    tell("scale", format!("{:.1}", a.cfg), format!("{:.1}", b.cfg));
    tell("S-CFG", switch(a.scfg.enabled), switch(b.scfg.enabled));
    if a.scfg.enabled && b.scfg.enabled {
        let clamp = |r: &Recipe| format!("{}–{}, cap {}", r.scfg.rate_min, r.scfg.rate_max, r.scfg.scale_cap);
        tell("rate clamp", clamp(a), clamp(b));
    }
    let factors = |r: &Recipe| {
        let all: Vec<String> = r.regions.iter().map(|f| format!("token {} ×{:.2}", f.position, f.factor)).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    tell("region factors", factors(a), factors(b));
    let merged = |r: &Recipe| {
        let several = r.groups.iter().filter(|group| group.positions.len() > 1);
        let all: Vec<String> = several.map(|group| format!("tokens {:?}", group.positions)).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    tell("merged regions", merged(a), merged(b));
    let texts: Vec<&str> = texts(a, b);
    for text in texts {
        tell(text, concept(a, text), concept(b, text));
    }
    tell("fusion", switch(a.active_fusion().is_some()), switch(b.active_fusion().is_some()));
    if let Some((f, g)) = a.active_fusion().zip(b.active_fusion()) {
        tell("expert", f.expert.title(), g.expert.title());
        tell("expert prompt", quoted(f.prompt.as_deref().unwrap_or("")), quoted(g.prompt.as_deref().unwrap_or("")));
        tell("sharpness", format!("{:.2}/{:.2}", f.k_g, f.k_e), format!("{:.2}/{:.2}", g.k_g, g.k_e));
        tell("acts on", f.mode.title().into(), g.mode.title().into());
        tell("T0", format!("{:.0}", f.t0), format!("{:.0}", g.t0));
        tell("drawn by", owners(f), owners(g));
    }
    let momentum = |r: &Recipe| format!("{:.2} β {:.2}", r.momentum.scale, r.momentum.beta);
    tell("momentum", momentum(a), momentum(b));
    tell("seed", a.seed.to_string(), b.seed.to_string());
    tell("steps", a.steps.to_string(), b.steps.to_string());
    tell("sampler", a.sampler.title().into(), b.sampler.title().into());
    tell("schedule", a.schedule.title().into(), b.schedule.title().into());
    tell("size", format!("{}×{}", a.width, a.height), format!("{}×{}", b.width, b.height));
    let bias = |r: &Recipe| r.active_fusion().map(|f| f.bias.clone()).unwrap_or_default();
    let painted = [
        ("painted regions", a.painted == b.painted),
        ("painted factor", a.painted_factor == b.painted_factor),
        ("painted bias", bias(a) == bias(b)),
    ];
    list.extend(painted.iter().filter(|(_, same)| !same).map(|(name, _)| format!("{name} differs")));
    list
}

/// Regions with a model of their own.
fn owners(fusion: &Fusion) -> String {
    let all: Vec<String> = fusion.owners.iter().map(|o| format!("token {} {}", o.position, o.owner)).collect();
    if all.is_empty() { "contest".into() } else { all.join(", ") }
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

/// A concept's settings in short: strength first, then only what is not as usual.
fn concept(recipe: &Recipe, text: &str) -> String {
    let Some(c) = recipe.active_concepts().find(|c| c.text.trim() == text) else { return "none".into() };
    let usual = Concept::default();
    let mut said = format!("{:+.1}", c.signed_scale());
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
        said += " locked";
    }
    said
}

/// The mean and the largest difference of two pictures' colours, of 255; nothing for pictures of different sizes.
pub fn pictures(a: &Picture, b: &Picture) -> Option<(f32, u8)> {
    if (a.width, a.height) != (b.width, b.height) || a.rgb.is_empty() {
        return None;
    }
    let each = a.rgb.iter().zip(&b.rgb).map(|(&x, &y)| x.abs_diff(y));
    let (sum, most) = each.fold((0_u64, 0), |(sum, most), d| (sum + u64::from(d), d.max(most)));
    Some((sum as f32 / a.rgb.len() as f32, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let hat = Concept { text: "hat".into(), scale: 9.0, warmup: 3, ..Concept::default() };
        let a = Recipe { concepts: vec![hat.clone()], ..Recipe::default() };
        let mut b = a.clone();
        assert_eq!(settings(&a, &b), Vec::<String>::new());
        b.scfg.enabled = true;
        b.concepts[0].scale = -5.0;
        assert_eq!(settings(&a, &b), ["S-CFG off → on", "hat +9.0 from 4 → -5.0 from 4"]);
        b.concepts[0].enabled = false;
        assert_eq!(settings(&a, &b)[1], "hat +9.0 from 4 → none");
    }

    #[test]
    fn pictures_differ_by_a_mean_and_a_most() {
        let picture = |rgb: [u8; 6]| Picture { width: 2, height: 1, rgb: rgb.to_vec() };
        let (a, b) = (picture([0, 0, 0, 10, 10, 10]), picture([6, 0, 0, 10, 10, 4]));
        assert_eq!(pictures(&a, &b), Some((2.0, 6)));
        assert_eq!(pictures(&a, &Picture { width: 1, height: 1, rgb: vec![0; 3] }), None);
    }
}

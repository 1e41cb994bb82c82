//! Made-up runs for tests of the window: gradients for pictures, blocks for maps. No model is involved.

use std::{sync::Arc, time::Duration};

use sextant::{
    engine::{
        ConceptReport, FusionReport, Ledger, Norms, Pull, RenderResult, ScfgReport, Spread, StepReport, Token,
        TokenKind,
    },
    recipe::Recipe,
    tensor::{Picture, Plane},
};

/// Side of the latent grid.
pub const GRID: usize = 24;

/// The prompt's words as tokens, with start, end and some padding.
pub fn tokens(prompt: &str) -> Arc<Vec<Token>> {
    let token = |position, text: &str, kind| Token { position, text: text.into(), kind };
    let mut all = vec![token(0, "", TokenKind::Start)];
    for word in prompt.split_whitespace() {
        all.push(token(all.len(), word, TokenKind::Word));
    }
    all.push(token(all.len(), "", TokenKind::End));
    while all.len() < 32 {
        all.push(token(all.len(), "", TokenKind::Padding));
    }
    Arc::new(all)
}

/// A gradient whose tint depends on `seed`, noisier the smaller `clarity` (0 to 1) is.
pub fn picture(seed: u64, clarity: f32) -> Picture {
    let side = 8 * GRID;
    let mut rgb = Vec::with_capacity(3 * side * side);
    for y in 0..side {
        for x in 0..side {
            let (column, row) = (x / 8, y / 8);
            let noise = ((column * 7919 + row * 104_729 + seed as usize * 31) % 251) as f32 - 125.0;
            let base = [x as f32 * 255.0 / side as f32, y as f32 * 255.0 / side as f32, (seed * 53 % 256) as f32];
            rgb.extend(base.map(|v| (v + noise * (1.0 - clarity)).clamp(0.0, 255.0) as u8));
        }
    }
    Picture { width: side, height: side, rgb }
}

fn map(f: impl Fn(f32, f32) -> f32) -> Plane {
    let at = |i: usize| (i as f32 + 0.5) / GRID as f32;
    let values = (0..GRID * GRID).map(|i| f(at(i % GRID), at(i / GRID))).collect();
    Plane::new(GRID, GRID, values)
}

fn bump(x: f32, y: f32, cx: f32, cy: f32, r: f32) -> f32 {
    (-((x - cx).powi(2) + (y - cy).powi(2)) / (r * r)).exp()
}

/// Who owns what: word 2 lower left, word 6 upper right, word 9 at the bottom, the start token above.
pub fn region() -> Plane<u16> {
    map(|x, y| match () {
        () if bump(x, y, 0.3, 0.68, 0.28) > 0.45 => 2.0,
        () if bump(x, y, 0.76, 0.36, 0.22) > 0.45 => 6.0,
        () if y > 0.62 => 9.0,
        () if y < 0.45 => 11.0,
        () => 0.0,
    })
    .map(|v| v as u16)
}

fn scfg() -> ScfgReport {
    let region = region();
    let mut shares: Vec<(usize, f32)> = [0, 2, 6, 9, 11]
        .into_iter()
        .map(|p| (p, region.values.iter().filter(|&&v| usize::from(v) == p).count() as f32 / (GRID * GRID) as f32))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rate = region.map(|p| match p {
        2 => 1.34,
        6 => 1.6,
        9 => 0.9,
        11 => 0.8,
        _ => 1.0,
    });
    // Every word has most of the attention where it owns the picture.
    let attention = (0..32).map(|p| region.map(|owner| if usize::from(owner) == p { 0.69 } else { 0.01 })).collect();
    ScfgReport { attention, foreground: region.map(|p| u8::from(p != 0)), region, rate, shares }
}

fn concepts(recipe: &Recipe, step: usize) -> Vec<Arc<ConceptReport>> {
    let report = |(k, concept): (usize, &sextant::recipe::Concept)| {
        let (cx, cy) = if k == 0 { (0.3, 0.58) } else { (0.6, 0.75) };
        let magnitude = map(|x, y| bump(x, y, cx, cy, 0.2) + 0.15 * bump(x, y, 0.75, 0.3, 0.1));
        let mask = magnitude.map(|v| f32::from(u8::from(v > 0.55)));
        let share = mask.mean();
        let active = step >= concept.warmup && concept.cooldown.is_none_or(|end| step < end);
        Arc::new(ConceptReport {
            id: concept.id,
            text: concept.text.clone(),
            active,
            magnitude,
            mask,
            share,
            norm: 3.0 + k as f32,
        })
    };
    recipe.active_concepts().enumerate().map(report).collect()
}

fn fusion() -> FusionReport {
    let saliency_general = map(|x, y| bump(x, y, 0.76, 0.36, 0.3));
    let saliency_expert = map(|x, y| bump(x, y, 0.35, 0.7, 0.4));
    let wins = saliency_general.values.iter().zip(&saliency_expert.values).map(|(g, e)| u8::from(e > g));
    let mask = Plane::new(GRID, GRID, wins.collect());
    let share = mask.values.iter().map(|&v| f32::from(v)).sum::<f32>() / (GRID * GRID) as f32;
    FusionReport { active: true, saliency_general, saliency_expert, mask, share }
}

/// Momentum that gathers; all concepts have the same direction, slightly against the prompt.
fn ledger(recipe: &Recipe, t: f32) -> Ledger {
    let count = recipe.active_concepts().count();
    let pull = |k: usize| Pull {
        momentum: t * (1.0 + k as f32),
        with_prompt: Some(-0.2),
        with: (0..count).map(|other| Some(if other == k { 1.0 } else { 0.83 })).collect(),
    };
    let rate = recipe.scfg.enabled.then_some(Spread { low: 0.8, mean: 1.1 + 0.1 * t, high: 1.6 });
    Ledger { rate, concepts: (0..count).map(pull).collect() }
}

/// A step of a run of `recipe` that shows `preview`.
pub fn report(recipe: &Recipe, step: usize, preview: Arc<Picture>) -> Arc<StepReport> {
    let t = step as f32 / recipe.steps as f32;
    Arc::new(StepReport {
        approximate: false,
        evaluations: 2,
        step,
        calls: recipe.steps,
        timestep: 951.0 - 950.0 * t,
        sigma: 14.0 * (1.0 - t),
        preview,
        scfg: recipe.scfg.enabled.then(|| Arc::new(scfg())),
        concepts: concepts(recipe, step),
        fusion: recipe.active_fusion().map(|_| Arc::new(fusion())),
        norms: Norms { guidance: 9.0 - 6.0 * t, sega: 4.0 * (t * 3.1).sin().abs(), guided: 41.0 - 4.0 * t },
        ledger: ledger(recipe, t),
        elapsed: Duration::from_millis(41),
    })
}

/// A whole run.
pub fn finished(recipe: &Recipe) -> Arc<RenderResult> {
    let previews = (0..recipe.steps).map(|step| picture(recipe.seed, step as f32 / recipe.steps as f32));
    finished_with(recipe, previews.map(Arc::new).collect(), Arc::new(picture(recipe.seed, 1.0)))
}

/// A whole run with given pictures.
pub fn finished_with(recipe: &Recipe, previews: Vec<Arc<Picture>>, picture: Arc<Picture>) -> Arc<RenderResult> {
    let reports = previews.into_iter().enumerate().map(|(step, preview)| report(recipe, step, preview)).collect();
    Arc::new(RenderResult {
        recipe: recipe.clone(),
        picture,
        reports,
        elapsed: Duration::from_millis(41 * recipe.steps as u64),
        branch_evaluations: 4 * recipe.steps,
        fingerprint: Arc::default(),
    })
}

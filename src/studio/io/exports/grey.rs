//! The maps of a step as 16-bit grey pictures, with a sheet that says what their values mean.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    engine::{StepReport, Token},
    recipe::Recipe,
    session::encode_grey16,
    studio::{document::track::Track, io::steps::kind_name},
    tensor::Plane,
};

/// The greatest grey value.
const WHITE: f32 = u16::MAX as f32;

/// A step with what it takes to say what its maps mean.
pub struct GreyMaps {
    recipe: Recipe,
    tokens: Arc<Vec<Token>>,
    report: Arc<StepReport>,
}

/// A map to be written.
struct Map {
    name: String,
    what: String,
    unit: &'static str,
    plane: Plane,
    /// The values of black and white, where they are fixed; else the smallest and the largest that occur.
    range: Option<[f32; 2]>,
}

/// The sheet: `step-NNN-maps.json`.
#[derive(Serialize)]
struct Sheet<'a> {
    program: String,
    /// Index of the U-Net call, from 0, as in a trace.
    step: usize,
    calls: usize,
    timestep: f32,
    sigma: f32,
    prompt: &'a str,
    seed: u64,
    /// Pixels of the picture that the maps lie over: an element of a map covers a block of them.
    picture: Size,
    tokens: Vec<TokenEntry<'a>>,
    maps: Vec<Entry>,
}

#[derive(Serialize)]
struct Size {
    width: usize,
    height: usize,
}

#[derive(Serialize)]
struct TokenEntry<'a> {
    position: usize,
    kind: &'static str,
    text: &'a str,
    /// Share of the elements that it owns.
    share: f32,
}

impl<'a> TokenEntry<'a> {
    fn new(token: &'a Token, share: f32) -> Self {
        Self { position: token.position, kind: kind_name(token.kind), text: token.text.trim(), share }
    }
}

/// One map.
#[derive(Serialize)]
struct Entry {
    file: String,
    /// The array's name in a trace or a safetensors export.
    name: String,
    what: String,
    unit: &'static str,
    /// What runs down and what across, first row at the top.
    axes: [&'static str; 2],
    shape: [usize; 2],
    /// A value is `low + (high - low) * grey / 65535`.
    low: f32,
    high: f32,
}

impl GreyMaps {
    pub fn new(track: &Track, report: Arc<StepReport>) -> Self {
        Self { recipe: track.recipe.clone(), tokens: track.tokens.clone(), report }
    }

    /// The pictures and their sheet, each with its file name.
    ///
    /// # Errors
    /// A sentence for people, when a map cannot be put into a PNG.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let (mut files, mut entries) = (Vec::new(), Vec::new());
        for Map { name, what, unit, plane, range } in self.maps() {
            let [low, high] = range.unwrap_or_else(|| span(&plane));
            let grey = plane.map(|value| grey(value, low, high));
            let file = format!("step-{:03}-{}.png", self.report.step + 1, name.replace('.', "-"));
            files.push((file.clone(), encode_grey16(&grey).map_err(|e| e.to_string())?));
            let name = format!("step.{:03}.{name}", self.report.step);
            let shape = [plane.height, plane.width];
            entries.push(Entry { file, name, what, unit, axes: ["y", "x"], shape, low, high });
        }
        let sheet = serde_json::to_vec_pretty(&self.sheet(entries)).map_err(|e| e.to_string())?;
        files.push((format!("step-{:03}-maps.json", self.report.step + 1), sheet));
        Ok(files)
    }

    /// Every map that the step has.
    fn maps(&self) -> Vec<Map> {
        const WHOLE: Option<[f32; 2]> = Some([0.0, WHITE]);
        const SHARE: Option<[f32; 2]> = Some([0.0, 1.0]);
        let mut maps = Vec::new();
        let mut put = |name: &str, what: &str, unit, plane, range| {
            maps.push(Map { name: name.to_owned(), what: what.to_owned(), unit, plane, range });
        };
        if let Some(scfg) = &self.report.scfg {
            let region = scfg.region.map(f32::from);
            put("scfg.region", "S-CFG: the token whose region the element is in", "token position", region, WHOLE);
            let foreground = scfg.foreground.map(f32::from);
            put("scfg.foreground", "S-CFG: whether the element is foreground", "0 or 1", foreground, SHARE);
            put("scfg.rate", "S-CFG: what the guidance scale is multiplied by", "factor", scfg.rate.clone(), None);
        }
        for (k, concept) in self.report.concepts.iter().enumerate() {
            let what = format!("SEGA: channel norm of the direction of \"{}\", before its threshold", concept.text);
            put(&format!("sega.magnitude.{k}"), &what, "norm of predicted noise", concept.magnitude.clone(), None);
            let what = format!("SEGA: share of the channels that \"{}\" touches", concept.text);
            put(&format!("sega.touched.{k}"), &what, "share", concept.mask.clone(), SHARE);
        }
        if let Some(fusion) = self.report.fusion.as_ref().filter(|fusion| fusion.active) {
            let (general, expert) = (fusion.saliency_general.clone(), fusion.saliency_expert.clone());
            put("snb.saliency_general", "SNB: saliency of the general model", "saliency", general, None);
            put("snb.saliency_expert", "SNB: saliency of the expert", "saliency", expert, None);
            put("snb.mask", "SNB: 1 where the expert draws", "0 or 1", fusion.mask.map(f32::from), SHARE);
        }
        maps
    }

    fn sheet(&self, maps: Vec<Entry>) -> Sheet<'_> {
        let report = &self.report;
        let shares = report.scfg.as_ref().map_or(&[][..], |scfg| &scfg.shares);
        let share = |position| shares.iter().find(|(p, _)| *p == position).map_or(0.0, |(_, share)| *share);
        Sheet {
            program: format!("sextant {}", env!("CARGO_PKG_VERSION")),
            step: report.step,
            calls: report.calls,
            timestep: report.timestep,
            sigma: report.sigma,
            prompt: &self.recipe.prompt,
            seed: self.recipe.seed,
            picture: Size { width: self.recipe.width, height: self.recipe.height },
            tokens: self.tokens.iter().map(|token| TokenEntry::new(token, share(token.position))).collect(),
            maps,
        }
    }
}

/// From the smallest to the largest value, never empty.
fn span(plane: &Plane) -> [f32; 2] {
    let low = plane.values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = plane.max();
    if high > low { [low, high] } else { [low, low + 1.0] }
}

fn grey(value: f32, low: f32, high: f32) -> u16 {
    ((value - low) / (high - low) * WHITE).round().clamp(0.0, WHITE) as u16
}

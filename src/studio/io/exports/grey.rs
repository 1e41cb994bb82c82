//! The maps of a step as 16-bit grey pictures, with a sheet that says what their values mean.
//!
//! Apart from coloured maps because these are for measuring, not for looking at.

use std::sync::Arc;

use serde::Serialize;

use crate::{
    engine::{StepReport, Token},
    recipe::Recipe,
    session::encode_grey16,
    studio::document::track::Track,
    tensor::{
        Plane,
        maps::{ArrayInfo, Range, StepArray, StepKeys},
    },
};

/// The greatest grey value.
const WHITE: f32 = u16::MAX as f32;

/// A step with everything that its sheet needs.
pub struct GreyMaps {
    recipe: Recipe,
    tokens: Arc<Vec<Token>>,
    report: Arc<StepReport>,
}

/// A map to be written.
struct Map {
    info: &'static ArrayInfo,
    /// Index and text of the concept that has it.
    concept: Option<(usize, String)>,
    plane: Plane,
}

impl Map {
    fn of(array: StepArray, plane: Plane) -> Self {
        Self { info: array.info(), concept: None, plane }
    }

    /// The map's name in a trace, without the step.
    fn name(&self) -> String {
        self.info.key(self.concept.as_ref().map(|(k, _)| *k))
    }

    fn meaning(&self) -> String {
        match &self.concept {
            Some((_, text)) => format!("\"{text}\": {}", self.info.meaning),
            None => self.info.meaning.to_owned(),
        }
    }

    /// The values of black and white: fixed ones, or the smallest and the largest that occur.
    fn bounds(&self) -> [f32; 2] {
        match self.info.range {
            Range::Fixed(low, high) => [low, high],
            _ => span(&self.plane),
        }
    }
}

/// The sheet: `step-NNN-maps.json`.
#[derive(Serialize)]
struct Sheet<'a> {
    program: String,
    /// Index of the denoiser's call, from 0, as in a trace.
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
        Self { position: token.position, kind: token.kind.name(), text: token.text.trim(), share }
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
    /// A sentence for the user, when a map cannot be put into a PNG.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let (mut files, mut entries) = (Vec::new(), Vec::new());
        for map in self.maps() {
            let ([low, high], name) = (map.bounds(), map.name());
            let grey = map.plane.map(|value| grey(value, low, high));
            let file = format!("step-{:03}-{}.png", self.report.step + 1, name.replace('.', "-"));
            files.push((file.clone(), encode_grey16(&grey).map_err(|e| e.to_string())?));
            let name = StepKeys::new(self.report.step).named(&name);
            let shape = [map.plane.height, map.plane.width];
            let (what, unit) = (map.meaning(), map.info.unit);
            entries.push(Entry { file, name, what, unit, axes: ["y", "x"], shape, low, high });
        }
        let sheet = serde_json::to_vec_pretty(&self.sheet(entries)).map_err(|e| e.to_string())?;
        files.push((format!("step-{:03}-maps.json", self.report.step + 1), sheet));
        Ok(files)
    }

    /// Every map that the step has.
    fn maps(&self) -> Vec<Map> {
        let mut maps = Vec::new();
        if let Some(scfg) = &self.report.scfg {
            maps.push(Map::of(StepArray::Region, scfg.region.map(f32::from)));
            maps.push(Map::of(StepArray::Foreground, scfg.foreground.map(f32::from)));
            maps.push(Map::of(StepArray::Rate, scfg.rate.clone()));
        }
        for (k, concept) in self.report.concepts.iter().enumerate() {
            let of = |array, plane: &Plane| {
                let concept = Some((k, concept.text.clone()));
                Map { concept, ..Map::of(array, plane.clone()) }
            };
            maps.push(of(StepArray::Magnitude, &concept.magnitude));
            maps.push(of(StepArray::Touched, &concept.mask));
        }
        if let Some(fusion) = self.report.fusion.as_ref().filter(|fusion| fusion.active) {
            maps.push(Map::of(StepArray::SaliencyGeneral, fusion.saliency_general.clone()));
            maps.push(Map::of(StepArray::SaliencyExpert, fusion.saliency_expert.clone()));
            maps.push(Map::of(StepArray::FusionMask, fusion.mask.map(f32::from)));
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
    let [low, high] = Range::Observed.bounds(plane);
    if high > low { [low, high] } else { [low, low + 1.0] }
}

fn grey(value: f32, low: f32, high: f32) -> u16 {
    ((value - low) / (high - low) * WHITE).round().clamp(0.0, WHITE) as u16
}

//! What can be exported besides the finished picture: the maps of a step, and the picture as it forms.

mod grey;

use std::sync::Arc;

use egui::Color32;

use super::{
    canvas::overlay::Source,
    colormap::{self, Table},
    regions::RegionLabels,
    state::{Look, Studio},
    theme,
    track::{Playhead, Track},
};
use crate::{
    engine::StepReport,
    tensor::{Picture, Plane, maps::StepArray},
};

pub use self::grey::GreyMaps;

/// How much of an outline is white.
const OUTLINE: f32 = 0.75;

/// Every map of the shown step as a picture of the shown picture's size, with its file name.
pub fn maps(studio: &Studio) -> Vec<(String, Picture)> {
    let Some(frame) = studio.shown_frame() else { return Vec::new() };
    let Some(report) = frame.report else { return Vec::new() };
    let size = [frame.picture.width, frame.picture.height];
    let names = studio.names();
    let named = |name: &str| format!("step-{:03}-{name}.png", report.step + 1);
    let mut maps = vec![(named("picture"), Picture::clone(&frame.picture))];
    let scalar = |array: StepArray, plane: &Plane| {
        let info = array.info();
        let [low, high] = info.range.bounds(plane);
        painted(&colored(plane, low, high, &colormap::table(info.palette)), size)
    };
    if let Some(scfg) = &report.scfg {
        let regions = scfg.region.map(|position| names.color(usize::from(position)));
        maps.push((named("regions"), painted(&regions, size)));
        maps.push((named("rate"), scalar(StepArray::Rate, &scfg.rate)));
    }
    for (k, concept) in report.concepts.iter().enumerate() {
        let name = |what: &str| named(&format!("concept-{}-{what}", k + 1));
        maps.push((name("magnitude"), scalar(StepArray::Magnitude, &concept.magnitude)));
        maps.push((name("mask"), scalar(StepArray::Touched, &concept.mask)));
    }
    if let Some(fusion) = &report.fusion {
        maps.push((named("saliency-general"), scalar(StepArray::SaliencyGeneral, &fusion.saliency_general)));
        maps.push((named("saliency-expert"), scalar(StepArray::SaliencyExpert, &fusion.saliency_expert)));
        let ground = |draws: u8| if draws == 0 { theme::GENERAL_GROUND } else { theme::EXPERT_GROUND };
        maps.push((named("fusion-mask"), painted(&fusion.mask.map(ground), size)));
    }
    maps
}

pub(super) fn colored(plane: &Plane, low: f32, high: f32, table: &Table) -> Plane<Color32> {
    plane.map(|value| table[colormap::index(value, low, high)])
}

/// A map texel by texel, as large as the picture.
fn painted(colors: &Plane<Color32>, [width, height]: [usize; 2]) -> Picture {
    let large = colors.resize_nearest(height, width);
    Picture { width, height, rgb: large.values.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect() }
}

/// The run step by step, all of the finished picture's size, and the finished picture; with what `look` lays over them.
pub fn frames(track: &Track, look: Option<&Look>) -> Vec<Arc<Picture>> {
    let Some(last) = track.frame(Playhead::Newest) else { return Vec::new() };
    let dressed = |picture: Arc<Picture>, report: Option<&Arc<StepReport>>| match look {
        Some(look) => Arc::new(composed(picture, report.cloned(), track, look)),
        None => picture,
    };
    let steps = track.reports.iter().flatten();
    let mut frames: Vec<_> = steps.map(|report| dressed(sized(&report.preview, &last.picture), Some(report))).collect();
    if !frames.is_empty() {
        frames.push(dressed(last.picture, last.report.as_ref()));
    }
    frames
}

/// A picture with its map over it, as the canvas draws it (`shaders/canvas.wgsl`) at one texel a pixel.
fn composed(picture: Arc<Picture>, report: Option<Arc<StepReport>>, track: &Track, look: &Look) -> Picture {
    let names = RegionLabels::of(track, &track.recipe);
    let maps = Source::new(picture.clone(), report, names, look).maps();
    let (height, width) = (picture.height, picture.width);
    let labels = maps.labels.map(|plane| plane.resize_nearest(height, width));
    let over: Option<Plane<Color32>> = match (&maps.scalar, &labels) {
        (Some(scalar), _) => {
            Some(colored(&scalar.plane, scalar.low, scalar.high, &maps.scalar_colors).resize_nearest(height, width))
        }
        (None, Some(labels)) => Some(labels.map(|label| maps.label_colors[usize::from(label)])),
        (None, None) => None,
    };
    let outline = |x: usize, y: usize| {
        let Some(labels) = labels.as_ref().filter(|_| look.outlines) else { return false };
        let here = labels.at(y, x);
        here != labels.at(y, (x + 1).min(width - 1)) || here != labels.at((y + 1).min(height - 1), x)
    };
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for (at, pixel) in picture.rgb.as_chunks::<3>().0.iter().enumerate() {
        let mut color = pixel.map(f32::from);
        if let Some(over) = &over {
            let [r, g, b, a] = over.values[at].to_srgba_unmultiplied().map(f32::from);
            color = mix(color, [r, g, b], look.opacity * a / 255.0);
        }
        if outline(at % width, at / width) {
            color = mix(color, [255.0; 3], OUTLINE);
        }
        rgb.extend(color.map(|v| v.round() as u8));
    }
    Picture { width, height, rgb }
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

/// The picture at the size of another: drafts are as small as the latents.
fn sized(picture: &Arc<Picture>, like: &Picture) -> Arc<Picture> {
    if (picture.width, picture.height) == (like.width, like.height) {
        return picture.clone();
    }
    let colors = picture.rgb.chunks_exact(3).map(|p| Color32::from_rgb(p[0], p[1], p[2])).collect();
    Arc::new(painted(&Plane::new(picture.height, picture.width, colors), [like.width, like.height]))
}

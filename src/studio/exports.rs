//! What can be exported besides the finished picture: the maps of a step, and the picture as it forms.

use std::sync::Arc;

use super::{
    canvas::overlay::{full_range, rate_scale, region_color},
    colormap::{self, Table},
    state::Studio,
    theme,
    track::Playhead,
};
use crate::field::{Picture, Plane};

/// Every map of the shown step as a picture of the shown picture's size, with its file name.
pub fn maps(studio: &Studio) -> Vec<(String, Picture)> {
    let Some(frame) = studio.shown_frame() else { return Vec::new() };
    let Some(report) = frame.report else { return Vec::new() };
    let size = [frame.picture.width, frame.picture.height];
    let tokens = studio.shown_tokens();
    let named = |name: &str| format!("step-{:03}-{name}.png", report.step + 1);
    let mut maps = vec![(named("picture"), Picture::clone(&frame.picture))];
    if let Some(scfg) = &report.scfg {
        let regions = scfg.region.map(|position| region_color(&tokens, usize::from(position)));
        maps.push((named("regions"), painted(&regions, size)));
        let scale = rate_scale(&scfg.rate);
        let table = colormap::around_one();
        maps.push((named("rate"), painted(&colored(&scale.plane, scale.low, scale.high, &table), size)));
    }
    let magma = colormap::magma();
    for (k, concept) in report.concepts.iter().enumerate() {
        let most = concept.magnitude.max().max(f32::MIN_POSITIVE);
        let magnitude = colored(&concept.magnitude, 0.0, most, &magma);
        maps.push((named(&format!("concept-{}-magnitude", k + 1)), painted(&magnitude, size)));
        let mask = colored(&concept.mask, 0.0, 1.0, &magma);
        maps.push((named(&format!("concept-{}-mask", k + 1)), painted(&mask, size)));
    }
    if let Some(fusion) = &report.fusion {
        for (name, plane) in [("general", &fusion.saliency_general), ("expert", &fusion.saliency_expert)] {
            let scale = full_range(plane);
            let map = colored(&scale.plane, scale.low, scale.high, &magma);
            maps.push((named(&format!("saliency-{name}")), painted(&map, size)));
        }
        let ground = |draws: u8| if draws == 0 { theme::GENERAL_GROUND } else { theme::EXPERT_GROUND };
        maps.push((named("territory"), painted(&fusion.mask.map(ground), size)));
    }
    maps
}

pub(super) fn colored(plane: &Plane, low: f32, high: f32, table: &Table) -> Plane<egui::Color32> {
    plane.map(|value| table[colormap::index(value, low, high)])
}

/// A map texel by texel, as large as the picture.
fn painted(colors: &Plane<egui::Color32>, [width, height]: [usize; 2]) -> Picture {
    let large = colors.resize_nearest(height, width);
    Picture { width, height, rgb: large.values.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect() }
}

/// The shown run step by step, all of the finished picture's size, and the finished picture.
pub fn frames(studio: &Studio) -> Vec<Arc<Picture>> {
    let Some(track) = studio.shown_track() else { return Vec::new() };
    let Some(last) = track.frame(Playhead::Newest).map(|frame| frame.picture) else { return Vec::new() };
    let steps = track.reports.iter().flatten().map(|report| sized(&report.preview, &last));
    let mut frames: Vec<_> = steps.collect();
    if !frames.is_empty() {
        frames.push(last);
    }
    frames
}

/// The picture at the size of another: drafts are as small as the latents.
fn sized(picture: &Arc<Picture>, like: &Picture) -> Arc<Picture> {
    if (picture.width, picture.height) == (like.width, like.height) {
        return picture.clone();
    }
    let colors = picture.rgb.chunks_exact(3).map(|p| egui::Color32::from_rgb(p[0], p[1], p[2])).collect();
    Arc::new(painted(&Plane::new(picture.height, picture.width, colors), [like.width, like.height]))
}

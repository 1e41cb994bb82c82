//! The picture as it forms, frame by frame, with or without the map that is shown over it.
//!
//! Apart from the canvas: the frames are composed on the CPU, in the thread that writes them.

use std::sync::Arc;

use egui::Color32;

use super::colours::{colored, painted};
use crate::{
    engine::StepReport,
    studio::{
        document::{
            regions::labels::RegionLabels,
            track::{Playhead, Track},
        },
        view::{maps::Source, overlay::OverlayView},
    },
    tensor::{Picture, Plane},
};

/// How much of an outline is white.
const OUTLINE: f32 = 0.75;

/// What lies over the pictures.
#[derive(Clone, Debug)]
pub struct Layer {
    pub overlay: OverlayView,
    /// The token positions of the chosen regions.
    pub chosen: Vec<usize>,
}

/// The run step by step, all of the finished picture's size, and the finished picture; with what `layer` lays over them.
pub fn frames(track: &Track, layer: Option<&Layer>) -> Vec<Arc<Picture>> {
    let Some(last) = track.frame(Playhead::Newest) else { return Vec::new() };
    let with_layer = |picture: Arc<Picture>, report: Option<&Arc<StepReport>>| match layer {
        Some(layer) => Arc::new(composed(picture, report.cloned(), track, layer)),
        None => picture,
    };
    let steps = track.reports.iter().flatten();
    let mut frames: Vec<_> =
        steps.map(|report| with_layer(sized(&report.preview, &last.picture), Some(report))).collect();
    if !frames.is_empty() {
        frames.push(with_layer(last.picture, last.report.as_ref()));
    }
    frames
}

/// A picture with its map over it, as the canvas draws it (`shaders/canvas.wgsl`) at one texel a pixel.
fn composed(picture: Arc<Picture>, report: Option<Arc<StepReport>>, track: &Track, layer: &Layer) -> Picture {
    let labels = RegionLabels::of(track, &track.recipe);
    let maps = Source::new(picture.clone(), report, labels, &layer.overlay, layer.chosen.clone()).maps();
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
        let Some(labels) = labels.as_ref().filter(|_| layer.overlay.outlines) else { return false };
        let here = labels.at(y, x);
        here != labels.at(y, (x + 1).min(width - 1)) || here != labels.at((y + 1).min(height - 1), x)
    };
    let mut rgb = Vec::with_capacity(picture.rgb.len());
    for (at, pixel) in picture.rgb.as_chunks::<3>().0.iter().enumerate() {
        let mut color = pixel.map(f32::from);
        if let Some(over) = &over {
            let [r, g, b, a] = over.values[at].to_srgba_unmultiplied().map(f32::from);
            color = mix(color, [r, g, b], layer.overlay.opacity * a / 255.0);
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

/// The picture at the size of another: approximate previews are as small as the latents.
fn sized(picture: &Arc<Picture>, like: &Picture) -> Arc<Picture> {
    if (picture.width, picture.height) == (like.width, like.height) {
        return picture.clone();
    }
    let colors = picture.rgb.chunks_exact(3).map(|p| Color32::from_rgb(p[0], p[1], p[2])).collect();
    Arc::new(painted(&Plane::new(picture.height, picture.width, colors), [like.width, like.height]))
}

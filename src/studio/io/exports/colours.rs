//! The maps of a step as coloured pictures, as on the canvas.

use egui::Color32;

use crate::{
    studio::{
        document::{regions::labels::RegionLabels, track::Frame},
        view::{
            colormap::{self, Table},
            maps::{full_range, rate_scale, region_color},
            theme,
        },
    },
    tensor::{Picture, Plane},
};

/// Every map of a step as a picture of the frame's size, with its file name.
pub fn maps(frame: &Frame, labels: &RegionLabels) -> Vec<(String, Picture)> {
    let Some(report) = &frame.report else { return Vec::new() };
    let size = [frame.picture.width, frame.picture.height];
    let named = |name: &str| format!("step-{:03}-{name}.png", report.step + 1);
    let mut maps = vec![(named("picture"), Picture::clone(&frame.picture))];
    if let Some(scfg) = &report.scfg {
        let regions = scfg.region.map(|position| region_color(labels, usize::from(position)));
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
        maps.push((named("fusion-mask"), painted(&fusion.mask.map(ground), size)));
    }
    maps
}

pub fn colored(plane: &Plane, low: f32, high: f32, table: &Table) -> Plane<Color32> {
    plane.map(|value| table[colormap::index(value, low, high)])
}

/// A map texel by texel, as large as the picture.
pub fn painted(colors: &Plane<Color32>, [width, height]: [usize; 2]) -> Picture {
    let large = colors.resize_nearest(height, width);
    Picture { width, height, rgb: large.values.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect() }
}

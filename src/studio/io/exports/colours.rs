//! The maps of a step as coloured pictures, as on the canvas.
//!
//! Apart from the canvas shader, which draws the same maps on the GPU.

use egui::Color32;

use crate::{
    studio::{
        document::{regions::labels::RegionLabels, track::Frame},
        view::{
            colormap::{self, Table},
            maps::region_color,
            theme,
        },
    },
    tensor::{Picture, Plane, maps::StepArray},
};

/// Every map of a step as a picture of the frame's size, with its file name.
pub fn maps(frame: &Frame, labels: &RegionLabels) -> Vec<(String, Picture)> {
    let Some(report) = &frame.report else { return Vec::new() };
    let size = [frame.picture.width, frame.picture.height];
    let named = |name: &str| format!("step-{:03}-{name}.png", report.step + 1);
    let mut maps = vec![(named("picture"), Picture::clone(&frame.picture))];
    let scalar = |array: StepArray, plane: &Plane| {
        let info = array.info();
        let [low, high] = info.range.bounds(plane);
        painted(&colored(plane, low, high, &colormap::table(info.palette)), size)
    };
    if let Some(scfg) = &report.scfg {
        let regions = scfg.region.map(|position| region_color(labels, usize::from(position)));
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

pub fn colored(plane: &Plane, low: f32, high: f32, table: &Table) -> Plane<Color32> {
    plane.map(|value| table[colormap::index(value, low, high)])
}

/// A map texel by texel, as large as the picture.
pub fn painted(colors: &Plane<Color32>, [width, height]: [usize; 2]) -> Picture {
    let large = colors.resize_nearest(height, width);
    Picture { width, height, rgb: large.values.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect() }
}

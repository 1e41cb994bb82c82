//! Painting on the latent grid: what a stroke of the brush does to a recipe.
//!
//! Apart from the brush itself, which is a matter of the view.

use crate::recipe::{Paint, Recipe, RegionPaint};

/// What is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaintTarget {
    /// Which elements the region with this first token position owns.
    Region(usize),
    /// How strongly the guidance acts.
    Strength,
    /// Which model of a fusion the saliency favours.
    Bias,
}

/// One straight piece of a stroke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    pub target: PaintTarget,
    /// Rows and columns of the latent grid.
    pub grid: [usize; 2],
    /// Both ends, x and y in elements of the grid.
    pub from: [f32; 2],
    pub to: [f32; 2],
    /// Of the brush, in elements.
    pub diameter: f32,
    /// What the stroke leaves where it covers an element wholly; 0 erases.
    pub level: f32,
}

/// Paints a stroke; without a fusion there is no bias to paint.
pub fn stroke(recipe: &mut Recipe, stroke: Stroke) {
    let elements = covered_by(stroke.grid, stroke.from, stroke.to, stroke.diameter);
    match stroke.target {
        PaintTarget::Region(region) => paint_region(recipe, region, stroke.grid, stroke.level as i16, &elements),
        PaintTarget::Strength => paint_field(&mut recipe.painted_factor, stroke.grid, stroke.level, &elements),
        PaintTarget::Bias => {
            if let Some(fusion) = &mut recipe.fusion {
                paint_field(&mut fusion.bias, stroke.grid, stroke.level, &elements);
            }
        }
    }
}

/// What is painted of a target.
pub fn painted(recipe: &Recipe, target: PaintTarget) -> Option<&Paint> {
    match target {
        PaintTarget::Region(region) => {
            recipe.painted.iter().find(|layer| layer.position == region).map(|layer| &layer.cells)
        }
        PaintTarget::Strength => Some(&recipe.painted_factor),
        PaintTarget::Bias => recipe.fusion.as_ref().map(|fusion| &fusion.bias),
    }
}

/// Takes all paint of a target away.
pub fn clear(recipe: &mut Recipe, target: PaintTarget) {
    match target {
        PaintTarget::Region(region) => recipe.painted.retain(|layer| layer.position != region),
        PaintTarget::Strength => recipe.painted_factor = Paint::default(),
        PaintTarget::Bias => {
            if let Some(fusion) = &mut recipe.fusion {
                fusion.bias = Paint::default();
            }
        }
    }
}

/// Elements under a round brush of `diameter` that moves along a line, with how much of it covers each: 1 in its middle,
/// less towards its rim. The element under each end always counts.
fn covered_by([h, w]: [usize; 2], from: [f32; 2], to: [f32; 2], diameter: f32) -> Vec<(usize, usize, f32)> {
    let radius = diameter / 2.0;
    let along = [to[0] - from[0], to[1] - from[1]];
    let length = (along[0].powi(2) + along[1].powi(2)).max(1e-6);
    let mut elements = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let at = [x as f32 + 0.5 - from[0], y as f32 + 0.5 - from[1]];
            let t = ((at[0] * along[0] + at[1] * along[1]) / length).clamp(0.0, 1.0);
            let distance = ((at[0] - t * along[0]).powi(2) + (at[1] - t * along[1]).powi(2)).sqrt();
            let under = |p: [f32; 2]| p[0].floor() == x as f32 && p[1].floor() == y as f32;
            if distance <= radius || under(from) || under(to) {
                let soft = (2.0 * (1.0 - distance / radius.max(0.5))).clamp(0.25, 1.0);
                elements.push((y, x, soft));
            }
        }
    }
    elements
}

/// Gives elements to a region (above 0), takes them away (below 0) or removes their paint. An element that is
/// given to one region is no longer given to another.
fn paint_region(recipe: &mut Recipe, region: usize, [h, w]: [usize; 2], level: i16, elements: &[(usize, usize, f32)]) {
    for layer in &mut recipe.painted {
        layer.cells = layer.cells.resized(h, w);
    }
    if !recipe.painted.iter().any(|layer| layer.position == region) {
        recipe.painted.push(RegionPaint { position: region, cells: Paint::blank(h, w) });
        recipe.painted.sort_by_key(|layer| layer.position);
    }
    for layer in &mut recipe.painted {
        for &(y, x, _) in elements {
            if layer.position == region {
                layer.cells.set(y, x, level);
            } else if level > 0 && layer.cells.at(y, x) > 0 {
                layer.cells.set(y, x, 0);
            }
        }
    }
    recipe.painted.retain(|layer| !layer.cells.is_empty());
}

/// Lays `level` onto a field, softly at the brush's rim: going over a place again never makes it weaker. 0 erases.
fn paint_field(field: &mut Paint, [h, w]: [usize; 2], level: f32, elements: &[(usize, usize, f32)]) {
    let mut paint = field.resized(h, w);
    for &(y, x, soft) in elements {
        let (new, old) = ((level * soft).round() as i16, paint.at(y, x));
        let stays = level != 0.0 && old.signum() == new.signum() && old.abs() > new.abs() && soft < 1.0;
        if !stays {
            paint.set(y, x, new);
        }
    }
    *field = if paint.is_empty() { Paint::default() } else { paint };
}

/// How much of the picture is painted, in words; empty where nothing is.
pub fn covered(paint: &Paint) -> String {
    let [h, w] = paint.size();
    match paint.levels().iter().filter(|&&level| level != 0).count() {
        0 => String::new(),
        count => format!("{:.0} % painted", (100.0 * count as f32 / (h * w) as f32).max(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(paint: &Paint) -> Vec<(usize, usize, i16)> {
        let [h, w] = paint.size();
        let all = (0..h).flat_map(|y| (0..w).map(move |x| (y, x)));
        all.map(|(y, x)| (y, x, paint.at(y, x))).filter(|(_, _, level)| *level != 0).collect()
    }

    #[test]
    fn a_brush_covers_a_disc_and_a_stroke_the_way_between() {
        let disc = covered_by([9, 9], [4.5, 4.5], [4.5, 4.5], 3.0);
        assert_eq!(disc.len(), 9, "3 x 3 with corners at 1.41 of 1.5");
        assert_eq!(covered_by([9, 9], [4.9, 4.1], [4.9, 4.1], 1.0).len(), 1, "the element under a fine point");
        let line = covered_by([9, 9], [0.5, 4.5], [8.5, 4.5], 1.0);
        assert!(line.len() == 9 && line.iter().all(|(y, ..)| *y == 4));
        assert!(covered_by([9, 9], [-20.0, 4.0], [-20.0, 4.0], 3.0).is_empty(), "beside the picture");
    }

    #[test]
    fn an_element_belongs_to_the_last_region_that_it_was_given_to() {
        let mut recipe = Recipe::default();
        let dab = [(0, 0, 1.0), (0, 1, 1.0)];
        paint_region(&mut recipe, 2, [2, 2], 1, &dab);
        paint_region(&mut recipe, 5, [2, 2], 1, &dab[1..]);
        paint_region(&mut recipe, 2, [2, 2], -1, &[(1, 1, 1.0)]);
        let [two, five] = &recipe.painted[..] else { panic!("two layers: {:?}", recipe.painted) };
        assert_eq!((two.position, cells(&two.cells)), (2, vec![(0, 0, 1), (1, 1, -1)]));
        assert_eq!((five.position, cells(&five.cells)), (5, vec![(0, 1, 1)]));
        paint_region(&mut recipe, 5, [2, 2], 0, &dab);
        assert_eq!(recipe.painted.len(), 1, "an empty layer is not kept");
        paint_region(&mut recipe, 2, [4, 4], 1, &[(3, 0, 1.0)]);
        assert_eq!(cells(&recipe.painted[0].cells).len(), 4 + 4 + 1, "what was painted before grows with the picture");
    }

    #[test]
    fn a_field_is_soft_at_the_rim_and_never_weakened_by_it() {
        let mut field = Paint::default();
        paint_field(&mut field, [1, 3], 200.0, &[(0, 0, 1.0), (0, 1, 0.25)]);
        paint_field(&mut field, [1, 3], 200.0, &[(0, 0, 0.25), (0, 1, 0.5)]);
        assert_eq!(field.levels(), [200, 100, 0]);
        paint_field(&mut field, [1, 3], -100.0, &[(0, 0, 0.5)]);
        assert_eq!(field.levels(), [-50, 100, 0]);
        paint_field(&mut field, [1, 3], 0.0, &[(0, 0, 1.0), (0, 1, 1.0)]);
        assert_eq!(field, Paint::default());
    }
}

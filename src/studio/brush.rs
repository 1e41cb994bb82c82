//! The brush: what it paints, and how a stroke changes the recipe. The canvas turns the pointer into strokes.

use egui::{Ui, vec2};

use super::{
    state::{Compare, Overlay, Studio},
    theme::{self, Theme},
    widgets::{Icon, icon_button, row},
};
use crate::recipe::{FusionRule, Paint, Recipe, RegionPaint};

/// What is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Which elements the chosen region owns.
    #[default]
    Region,
    /// How strongly the guidance acts.
    Strength,
    /// Whom the contest of a fusion favours.
    Bias,
}

/// What a stroke does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Act {
    #[default]
    Add,
    TakeAway,
    Erase,
}

impl Target {
    pub const ALL: [Self; 3] = [Self::Region, Self::Strength, Self::Bias];

    pub fn title(self) -> &'static str {
        match self {
            Self::Region => "Region",
            Self::Strength => "Strength",
            Self::Bias => "Bias",
        }
    }

    /// The map that shows what it changes.
    fn overlay(self) -> Overlay {
        match self {
            Self::Region => Overlay::Regions,
            Self::Strength => Overlay::Rate,
            Self::Bias => Overlay::FusionMask,
        }
    }
}

impl Act {
    pub const ALL: [Self; 3] = [Self::Add, Self::TakeAway, Self::Erase];

    /// What it is called, for each target.
    pub fn title(self, target: Target) -> &'static str {
        match (self, target) {
            (Self::Add, Target::Region) => "Add",
            (Self::TakeAway, Target::Region) => "Take away",
            (Self::Add, Target::Strength) => "Stronger",
            (Self::TakeAway, Target::Strength) => "Weaker",
            (Self::Add, Target::Bias) => "Expert",
            (Self::TakeAway, Target::Bias) => "General",
            (Self::Erase, _) => "Erase",
        }
    }
}

/// The brush as it is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    pub target: Target,
    pub act: Act,
    /// Diameter, in elements of the latent grid.
    pub size: f32,
    /// How much a stroke adds to the factor 1 or takes from it.
    pub factor: f32,
    /// How much a stroke adds to the contest, in log-saliency.
    pub bias: f32,
}

impl Default for Brush {
    fn default() -> Self {
        Self { target: Target::Region, act: Act::Add, size: Self::USUAL, factor: 0.5, bias: 2.0 }
    }
}

impl Brush {
    /// The diameter at first, and the smallest and largest.
    pub const USUAL: f32 = 3.0;
    pub const SIZES: std::ops::RangeInclusive<f32> = 1.0..=16.0;

    /// What a stroke leaves where it covers an element wholly.
    fn level(self) -> f32 {
        let sign = match self.act {
            Act::Add => 1.0,
            Act::TakeAway => -1.0,
            Act::Erase => return 0.0,
        };
        match self.target {
            Target::Region => sign,
            // A factor below 0 would push away from the prompt.
            Target::Strength => (100.0 * sign * self.factor).max(-100.0),
            Target::Bias => 100.0 * sign * self.bias,
        }
    }
}

impl Studio {
    /// Takes the brush up for `target`, or lays it down.
    pub fn set_painting(&mut self, target: Option<Target>) {
        self.look.painting = target.is_some();
        if let Some(target) = target {
            if self.look.brush.target != target {
                self.look.brush.act = Act::Add;
            }
            self.look.brush.target = target;
            self.look.overlay = target.overlay();
            self.look.compare = Compare::Single;
        }
    }

    /// Takes the brush up as it was last, or lays it down.
    pub fn flip_brush(&mut self) {
        let last = self.look.brush.target;
        let target = if missing(last, &self.recipe).is_none() { last } else { Target::Region };
        self.set_painting((!self.look.painting).then_some(target));
    }

    /// Rows and columns of the latent grid of what is shown.
    pub fn grid_size(&self) -> [usize; 2] {
        let report = self.shown_frame().and_then(|frame| frame.report);
        let scfg = report.as_ref().and_then(|r| r.scfg.as_ref().map(|s| [s.region.height, s.region.width]));
        let fused = || report.as_ref().and_then(|r| r.fusion.as_ref().map(|f| [f.mask.height, f.mask.width]));
        // Eight pixels are one latent element in every model that is known.
        scfg.or_else(fused).unwrap_or([self.recipe.height / 8, self.recipe.width / 8])
    }

    /// Paints with the brush along a line, both ends in elements of the grid; nothing where there is nothing to paint.
    pub fn stroke(&mut self, from: [f32; 2], to: [f32; 2]) {
        let (brush, size) = (self.look.brush, self.grid_size());
        let elements = covered_by(size, from, to, brush.size);
        match brush.target {
            Target::Region => {
                if let Some(chosen) = self.look.region {
                    let region = self.names().region_of(chosen);
                    paint_region(&mut self.recipe, region, size, brush.level() as i16, &elements);
                }
            }
            Target::Strength => paint_field(&mut self.recipe.painted_factor, size, brush.level(), &elements),
            Target::Bias => {
                if let Some(fusion) = &mut self.recipe.fusion {
                    paint_field(&mut fusion.bias, size, brush.level(), &elements);
                }
            }
        }
    }

    /// What is painted of the brush's target, on the shown grid.
    pub fn painted(&self) -> Option<Paint> {
        let [h, w] = self.grid_size();
        let paint = match self.look.brush.target {
            Target::Region => {
                let region = self.names().region_of(self.look.region?);
                &self.recipe.painted.iter().find(|layer| layer.position == region)?.cells
            }
            Target::Strength => &self.recipe.painted_factor,
            Target::Bias => &self.recipe.fusion.as_ref()?.bias,
        };
        Some(paint.resized(h, w))
    }

    /// Takes all paint of the brush's target away.
    pub fn clear_paint(&mut self) {
        match self.look.brush.target {
            Target::Region => {
                if let Some(region) = self.look.region.map(|chosen| self.names().region_of(chosen)) {
                    self.recipe.painted.retain(|layer| layer.position != region);
                }
            }
            Target::Strength => self.recipe.painted_factor = Paint::default(),
            Target::Bias => {
                if let Some(fusion) = &mut self.recipe.fusion {
                    fusion.bias = Paint::default();
                }
            }
        }
    }
}

/// Why a target cannot be painted, in a sentence.
pub fn missing(target: Target, recipe: &Recipe) -> Option<&'static str> {
    let contest = recipe.active_fusion().is_some_and(|fusion| fusion.rule == FusionRule::Saliency);
    (target == Target::Bias && !contest).then_some("Let two models contest in a fusion to favour one of them.")
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

/// Gives elements to a region (above 0), takes them away (below 0) or forgets what was said of them. An element that is
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

/// The chosen region's paint: how much, and the ways to paint and to clear it.
pub fn region_row(ui: &mut Ui, studio: &mut Studio, region: usize, name: &str) {
    let layer = studio.recipe.painted.iter().find(|layer| layer.position == region);
    let said = layer.map(|layer| covered(&layer.cells)).unwrap_or_default();
    row::labelled(ui, "By hand", |ui| {
        paint_button(ui, studio, Target::Region, &format!("Paint {name}"));
        row::note(ui, if said.is_empty() { "nothing painted" } else { &said });
        if !said.is_empty() && icon_button(ui, Icon::Close, &format!("Clear the paint of {name}")).clicked() {
            studio.recipe.painted.retain(|layer| layer.position != region);
        }
    });
}

/// Takes the brush up for `target`, or lays it down.
pub fn paint_button(ui: &mut Ui, studio: &mut Studio, target: Target, name: &str) {
    let on = studio.look.painting && studio.look.brush.target == target;
    let color = if on { Theme::of(ui).accent } else { Theme::of(ui).text };
    ui.spacing_mut().button_padding = vec2(6.0, 1.0);
    let button = ui.button(egui::RichText::new("Paint").font(theme::small_font()).color(color)).accessible_name(name);
    let said = "A brush on the picture that gives places to it, or takes them away, whatever attention says (B)";
    let said = if target == Target::Region { said } else { "Take the brush up on the picture (B)" };
    if button.on_hover_text(said).clicked() {
        studio.set_painting((!on).then_some(target));
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

    #[test]
    fn a_factor_is_never_painted_below_nothing() {
        let brush = Brush { target: Target::Strength, act: Act::TakeAway, factor: 3.0, ..Brush::default() };
        assert_eq!(brush.level(), -100.0);
    }
}

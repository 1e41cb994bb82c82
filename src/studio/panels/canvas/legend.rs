//! The legend below the picture: what the colours mean.
//!
//! Apart from the maps, which exports draw without a legend.

use egui::{Align2, Color32, Rect, Ui, UiBuilder, pos2, vec2};

use super::{
    bar,
    compare::{self, PictureComparison},
};
use crate::{
    engine::StepReport,
    recipe::Scfg,
    studio::{
        document::Document,
        view::{
            View,
            colormap::{self, Table},
            compare::Compare,
            maps::region_color,
            overlay::Overlay,
            theme::{self, Theme},
        },
        widgets::chip,
    },
    tensor::{Plane, maps::StepArray},
};

/// The colour bar's width, and the distances around it.
const BAR: f32 = 150.0;
const LEAST_BAR: f32 = 40.0;
const GAP: f32 = 8.0;
/// Regions beyond this many are summed up in one entry.
const ENTRIES: usize = 9;
/// Room for one more word, for "more" and for the background, in points.
const REST: f32 = 300.0;
/// Room for a word or the background, in points.
const ENTRY: f32 = 92.0;

/// The legend. It keeps the width of its entries in the previous frame, to centre them.
#[derive(Default)]
pub struct Legend {
    width: f32,
}

impl Legend {
    /// Says what the colours of the overlay or of the difference mean. A click on a region's entry chooses it.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        document: &Document,
        view: &mut View,
        comparison: &mut PictureComparison,
        area: Rect,
    ) {
        let Some(frame) = view.shown_frame(document) else { return };
        let report = frame.report.as_deref();
        let middle = pos2(area.center().x, area.center().y - 4.0);
        if view.comparison.mode == Compare::Difference {
            let (table, [low, high]) = compare::difference_scale(&view.comparison);
            return scale_bar(ui, area, &table, Scale::whole(low, high), &comparison.text(document, view));
        }
        if let Some(reason) = bar::missing(view.overlay.kind, report) {
            return text(ui, middle, reason);
        }
        let Some(report) = report else { return };
        match view.overlay.kind {
            Overlay::Picture => {}
            Overlay::Regions => self.regions(ui, document, view, report, area),
            Overlay::Rate => {
                let Some(scfg) = &report.scfg else { return };
                let title = format!("{}, mean {:.2}", StepArray::Rate.info().label(), scfg.rate.mean());
                let clamp = view.shown_track(document).map(|track| &track.recipe.scfg).filter(|scfg| scfg.enabled);
                rate_bar(ui, area, &scfg.rate, clamp, &title);
            }
            Overlay::Concept => {
                let Some(concept) = report.chosen_concept(view.overlay.concept) else { return };
                let state = if concept.active { "acts" } else { "waits" };
                let name: String = concept.text.chars().take(24).collect();
                let symbol = StepArray::Magnitude.info().symbol;
                let title = format!("{symbol} of {name}, {state}, on {:.0} % of the picture", 100.0 * concept.share);
                map_bar(ui, area, StepArray::Magnitude, &concept.magnitude, &title);
            }
            Overlay::Saliency => {
                let Some(fusion) = &report.fusion else { return };
                let of = view.overlay.saliency;
                let title = format!("{}, {}", of.array().info().label(), of.title().to_lowercase());
                map_bar(ui, area, of.array(), of.map(fusion), &title);
            }
            Overlay::FusionMask => {
                let Some(fusion) = &report.fusion else { return };
                let share = 100.0 * fusion.share;
                let mut entries = Entries::new(ui, area, &mut self.width);
                entries.add(theme::FUSION, "expert", &format!("{share:.0} %"));
                entries.add(theme::BACKGROUND_TOKEN, "general", &format!("{:.0} %", 100.0 - share));
            }
        }
    }

    /// Words with their shares, then all tokens that are no words as one entry.
    fn regions(&mut self, ui: &mut Ui, document: &Document, view: &mut View, report: &StepReport, area: Rect) {
        let Some(scfg) = &report.scfg else { return };
        let names = view.labels(document);
        let (words, rest): (Vec<_>, Vec<_>) = names.shares(scfg).into_iter().partition(|(p, _)| names.is_word(*p));
        let rest: f32 = rest.iter().map(|(_, share)| share).sum();
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        let chosen = view.selection.region;
        let selected = view.selection.positions();
        let mut picked = None;
        let ground = Theme::of(ui).ground.canvas;
        let mut entries = Entries::new(ui, area, &mut self.width);
        let color = |position: usize| {
            let back = chosen.is_some() && !selected.contains(&position);
            if back { theme::mix(ground, region_color(&names, position), 0.35) } else { region_color(&names, position) }
        };
        let named: Vec<(usize, f32)> = words.iter().take(ENTRIES).copied().collect();
        let mut shown = 0;
        for &(position, share) in &named {
            // The last two places are for what remains, unless all of it fits.
            let all = (named.len() - shown) as f32 * ENTRY + ENTRY;
            if entries.room() < REST.min(all) {
                break;
            }
            if entries.add(color(position), &names.name(position), &percent(share)) {
                picked = Some(position);
            }
            shown += 1;
        }
        if words.len() > shown {
            let more: f32 = words[shown..].iter().map(|(_, share)| share).sum();
            entries.add(Theme::of(entries.ui()).line, "more", &percent(more));
        }
        let background = names.background();
        if rest > 0.0 && entries.add(color(background), &names.name(background), &percent(rest)) {
            picked = Some(background);
        }
        if let Some(position) = picked {
            view.choose_region((chosen != Some(position)).then_some(position));
        }
    }
}

fn text(ui: &Ui, middle: egui::Pos2, line: &str) {
    ui.painter().text(middle, Align2::CENTER_CENTER, line, theme::small_font(), Theme::of(ui).ink.dim);
}

/// Entries in a row, centred by the width that they had in the frame before.
struct Entries<'a> {
    ui: Ui,
    left: f32,
    width: &'a mut f32,
}

impl<'a> Entries<'a> {
    fn new(ui: &mut Ui, area: Rect, width: &'a mut f32) -> Self {
        let left = (area.center().x - *width / 2.0).max(area.left() + 8.0);
        let row = Rect::from_min_size(pos2(left, area.top()), vec2(area.right() - left - 8.0, 20.0));
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        let mut line = ui.new_child(UiBuilder::new().id_salt("legend").max_rect(row).layout(layout));
        line.spacing_mut().item_spacing.x = 14.0;
        Self { ui: line, left, width }
    }

    fn ui(&self) -> &Ui {
        &self.ui
    }

    /// The points that are left in the row.
    fn room(&self) -> f32 {
        self.ui.max_rect().right() - self.ui.min_rect().right().max(self.left)
    }

    fn add(&mut self, color: Color32, name: &str, note: &str) -> bool {
        let clicked = chip::swatch(&mut self.ui, color, name, note).clicked();
        *self.width = self.ui.min_rect().right() - self.left;
        clicked
    }
}

/// The colours of a map that has a scale, with the values at both ends.
fn map_bar(ui: &Ui, area: Rect, array: StepArray, map: &Plane, title: &str) {
    let [low, high] = array.info().range.bounds(map);
    scale_bar(ui, area, &colormap::table(array.info().palette), Scale::whole(low, high), title);
}

/// The part of the rate's scale that the clamp leaves: what lies outside occurs nowhere.
fn rate_bar(ui: &Ui, area: Rect, rate: &Plane, clamp: Option<&Scfg>, title: &str) {
    let info = StepArray::Rate.info();
    let [low, high] = info.range.bounds(rate);
    scale_bar(ui, area, &colormap::table(info.palette), Scale::whole(low, high).clamped(clamp), title);
}

/// The values of a colour table's ends, and the part of them that a legend shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    table: [f32; 2],
    shown: [f32; 2],
}

impl Scale {
    fn whole(low: f32, high: f32) -> Self {
        Self { table: [low, high], shown: [low, high] }
    }

    fn clamped(self, clamp: Option<&Scfg>) -> Self {
        let [low, high] = self.table;
        let shown = clamp.map_or(self.table, |scfg| [low.max(scfg.rate_min), high.min(scfg.rate_max)]);
        // An empty or reversed clamp leaves the scale as it is.
        Self { shown: if shown[0] < shown[1] { shown } else { self.table }, ..self }
    }

    /// The index into the table at `t` of the shown part, 0 to 1.
    fn index(self, t: f32) -> usize {
        let [low, high] = self.shown;
        colormap::index(low + t * (high - low), self.table[0], self.table[1])
    }
}

fn scale_bar(ui: &Ui, area: Rect, table: &Table, scale: Scale, title: &str) {
    let theme = Theme::of(ui);
    let (ink, mono) = (theme.ink.dim, theme::mono_font());
    let painter = ui.painter();
    let lay = |text: String, font| painter.layout_no_wrap(text, font, ink);
    let title = lay(title.to_owned(), theme::small_font());
    let ends = scale.shown.map(|v| lay(format!("{v:.2}"), mono.clone()));
    // Title, lowest value, bar, highest value: centred together.
    let words = title.size().x + ends[0].size().x + ends[1].size().x + 3.0 * GAP;
    let length = (area.width() - 16.0 - words).clamp(LEAST_BAR, BAR);
    let whole = words + length;
    let mut x = (area.center().x - whole / 2.0).max(area.left() + 8.0);
    let middle = area.center().y - 4.0;
    let mut put = |galley: std::sync::Arc<egui::Galley>| {
        painter.galley(pos2(x, middle - galley.size().y / 2.0), galley.clone(), ink);
        x += galley.size().x + GAP;
        x
    };
    put(title);
    let [lowest, highest] = ends;
    let left = put(lowest);
    let bar = Rect::from_min_size(pos2(left, middle - 3.5), vec2(length, 7.0));
    let at = pos2(bar.right() + GAP, middle - highest.size().y / 2.0);
    painter.galley(at, highest, ink);
    let mut mesh = egui::Mesh::default();
    const STOPS: u32 = 32;
    for i in 0..=STOPS {
        let t = i as f32 / STOPS as f32;
        let color = table[scale.index(t)];
        let x = bar.left() + t * bar.width();
        mesh.colored_vertex(pos2(x, bar.top()), color);
        mesh.colored_vertex(pos2(x, bar.bottom()), color);
        if i > 0 {
            let k = 2 * i;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k, k + 1);
        }
    }
    painter.add(mesh);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_of_the_rate_begins_where_the_clamp_does() {
        let rate = Plane::new(1, 3, vec![0.8, 1.0, 2.5]);
        let [low, high] = StepArray::Rate.info().range.bounds(&rate);
        assert!(low < -0.4, "the colours lie around 1: {low}");
        let scfg = Scfg { rate_min: 0.8, rate_max: 3.0, ..Scfg::default() };
        let scale = Scale::whole(low, high).clamped(Some(&scfg));
        assert_eq!(scale.shown, [0.8, 2.5]);
        assert_eq!(scale.index(1.0), 255);
        assert_eq!(scale.index(0.0), colormap::index(0.8, low, high), "a value keeps its colour");
        assert_eq!(Scale::whole(low, high).clamped(None).shown, [low, high]);
    }
}

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
const GAP: f32 = 8.0;
/// Regions beyond this many are summed up in one entry.
const ENTRIES: usize = 9;

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
            return scale_bar(ui, area, &table, low, high, &comparison.text(document, view));
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
                map_bar(ui, area, StepArray::Rate, &scfg.rate, &title);
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
        let mut picked = None;
        let ground = Theme::of(ui).ground.canvas;
        let mut entries = Entries::new(ui, area, &mut self.width);
        let color = |position: usize| {
            let back = chosen.is_some_and(|chosen| chosen != position);
            if back { theme::mix(ground, region_color(&names, position), 0.35) } else { region_color(&names, position) }
        };
        for &(position, share) in words.iter().take(ENTRIES) {
            if entries.add(color(position), &names.name(position), &percent(share)) {
                picked = Some(position);
            }
        }
        if words.len() > ENTRIES {
            let more: f32 = words[ENTRIES..].iter().map(|(_, share)| share).sum();
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

    fn add(&mut self, color: Color32, name: &str, note: &str) -> bool {
        let clicked = chip::swatch(&mut self.ui, color, name, note).clicked();
        *self.width = self.ui.min_rect().right() - self.left;
        clicked
    }
}

/// The colours of a map that has a scale, with the values at both ends.
fn map_bar(ui: &Ui, area: Rect, array: StepArray, map: &Plane, title: &str) {
    let [low, high] = array.info().range.bounds(map);
    scale_bar(ui, area, &colormap::table(array.info().palette), low, high, title);
}

fn scale_bar(ui: &Ui, area: Rect, table: &Table, low: f32, high: f32, title: &str) {
    let theme = Theme::of(ui);
    let (ink, mono) = (theme.ink.dim, theme::mono_font());
    let painter = ui.painter();
    let lay = |text: String, font| painter.layout_no_wrap(text, font, ink);
    let title = lay(title.to_owned(), theme::small_font());
    let ends = [low, high].map(|v| lay(format!("{v:.2}"), mono.clone()));
    // Title, lowest value, bar, highest value: centred together.
    let whole = title.size().x + ends[0].size().x + ends[1].size().x + BAR + 3.0 * GAP;
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
    let bar = Rect::from_min_size(pos2(left, middle - 3.5), vec2(BAR, 7.0));
    let at = pos2(bar.right() + GAP, middle - highest.size().y / 2.0);
    painter.galley(at, highest, ink);
    let mut mesh = egui::Mesh::default();
    const STOPS: u32 = 32;
    for i in 0..=STOPS {
        let t = i as f32 / STOPS as f32;
        let color = table[(t * 255.0) as usize];
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

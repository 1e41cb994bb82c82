//! Below the picture: what the colours mean.

use egui::{Align2, Color32, Rect, Ui, UiBuilder, pos2, vec2};

use crate::{
    engine::StepReport,
    recipe::BACKGROUND,
    studio::{
        bundle::Studio,
        panels::canvas::{bar, compare},
        view::{
            colormap::{self, Table},
            compare::Compare,
            maps::{full_range, rate_scale, region_color},
            overlay::{Overlay, SaliencyOf},
            theme::{self, Theme},
        },
        widgets::chip,
    },
};

/// The colour bar's width, and the distances around it.
const BAR: f32 = 150.0;
const GAP: f32 = 8.0;
/// More regions than this are summed up in one entry.
const ENTRIES: usize = 9;

pub fn show(ui: &mut Ui, studio: &mut Studio, area: Rect) {
    let Some(frame) = studio.view.shown_frame(&studio.document) else { return };
    let report = frame.report.as_deref();
    let middle = pos2(area.center().x, area.center().y - 4.0);
    if studio.view.comparison.mode == Compare::Difference {
        let (table, [low, high]) = compare::difference_scale(studio);
        return scale_bar(ui, area, &table, low, high, &compare::picture_difference(studio));
    }
    if let Some(reason) = bar::missing(studio.view.overlay.kind, report) {
        return text(ui, middle, reason);
    }
    let Some(report) = report else { return };
    match studio.view.overlay.kind {
        Overlay::Picture => {}
        Overlay::Regions => regions(ui, studio, report, area),
        Overlay::Rate => {
            let Some(scfg) = &report.scfg else { return };
            let scale = rate_scale(&scfg.rate);
            let title = format!("rate ρ, mean {:.2}", scfg.rate.mean());
            scale_bar(ui, area, &colormap::around_one(), scale.low, scale.high, &title);
        }
        Overlay::Concept => {
            let Some(concept) = report.concepts.get(studio.view.overlay.concept) else { return };
            let state = if concept.active { "acts" } else { "waits" };
            let name: String = concept.text.chars().take(24).collect();
            let title = format!("|Δ| of {name}, {state}, on {:.0} % of the picture", 100.0 * concept.share);
            scale_bar(ui, area, &colormap::magma(), 0.0, concept.magnitude.max(), &title);
        }
        Overlay::Saliency => {
            let Some(fusion) = &report.fusion else { return };
            let (plane, whose) = match studio.view.overlay.saliency {
                SaliencyOf::General => (&fusion.saliency_general, "general"),
                SaliencyOf::Expert => (&fusion.saliency_expert, "expert"),
            };
            let scale = full_range(plane);
            scale_bar(ui, area, &colormap::magma(), scale.low, scale.high, &format!("saliency, {whose}"));
        }
        Overlay::FusionMask => {
            let Some(fusion) = &report.fusion else { return };
            let share = 100.0 * fusion.share;
            let mut entries = Entries::new(ui, area);
            entries.add(theme::FUSION, "expert", &format!("{share:.0} %"));
            entries.add(theme::BACKGROUND_TOKEN, "general", &format!("{:.0} %", 100.0 - share));
        }
    }
}

fn text(ui: &Ui, middle: egui::Pos2, line: &str) {
    ui.painter().text(middle, Align2::CENTER_CENTER, line, theme::small_font(), Theme::of(ui).dim);
}

/// Words with their share, then everything that is no word as one.
fn regions(ui: &mut Ui, studio: &mut Studio, report: &StepReport, area: Rect) {
    let Some(scfg) = &report.scfg else { return };
    let names = studio.view.labels(&studio.document);
    let (words, rest): (Vec<_>, Vec<_>) = names.shares(scfg).into_iter().partition(|(p, _)| *p != BACKGROUND);
    let rest: f32 = rest.iter().map(|(_, share)| share).sum();
    let percent = |share: f32| format!("{:.0} %", 100.0 * share);
    let chosen = studio.view.selection.region;
    let mut picked = None;
    let ground = Theme::of(ui).canvas;
    let mut entries = Entries::new(ui, area);
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
    if rest > 0.0 && entries.add(color(BACKGROUND), &names.name(BACKGROUND), &percent(rest)) {
        picked = Some(BACKGROUND);
    }
    if let Some(position) = picked {
        studio.view.choose_region((chosen != Some(position)).then_some(position));
    }
}

/// Entries in a row, centred by the width that they had in the frame before.
struct Entries {
    ui: Ui,
    id: egui::Id,
    left: f32,
}

impl Entries {
    fn new(ui: &mut Ui, area: Rect) -> Self {
        let id = ui.scope_id().with("legend width");
        let width: f32 = ui.data(|d| d.get_temp(id)).unwrap_or(0.0);
        let left = (area.center().x - width / 2.0).max(area.left() + 8.0);
        let row = Rect::from_min_size(pos2(left, area.top()), vec2(area.right() - left - 8.0, 20.0));
        let layout = egui::Layout::left_to_right(egui::Align::Center);
        let mut line = ui.new_child(UiBuilder::new().id_salt("legend").max_rect(row).layout(layout));
        line.spacing_mut().item_spacing.x = 14.0;
        Self { ui: line, id, left }
    }

    fn ui(&self) -> &Ui {
        &self.ui
    }

    fn add(&mut self, color: Color32, name: &str, note: &str) -> bool {
        let clicked = chip::swatch(&mut self.ui, color, name, note).clicked();
        let width = self.ui.min_rect().right() - self.left;
        self.ui.data_mut(|d| d.insert_temp(self.id, width));
        clicked
    }
}

fn scale_bar(ui: &Ui, area: Rect, table: &Table, low: f32, high: f32, title: &str) {
    let theme = Theme::of(ui);
    let (ink, mono) = (theme.dim, theme::mono_font());
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

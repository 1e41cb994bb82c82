//! One concept's card: name, strength, where it acts, and the details on request.
//!
//! Apart from the list, which knows how cards are opened and concepts removed.

use std::sync::Arc;

use egui::{Align, CornerRadius, Key, Layout, Popup, PopupCloseBehavior, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use super::details::{self, name_of};
use crate::{
    engine::ConceptReport,
    recipe::Concept,
    studio::{
        document::{Document, cost, films::FilmOf, parameter::Parameter, regions::labels::RegionLabels},
        panels::{
            film,
            regions::locks::{self, Lockable},
            words::Words,
        },
        view::{
            View, colormap,
            overlay::Overlay,
            state::Lit,
            theme::{self, Theme, size},
        },
        widgets::{
            Icon, ValueSlider, icon, icon_button, icon_toggle,
            marked_text::{MarkedField, Rows},
            picture, row,
            textures::{self, Kind, Textures},
        },
    },
    tensor::{Plane, maps::StepArray},
};

/// The slider's ends.
const STRONGEST: f32 = 12.0;
const CARD: f32 = 64.0;
const TILE: f32 = 44.0;

/// What the numbers of the summary mean.
const SUMMARY: &str = "top: of the latent values of each channel, the share that this concept moves most; it changes no \
                       others. Then the steps at which it acts. area: the share of the picture where it changes at \
                       least one channel at the shown step";

/// What was clicked on a card.
pub enum Action {
    Remove,
    ToggleDetails,
    /// To another row.
    MoveTo(usize),
    Duplicate,
    /// In the library, to be kept there or taken from it.
    Keep,
}

/// A card while it is drawn: its widgets change a copy of the concept.
pub struct Card {
    concept: Concept,
    row: usize,
    open: bool,
    /// What the shown step says of the concept, when the shown run computed it with this text.
    report: Option<Arc<ConceptReport>>,
    labels: RegionLabels,
    /// How its text is shown.
    reads: Words,
    /// The regions that the concept can be locked to.
    words: Vec<Lockable>,
}

impl Card {
    /// The card of the concept in a row; `open` is whether its details are shown.
    pub fn new(document: &Document, view: &View, row: usize, concept: &Concept, open: bool) -> Self {
        let report = view.shown_frame(document).and_then(|frame| frame.report?.concept(concept.id).cloned());
        Self {
            concept: concept.clone(),
            row,
            open,
            report: report.filter(|report| report.text == concept.text),
            labels: view.labels(document),
            reads: Words::of(document, &document.recipe().model),
            words: locks::lockable(document, view, &concept.lock),
        }
    }

    /// The concept as the widgets have left it.
    pub fn into_concept(self) -> Concept {
        self.concept
    }

    pub fn ui(&mut self, ui: &mut Ui, document: &Document, view: &mut View, textures: &mut Textures) -> Option<Action> {
        let color = theme::concept_color(self.row);
        let details = if self.open { 6.0 * (size::ROW + size::ROW_GAP) + 4.0 } else { 0.0 };
        let theme = Theme::of(ui);
        let film = self.open_film(ui, view);
        let strip = if film.is_some() { film::height(ui.available_width() - 18.0) + 4.0 } else { 0.0 };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CARD + strip + details), Sense::hover());
        let edge = if self.concept.enabled { color } else { theme.ink.faint };
        // Only beside the face and behind its corners: a card that is faded lets through what lies behind it.
        let behind = ui.painter().with_clip_rect(rect.with_max_x(rect.left() + 6.0).intersect(ui.clip_rect()));
        behind.rect_filled(rect, CornerRadius::same(6), edge);
        let face = Rect::from_min_max(rect.min + vec2(2.5, 0.0), rect.max);
        ui.painter().rect_filled(face, CornerRadius { nw: 3, sw: 3, ne: 6, se: 6 }, theme.ground.input);

        let tile = Rect::from_min_size(rect.min + vec2(10.0, 10.0), vec2(TILE, TILE));
        self.where_tile(ui, view, textures, tile);
        let left = tile.right() + 9.0;
        let body = Rect::from_min_max(pos2(left, rect.top() + 5.0), pos2(rect.right() - 8.0, rect.bottom()));
        let remove = self.title_row(ui, body);
        self.strength(ui, document, view, body, edge);
        let line = Rect::from_min_size(pos2(body.left(), rect.top() + 44.0), vec2(body.width(), 16.0));
        let toggle = self.summary(ui, document.recipe().steps, line);
        if self.open {
            let area = Rect::from_min_max(pos2(tile.left(), rect.top() + CARD), rect.max - vec2(8.0, 4.0 + strip));
            let (words, labels) = (&self.words, &self.labels);
            details::more(ui, view, &mut self.concept, self.row, document.recipe().steps, area, (words, labels));
        }
        let asked = if self.open {
            let area = Rect::from_min_max(pos2(tile.left(), rect.top()), rect.max - vec2(8.0, 4.0 + strip));
            self.order(ui, document.recipe().concepts.len(), area)
        } else {
            None
        };
        if let Some(of) = film {
            let at = pos2(tile.left(), rect.bottom() - strip);
            let area = Rect::from_min_max(at, pos2(rect.right() - 8.0, rect.bottom()));
            self.take(of, film::strip(ui, document, textures, of, area));
        }
        match (remove, toggle) {
            (true, _) => Some(Action::Remove),
            (_, true) => Some(Action::ToggleDetails),
            _ => asked,
        }
    }

    /// Another place in the list, or another card of the same settings.
    fn order(&self, ui: &mut Ui, count: usize, area: Rect) -> Option<Action> {
        let line = area.with_min_y(area.bottom() - size::ROW);
        let layout = Layout::left_to_right(Align::Center);
        let mut ui = ui.new_child(UiBuilder::new().id_salt(("order", self.concept.id)).max_rect(line).layout(layout));
        let name = self.name();
        row::labelled(&mut ui, "Card", |ui| {
            let mut button = |icon, what: &str, can| {
                ui.add_enabled_ui(can, |ui| icon_button(ui, icon, &format!("{what} {name}"))).inner.clicked()
            };
            let up = button(Icon::Up, "Move up", self.row > 0);
            let down = button(Icon::Down, "Move down", self.row + 1 < count);
            let copy = ui.button("Duplicate").on_hover_text("Another concept with the same settings");
            let keep =
                icon_button(ui, Icon::Folder, &format!("Keep {name} by its name, or add concepts that are kept"));
            match () {
                () if keep.clicked() => Some(Action::Keep),
                () if up => Some(Action::MoveTo(self.row - 1)),
                () if down => Some(Action::MoveTo(self.row + 1)),
                () if copy.clicked() => Some(Action::Duplicate),
                () => None,
            }
        })
    }

    /// The filmstrip of one of its sliders, where that is open.
    fn open_film(&self, ui: &Ui, view: &View) -> Option<FilmOf> {
        let id = self.concept.id;
        let details = [Parameter::Threshold(id), Parameter::Weight(id)].map(|parameter| (parameter, self.open));
        let mut own = std::iter::once((Parameter::Strength(id), true)).chain(details);
        let open = view.selection.slider.filter(|of| ui.is_enabled() && film::is_open(view, *of))?;
        own.any(|(parameter, there)| there && parameter == open.parameter).then_some(open)
    }

    /// Takes a value that was clicked in the filmstrip.
    fn take(&mut self, of: FilmOf, clicked: Option<f32>) {
        let Some(value) = clicked else { return };
        match of.parameter {
            Parameter::Threshold(_) => self.concept.threshold = value,
            Parameter::Weight(_) => self.concept.weight = value,
            _ => self.concept.strength = value,
        }
    }

    fn name(&self) -> String {
        name_of(&self.concept, self.row)
    }

    fn strength(&mut self, ui: &mut Ui, document: &Document, view: &mut View, body: Rect, color: egui::Color32) {
        let rail = Rect::from_min_size(pos2(body.left(), body.top() + 21.0), vec2(body.width() - 48.0, 16.0));
        let number = Rect::from_min_size(pos2(body.right() - 46.0, rail.top()), vec2(46.0, 16.0));
        let name = format!("Strength of {}", self.name());
        let id = self.concept.id;
        let slider = ValueSlider::new(name, &mut self.concept.strength, -STRONGEST..=STRONGEST);
        let mut child = ui.new_child(UiBuilder::new().id_salt(("strength", id)).max_rect(body));
        let response = slider.bipolar().color(color).place(&mut child, rail, number);
        film::watch(view, FilmOf { parameter: Parameter::Strength(id), ends: [-STRONGEST, STRONGEST] }, &response);
        response.on_hover_ui(|ui| {
            drop(ui.label(cost::of_slider(document.recipe(), id, view.shown_track(document))));
        });
    }

    /// The settings in one line; returns whether it was clicked.
    fn summary(&self, ui: &mut Ui, steps: usize, line: Rect) -> bool {
        let mut text = summary(&self.concept, steps, self.report.as_deref());
        if !self.concept.lock.is_empty() {
            text = format!("{} {}", text.replace("  ", " "), locks::lock_text(&self.concept.lock, &self.labels));
        }
        summary_row(ui, &text, line, self.open, &format!("Details of {}", self.name()))
    }

    /// Where the concept acts; a click shows it on the canvas.
    fn where_tile(&self, ui: &mut Ui, view: &mut View, textures: &mut Textures, tile: Rect) {
        let (id, name) = (self.concept.id, format!("Where {} acts", self.name()));
        let response = ui.interact(tile, ui.scope_id().with(("where", id)), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        ui.painter().rect_filled(tile, CornerRadius::same(3), Theme::of(ui).ground.canvas);
        let Some(report) = &self.report else { return };
        if response.hovered() {
            view.selection.lit = Some(Lit::Concept(id));
        }
        let texture = textures.get(ui.ctx(), report, Kind::Mask, || {
            let shown = masked(report);
            textures::map_image(&shown, 0.0, shown.max(), &colormap::table(StepArray::Magnitude.info().palette))
        });
        let tint = if report.active { theme::PLAIN } else { theme::IDLE };
        picture::cover(ui, tile, texture.id(), [report.mask.width, report.mask.height], 3, tint);
        if response.clicked() {
            (view.overlay.kind, view.overlay.concept) = (Overlay::Concept, Some(id));
        }
        response.on_hover_text(if report.active { "Show on the canvas" } else { "Not acting at this step" });
    }

    /// Name and buttons; returns whether the concept is to be removed.
    fn title_row(&mut self, ui: &mut Ui, body: Rect) -> bool {
        let (name, row) = (self.name(), self.row);
        let Self { concept, words, reads, .. } = self;
        let theme = Theme::of(ui);
        let line = Rect::from_min_size(body.min, vec2(body.width() + 4.0, 20.0));
        let layout = Layout::right_to_left(Align::Center);
        let mut tools = ui.new_child(UiBuilder::new().id_salt(("tools", concept.id)).max_rect(line).layout(layout));
        tools.spacing_mut().item_spacing.x = 0.0;
        let remove = icon_button(&mut tools, Icon::Close, &format!("Remove {name}")).clicked();
        let sign = if concept.enabled { Icon::Eye } else { Icon::EyeOff };
        let mute = icon_toggle(&mut tools, sign, &format!("Mute {name}"), !concept.enabled);
        if mute.clicked() {
            concept.enabled = !concept.enabled;
        }
        let sign = if concept.lock.is_empty() { Icon::Unlock } else { Icon::Lock };
        let lock = icon_toggle(&mut tools, sign, &format!("Lock {name} to regions"), !concept.lock.is_empty());
        Popup::menu(&lock)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| locks::lock_menu(ui, &mut concept.lock, words));
        let field = Rect::from_min_max(line.min, pos2(tools.min_rect().left() - 2.0, line.bottom()));
        let ink = if concept.enabled { theme.ink.text } else { theme.ink.faint };
        let mut child = ui.new_child(UiBuilder::new().id_salt(("title", concept.id)).max_rect(field));
        let id = child.scope_id().with("concept text");
        let (font, accept, name) = (theme::bold_font(size::BODY), &[Key::Tab], format!("Concept {}", row + 1));
        let look = MarkedField { id, name: &name, hint: "a word or two", font, ink, rows: Rows::Bare, accept };
        reads.field(&mut child, look, &mut concept.text);
        tools.spacing_mut().item_spacing.x = 4.0;
        reads.warn_of_length(&mut tools, &concept.text);
        remove
    }
}

/// The concept's magnitude where it may act, 0 elsewhere.
fn masked(report: &ConceptReport) -> Plane {
    let values = report.magnitude.values.iter().zip(&report.mask.values).map(|(m, share)| m * share).collect();
    Plane::new(report.mask.height, report.mask.width, values)
}

fn summary(concept: &Concept, steps: usize, report: Option<&ConceptReport>) -> String {
    let top = 100.0 * (1.0 - concept.threshold);
    let end = concept.cooldown.unwrap_or(steps).min(steps);
    let mut text = format!("top {top:.0} %  {}–{end}", (concept.warmup + 1).min(steps));
    if concept.weight != 1.0 {
        text += &format!("  ×{:.1}", concept.weight);
    }
    if !concept.keys.is_empty() {
        text += "  keys";
    }
    if let Some(report) = report {
        text += &format!("  area {:.0} %", 100.0 * report.share);
    }
    text
}

fn summary_row(ui: &mut Ui, text: &str, line: Rect, open: bool, name: &str) -> bool {
    let theme = Theme::of(ui);
    let response = ui.interact(line, ui.scope_id().with(("summary", name)), Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, open, name));
    let ink = if response.hovered() || response.has_focus() { theme.ink.text } else { theme.ink.faint };
    // What has no room ends in dots; the tooltip says it all.
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), egui::FontId::monospace(10.0), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(line.width() - 16.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(line.left(), line.center().y - galley.size().y / 2.0), galley, ink);
    let sign = if open { Icon::Down } else { Icon::Right };
    icon::paint(ui.painter(), sign, pos2(line.right() - 6.0, line.center().y), ink);
    response.on_hover_text(format!("{text}\n{SUMMARY}")).clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_steps_from_one() {
        let concept = Concept { text: "x".into(), threshold: 0.9, warmup: 3, cooldown: Some(12), ..Concept::default() };
        assert_eq!(summary(&concept, 20, None), "top 10 %  4–12");
    }
}

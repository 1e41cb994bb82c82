//! The card that a click on the picture opens: why the pixel there is as it is.
//!
//! Apart from what is said, and from the card under the pointer, which only shows numbers.

use egui::{CornerRadius, Margin, Rect, RichText, Sense, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};

use super::{
    pane::Pane,
    why::{Run, Why, why},
};
use crate::studio::{
    view::{
        View,
        theme::{self, Theme},
    },
    widgets::{Icon, icon_button, row},
};

const WIDTH: f32 = 320.0;
const PAD: f32 = 11.0;
/// From the edges of the canvas.
const EDGE: f32 = 10.0;

/// The card's own state.
#[derive(Debug, Default)]
pub struct WhyCard {
    /// The equation is shown.
    is_open: bool,
    /// Its height in the last frame: it stands at the lower edge.
    height: f32,
}

impl WhyCard {
    /// Shows the card of the chosen pixel of `pane` in a lower corner of `within`, and where that pixel is.
    pub fn show(&mut self, ui: &mut Ui, view: &mut View, pane: &Pane, within: Rect) {
        let Some([u, v]) = view.selection.pixel else { return };
        let Some(report) = pane.frame.report.as_deref() else { return };
        let why = why(Run { report, recipe: &pane.recipe, labels: &pane.labels }, pane.size(), [u, v]);
        let placed = pane.place(view);
        let at = placed.min + placed.size() * vec2(u, v);
        cross(ui, at, pane.clip);
        let left = if at.x < within.center().x { within.right() - WIDTH - EDGE } else { within.left() + EDGE };
        let top = (within.bottom() - EDGE - self.height).max(within.top() + EDGE);
        let rect = Rect::from_min_size(pos2(left, top), vec2(WIDTH, self.height));
        // What lies under the card is not the canvas.
        ui.interact(rect, ui.scope_id().with("why card"), Sense::click_and_drag());
        let theme = Theme::of(ui);
        let ground = ui.painter().add(egui::Shape::Noop);
        let inner = Rect::from_min_size(rect.min + vec2(PAD, PAD - 2.0), vec2(WIDTH - 2.0 * PAD, within.height()));
        let mut child = ui.new_child(UiBuilder::new().id_salt("why").max_rect(inner));
        if self.contents(&mut child, &why) {
            view.selection.pixel = None;
        }
        let height = child.min_rect().height() + 2.0 * PAD;
        if (height - self.height).abs() > 0.5 {
            self.height = height;
            ui.ctx().request_repaint();
        }
        let face = egui::epaint::RectShape::new(
            Rect::from_min_size(rect.min, vec2(WIDTH, height)),
            CornerRadius::same(6),
            theme.tooltip.ground,
            Stroke::new(1.0, theme.tooltip.line),
            StrokeKind::Inside,
        );
        ui.painter().set(ground, face);
    }

    /// Returns whether the card is closed.
    fn contents(&mut self, ui: &mut Ui, why: &Why) -> bool {
        let theme = Theme::of(ui);
        let mut closed = false;
        ui.spacing_mut().item_spacing.y = 4.0;
        ui.horizontal(|ui| {
            ui.label(theme::bold(&why.title, theme::size::BODY).color(theme.ink.text));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                closed = icon_button(ui, Icon::Close, "Close the card (Esc)").clicked();
            });
        });
        for (method, sentence) in &why.sentences {
            ui.horizontal_top(|ui| {
                let (name, _) = ui.allocate_exact_size(vec2(44.0, 15.0), Sense::hover());
                let font = theme::bold_font(theme::size::SMALL);
                ui.painter().text(name.left_center(), egui::Align2::LEFT_CENTER, method, font, theme.accent.plain);
                let text = RichText::new(capital(sentence)).font(theme::small_font()).color(theme.ink.text);
                ui.add(egui::Label::new(text).wrap());
            });
        }
        if self.is_open {
            let frame = egui::Frame::new().fill(theme.ground.input).corner_radius(4).inner_margin(Margin::same(6));
            frame.show(ui, |ui| {
                for line in &why.equation {
                    let text = RichText::new(line).font(egui::FontId::monospace(10.5)).color(theme.ink.dim);
                    ui.add(egui::Label::new(text).wrap());
                }
            });
        }
        ui.horizontal(|ui| {
            let title = if self.is_open { "Hide the equation" } else { "Equation" };
            if ui.button(title).on_hover_text("The prediction of this element with its numbers").clicked() {
                self.is_open = !self.is_open;
            }
            if ui.button("Copy").on_hover_text("All of it as text, with the equation").clicked() {
                ui.ctx().copy_text(why.text());
            }
            row::note(ui, "Click another pixel for its card");
        });
        closed
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Marks the pixel.
fn cross(ui: &Ui, at: egui::Pos2, clip: Rect) {
    let painter = ui.painter().with_clip_rect(clip.intersect(ui.clip_rect()));
    let ink = &Theme::of(ui).on_picture;
    for (width, color) in [(3.0, ink.ground), (1.0, ink.ink)] {
        painter.circle_stroke(at, 6.0, Stroke::new(width, color));
    }
}

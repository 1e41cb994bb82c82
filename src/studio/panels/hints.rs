//! What to try first: three lines on the canvas at the very first start, each gone once it was done.
//!
//! Apart from the canvas because the hints follow from the whole window.

use egui::{Align2, CornerRadius, Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};

use crate::{
    recipe::Recipe,
    studio::{
        document::{Document, demo, track::Playhead},
        view::{
            View,
            compare::Compare,
            theme::{self, Theme},
        },
        widgets::{Icon, icon_button},
    },
};

const LINES: [&str; 3] = [
    "Drag the strength of a concept, at the right, and let go.",
    "Click a word above, or its region in the picture.",
    "Drag along the timeline to see the picture form.",
];
const WIDTH: f32 = 372.0;
const LINE: f32 = 22.0;

/// The hints that are left.
#[derive(Debug, Default)]
pub struct Hints {
    /// Which hints were followed; `None` once all were, or they were dismissed, and where none are shown.
    done: Option<[bool; 3]>,
}

impl Hints {
    /// Shows all hints from now on.
    pub fn start(&mut self) {
        self.done = Some([false; 3]);
    }

    pub fn dismiss(&mut self) {
        self.done = None;
    }

    /// Shows what was not tried yet in the lower left corner of `canvas`, and notes what is.
    pub fn ui(&mut self, ui: &mut Ui, document: &Document, view: &View, canvas: Rect) {
        let Some(done) = &mut self.done else { return };
        done[0] |= strengths(document.recipe()) != strengths(&demo::recipe());
        done[1] |= view.selection.region.is_some();
        done[2] |= matches!(view.playhead, Playhead::At(_)) && !view.playback.playing;
        let open: Vec<&str> =
            LINES.iter().zip(done.iter()).filter(|(_, done)| !**done).map(|(line, _)| *line).collect();
        if open.is_empty() {
            return self.dismiss();
        }
        // A comparison has a text of its own there, and the brush its bar.
        if view.comparison.mode == Compare::Single && !view.brush.active && card(ui, &open, canvas) {
            self.dismiss();
        }
    }
}

fn strengths(recipe: &Recipe) -> Vec<f32> {
    recipe.concepts.iter().map(|concept| concept.strength).collect()
}

/// The card with the hints; returns whether it was dismissed.
fn card(ui: &mut Ui, lines: &[&str], canvas: Rect) -> bool {
    let theme = Theme::of(ui);
    let height = LINE * lines.len() as f32 + 34.0;
    let corner = pos2(canvas.left() + 12.0, canvas.bottom() - height - 36.0);
    let card = Rect::from_min_size(corner, vec2(WIDTH.min(canvas.width() - 24.0), height));
    ui.painter().rect_filled(card, CornerRadius::same(6), theme.tooltip.ground);
    ui.painter().rect_stroke(card, CornerRadius::same(6), Stroke::new(1.0, theme.tooltip.line), StrokeKind::Inside);
    let put = |y: f32, text: &str, font, ink| {
        ui.painter().text(pos2(card.left() + 12.0, y), Align2::LEFT_CENTER, text, font, ink);
    };
    put(card.top() + 15.0, "Try", theme::bold_font(theme::size::HEADING), theme.accent.plain);
    for (k, line) in lines.iter().enumerate() {
        put(card.top() + 38.0 + LINE * k as f32, line, theme::body_font(), theme.ink.text);
    }
    let spot = Rect::from_min_size(pos2(card.right() - 26.0, card.top() + 5.0), vec2(20.0, 20.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("hints").max_rect(spot));
    icon_button(&mut child, Icon::Close, "Dismiss hints").clicked()
}

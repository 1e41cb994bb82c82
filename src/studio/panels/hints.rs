//! What to try first: three lines on the canvas at the very first start, each gone once it was done.

use egui::{Align2, CornerRadius, Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};

use crate::studio::{
    bundle::Studio,
    document::{demo, track::Playhead},
    view::{
        compare::Compare,
        theme::{self, Theme},
    },
    widgets::{Icon, icon_button},
};

const LINES: [&str; 3] = [
    "Drag the strength of a concept, at the right, and let go.",
    "Click a word above, or its region in the picture.",
    "Drag along the timeline to see the picture form.",
];
const WIDTH: f32 = 372.0;
const LINE: f32 = 22.0;

/// Shows what was not tried yet in the lower left corner of `canvas`, and notes what is.
pub fn show(ui: &mut Ui, studio: &mut Studio, canvas: Rect) {
    let Some(mut done) = studio.hints else { return };
    let strengths = |concepts: &[crate::recipe::Concept]| concepts.iter().map(|c| c.strength).collect::<Vec<_>>();
    done[0] |= strengths(&studio.document.recipe.concepts) != strengths(&demo::recipe().concepts);
    done[1] |= studio.view.selection.region.is_some();
    done[2] |= matches!(studio.view.playhead, Playhead::At(_)) && !studio.view.playback.playing;
    let open: Vec<&str> = LINES.iter().zip(done).filter(|(_, done)| !done).map(|(line, _)| *line).collect();
    studio.hints = Some(done).filter(|_| !open.is_empty());
    // Comparisons have words of their own there, and painting its bar.
    if open.is_empty() || studio.view.comparison.mode != Compare::Single || studio.view.brush.active {
        return;
    }
    let theme = Theme::of(ui);
    let height = LINE * open.len() as f32 + 34.0;
    let corner = pos2(canvas.left() + 12.0, canvas.bottom() - height - 36.0);
    let card = Rect::from_min_size(corner, vec2(WIDTH.min(canvas.width() - 24.0), height));
    ui.painter().rect_filled(card, CornerRadius::same(6), theme.probe);
    ui.painter().rect_stroke(card, CornerRadius::same(6), Stroke::new(1.0, theme.probe_line), StrokeKind::Inside);
    let put = |y: f32, text: &str, font, ink| {
        ui.painter().text(pos2(card.left() + 12.0, y), Align2::LEFT_CENTER, text, font, ink);
    };
    put(card.top() + 15.0, "Try", theme::bold_font(theme::size::HEADING), theme.accent);
    for (k, line) in open.iter().enumerate() {
        put(card.top() + 38.0 + LINE * k as f32, line, theme::body_font(), theme.text);
    }
    let spot = Rect::from_min_size(pos2(card.right() - 26.0, card.top() + 5.0), vec2(20.0, 20.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("hints").max_rect(spot));
    if icon_button(&mut child, Icon::Close, "Dismiss hints").clicked() {
        studio.hints = None;
    }
}

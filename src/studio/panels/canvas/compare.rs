//! Comparing two runs: which of them a blinking canvas shows, and how they differ, in words.
//!
//! Apart from the panes, which say where the two runs lie.

use std::sync::Arc;

use egui::{Align, Layout, Rect, Response, Ui, UiBuilder, pos2, vec2};

use crate::{
    studio::{
        document::{Document, difference, picture_difference, track::Track},
        view::{
            View,
            colormap::{self, Table},
            compare::{Compare, Comparison, DifferenceAs},
            theme::{self, Theme},
        },
        widgets::{ValueSlider, row, segmented},
    },
    tensor::Picture,
};

/// Seconds that a blinking canvas shows one side.
const BEAT: f64 = 0.7;
/// Room for the line that says how the settings differ, in points.
pub const LINE: f32 = 20.0;
/// Room for the gain of a difference, in points, and the largest gain.
const GAIN: f32 = 180.0;
const MOST_GAIN: f32 = 32.0;

/// Whether a blinking canvas shows B now: while it is held, else in turns with A when it is timed.
pub fn shows_b(ui: &Ui, comparison: &Comparison, response: &Response) -> bool {
    if response.is_pointer_button_down_on() {
        return true;
    }
    if comparison.mode != Compare::Blink || !comparison.blinks {
        return false;
    }
    let beats = ui.input(|i| i.time) / BEAT;
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((1.0 - beats.fract()) * BEAT + 0.005));
    beats as u64 % 2 == 1
}

/// The switch of a blinking canvas, in the place of the overlay tools' second row.
pub fn blink_switch(ui: &mut Ui, comparison: &mut Comparison, row: Rect) {
    let layout = Layout::left_to_right(Align::Center);
    let mut line = ui.new_child(UiBuilder::new().id_salt("blink").max_rect(row).layout(layout));
    row::switch(&mut line, "Blink by itself", &mut comparison.blinks, "by itself");
    row::note(&mut line, "hold the picture for B");
}

/// Under the pictures: every setting in which A and B differ.
pub fn settings_line(ui: &mut Ui, document: &Document, view: &View, area: Rect) {
    let [Some((a, _)), Some((b, _))] = view.sides(document) else { return };
    let list = difference::settings(a.into(), b.into());
    let text = if list.is_empty() { "A and B have the same settings.".to_owned() } else { list.join(" · ") };
    let layout = Layout::centered_and_justified(egui::Direction::LeftToRight);
    let inner = area.shrink2(egui::vec2(16.0, 0.0));
    let mut line = ui.new_child(UiBuilder::new().id_salt("settings").max_rect(inner).layout(layout));
    let shown = egui::RichText::new(&text).font(theme::small_font()).color(Theme::of(ui).ink.text);
    let said = line.add(egui::Label::new(shown).truncate());
    said.on_hover_text(list.join("\n"));
}

/// How a difference is shown, and its gain, in the place of the overlay bar.
pub fn difference_bar(ui: &mut Ui, comparison: &mut Comparison, whole: Rect) {
    let wide = segmented::width(ui, DifferenceAs::ALL.iter().map(|as_| as_.title())) + GAIN;
    let left = (whole.center().x - wide / 2.0).max(whole.left() + 8.0);
    let row = Rect::from_min_size(pos2(left, whole.top() + 11.0), vec2(whole.right() - left - 8.0, 26.0));
    let layout = Layout::left_to_right(Align::Center);
    let mut bar = ui.new_child(UiBuilder::new().id_salt("difference bar").max_rect(row).layout(layout));
    segmented::segmented(&mut bar, &mut comparison.difference, &DifferenceAs::ALL, DifferenceAs::title, |_| None);
    bar.add_space(10.0);
    row::note(&mut bar, "gain");
    let (rail, _) = bar.allocate_exact_size(vec2(84.0, 22.0), egui::Sense::hover());
    let (number, _) = bar.allocate_exact_size(vec2(42.0, 22.0), egui::Sense::hover());
    let gain = ValueSlider::new("Gain of the difference", &mut comparison.gain, 1.0..=MOST_GAIN).factor();
    gain.step(1.0, 0)
        .place(&mut bar, rail, number)
        .on_hover_text("How many times as large as it is the difference is shown; the numbers below do not change");
}

/// What the colours of a difference mean: their scale, and the values at its ends, of 255.
pub fn difference_scale(comparison: &Comparison) -> (Table, [f32; 2]) {
    let most = 255.0 / comparison.gain;
    match comparison.difference {
        DifferenceAs::FalseColor => (colormap::magma(), [0.0, most]),
        DifferenceAs::Absolute => (colormap::grey(), [0.0, most]),
        DifferenceAs::Signed => (colormap::grey(), [-most, most]),
    }
}

/// The two pictures that were compared last, and by how much they differ, in words.
#[derive(Default)]
pub struct PictureComparison(Option<(Arc<Picture>, Arc<Picture>, String)>);

impl PictureComparison {
    /// How much the pictures shown as A and B differ; worked out once for each pair.
    pub fn text(&mut self, document: &Document, view: &View) -> String {
        let picture = |side: Option<(&Track, String)>| {
            let (track, _) = side?;
            let frame = track.frame(view.playhead).or_else(|| track.frame(Default::default()));
            frame.map(|frame| frame.picture)
        };
        let [a, b] = view.sides(document).map(picture);
        let Some((a, b)) = a.zip(b) else { return String::new() };
        let known = self.0.as_ref().filter(|(x, y, _)| Arc::ptr_eq(x, &a) && Arc::ptr_eq(y, &b));
        if let Some((.., text)) = known {
            return text.clone();
        }
        let text =
            picture_difference::pictures(&a, &b).map_or("A and B have different sizes".into(), |d| d.to_string());
        self.0 = Some((a, b, text.clone()));
        text
    }
}

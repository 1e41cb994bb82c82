//! Comparing two runs: which of them a blinking canvas shows, and how they differ, in words.

use egui::{Align, Layout, Rect, Response, Ui, UiBuilder};

use crate::studio::{
    difference,
    state::{Compare, Studio},
    theme::{self, Theme},
    widgets::row,
};

/// Seconds that a blinking canvas rests on a side.
const BEAT: f64 = 0.7;
/// Room for the line that says how the settings differ, in points.
pub const LINE: f32 = 20.0;

/// Whether a blinking canvas shows B now: while it is held, else in turns with A when it is timed.
pub fn shows_b(ui: &Ui, studio: &Studio, response: &Response) -> bool {
    if response.is_pointer_button_down_on() {
        return true;
    }
    if studio.look.compare != Compare::Blink || !studio.look.blinks {
        return false;
    }
    let beats = ui.input(|i| i.time) / BEAT;
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((1.0 - beats.fract()) * BEAT + 0.005));
    beats as u64 % 2 == 1
}

/// The switch of a blinking canvas, in the place of the overlay tools' second row.
pub fn blink_switch(ui: &mut Ui, studio: &mut Studio, row: Rect) {
    let layout = Layout::left_to_right(Align::Center);
    let mut line = ui.new_child(UiBuilder::new().id_salt("blink").max_rect(row).layout(layout));
    row::switch(&mut line, "Blink by itself", &mut studio.look.blinks, "by itself");
    row::note(&mut line, "hold the picture for B");
}

/// Under the pictures: every setting in which A and B differ.
pub fn settings_line(ui: &mut Ui, studio: &Studio, area: Rect) {
    let [Some((a, _)), Some((b, _))] = studio.sides() else { return };
    let list = difference::settings(&a.recipe, &b.recipe);
    let text = if list.is_empty() { "A and B have the same settings.".to_owned() } else { list.join(" · ") };
    let layout = Layout::centered_and_justified(egui::Direction::LeftToRight);
    let inner = area.shrink2(egui::vec2(16.0, 0.0));
    let mut line = ui.new_child(UiBuilder::new().id_salt("settings").max_rect(inner).layout(layout));
    let shown = egui::RichText::new(&text).font(theme::small_font()).color(Theme::of(ui).text);
    let said = line.add(egui::Label::new(shown).truncate());
    said.on_hover_text(list.join("\n"));
}

/// How much the pictures shown as A and B differ, in a sentence.
pub fn picture_difference(studio: &Studio) -> String {
    let picture = |side: usize| {
        let [a, b] = studio.sides();
        let (track, _) = [a, b].into_iter().nth(side)??;
        let frame = track.frame(studio.playhead).or_else(|| track.frame(Default::default()));
        frame.map(|frame| frame.picture)
    };
    match picture(0).zip(picture(1)).and_then(|(a, b)| difference::pictures(&a, &b)) {
        Some((_, 0)) => "A and B are the same, pixel for pixel.".into(),
        Some((mean, most)) => {
            format!("A and B differ by {mean:.1} of 255 on average, by {most} at most. Black where they are equal.")
        }
        None => "A and B have different sizes.".into(),
    }
}

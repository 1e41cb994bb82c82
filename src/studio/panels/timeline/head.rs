//! The timeline's title: play, loop, and the number of the shown step.
//!
//! Apart from the panel because only the title keeps state from frame to frame.

use std::time::Duration;

use egui::{Align2, DragValue, Pos2, Rect, Ui, UiBuilder, pos2, vec2};

use crate::studio::{
    document::{Document, track::Playhead},
    view::{
        View,
        theme::{self, Theme, size},
    },
    widgets::{
        Icon, icon_button, icon_toggle,
        slider::{plain_numbers, type_into},
    },
};

/// Seconds a step is shown while the timeline plays.
const STEP_SECONDS: f64 = 0.14;

/// The title with the state of its controls.
#[derive(Debug, Default)]
pub struct Head {
    /// The number of the shown step gets the keyboard focus in the next frame.
    goes_to_step: bool,
    /// When the shown step was reached, in seconds; `None` while nothing plays.
    step_shown_at: Option<f64>,
}

impl Head {
    pub fn go_to_step(&mut self) {
        self.goes_to_step = true;
    }

    /// Fills the label column beside the strip: `corner` is its left end on the strip's middle line.
    pub fn show(&mut self, ui: &mut Ui, document: &Document, view: &mut View, corner: Pos2, steps: usize) {
        let theme = Theme::of(ui);
        let title = corner - vec2(0.0, 10.0);
        let title = ui.painter().text(title, Align2::LEFT_CENTER, "Timeline", theme::small_font(), theme.ink.dim);
        let mut spot = Rect::from_center_size(pos2(title.right() + 18.0, title.center().y), vec2(20.0, 20.0));
        let playback = &mut view.playback;
        let (icon, name) =
            if playback.playing { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play steps (Space)") };
        let mut child = ui.new_child(UiBuilder::new().id_salt("play").max_rect(spot));
        if icon_button(&mut child, icon, name).clicked() {
            playback.playing = !playback.playing;
        }
        spot = spot.translate(vec2(22.0, 0.0));
        let mut child = ui.new_child(UiBuilder::new().id_salt("loop").max_rect(spot));
        if icon_toggle(&mut child, Icon::Loop, "Play over and over", !playback.once).clicked() {
            playback.once = !playback.once;
        }
        let below = Rect::from_min_size(corner, vec2(size::LANE_LABEL - 8.0, 20.0));
        self.number(ui, document, view, below, steps);
        self.play(ui, document, view, steps);
    }

    /// The shown step as a number to drag or to type.
    fn number(&mut self, ui: &mut Ui, document: &Document, view: &mut View, area: Rect, steps: usize) {
        let theme = Theme::of(ui);
        let takes_focus = std::mem::take(&mut self.goes_to_step);
        let has_steps = view.shown_track(document).is_some_and(|track| track.has_steps());
        let Some(step) = view.shown_step(document).filter(|_| has_steps) else {
            ui.painter().text(area.left_center(), Align2::LEFT_CENTER, "no steps", theme::mono_font(), theme.ink.faint);
            return;
        };
        let row = egui::Layout::left_to_right(egui::Align::Center);
        let mut child = ui.new_child(UiBuilder::new().id_salt("step number").max_rect(area).layout(row));
        plain_numbers(&mut child);
        child.spacing_mut().item_spacing.x = 2.0;
        child.label(egui::RichText::new("step").font(theme::mono_font()).color(theme.ink.faint));
        let mut number = step + 1;
        let field = DragValue::new(&mut number).range(1..=steps).speed(0.1).update_while_editing(false);
        let field = child.add(field).accessible_name("Shown step");
        child.label(egui::RichText::new(format!("of {steps}")).font(theme::mono_font()).color(theme.ink.faint));
        if takes_focus {
            type_into(ui, field.id, &(step + 1).to_string());
        }
        if number != step + 1 {
            view.playback.playing = false;
            view.seek(number - 1, steps);
        }
        field.on_hover_text(
            "Which step is shown: drag, or type a number (Ctrl+G); the arrow keys go one step at a time",
        );
    }

    /// While playing, moves the playhead on, and from the last step to the first.
    fn play(&mut self, ui: &Ui, document: &Document, view: &mut View, steps: usize) {
        if !view.playback.playing {
            self.step_shown_at = None;
            return;
        }
        let now = ui.input(|i| i.time);
        let since = *self.step_shown_at.get_or_insert(now);
        if now - since >= STEP_SECONDS {
            self.step_shown_at = Some(now);
            advance(document, view, steps);
        }
        ui.ctx().request_repaint_after(Duration::from_secs_f64(STEP_SECONDS / 2.0));
    }
}

/// Moves the playhead one step on. From the end it begins anew; when it plays only once, it stops there.
fn advance(document: &Document, view: &mut View, steps: usize) {
    let restarts = view.playhead == Playhead::Newest && view.playback.once;
    let next = view.shown_step(document).filter(|_| !restarts).map_or(0, |step| step + 1);
    if next + 1 >= steps && view.playback.once {
        (view.playback.playing, view.playhead) = (false, Playhead::Newest);
    } else {
        view.playhead = Playhead::At(if next >= steps { 0 } else { next });
    }
}

//! The timeline's title: play, loop, and the number of the shown step.

use egui::{Align2, DragValue, Rect, Ui, UiBuilder, pos2, vec2};

use crate::studio::{
    bundle::Studio,
    document::track::Playhead,
    view::theme::{self, Theme, size},
    widgets::{
        Icon, icon_button, icon_toggle,
        slider::{plain_numbers, type_into},
    },
};

/// Seconds a step is shown when the timeline plays.
const BEAT: f64 = 0.14;

/// Fills the label column beside the strip; `left` is its left end, `middle` the strip's middle line.
pub fn show(ui: &mut Ui, studio: &mut Studio, left: f32, middle: f32, steps: usize) {
    let theme = Theme::of(ui);
    let title = pos2(left, middle - 10.0);
    let title = ui.painter().text(title, Align2::LEFT_CENTER, "Timeline", theme::small_font(), theme.dim);
    let mut spot = Rect::from_center_size(pos2(title.right() + 18.0, title.center().y), vec2(20.0, 20.0));
    let (icon, name) =
        if studio.view.playback.playing { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play steps (Space)") };
    let mut child = ui.new_child(UiBuilder::new().id_salt("play").max_rect(spot));
    if icon_button(&mut child, icon, name).clicked() {
        studio.view.playback.playing = !studio.view.playback.playing;
    }
    spot = spot.translate(vec2(22.0, 0.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("loop").max_rect(spot));
    if icon_toggle(&mut child, Icon::Loop, "Play over and over", !studio.view.playback.once).clicked() {
        studio.view.playback.once = !studio.view.playback.once;
    }
    let below = Rect::from_min_size(pos2(left, middle), vec2(size::LANE_LABEL - 8.0, 20.0));
    number(ui, studio, below, steps);
    play(ui, studio, steps);
}

/// The shown step as a number to drag or to type.
fn number(ui: &mut Ui, studio: &mut Studio, area: Rect, steps: usize) {
    let theme = Theme::of(ui);
    let wanted = std::mem::take(&mut studio.goes_to_step);
    let Some(step) = studio
        .view
        .shown_step(&studio.document)
        .filter(|_| studio.view.shown_track(&studio.document).is_some_and(|track| track.has_steps()))
    else {
        ui.painter().text(area.left_center(), Align2::LEFT_CENTER, "no steps", theme::mono_font(), theme.faint);
        return;
    };
    let row = egui::Layout::left_to_right(egui::Align::Center);
    let mut child = ui.new_child(UiBuilder::new().id_salt("step number").max_rect(area).layout(row));
    plain_numbers(&mut child);
    child.spacing_mut().item_spacing.x = 2.0;
    child.label(egui::RichText::new("step").font(theme::mono_font()).color(theme.faint));
    let mut number = step + 1;
    let field = DragValue::new(&mut number).range(1..=steps).speed(0.1).update_while_editing(false);
    let field = child.add(field).accessible_name("Shown step");
    child.label(egui::RichText::new(format!("of {steps}")).font(theme::mono_font()).color(theme.faint));
    if wanted {
        type_into(ui, field.id, &(step + 1).to_string());
    }
    if number != step + 1 {
        studio.view.playback.playing = false;
        studio.view.seek(number - 1, steps);
    }
    field.on_hover_text("Which step is shown: drag, or type a number (Ctrl+G); the arrow keys go one step at a time");
}

/// While playing, moves the playhead on, and from the last step to the first.
fn play(ui: &Ui, studio: &mut Studio, steps: usize) {
    let id = ui.scope_id().with("beat");
    if !studio.view.playback.playing {
        ui.data_mut(|d| d.remove::<f64>(id));
        return;
    }
    let now = ui.input(|i| i.time);
    let last: f64 = ui.data(|d| d.get_temp(id)).unwrap_or(now);
    if now - last >= BEAT {
        // From the end it begins anew; when it plays only once, it rests there.
        let resting = studio.view.playhead == Playhead::Newest;
        let next = studio
            .view
            .shown_step(&studio.document)
            .filter(|_| !resting || !studio.view.playback.once)
            .map_or(0, |step| step + 1);
        if next + 1 >= steps && studio.view.playback.once {
            (studio.view.playback.playing, studio.view.playhead) = (false, Playhead::Newest);
        } else {
            studio.view.playhead = Playhead::At(if next >= steps { 0 } else { next });
        }
        ui.data_mut(|d| d.insert_temp(id, now));
    } else if now == last {
        ui.data_mut(|d| d.insert_temp(id, now));
    }
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(BEAT / 2.0));
}

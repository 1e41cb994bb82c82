//! Below the canvas: one thumbnail a step with a playhead to scrub, lanes that show what acts when, and norms.

mod lanes;
mod norms;

use egui::{Align2, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::{
    state::Studio,
    textures::Textures,
    theme::{self, Theme, size},
    track::Playhead,
    widgets::{Icon, icon_button, icon_toggle, picture},
};

/// Narrower than this, thumbnails stand for several steps.
const NARROWEST: f32 = 38.0;
/// As a share of its height.
const WIDEST: f32 = 1.5;
const THUMBNAIL_TEXELS: usize = 128;
const NORMS: f32 = 24.0;
const TOP: f32 = 8.0;
/// Seconds a step is shown when the timeline plays.
const BEAT: f64 = 0.14;
/// More lanes than this scroll; fewer in a low window.
const LANES: usize = 6;
const LANES_LOW: usize = 4;
const LOW: f32 = 790.0;

/// How steps lie on the strip.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub left: f32,
    pub width: f32,
    pub steps: usize,
}

impl Axis {
    pub fn cell(&self) -> f32 {
        self.width / self.steps.max(1) as f32
    }

    /// The left border of a step; of `steps`, the right end.
    pub fn x(&self, step: usize) -> f32 {
        self.left + self.cell() * step.min(self.steps) as f32
    }

    pub fn middle(&self, step: usize) -> f32 {
        self.x(step) + self.cell() / 2.0
    }

    /// The step under `x`.
    pub fn step(&self, x: f32) -> usize {
        (((x - self.left) / self.cell()).max(0.0) as usize).min(self.steps.saturating_sub(1))
    }

    /// The border between steps nearest to `x`, 0 to `steps`.
    pub fn border(&self, x: f32) -> usize {
        (((x - self.left) / self.cell()).round().max(0.0) as usize).min(self.steps)
    }
}

/// The height of the whole panel for the recipe as it stands, in a window of height `window`.
pub fn height(studio: &Studio, window: f32) -> f32 {
    TOP + size::frame(window) + 6.0 + lanes_height(studio, window) + NORMS + 8.0
}

fn lanes_height(studio: &Studio, window: f32) -> f32 {
    let most = if window < LOW { LANES_LOW } else { LANES };
    lanes::count(&studio.recipe).min(most) as f32 * size::LANE
}

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let window = ui.ctx().content_rect().height();
    let whole = ui.max_rect();
    let steps = studio.shown_track().map(|t| t.calls()).filter(|&n| n > 0).unwrap_or(studio.recipe.steps).max(1);
    let left = whole.left() + size::MARGIN + size::LANE_LABEL;
    let axis = Axis { left, width: (whole.right() - size::MARGIN - left).max(40.0), steps };
    let strip = Rect::from_min_size(pos2(left, whole.top() + TOP), vec2(axis.width, size::frame(window)));
    head(ui, studio, pos2(whole.left() + size::MARGIN, strip.center().y));
    play(ui, studio, steps);
    scrub(ui, studio, strip, axis);
    frames(ui, studio, pictures, strip, axis);

    let top = strip.bottom() + 6.0;
    let lanes = Rect::from_min_max(pos2(whole.left(), top), pos2(whole.right(), top + lanes_height(studio, window)));
    lanes::show(ui, studio, lanes, axis);
    let plot = Rect::from_min_max(pos2(left, lanes.bottom() + 3.0), pos2(strip.right(), lanes.bottom() + NORMS));
    norms::show(ui, studio, plot, axis, whole.left() + size::MARGIN);
    if let Some(step) = studio.shown_step() {
        let x = axis.middle(step.min(steps - 1));
        ui.painter().vline(x, strip.bottom()..=plot.bottom(), Stroke::new(1.0, Theme::of(ui).accent));
    }
}

fn head(ui: &mut Ui, studio: &mut Studio, middle: egui::Pos2) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let label = painter.text(middle - vec2(0.0, 9.0), Align2::LEFT_CENTER, "Timeline", theme::small_font(), theme.dim);
    let text = match studio.shown_step() {
        Some(step) => format!("step {}", step + 1),
        None => "no steps".into(),
    };
    painter.text(middle + vec2(0.0, 9.0), Align2::LEFT_CENTER, text, theme::mono_font(), theme.faint);
    let spot = Rect::from_center_size(pos2(label.right() + 18.0, label.center().y), vec2(20.0, 20.0));
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("play").max_rect(spot));
    let (icon, name) = if studio.playing { (Icon::Pause, "Pause (Space)") } else { (Icon::Play, "Play steps (Space)") };
    if icon_button(&mut child, icon, name).clicked() {
        studio.playing = !studio.playing;
    }
    let spot = spot.translate(vec2(22.0, 0.0));
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("loop").max_rect(spot));
    if icon_toggle(&mut child, Icon::Loop, "Play over and over", !studio.once).clicked() {
        studio.once = !studio.once;
    }
}

/// While playing, moves the playhead on, and from the last step to the first.
fn play(ui: &Ui, studio: &mut Studio, steps: usize) {
    let id = ui.scope_id().with("beat");
    if !studio.playing {
        ui.data_mut(|d| d.remove::<f64>(id));
        return;
    }
    let now = ui.input(|i| i.time);
    let last: f64 = ui.data(|d| d.get_temp(id)).unwrap_or(now);
    if now - last >= BEAT {
        // From the end it begins anew; when it plays only once, it rests there.
        let resting = studio.playhead == Playhead::Newest;
        let next = studio.shown_step().filter(|_| !resting || !studio.once).map_or(0, |step| step + 1);
        if next + 1 >= steps && studio.once {
            (studio.playing, studio.playhead) = (false, Playhead::Newest);
        } else {
            studio.playhead = Playhead::At(if next >= steps { 0 } else { next });
        }
        ui.data_mut(|d| d.insert_temp(id, now));
    } else if now == last {
        ui.data_mut(|d| d.insert_temp(id, now));
    }
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(BEAT / 2.0));
}

/// Looks at `step`; at the last one, at whatever is newest.
pub fn seek(studio: &mut Studio, step: usize, steps: usize) {
    studio.playhead = if step + 1 >= steps { Playhead::Newest } else { Playhead::At(step) };
}

fn scrub(ui: &Ui, studio: &mut Studio, strip: Rect, axis: Axis) {
    let response = ui.interact(strip, ui.scope_id().with("scrub"), Sense::click_and_drag());
    let at = studio.shown_step().map_or(0.0, |step| step as f64 + 1.0);
    response.widget_info(|| WidgetInfo { value: Some(at), ..WidgetInfo::labeled(Role::Slider, true, "Timeline step") });
    if let Some(pointer) = response.interact_pointer_pos()
        && response.is_pointer_button_down_on()
        && studio.shown_track().is_some_and(|track| track.has_steps())
    {
        studio.playing = false;
        seek(studio, axis.step(pointer.x), axis.steps);
    }
}

fn frames(ui: &mut Ui, studio: &Studio, pictures: &mut Textures, strip: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let stride = (NARROWEST / axis.cell()).ceil().max(1.0) as usize;
    let shown = studio.shown_step();
    let track = studio.shown_track();
    let live = studio.run.as_ref().filter(|_| studio.shown == super::state::Shown::Live);
    let before = live.and_then(|run| run.before.as_deref());
    for first in (0..axis.steps).step_by(stride) {
        let end = (first + stride).min(axis.steps);
        let cell = Rect::from_min_max(pos2(axis.x(first), strip.top()), pos2(axis.x(end), strip.bottom()));
        // With few steps the cells are wider than the pictures.
        let wide = (cell.width() - 3.0).min(WIDEST * cell.height());
        let rect = Rect::from_center_size(cell.center(), vec2(wide, cell.height()));
        let inside = shown.filter(|step| (first..end).contains(step));
        let step = inside.unwrap_or(end - 1);
        let fresh = track.and_then(|t| t.report(step));
        // Steps that the newest job has not reached yet stand as they were, dimmed.
        let stale = before.and_then(|t| t.report(step)).filter(|_| fresh.is_none());
        match fresh.or(stale) {
            Some(report) => {
                let texture = pictures.thumbnail(ui.ctx(), &report.preview, THUMBNAIL_TEXELS);
                let size = [report.preview.width, report.preview.height];
                let tint = if fresh.is_some() { theme::PLAIN } else { theme::STALE };
                picture::cover(ui, rect, texture.id(), size, 3, tint);
            }
            None => drop(ui.painter().rect_filled(rect, CornerRadius::same(3), theme.field)),
        }
        if inside.is_some() {
            let rim = Stroke::new(2.0, theme.accent);
            ui.painter().rect_stroke(rect, CornerRadius::same(4), rim, StrokeKind::Outside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_and_places_agree() {
        let axis = Axis { left: 100.0, width: 400.0, steps: 20 };
        for step in 0..20 {
            assert_eq!(axis.step(axis.middle(step)), step);
            assert_eq!(axis.border(axis.x(step) + 1.0), step);
        }
        assert_eq!(axis.step(-50.0), 0);
        assert_eq!(axis.step(9999.0), 19);
        assert_eq!(axis.border(9999.0), 20);
    }
}

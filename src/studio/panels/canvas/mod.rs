//! The canvas: the picture as it forms, maps over it, and every number under the pointer.

mod bar;
mod brush;
mod compare;
pub mod gpu;
mod grid;
mod legend;
pub mod probe;
mod tip;

use std::sync::Arc;

use eframe::egui_wgpu::{self, wgpu};
use egui::{Align2, CursorIcon, Key, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::{
    recipe::Recipe,
    studio::{
        bundle::Studio,
        document::{
            regions::labels::RegionLabels,
            track::{Frame, Track},
        },
        panels::canvas::gpu::CanvasPaint,
        view::{
            compare::{Compare, DifferenceAs},
            maps::Source,
            overlay::Overlay,
            theme::{self, Theme},
            zoom::Zoom,
        },
        widgets::{picture::label_on, textures::Textures},
    },
};

/// Above the pictures: the bar of overlays.
pub const TOP: f32 = 46.0;
/// Below the pictures: the legend.
pub const BOTTOM: f32 = 30.0;
const WIPE_GRIP: f32 = 14.0;

/// One picture on the canvas.
struct Pane {
    area: Rect,
    /// What of the area is drawn: all of it, but for the two halves of a wipe.
    clip: Rect,
    frame: Frame,
    /// Of the run that the picture comes from.
    names: RegionLabels,
    /// What it was made with.
    recipe: Recipe,
    title: Option<String>,
    /// The other picture, when differences are shown.
    other: Option<Frame>,
}

/// Draws the canvas into the rest of `ui`. `format` is the window's, for the GPU pipelines.
pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, format: wgpu::TextureFormat) {
    let theme = Theme::of(ui);
    let whole = ui.max_rect();
    ui.painter().rect_filled(whole, 0.0, theme.canvas);
    if studio.view.comparison.mode == Compare::Grid {
        return grid::show(ui, studio, pictures, whole);
    }
    let line = if studio.view.comparison.mode.pairs() { compare::LINE } else { 0.0 };
    let area = Rect::from_min_max(whole.min + vec2(0.0, TOP), whole.max - vec2(0.0, BOTTOM + line));
    let response = ui.interact(whole, ui.scope_id().with("canvas"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Canvas"));

    let b = compare::shows_b(ui, studio, &response);
    match panes(studio, area, b) {
        Ok(panes) => {
            navigate(ui, studio, &response, &panes);
            for (key, pane) in (0..).zip(&panes) {
                paint(ui, studio, pane, key, format);
            }
            if studio.view.comparison.mode == Compare::Wipe {
                wipe_grip(ui, studio, &panes);
            }
            let below = Rect::from_min_max(pos2(whole.left(), area.bottom()), whole.max);
            if line > 0.0 {
                compare::settings_line(ui, studio, below.with_max_y(below.top() + line));
            }
            legend::show(ui, studio, below.with_min_y(below.top() + line));
            // Last, so that its card lies over everything.
            let chosen = hover(ui, studio, &response, &panes, whole);
            let choosing = match brush::active(studio) {
                true => brush::picks(ui, studio),
                false => matches!(studio.view.overlay.kind, Overlay::Picture | Overlay::Regions | Overlay::Rate),
            };
            if response.clicked() && choosing {
                studio.view.choose_region(chosen.filter(|&position| studio.view.selection.region != Some(position)));
            }
            if let Some(pane) = panes.first().filter(|_| brush::active(studio)) {
                let placed = studio.view.zoom.place(pane.area, size(&pane.frame));
                brush::show(ui, studio, &response, pane, placed);
                brush::bar(ui, studio, area);
            }
            if studio.view.comparison.mode == Compare::Blink {
                let corner = whole.min + vec2(14.0, 40.0);
                compare::blink_switch(ui, studio, Rect::from_min_size(corner, vec2(320.0, 26.0)));
            }
        }
        Err(state) => empty(ui, area, &state),
    }
    bar::show(ui, studio, whole);
}

/// What stands on the canvas when there is nothing to show.
struct Empty {
    title: &'static str,
    text: String,
    spin: bool,
}

/// `b_shown` is which side a blinking canvas shows.
fn panes(studio: &Studio, area: Rect, b_shown: bool) -> Result<Vec<Pane>, Empty> {
    let compare = studio.view.comparison.mode;
    if compare == Compare::Single {
        let pane = studio.view.shown_track(&studio.document).zip(studio.view.shown_frame(&studio.document)).map(
            |(track, frame)| Pane {
                area,
                clip: area,
                title: is_draft(&frame).then(|| "draft".into()),
                frame,
                names: studio.view.labels(&studio.document),
                recipe: track.recipe.clone(),
                other: None,
            },
        );
        return pane.map(|pane| vec![pane]).ok_or_else(|| nothing_yet(studio));
    }
    let [a, b] = studio.view.sides(&studio.document);
    let Some((a, b)) = a.zip(b) else {
        return Err(Empty {
            title: "Nothing pinned as A",
            text: "Pin a take as A in the strip below. B is another pinned take, or what is shown.".into(),
            spin: false,
        });
    };
    let middle = area.center().x;
    let halves = [area.with_max_x(middle), area.with_min_x(middle)];
    let side = |(track, title): (&Track, String), area: Rect| {
        let frame = track.frame(studio.view.playhead).or_else(|| track.frame(Default::default()))?;
        let title = frame.report.as_ref().map_or(title.clone(), |r| format!("{title} · step {}", r.step + 1));
        let (names, recipe) = (RegionLabels::of(track, &studio.document.recipe), track.recipe.clone());
        Some(Pane { area, clip: area, frame, names, recipe, title: Some(title), other: None })
    };
    let spread = compare == Compare::SideBySide;
    let (left, right) = if spread { (halves[0], halves[1]) } else { (area, area) };
    let (mut a, mut b) = side(a, left).zip(side(b, right)).ok_or_else(|| nothing_yet(studio))?;
    if compare == Compare::Difference {
        a.title =
            Some(if studio.view.comparison.difference == DifferenceAs::Signed { "A − B" } else { "|A − B|" }.into());
        a.other = Some(b.frame);
        return Ok(vec![a]);
    }
    if compare == Compare::Blink {
        return Ok(vec![if b_shown { b } else { a }]);
    }
    if compare == Compare::Wipe {
        let placed = studio.view.zoom.place(area, size(&a.frame));
        let x = placed.left() + placed.width() * studio.view.comparison.wipe;
        (a.clip, b.clip) = (area.with_max_x(x), area.with_min_x(x));
    }
    Ok(vec![a, b])
}

/// Whether the picture is only projected from the latents: the decoder's own follows.
fn is_draft(frame: &Frame) -> bool {
    frame.report.as_ref().is_some_and(|report| report.draft && Arc::ptr_eq(&report.preview, &frame.picture))
}

fn nothing_yet(studio: &Studio) -> Empty {
    let busy = studio.document.engine.busy.clone();
    if studio.document.is_busy() || busy.is_some() {
        let text = busy.unwrap_or_else(|| "The first step is on its way.".into());
        return Empty { title: "Preparing", text, spin: true };
    }
    Empty { title: "No picture yet", text: "Write a prompt and press Ctrl+Enter.".into(), spin: false }
}

fn size(frame: &Frame) -> [usize; 2] {
    [frame.picture.width, frame.picture.height]
}

fn empty(ui: &mut Ui, area: Rect, state: &Empty) {
    let theme = Theme::of(ui);
    let middle = area.center();
    let painter = ui.painter();
    painter.text(middle - vec2(0.0, 4.0), Align2::CENTER_BOTTOM, state.title, theme::bold_font(15.0), theme.dim);
    let text = painter.layout(state.text.clone(), theme::body_font(), theme.faint, (area.width() - 80.0).max(80.0));
    painter.galley(middle + vec2(-text.size().x / 2.0, 6.0), text, theme.faint);
    if state.spin {
        let spot = Rect::from_center_size(middle - vec2(0.0, 46.0), vec2(22.0, 22.0));
        ui.put(spot, egui::Spinner::new().size(22.0).color(theme.accent));
    }
}

/// Wheel zooms to the pointer, drag pans, double-click or F fits.
fn navigate(ui: &Ui, studio: &mut Studio, response: &Response, panes: &[Pane]) {
    let keys_free = ui.memory(|m| m.focused().is_none());
    let strokes = brush::holds(studio, response);
    if (response.double_clicked() && !strokes)
        || (keys_free && ui.input(|i| i.key_pressed(Key::F) && !i.modifiers.any()))
    {
        studio.view.zoom = Zoom::default();
        return;
    }
    let Some(pointer) = response.hover_pos().or_else(|| response.interact_pointer_pos()) else { return };
    let Some(pane) = panes.iter().find(|pane| pane.area.contains(pointer)).or(panes.first()) else { return };
    let size = size(&pane.frame);
    if response.hovered() {
        let factor = ui.input(|i| (i.smooth_scroll_delta().y / 240.0).exp() * i.zoom_delta());
        if factor != 1.0 {
            studio.view.zoom.zoom_at(pane.area, size, pointer, factor);
        }
    }
    if response.dragged() && !strokes {
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        studio.view.zoom.pan(pane.area, size, response.drag_delta());
    }
}

fn paint(ui: &Ui, studio: &Studio, pane: &Pane, key: u64, format: wgpu::TextureFormat) {
    let (overlay, comparison) = (&studio.view.overlay, &studio.view.comparison);
    let placed = studio.view.zoom.place(pane.area, size(&pane.frame));
    let frame = pane.frame.clone();
    let mut source =
        Source::new(frame.picture, frame.report, pane.names.clone(), overlay, studio.view.selection.region);
    source.other = pane.other.as_ref().map(|frame| frame.picture.clone());
    let callback = CanvasPaint {
        key,
        format,
        source: Arc::new(source),
        area: pane.area,
        placed,
        pixels_per_point: ui.pixels_per_point(),
        opacity: overlay.opacity,
        outlines: overlay.outlines,
        difference: comparison.difference,
        gain: comparison.gain,
    };
    let clip = pane.clip.intersect(ui.clip_rect());
    let painter = ui.painter().with_clip_rect(clip);
    painter.add(egui_wgpu::Callback::new_paint_callback(pane.area, callback));
    if let Some(title) = &pane.title {
        let corner = placed.min.max(pane.clip.min) + vec2(8.0, 8.0);
        label_on(ui, corner, Align2::LEFT_TOP, title, theme::small_font());
    }
}

fn wipe_grip(ui: &Ui, studio: &mut Studio, panes: &[Pane]) {
    let Some(pane) = panes.first() else { return };
    let placed = studio.view.zoom.place(pane.area, size(&pane.frame));
    let x = pane.clip.right();
    let line = Rect::from_center_size(pos2(x, placed.center().y), vec2(WIPE_GRIP, placed.height()));
    let grip = ui.interact(line.intersect(pane.area), ui.scope_id().with("wipe"), Sense::drag());
    let wipe = f64::from(studio.view.comparison.wipe);
    grip.widget_info(|| WidgetInfo::slider(true, wipe, "Wipe"));
    if let Some(pointer) = grip.interact_pointer_pos() {
        studio.view.comparison.wipe = ((pointer.x - placed.left()) / placed.width()).clamp(0.0, 1.0);
    }
    let ink = Theme::of(ui).on_picture;
    ui.painter().vline(x, line.intersect(pane.area).y_range(), egui::Stroke::new(1.5, ink));
    ui.painter().circle_filled(pos2(x, placed.center().y.clamp(pane.area.top(), pane.area.bottom())), 6.0, ink);
    grip.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

/// Shows the numbers under the pointer, and tells the region there.
fn hover(ui: &Ui, studio: &Studio, response: &Response, panes: &[Pane], whole: Rect) -> Option<usize> {
    let pointer = response.hover_pos().filter(|_| !response.dragged())?;
    let pane = panes.iter().find(|pane| pane.clip.contains(pointer))?;
    let (u, v) = share(studio.view.zoom.place(pane.area, size(&pane.frame)), pointer)?;
    let report = pane.frame.report.as_deref()?;
    let probe = probe::probe(report, &pane.recipe, &pane.names, size(&pane.frame), u, v);
    if !brush::active(studio) {
        tip::show(ui, &probe, pointer, whole);
    }
    Some(probe.region?.position)
}

/// Where in a placed picture the pointer is, as shares of its sides; nothing when outside.
fn share(placed: Rect, pointer: Pos2) -> Option<(f32, f32)> {
    let at = (pointer - placed.min) / placed.size();
    placed.contains(pointer).then_some((at.x, at.y))
}

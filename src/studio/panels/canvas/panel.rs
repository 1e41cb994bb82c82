//! The canvas as a whole: panes, overlay bar, legend and brush, and what the pointer does on them.

use std::sync::Arc;

use eframe::egui_wgpu::{self, wgpu};
use egui::{Align2, CursorIcon, Key, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{
    bar,
    brush::BrushTool,
    compare::{self, PictureComparison},
    gpu::CanvasPaint,
    grid,
    legend::Legend,
    pane::{self, Empty, Pane},
    probe,
    sheet::{self, Cell},
    tip,
    why_card::WhyCard,
};
use crate::studio::{
    document::Document,
    panels::context::PanelContext,
    view::{
        View,
        compare::Compare,
        maps::Source,
        overlay::Overlay,
        theme::{self, Theme},
        zoom::Zoom,
    },
    widgets::picture::label_on,
};

/// Above the pictures: the bar of overlays.
pub const TOP: f32 = 46.0;
/// Below the pictures: the legend.
pub const BOTTOM: f32 = 30.0;
const WIPE_GRIP: f32 = 14.0;

/// The canvas with its state.
pub struct Canvas {
    /// The window's, for the GPU pipelines.
    format: wgpu::TextureFormat,
    brush: BrushTool,
    comparison: PictureComparison,
    legend: Legend,
    why: WhyCard,
}

impl Canvas {
    /// `format` is the texture format that the window draws to.
    pub fn new(format: wgpu::TextureFormat) -> Self {
        Self {
            format,
            brush: BrushTool::default(),
            comparison: PictureComparison::default(),
            legend: Legend::default(),
            why: WhyCard::default(),
        }
    }

    /// Draws the canvas into the rest of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, view, commands, textures } = context;
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, 0.0, Theme::of(ui).ground.canvas);
        if view.comparison.mode == Compare::Grid {
            return grid::show(ui, document, commands, textures, whole);
        }
        let spreads = if view.comparison.mode == Compare::Sheet { sheet::spreads(document) } else { Vec::new() };
        let line = if view.comparison.mode.pairs() { compare::LINE } else { sheet::room(&spreads) };
        let area = Rect::from_min_max(whole.min + vec2(0.0, TOP), whole.max - vec2(0.0, BOTTOM + line));
        let response = ui.interact(whole, ui.scope_id().with("canvas"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Canvas"));

        let b = compare::shows_b(ui, &view.comparison, &response);
        let (on_canvas, cells) = contents(document, view, area, b);
        match on_canvas {
            Ok(panes) => {
                self.pictures(ui, view, &response, &panes);
                let below = Rect::from_min_max(pos2(whole.left(), area.bottom()), whole.max);
                let row = below.with_max_y(below.top() + line);
                match view.comparison.mode {
                    Compare::Sheet => sheet::table(ui, &spreads, row),
                    mode if mode.pairs() => compare::settings_line(ui, document, view, row),
                    _ => {}
                }
                self.legend.show(ui, document, view, &mut self.comparison, below.with_min_y(below.top() + line));
                let picks = BrushTool::picks(ui, view);
                pick(ui, view, &response, &panes, whole);
                if let Some(pane) = panes.first().filter(|_| BrushTool::is_active(view)) {
                    self.brush.paint(ui, document, view, commands, (&response, picks), pane);
                    self.brush.bar(ui, document, view, commands, area);
                }
                if let Some(pane) = panes.first().filter(|_| !BrushTool::is_active(view)) {
                    self.why.show(ui, view, pane, whole.with_max_y(below.top()));
                }
                if view.comparison.mode == Compare::Blink {
                    let corner = whole.min + vec2(14.0, 40.0);
                    let row = Rect::from_min_size(corner, vec2(320.0, 26.0));
                    compare::blink_switch(ui, &mut view.comparison, row);
                }
                if let Some(take) = sheet::frame(ui, &cells, view) {
                    view.show_take(take);
                    view.comparison.mode = Compare::Single;
                }
            }
            Err(state) => empty(ui, area, &state),
        }
        bar::show(ui, document, view, whole);
    }

    /// The pictures themselves, and what moves them.
    fn pictures(&self, ui: &Ui, view: &mut View, response: &Response, panes: &[Pane]) {
        navigate(ui, view, response, panes);
        for (key, pane) in (0..).zip(panes) {
            self.paint(ui, view, pane, key);
        }
        if view.comparison.mode == Compare::Wipe {
            wipe_grip(ui, view, panes);
        }
    }

    fn paint(&self, ui: &Ui, view: &View, pane: &Pane, key: u64) {
        let placed = pane.place(view);
        let frame = pane.frame.clone();
        let (overlay, chosen) = view.overlay_now(&pane.labels);
        let comparison = &view.comparison;
        let mut source = Source::new(frame.picture, frame.report, pane.labels.clone(), &overlay, chosen);
        source.other = pane.other.as_ref().map(|frame| frame.picture.clone());
        let callback = CanvasPaint {
            key,
            format: self.format,
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
}

/// The pictures on the canvas, and the cells that they fill on a contact sheet.
fn contents(document: &Document, view: &View, area: Rect, b: bool) -> (Result<Vec<Pane>, Empty>, Vec<Cell>) {
    if view.comparison.mode != Compare::Sheet {
        return (pane::panes(document, view, area, b), Vec::new());
    }
    match sheet::cells(document, view, area) {
        Ok(cells) => {
            let (cells, panes): (Vec<Cell>, Vec<Option<Pane>>) = cells.into_iter().unzip();
            (Ok(panes.into_iter().flatten().collect()), cells)
        }
        Err(state) => (Err(state), Vec::new()),
    }
}

fn empty(ui: &mut Ui, area: Rect, state: &Empty) {
    let theme = Theme::of(ui);
    let middle = area.center();
    let painter = ui.painter();
    painter.text(middle - vec2(0.0, 4.0), Align2::CENTER_BOTTOM, state.title, theme::bold_font(15.0), theme.ink.dim);
    let text = painter.layout(state.text.clone(), theme::body_font(), theme.ink.faint, (area.width() - 80.0).max(80.0));
    painter.galley(middle + vec2(-text.size().x / 2.0, 6.0), text, theme.ink.faint);
    if state.spin {
        let spot = Rect::from_center_size(middle - vec2(0.0, 46.0), vec2(22.0, 22.0));
        ui.put(spot, egui::Spinner::new().size(22.0).color(theme.accent.plain));
    }
}

/// The wheel zooms to the pointer, a drag pans, a double-click or F fits.
fn navigate(ui: &Ui, view: &mut View, response: &Response, panes: &[Pane]) {
    let keys_free = ui.memory(|m| m.focused().is_none());
    let strokes = BrushTool::takes_drags(view, response);
    if (response.double_clicked() && !strokes)
        || (keys_free && ui.input(|i| i.key_pressed(Key::F) && !i.modifiers.any()))
    {
        view.zoom = Zoom::default();
        return;
    }
    let Some(pointer) = response.hover_pos().or_else(|| response.interact_pointer_pos()) else { return };
    let Some(pane) = panes.iter().find(|pane| pane.area.contains(pointer)).or(panes.first()) else { return };
    if response.hovered() {
        let factor = ui.input(|i| (i.smooth_scroll_delta().y / 240.0).exp() * i.zoom_delta());
        if factor != 1.0 {
            view.zoom.zoom_at(pane.area, pane.size(), pointer, factor);
        }
    }
    if response.dragged() && !strokes {
        ui.ctx().set_cursor_icon(CursorIcon::Grabbing);
        view.zoom.pan(pane.area, pane.size(), response.drag_delta());
    }
}

fn wipe_grip(ui: &Ui, view: &mut View, panes: &[Pane]) {
    let Some(pane) = panes.first() else { return };
    let placed = pane.place(view);
    let x = pane.clip.right();
    let line = Rect::from_center_size(pos2(x, placed.center().y), vec2(WIPE_GRIP, placed.height()));
    let grip = ui.interact(line.intersect(pane.area), ui.scope_id().with("wipe"), Sense::drag());
    let wipe = f64::from(view.comparison.wipe);
    grip.widget_info(|| WidgetInfo::slider(true, wipe, "Wipe"));
    if let Some(pointer) = grip.interact_pointer_pos() {
        view.comparison.wipe = ((pointer.x - placed.left()) / placed.width()).clamp(0.0, 1.0);
    }
    let ink = Theme::of(ui).on_picture.ink;
    ui.painter().vline(x, line.intersect(pane.area).y_range(), egui::Stroke::new(1.5, ink));
    ui.painter().circle_filled(pos2(x, placed.center().y.clamp(pane.area.top(), pane.area.bottom())), 6.0, ink);
    grip.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
}

/// Shows the numbers under the pointer; a click chooses the region there and opens the card of the pixel. Called late, so
/// that the tooltip lies over everything that is drawn before.
fn pick(ui: &Ui, view: &mut View, response: &Response, panes: &[Pane], whole: Rect) {
    let under_pointer = hover(ui, view, response, panes, whole);
    let choosing = match BrushTool::is_active(view) {
        true => BrushTool::picks(ui, view),
        false => matches!(view.overlay.kind, Overlay::Picture | Overlay::Regions | Overlay::Rate),
    };
    if response.clicked() && choosing {
        view.choose_region(under_pointer.filter(|&position| view.selection.region != Some(position)));
    }
    let place = response.interact_pointer_pos().filter(|_| response.clicked() && !BrushTool::is_active(view));
    let first = panes.first().filter(|pane| place.is_some_and(|at| pane.clip.contains(at)));
    if let Some((pane, at)) = first.zip(place) {
        let place = share(pane.place(view), at).map(|(u, v)| [u, v]);
        view.selection.pixel = place.filter(|place| !is_same(view.selection.pixel, *place, pane.size()));
    }
}

/// Shows the numbers under the pointer, and returns the region there.
fn hover(ui: &Ui, view: &View, response: &Response, panes: &[Pane], whole: Rect) -> Option<usize> {
    let pointer = response.hover_pos().filter(|_| !response.dragged())?;
    let pane = panes.iter().find(|pane| pane.clip.contains(pointer))?;
    let (u, v) = share(pane.place(view), pointer)?;
    let report = pane.frame.report.as_deref()?;
    let probe = probe::probe(report, &pane.recipe, &pane.labels, pane.size(), u, v);
    // The card of a pixel says more.
    if !BrushTool::is_active(view) && view.selection.pixel.is_none() {
        tip::show(ui, &probe, pointer, whole, view.overlay.card);
    }
    Some(probe.region?.position)
}

/// Whether two places of a picture of `size` pixels are about the same.
fn is_same(one: Option<[f32; 2]>, other: [f32; 2], size: [usize; 2]) -> bool {
    let near = |k: usize| one.is_some_and(|one| ((one[k] - other[k]) * size[k] as f32).abs() < 4.0);
    near(0) && near(1)
}

/// Where in a placed picture the pointer is, as shares of its sides; `None` when outside.
fn share(placed: Rect, pointer: Pos2) -> Option<(f32, f32)> {
    let at = (pointer - placed.min) / placed.size();
    placed.contains(pointer).then_some((at.x, at.y))
}

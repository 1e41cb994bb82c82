//! The ledger under the lanes: the terms of guidance step by step, as one of four plots.
//!
//! Folded, it is one low curve; open, a plot with a scale and the choice of the four. A click goes to the step. Apart
//! from [`super::series`], which reads the numbers off the run.

use egui::{Align2, Rect, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};
use egui_plot::{FilledArea, HLine, Line, LineStyle, PlotBounds, PlotPoints};

use super::{
    axis::Axis,
    series::{Chart, Series, chart},
};
use crate::studio::{
    document::Document,
    view::{
        View,
        ledger::{LedgerView, Plot},
        theme::{self, Theme, size},
    },
    widgets::{Icon, icon},
};

const FOLDED: f32 = 24.0;
const NAME: f32 = 17.0;
const OPEN: f32 = FOLDED + 4.0 * NAME + 4.0;

/// The ledger's height in points.
pub fn height(view: &View) -> f32 {
    if view.ledger.open { OPEN } else { FOLDED }
}

pub fn show(ui: &mut Ui, document: &Document, view: &mut View, area: Rect, axis: Axis) {
    let left = area.left() + size::MARGIN;
    fold(
        ui,
        &mut view.ledger,
        Rect::from_min_max(pos2(left, area.top() + 3.0), pos2(axis.left - 8.0, area.top() + FOLDED)),
    );
    if view.ledger.open {
        for (k, plot) in Plot::ALL.into_iter().enumerate() {
            let top = area.top() + FOLDED + NAME * k as f32;
            let line = Rect::from_min_size(pos2(left, top), vec2(axis.left - 8.0 - left, NAME));
            choice(ui, &mut view.ledger, plot, line);
        }
    }
    let Some(track) = view.shown_track(document).filter(|track| track.has_steps()) else { return };
    let chart = chart(track, view.ledger.plot, Theme::of(ui));
    let canvas = Rect::from_min_max(
        pos2(axis.left, area.top() + 3.0),
        pos2(axis.left + axis.width, area.bottom() - if view.ledger.open { 4.0 } else { 1.0 }),
    );
    canvas_of(ui, view, &chart, canvas, axis);
}

/// Opens and folds; folded it names what is plotted.
fn fold(ui: &Ui, ledger: &mut LedgerView, line: Rect) {
    let open = ledger.open;
    let response = ui.interact(line, ui.scope_id().with("fold ledger"), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, open, "Ledger"));
    let theme = Theme::of(ui);
    let ink = if response.hovered() || response.has_focus() { theme.ink.text } else { theme.ink.dim };
    let sign = if open { Icon::Down } else { Icon::Right };
    icon::paint(ui.painter(), sign, pos2(line.left() + 4.5, line.center().y), ink);
    let text = if open { "Ledger" } else { ledger.plot.title() };
    ui.painter().text(line.left_center() + vec2(15.0, 0.0), Align2::LEFT_CENTER, text, theme::small_font(), ink);
    if response.clicked() {
        ledger.open = !open;
    }
    response.on_hover_text("What guidance came to, step by step: norms, directions, rates and shares");
}

/// One of the four plots, by its name.
fn choice(ui: &Ui, ledger: &mut LedgerView, plot: Plot, line: Rect) {
    let chosen = ledger.plot == plot;
    let response = ui.interact(line, ui.scope_id().with(("plot", plot)), Sense::click());
    let name = format!("Plot {}", plot.title());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, &name));
    let theme = Theme::of(ui);
    if chosen {
        ui.painter().rect_filled(line.shrink2(vec2(0.0, 0.5)), egui::CornerRadius::same(3), theme.ground.raised);
    }
    let ink = if chosen || response.hovered() || response.has_focus() { theme.ink.text } else { theme.ink.dim };
    let at = line.left_center() + vec2(15.0, 0.0);
    ui.painter().text(at, Align2::LEFT_CENTER, plot.title(), theme::small_font(), ink);
    if response.clicked() {
        ledger.plot = plot;
    }
    response.on_hover_text(plot.words());
}

/// The plot itself: steps along the strip above, a click or a drag goes there, numbers under the pointer.
fn canvas_of(ui: &mut Ui, view: &mut View, chart: &Chart, canvas: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    ui.painter().rect_filled(canvas, egui::CornerRadius::same(2), theme.ground.input);
    if chart.series.is_empty() {
        ui.painter().text(canvas.center(), Align2::CENTER_CENTER, chart.empty, theme::small_font(), theme.ink.faint);
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("plot").max_rect(canvas));
    let open = view.ledger.open;
    let (low, high) = (f64::from(chart.range.start), f64::from(chart.range.end));
    let bounds = PlotBounds::from_min_max([0.0, low], [axis.steps as f64, high]);
    let response = egui_plot::Plot::new("ledger")
        .width(canvas.width())
        .height(canvas.height())
        .show_axes(false)
        .show_background(false)
        .show_grid([false, open])
        .grid_color(theme.line)
        .show_x(false)
        .show_y(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(Vec2::ZERO)
        .sense(Sense::CLICK | Sense::DRAG)
        .show(&mut child, |plot| {
            plot.set_plot_bounds(bounds);
            draw(plot, chart, theme);
        })
        .response;
    let name = format!("Plot of {}", view.ledger.plot.title().to_lowercase());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    if open {
        scale(ui, chart, canvas);
    }
    if let Some(pointer) = response.interact_pointer_pos() {
        view.playback.playing = false;
        view.seek(axis.step(pointer.x), axis.steps);
    }
    if let Some(pointer) = response.hover_pos() {
        let step = axis.step(pointer.x);
        response.on_hover_ui_at_pointer(|ui| readout(ui, chart, step));
    }
}

fn draw(plot: &mut egui_plot::PlotUi<'_>, chart: &Chart, theme: &Theme) {
    if let Some(mark) = chart.mark {
        plot.hline(HLine::new("mark", f64::from(mark)).color(theme.ink.faint).width(1.0).allow_hover(false));
    }
    if let (true, [low, .., high]) = (chart.band, &chart.series[..]) {
        let y = |series: &Series| series.points.iter().map(|(_, v)| f64::from(*v)).collect::<Vec<f64>>();
        let x: Vec<f64> = low.points.iter().map(|(step, _)| middle(*step)).collect();
        plot.add(FilledArea::new("band", &x, &y(low), &y(high)).fill_color(low.color.gamma_multiply(0.22)));
    }
    for series in &chart.series {
        let points: PlotPoints<'_> = series.points.iter().map(|(step, v)| [middle(*step), f64::from(*v)]).collect();
        let style = if series.dashed { LineStyle::Dashed { length: 5.0 } } else { LineStyle::Solid };
        plot.line(
            Line::new(series.name.clone(), points).color(series.color).width(1.4).style(style).allow_hover(false),
        );
    }
}

/// A step is as wide as its thumbnail; its value stands in the middle.
fn middle(step: usize) -> f64 {
    step as f64 + 0.5
}

/// The ends of the scale, in the plot's corners.
fn scale(ui: &Ui, chart: &Chart, canvas: Rect) {
    let theme = Theme::of(ui);
    let font = egui::FontId::monospace(9.5);
    let write = |at, align, value: f32| {
        ui.painter().text(at, align, format!("{value:.1}"), font.clone(), theme.ink.faint);
    };
    write(canvas.left_top() + vec2(4.0, 2.0), Align2::LEFT_TOP, chart.range.end);
    write(canvas.left_bottom() + vec2(4.0, -2.0), Align2::LEFT_BOTTOM, chart.range.start);
}

/// Every number at a step.
fn readout(ui: &mut Ui, chart: &Chart, step: usize) {
    ui.label(theme::bold(format!("step {}", step + 1), size::SMALL));
    if chart.series.is_empty() {
        ui.label(chart.empty);
    }
    egui::Grid::new("readout").num_columns(3).min_col_width(8.0).spacing(vec2(6.0, 2.0)).show(ui, |ui| {
        for series in &chart.series {
            let Some(value) = series.at(step) else { continue };
            let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
            ui.painter().rect_filled(dot, 2.0, series.color);
            ui.label(&series.name);
            ui.monospace(format!("{value:.2}"));
            ui.end_row();
        }
    });
}

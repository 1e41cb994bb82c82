//! Painting on the canvas: the pointer's strokes, what is painted so far, and the brush's own bar.
//!
//! Apart from the canvas because it keeps the state of a stroke.

use egui::{
    Align, Align2, Color32, CornerRadius, CursorIcon, Layout, Mesh, PointerButton, Pos2, Rect, Response, Role, Sense,
    Shape, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::pane::Pane;
use crate::studio::{
    command::Commands,
    document::{Document, edit::Edit},
    view::{
        View,
        brush::{Act, Brush, Target},
        compare::Compare,
        maps::region_color,
        theme::{self, Theme},
    },
    widgets::{Icon, ValueSlider, icon_button, picture::label_on, row, segmented::segmented},
};

/// The bar in one row needs this much room, in points.
const WIDE: f32 = 700.0;
const ROW: f32 = 30.0;
/// How strongly painted elements are tinted.
const TINT: u8 = 150;
const TAKEN: Color32 = Color32::from_rgba_premultiplied(8, 8, 9, 170);

/// The brush on the canvas: where a stroke is, and how wide its bar was in the frame before.
#[derive(Default)]
pub struct BrushTool {
    /// Where the stroke that goes on has come to, in elements of the grid.
    last: Option<[f32; 2]>,
    bar_width: Option<f32>,
    /// How far its bar was dragged from its place above the lower edge, in points.
    bar_shift: Vec2,
}

impl BrushTool {
    /// Whether the pointer paints on the canvas now.
    pub fn is_active(view: &View) -> bool {
        view.brush.active && view.comparison.mode == Compare::Single
    }

    /// Whether a drag is a stroke, and moves nothing.
    pub fn takes_drags(view: &View, response: &Response) -> bool {
        let other_button = response.dragged_by(PointerButton::Middle) || response.dragged_by(PointerButton::Secondary);
        Self::is_active(view) && !other_button
    }

    /// Whether a click chooses a region while the brush is up: with Alt, or when none is chosen that it could paint.
    pub fn picks(ui: &Ui, view: &View) -> bool {
        let chosen = view.selection.region.is_some() || view.brush.target != Target::Region;
        ui.input(|i| i.modifiers.alt) || !chosen
    }

    /// Paints along the pointer's way while it is pressed, unless the click has `picked` a region, and shows what is painted and how large the brush is.
    pub fn paint(
        &mut self,
        ui: &Ui,
        document: &Document,
        view: &View,
        commands: &mut Commands,
        (response, picked): (&Response, bool),
        pane: &Pane,
    ) {
        let placed = pane.place(view);
        let [h, w] = view.grid_size(document);
        let element = placed.size() / vec2(w as f32, h as f32);
        let place = |pointer: Pos2| -> [f32; 2] { ((pointer - placed.min) / element).into() };
        let down = response.is_pointer_button_down_on() && ui.input(|i| i.pointer.primary_down());
        // A press that began and ended in this frame, or the last move of a stroke.
        let released = response.clicked() || response.drag_stopped_by(PointerButton::Primary);
        let usable = view.brush.target.missing(document.recipe()).is_none() && !picked;
        let now = response.interact_pointer_pos().filter(|_| (down || released) && usable).map(place);
        if let Some(now) = now.filter(|now| down || self.last != Some(*now))
            && let Some(stroke) = view.stroke(document, self.last.unwrap_or(now), now)
        {
            commands.edit(Edit::Paint(stroke));
        }
        self.last = now.filter(|_| down);
        let painter = ui.painter().with_clip_rect(pane.clip.intersect(placed).intersect(ui.clip_rect()));
        painter.add(Shape::mesh(layer(document, view, placed, element)));
        if let Some(pointer) = response.hover_pos().filter(|p| pane.area.contains(*p)) {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
            let radius = view.brush.size / 2.0 * element.x;
            let painter = ui.painter().with_clip_rect(pane.area.intersect(ui.clip_rect()));
            painter.circle_stroke(pointer, radius, Stroke::new(2.5, Color32::from_black_alpha(140)));
            painter.circle_stroke(pointer, radius, Stroke::new(1.2, Color32::WHITE));
        }
    }

    /// The brush's settings, above the lower edge of `area`.
    pub fn bar(&mut self, ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands, area: Rect) {
        let theme = Theme::of(ui);
        let rows: f32 = if area.width() < WIDE { 2.0 } else { 1.0 };
        let width = self.bar_width.unwrap_or(WIDE - 40.0);
        let left = (area.center().x - width / 2.0).max(area.left() + 10.0);
        let home =
            Rect::from_min_size(pos2(left, area.bottom() - rows * ROW - 4.0), vec2(width, rows * ROW)).expand(4.0);
        let ground = moved_inside(home, self.bar_shift, area);
        let left = ground.left() + 4.0;
        ui.painter().rect_filled(ground, CornerRadius::same(7), theme.ground.panel);
        ui.painter().rect_stroke(ground, CornerRadius::same(7), Stroke::new(1.0, theme.line), StrokeKind::Inside);
        // What lies under the bar is not painted on.
        let grip = ui.interact(ground, ui.scope_id().with("brush bar"), Sense::CLICK | Sense::DRAG);
        grip.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Brush bar"));
        self.bar_shift = ground.min - home.min + grip.drag_delta();
        if grip.double_clicked() {
            self.bar_shift = Vec2::ZERO;
        }
        let grip = grip.on_hover_and_drag_cursor(CursorIcon::Grab);
        grip.on_hover_text("Drag to move this bar; double-click to put it back");
        let line = |k: f32| {
            let at = pos2(left, ground.top() + 4.0 + k * ROW);
            Rect::from_min_size(at, vec2(area.right() - 10.0 - left, ROW))
        };
        let layout = Layout::left_to_right(Align::Center);
        let mut first = ui.new_child(UiBuilder::new().id_salt("brush what").max_rect(line(0.0)).layout(layout));
        what(&mut first, document, view);
        let mut widest = first.min_rect().right();
        if rows > 1.0 {
            let mut second = ui.new_child(UiBuilder::new().id_salt("brush how").max_rect(line(1.0)).layout(layout));
            how(&mut second, document, view, commands);
            widest = widest.max(second.min_rect().right());
        } else {
            how(&mut first, document, view, commands);
            widest = first.min_rect().right();
        }
        self.bar_width = Some(widest - left);
        if let Some(reason) = missing(document, view) {
            let corner = pos2(area.center().x, ground.top() - 4.0);
            label_on(ui, corner, Align2::CENTER_BOTTOM, reason, theme::small_font());
        }
    }
}

/// `rect` moved by `shift`, as far as it stays inside `area`.
fn moved_inside(rect: Rect, shift: Vec2, area: Rect) -> Rect {
    let low = area.min - rect.min;
    let high = (area.max - rect.max).max(low);
    rect.translate(shift.clamp(low, high))
}

/// Why nothing can be painted, in a sentence.
fn missing(document: &Document, view: &View) -> Option<&'static str> {
    view.brush.target.missing(document.recipe()).or_else(|| {
        let none = view.brush.target == Target::Region && view.selection.region.is_none();
        none.then_some("Click a region, or a word of the prompt, to paint for it.")
    })
}

/// What is painted of the brush's target, element by element.
fn layer(document: &Document, view: &View, placed: Rect, element: Vec2) -> Mesh {
    let mut mesh = Mesh::default();
    let Some(paint) = view.painted(document) else { return mesh };
    let [_, w] = paint.size();
    let most = paint.levels().iter().map(|level| level.unsigned_abs()).max().unwrap_or(1).max(1);
    let region_ink = |region| region_color(&view.labels(document), region);
    let own = view.selection.region.map_or(theme::BACKGROUND_TOKEN, region_ink);
    for (i, &level) in paint.levels().iter().enumerate().filter(|(_, level)| **level != 0) {
        let alpha = (f32::from(TINT) * f32::from(level.unsigned_abs()) / f32::from(most)).max(40.0) as u8;
        let tint = |c: Color32| Color32::from_rgba_unmultiplied(c.r(), c.g(), c.b(), alpha);
        let color = match (view.brush.target, level > 0) {
            (Target::Region, true) => tint(own),
            (Target::Region, false) => TAKEN,
            (Target::Strength, true) => tint(theme::ABOVE_ONE),
            (Target::Strength, false) => tint(theme::BELOW_ONE),
            (Target::Bias, true) => tint(theme::FUSION),
            (Target::Bias, false) => tint(theme::BACKGROUND_TOKEN),
        };
        let corner = placed.min + vec2((i % w.max(1)) as f32, (i / w.max(1)) as f32) * element;
        mesh.add_colored_rect(Rect::from_min_size(corner, element), color);
    }
    mesh
}

/// What is painted, and what a stroke does.
fn what(ui: &mut Ui, document: &Document, view: &mut View) {
    let mut target = view.brush.target;
    let recipe = document.recipe();
    if segmented(ui, &mut target, &Target::ALL, Target::title, |target| target.missing(recipe)) {
        view.set_painting(Some(target));
    }
    segmented(ui, &mut view.brush.act, &Act::ALL, |act| act.title(target), |_| None);
}

/// Size and strength of the brush, and buttons to clear the paint and to lay the brush down.
fn how(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    let brush = &mut view.brush;
    let usual = Brush::default();
    let size = ValueSlider::new("Brush size", &mut brush.size, Brush::SIZES).step(1.0, 0).default_value(Brush::USUAL);
    slider(ui, "size", size).on_hover_text("The brush's width in elements of the latent grid ([ and ])");
    match brush.target {
        Target::Region => {}
        Target::Strength => {
            let value = ValueSlider::new("Brush strength", &mut brush.factor, 0.05..=2.0).step(0.05, 2);
            slider(ui, "by", value.default_value(usual.factor)).on_hover_text(
                "How much a stroke adds to the factor 1 that the guidance is multiplied with, or takes from it",
            );
        }
        Target::Bias => {
            let value = ValueSlider::new("Brush bias", &mut brush.bias, 0.1..=6.0).step(0.1, 1);
            slider(ui, "by", value.default_value(usual.bias))
                .on_hover_text("How much a stroke adds to one model's log-saliency; 6 decides most places");
        }
    }
    let painted = view.painted(document).is_some_and(|paint| !paint.is_empty());
    ui.add_enabled_ui(painted, |ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        let clear = ui.button("Clear").on_hover_text("Takes all paint of this kind away");
        if let Some(target) = view.paint_target(document).filter(|_| clear.clicked()) {
            commands.edit(Edit::ClearPaint(target));
        }
    });
    if icon_button(ui, Icon::Close, "Lay the brush down (Esc)").clicked() {
        view.set_painting(None);
    }
}

fn slider(ui: &mut Ui, label: &str, slider: ValueSlider<'_>) -> Response {
    row::note(ui, label);
    let (rail, _) = ui.allocate_exact_size(vec2(70.0, 22.0), Sense::hover());
    let (number, _) = ui.allocate_exact_size(vec2(34.0, 22.0), Sense::hover());
    slider.place(ui, rail, number)
}

//! Painting on the canvas: the pointer's strokes, what is painted so far, and the brush's own bar.

use egui::{
    Align, Align2, Color32, CornerRadius, CursorIcon, Layout, Mesh, PointerButton, Pos2, Rect, Response, Sense, Shape,
    Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2,
};

use crate::studio::{
    bundle::Studio,
    document::edit::Edit,
    panels::canvas::Pane,
    view::{
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

/// Whether the pointer paints on the canvas now.
pub fn active(studio: &Studio) -> bool {
    studio.view.brush.active && studio.view.comparison.mode == Compare::Single
}

/// Whether a drag is a stroke, and moves nothing.
pub fn holds(studio: &Studio, response: &Response) -> bool {
    active(studio) && !response.dragged_by(PointerButton::Middle) && !response.dragged_by(PointerButton::Secondary)
}

/// Whether a click chooses a region while the brush is up: with Alt, or when none is chosen that it could paint.
pub fn picks(ui: &Ui, studio: &Studio) -> bool {
    let chosen = studio.view.selection.region.is_some() || studio.view.brush.target != Target::Region;
    ui.input(|i| i.modifiers.alt) || !chosen
}

/// Paints along the pointer's way while it is pressed, and shows what is painted and how large the brush is.
pub fn show(ui: &Ui, studio: &mut Studio, response: &Response, pane: &Pane, placed: Rect) {
    let [h, w] = studio.view.grid_size(&studio.document);
    let element = placed.size() / vec2(w as f32, h as f32);
    let place = |pointer: Pos2| -> [f32; 2] { ((pointer - placed.min) / element).into() };
    let id = response.id.with("stroke");
    let last: Option<[f32; 2]> = ui.data(|d| d.get_temp(id));
    let pressed = response.is_pointer_button_down_on() && ui.input(|i| i.pointer.primary_down());
    let usable = studio.view.brush.target.missing(&studio.document.recipe).is_none() && !picks(ui, studio);
    match response.interact_pointer_pos().filter(|_| pressed && usable) {
        Some(pointer) => {
            let now = place(pointer);
            if let Some(stroke) = studio.view.stroke(&studio.document, last.unwrap_or(now), now) {
                studio.commands.edit(Edit::Paint(stroke));
            }
            ui.data_mut(|d| d.insert_temp(id, now));
        }
        None => ui.data_mut(|d| d.remove::<[f32; 2]>(id)),
    }
    let painter = ui.painter().with_clip_rect(pane.clip.intersect(placed).intersect(ui.clip_rect()));
    painter.add(Shape::mesh(layer(studio, placed, element)));
    if let Some(pointer) = response.hover_pos().filter(|p| pane.area.contains(*p)) {
        ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        let radius = studio.view.brush.size / 2.0 * element.x;
        let painter = ui.painter().with_clip_rect(pane.area.intersect(ui.clip_rect()));
        painter.circle_stroke(pointer, radius, Stroke::new(2.5, Color32::from_black_alpha(140)));
        painter.circle_stroke(pointer, radius, Stroke::new(1.2, Color32::WHITE));
    }
}

/// What is painted of the brush's target, element by element.
fn layer(studio: &Studio, placed: Rect, element: Vec2) -> Mesh {
    let mut mesh = Mesh::default();
    let Some(paint) = studio.view.painted(&studio.document) else { return mesh };
    let [_, w] = paint.size();
    let most = paint.levels().iter().map(|level| level.unsigned_abs()).max().unwrap_or(1).max(1);
    let own = studio
        .view
        .selection
        .region
        .map_or(theme::BACKGROUND_TOKEN, |region| region_color(&studio.view.labels(&studio.document), region));
    for (i, &level) in paint.levels().iter().enumerate().filter(|(_, level)| **level != 0) {
        let alpha = (f32::from(TINT) * f32::from(level.unsigned_abs()) / f32::from(most)).max(40.0) as u8;
        let tint = |c: Color32| Color32::from_rgba_unmultiplied(c.r(), c.g(), c.b(), alpha);
        let color = match (studio.view.brush.target, level > 0) {
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

/// The brush's settings, above the lower edge of `area`.
pub fn bar(ui: &mut Ui, studio: &mut Studio, area: Rect) {
    let theme = Theme::of(ui);
    let rows: f32 = if area.width() < WIDE { 2.0 } else { 1.0 };
    let id = ui.scope_id().with("brush bar");
    let width: f32 = ui.data(|d| d.get_temp(id)).unwrap_or(WIDE - 40.0);
    let left = (area.center().x - width / 2.0).max(area.left() + 10.0);
    let ground = Rect::from_min_size(pos2(left, area.bottom() - rows * ROW - 4.0), vec2(width, rows * ROW)).expand(4.0);
    ui.painter().rect_filled(ground, CornerRadius::same(7), theme.panel);
    ui.painter().rect_stroke(ground, CornerRadius::same(7), Stroke::new(1.0, theme.line), StrokeKind::Inside);
    // What lies under the bar is not painted on.
    let _ = ui.interact(ground, id, Sense::click_and_drag());
    let line = |k: f32| {
        let at = pos2(left, ground.top() + 4.0 + k * ROW);
        Rect::from_min_size(at, vec2(area.right() - 10.0 - left, ROW))
    };
    let layout = Layout::left_to_right(Align::Center);
    let mut first = ui.new_child(UiBuilder::new().id_salt("brush what").max_rect(line(0.0)).layout(layout));
    what(&mut first, studio);
    let mut widest = first.min_rect().right();
    if rows > 1.0 {
        let mut second = ui.new_child(UiBuilder::new().id_salt("brush how").max_rect(line(1.0)).layout(layout));
        how(&mut second, studio);
        widest = widest.max(second.min_rect().right());
    } else {
        how(&mut first, studio);
        widest = first.min_rect().right();
    }
    ui.data_mut(|d| d.insert_temp(id, widest - left));
    let said = studio.view.brush.target.missing(&studio.document.recipe).or_else(|| {
        let none = studio.view.brush.target == Target::Region && studio.view.selection.region.is_none();
        none.then_some("Click a region, or a word of the prompt, to paint for it.")
    });
    if let Some(said) = said {
        let corner = pos2(area.center().x, ground.top() - 4.0);
        label_on(ui, corner, Align2::CENTER_BOTTOM, said, theme::small_font());
    }
}

/// What is painted, and what a stroke does.
fn what(ui: &mut Ui, studio: &mut Studio) {
    let mut target = studio.view.brush.target;
    let recipe = &studio.document.recipe;
    if segmented(ui, &mut target, &Target::ALL, Target::title, |target| target.missing(recipe)) {
        studio.view.set_painting(Some(target));
    }
    segmented(ui, &mut studio.view.brush.act, &Act::ALL, |act| act.title(target), |_| None);
}

/// How large and how strong the brush is, and the ways out.
fn how(ui: &mut Ui, studio: &mut Studio) {
    let brush = &mut studio.view.brush;
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
            slider(ui, "by", value.default_value(usual.bias)).on_hover_text(
                "How much a stroke adds to one model's log-saliency in the contest; 6 decides most places",
            );
        }
    }
    let painted = studio.view.painted(&studio.document).is_some_and(|paint| !paint.is_empty());
    ui.add_enabled_ui(painted, |ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        if ui.button("Clear").on_hover_text("Takes all paint of this kind away").clicked() {
            if let Some(target) = studio.view.paint_target(&studio.document) {
                studio.commands.edit(Edit::ClearPaint(target));
            }
        }
    });
    if icon_button(ui, Icon::Close, "Lay the brush down (Esc)").clicked() {
        studio.view.set_painting(None);
    }
}

fn slider(ui: &mut Ui, label: &str, slider: ValueSlider<'_>) -> Response {
    row::note(ui, label);
    let (rail, _) = ui.allocate_exact_size(vec2(70.0, 22.0), Sense::hover());
    let (number, _) = ui.allocate_exact_size(vec2(34.0, 22.0), Sense::hover());
    slider.place(ui, rail, number)
}

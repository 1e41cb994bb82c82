//! The grid over two parameters: its sides, its cells, and a click that takes a cell's recipe over.
//!
//! Apart from the panes: it takes the place of all pictures.

use egui::{
    Align, Align2, CornerRadius, DragValue, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use crate::{
    recipe::Recipe,
    studio::{
        command::{Command, Commands},
        document::{
            Document,
            edit::Edit,
            grid::{CellStatus, Grid, MOST, Parameter, Side},
        },
        view::theme::{self, Theme, size},
        widgets::{combo::quiet_combo, picture, row, textures::Textures},
    },
};

/// Above the cells: two rows of controls and the labels.
const CONTROLS: f32 = 70.0;
/// Left of the cells: their labels.
const LABELS: f32 = 64.0;
const GAP: f32 = 6.0;
const THUMBNAIL_TEXELS: usize = 256;

/// The grid in place of the pictures.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands, textures: &mut Textures, whole: Rect) {
    let names = ["Across", "Down"];
    let recipe = document.recipe();
    for (k, name) in names.into_iter().enumerate() {
        let at = pos2(whole.left() + size::MARGIN, whole.top() + 8.0 + 27.0 * k as f32);
        let line = Rect::from_min_size(at, vec2(whole.width() - 2.0 * size::MARGIN, 26.0));
        let layout = Layout::left_to_right(Align::Center);
        let mut ui = ui.new_child(UiBuilder::new().id_salt(name).max_rect(line).layout(layout));
        let mut sides = document.grid().sides(recipe);
        let before = sides;
        side(&mut ui, name, &mut sides[k], recipe);
        commands.edit_if_changed(&before, sides, Edit::GridSides);
        // One button a row, so that both have room in a narrow window.
        let end = Layout::right_to_left(Align::Center);
        ui.with_layout(end, |ui| {
            if k == 0 { start_or_stop(ui, document.grid(), commands) } else { figure(ui, document.grid(), commands) }
        });
    }
    let area = Rect::from_min_max(whole.min + vec2(size::MARGIN, CONTROLS), whole.max - vec2(size::MARGIN, 34.0));
    match document.grid().made {
        Some(sides) => cells(ui, document, commands, textures, area, sides),
        None => {
            let text = "One picture for every pair of values. Choose two parameters, then Render grid.";
            ui.painter().text(area.center(), Align2::CENTER_CENTER, text, theme::body_font(), Theme::of(ui).ink.faint);
        }
    }
    let text =
        "Click a cell to take its recipe over. Other work goes first: the grid is rendered while nothing else is.";
    let at = pos2(whole.center().x, whole.bottom() - 16.0);
    ui.painter().text(at, Align2::CENTER_CENTER, text, theme::small_font(), Theme::of(ui).ink.dim);
}

/// One side's parameter, ends and count.
fn side(ui: &mut Ui, name: &str, side: &mut Side, recipe: &Recipe) {
    let theme = Theme::of(ui);
    let (label, _) = ui.allocate_exact_size(vec2(52.0, size::ROW), Sense::hover());
    ui.painter().text(label.left_center(), Align2::LEFT_CENTER, name, theme::body_font(), theme.ink.dim);
    let all = Parameter::all(recipe);
    quiet_combo(ui, &format!("{name}: parameter"), &side.parameter.title(recipe), |ui| {
        for parameter in all {
            if ui.selectable_label(side.parameter == parameter, parameter.title(recipe)).clicked() {
                let fresh = Side::new(parameter, recipe);
                let counts = !parameter.is_named() && !side.parameter.is_named();
                *side = Side { count: if counts { side.count } else { fresh.count }, ..fresh };
            }
        }
    });
    ui.visuals_mut().widgets.inactive.weak_bg_fill = theme.ground.input;
    ui.spacing_mut().button_padding = vec2(5.0, 1.0);
    let parameter = side.parameter;
    for (what, end) in [("from", &mut side.from), ("to", &mut side.to)] {
        row::note(ui, what);
        let written = move |value: f64, _| parameter.label(value as f32);
        ui.add(DragValue::new(end).custom_formatter(written).speed(0.1).max_decimals(2).update_while_editing(false))
            .accessible_name(format!("{name}: {what}"));
    }
    row::note(ui, "in");
    ui.add(DragValue::new(&mut side.count).range(1..=MOST).speed(0.05).update_while_editing(false))
        .accessible_name(format!("{name}: count"));
}

fn start_or_stop(ui: &mut Ui, grid: &Grid, commands: &mut Commands) {
    if grid.running {
        if ui.button("Stop grid").clicked() {
            commands.edit(Edit::StopGrid);
        }
    } else if ui.button("Render grid").clicked() {
        commands.edit(Edit::StartGrid);
    }
}

/// Exports the grid as a figure, and says how far it is.
fn figure(ui: &mut Ui, grid: &Grid, commands: &mut Commands) {
    let (done, all) = grid.progress();
    if all == 0 {
        return;
    }
    if ui.button("Figure…").on_hover_text("Export the grid as one picture with its labels").clicked() {
        commands.send(Command::ExportGrid);
    }
    row::note(ui, format!("{done} of {all}"));
}

fn cells(
    ui: &mut Ui,
    document: &Document,
    commands: &mut Commands,
    textures: &mut Textures,
    area: Rect,
    sides: [Side; 2],
) {
    let theme = Theme::of(ui);
    let [across, down] = sides.map(|side| side.values());
    let room = area.size() - vec2(LABELS, 24.0);
    let cell = (room.x / across.len() as f32).min(room.y / down.len() as f32).max(24.0).floor();
    let extent = vec2(cell * across.len() as f32, cell * down.len() as f32);
    let first = pos2(area.center().x - (extent.x - LABELS) / 2.0, area.top() + 24.0 + (room.y - extent.y) / 2.0);
    let put = |at, align, text: String| ui.painter().text(at, align, text, theme::mono_font(), theme.ink.dim);
    for (k, &x) in across.iter().enumerate() {
        let at = pos2(first.x + (k as f32 + 0.5) * cell, first.y - 6.0);
        put(at, Align2::CENTER_BOTTOM, sides[0].parameter.label(x));
    }
    for (k, &y) in down.iter().enumerate() {
        let at = pos2(first.x - 8.0, first.y + (k as f32 + 0.5) * cell);
        put(at, Align2::RIGHT_CENTER, sides[1].parameter.label(y));
    }
    let mut taken = None;
    for at in 0..document.grid().cells.len() {
        let (column, line) = (at % across.len(), at / across.len());
        let corner = first + vec2(column as f32, line as f32) * cell;
        let rect = Rect::from_min_size(corner, vec2(cell, cell)).shrink(GAP / 2.0);
        let label = format!(
            "Cell {}, {}",
            sides[0].parameter.label(across[column]),
            sides[1].parameter.label(down.get(line).copied().unwrap_or_default())
        );
        if draw(ui, document, textures, at, rect, &label) {
            taken = Some(at);
        }
    }
    if let Some(at) = taken {
        commands.edit(Edit::RestoreCell(at));
    }
}

/// One cell; returns whether it was clicked.
fn draw(ui: &mut Ui, document: &Document, textures: &mut Textures, at: usize, rect: Rect, label: &str) -> bool {
    let theme = Theme::of(ui);
    let Some(cell) = document.grid().cells.get(at) else { return false };
    let response = ui.interact(rect, ui.scope_id().with(("cell", at)), Sense::click());
    let active = cell.recipe == *document.recipe();
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, active, label));
    match &cell.status {
        CellStatus::Done(shown) => {
            let texture = textures.thumbnail(ui.ctx(), shown, THUMBNAIL_TEXELS);
            picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 4, theme::PLAIN);
        }
        CellStatus::Waiting => drop(ui.painter().rect_filled(rect, CornerRadius::same(4), theme.ground.input)),
        CellStatus::Rendering(_) => {
            ui.painter().rect_filled(rect, CornerRadius::same(4), theme.ground.raised);
            let spot = Rect::from_center_size(rect.center(), vec2(18.0, 18.0));
            ui.put(spot, egui::Spinner::new().size(18.0).color(theme.accent.plain));
        }
        CellStatus::Failed(_) => {
            ui.painter().rect_filled(rect, CornerRadius::same(4), theme.danger.ground);
            let (middle, font) = (rect.center(), theme::small_font());
            ui.painter().text(middle, Align2::CENTER_CENTER, "failed", font, theme.danger.ink);
        }
    }
    let rim = if active { Some(theme.accent.plain) } else { response.hovered().then_some(theme.ink.dim) };
    if let Some(color) = rim.or(response.has_focus().then_some(theme.ink.text)) {
        ui.painter().rect_stroke(rect, CornerRadius::same(5), Stroke::new(2.0, color), StrokeKind::Outside);
    }
    let clicked = response.clicked();
    if let CellStatus::Failed(reason) = &cell.status {
        response.on_hover_text(reason);
    }
    clicked
}

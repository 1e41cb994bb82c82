//! The contact sheet: the pictures that Generate was asked for together, at the same step, and how they spread.
//!
//! Apart from the panes of comparisons because there may be many, and some are not there yet.

use egui::{Align2, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::pane::{Empty, Pane};
use crate::studio::{
    document::{
        Document,
        queue::Entry,
        render_status::RenderStatus,
        robustness::{self, Spread},
        takes::TakeId,
        track::Track,
    },
    view::{
        View,
        theme::{self, Theme},
    },
};

/// Between the pictures, in points.
const GAP: f32 = 8.0;
/// A pane leaves so much air around its picture, which a sheet does not need.
const AIR: f32 = 26.0;
/// A line of the spread, and the most lines that are shown.
const LINE: f32 = 17.0;
const MOST_LINES: usize = 6;
/// Columns of the spread: name, plot, numbers.
const COLUMNS: [f32; 3] = [150.0, 260.0, 150.0];

/// A place on the sheet.
pub struct Cell {
    rect: Rect,
    /// The take, once there is one.
    take: Option<TakeId>,
    /// Its picture is drawn by the canvas.
    has_picture: bool,
    status: RenderStatus<TakeId>,
    seed: u64,
}

/// The run of an entry as far as it is known: its take, what is rendered of it, or the newest job of the same recipe.
fn track<'a>(document: &'a Document, entry: &'a Entry) -> Option<(&'a Track, Option<TakeId>)> {
    if let RenderStatus::Done(id) = entry.status {
        return document.take(id).map(|take| (&take.track, Some(id)));
    }
    if entry.track.has_steps() {
        return Some((&entry.track, None));
    }
    let live = document.live_track().filter(|track| track.recipe.canonical() == entry.recipe.canonical());
    live.map(|track| (track, document.takes().of_picture(&entry.recipe)))
}

/// The sheet in `area`: its cells, each with its picture where there is one.
///
/// # Errors
/// What to say instead, where nothing was asked for yet.
pub fn cells(document: &Document, view: &View, area: Rect) -> Result<Vec<(Cell, Option<Pane>)>, Empty> {
    let entries: Vec<&Entry> = document.queue().newest_batch().collect();
    if entries.is_empty() {
        let text = "Choose × 4 beside Generate, then Generate: four seeds side by side, with linked steps and maps.";
        return Err(Empty { title: "No contact sheet yet", text: text.into(), spin: false });
    }
    let aspect = entries[0].recipe.width as f32 / entries[0].recipe.height.max(1) as f32;
    let rects = places(area, entries.len(), aspect);
    let cell = |(entry, rect): (&&Entry, Rect)| {
        let found = track(document, entry);
        let title = format!("seed {}", entry.recipe.seed);
        let pane = found.and_then(|(track, _)| Pane::of(document, view, (track, title), rect.expand(AIR)));
        let pane = pane.map(|pane| Pane { clip: rect, ..pane });
        let take = found.and_then(|(_, take)| take);
        let (status, seed) = (entry.status.clone(), entry.recipe.seed);
        (Cell { rect, take, has_picture: pane.is_some(), status, seed }, pane)
    };
    Ok(entries.iter().zip(rects).map(cell).collect())
}

/// `count` places of this aspect (width over height) in as many columns as make them largest.
fn places(area: Rect, count: usize, aspect: f32) -> Vec<Rect> {
    let inner = area.shrink2(vec2(12.0, 2.0));
    let side = |columns: usize| {
        let rows = count.div_ceil(columns);
        let width = (inner.width() - GAP * (columns - 1) as f32) / columns as f32;
        let height = (inner.height() - GAP * (rows - 1) as f32) / rows as f32;
        width.min(height * aspect)
    };
    let columns = (1..=count).max_by(|&a, &b| side(a).total_cmp(&side(b)).then(b.cmp(&a))).unwrap_or(1);
    let rows = count.div_ceil(columns);
    let extent = vec2(side(columns), side(columns) / aspect).max(vec2(8.0, 8.0));
    let whole = vec2(columns as f32 * (extent.x + GAP) - GAP, rows as f32 * (extent.y + GAP) - GAP);
    let first = inner.center() - whole / 2.0;
    let place = |at: usize| {
        let (column, row) = ((at % columns) as f32, (at / columns) as f32);
        Rect::from_min_size(first + vec2(column * (extent.x + GAP), row * (extent.y + GAP)), extent)
    };
    (0..count).map(place).collect()
}

/// What a cell shows beside its picture: a rim, or what it waits for. Returns the take to be shown alone.
pub fn frame(ui: &mut Ui, cells: &[Cell], view: &View) -> Option<TakeId> {
    let theme = Theme::of(ui);
    let mut opened = None;
    for (at, cell) in cells.iter().enumerate() {
        if !cell.has_picture {
            waiting(ui, cell);
        }
        let shown = cell.take.is_some() && view.shown_take() == cell.take;
        if shown {
            let pen = Stroke::new(2.0, theme.accent.plain);
            ui.painter().rect_stroke(cell.rect, CornerRadius::same(3), pen, StrokeKind::Outside);
        }
        let Some(take) = cell.take else { continue };
        // The sign in the corner opens the picture alone; the rest of it is the canvas.
        let corner = Rect::from_min_size(cell.rect.right_top() + vec2(-46.0, 8.0), vec2(40.0, 18.0));
        let open = ui.interact(corner, ui.scope_id().with(("sheet", at)), Sense::click());
        open.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Show seed {} alone", cell.seed))
        });
        let ground = if open.hovered() { theme.accent.plain } else { theme.on_picture.ground };
        let ink = if open.hovered() { theme.accent.ink } else { theme.on_picture.ink };
        ui.painter().rect_filled(corner, CornerRadius::same(3), ground);
        ui.painter().text(corner.center(), Align2::CENTER_CENTER, "show", theme::small_font(), ink);
        if open.on_hover_text("Show this take alone").clicked() {
            opened = Some(take);
        }
    }
    opened
}

fn waiting(ui: &mut Ui, cell: &Cell) {
    let theme = Theme::of(ui);
    let ground = if matches!(cell.status, RenderStatus::Failed(_)) { theme.danger.ground } else { theme.ground.panel };
    ui.painter().rect_filled(cell.rect, CornerRadius::same(3), ground);
    let (text, ink) = match &cell.status {
        RenderStatus::Failed(reason) => (reason.clone(), theme.danger.ink),
        RenderStatus::Rendering(_) => (format!("seed {} begins", cell.seed), theme.ink.dim),
        _ => (format!("seed {} waits", cell.seed), theme.ink.faint),
    };
    let galley = ui.painter().layout(text, theme::small_font(), ink, (cell.rect.width() - 16.0).max(20.0));
    ui.painter().galley(cell.rect.center() - galley.size() / 2.0, galley, ink);
}

/// The spread over the seeds of the sheet; nothing before two runs are there.
pub fn spreads(document: &Document) -> Vec<Spread> {
    let found: Vec<&Track> = document
        .queue()
        .newest_batch()
        .filter_map(|entry| track(document, entry).filter(|(track, _)| track.picture.is_some()))
        .map(|(track, _)| track)
        .collect();
    if found.len() < 2 { Vec::new() } else { robustness::spreads(&found) }
}

/// Room for the spread, in points.
pub fn room(spreads: &[Spread]) -> f32 {
    if spreads.is_empty() { 0.0 } else { LINE * (spreads.len().min(MOST_LINES) + 1) as f32 + 6.0 }
}

/// A line for each measure: its name, a dot for each seed, mean and ends.
pub fn table(ui: &Ui, spreads: &[Spread], area: Rect) {
    let theme = Theme::of(ui);
    let wide: f32 = COLUMNS.iter().sum();
    let left = (area.center().x - wide / 2.0).max(area.left() + 12.0);
    let painter = ui.painter().with_clip_rect(area.intersect(ui.clip_rect()));
    let put =
        |x: f32, y: f32, align, text: String, ink| painter.text(pos2(x, y), align, text, theme::small_font(), ink);
    let [name, plot, _] = COLUMNS;
    let head = area.top() + LINE / 2.0;
    put(left, head, Align2::LEFT_CENTER, "over the seeds".into(), theme.ink.faint);
    put(left + wide, head, Align2::RIGHT_CENTER, "mean · least to most".into(), theme.ink.faint);
    for (row, spread) in spreads.iter().take(MOST_LINES).enumerate() {
        let y = head + LINE * (row + 1) as f32;
        put(left, y, Align2::LEFT_CENTER, spread.name.clone(), theme.ink.dim);
        let [low, high] = spread.ends();
        let most = if high > 1.0 { high } else { 1.0 };
        let x = |value: f32| left + name + (plot - 16.0) * (value / most);
        painter.hline(x(0.0)..=x(most), y, Stroke::new(1.0, theme.line));
        painter.hline(x(low)..=x(high), y, Stroke::new(2.0, theme.ink.faint));
        for value in spread.values.iter().flatten() {
            painter.circle_filled(pos2(x(*value), y), 2.5, theme.accent.plain);
        }
        let percent = |value: f32| 100.0 * value;
        let text = format!("{:.0} % · {:.0} to {:.0} %", percent(spread.mean()), percent(low), percent(high));
        put(left + wide, y, Align2::RIGHT_CENTER, text, theme.ink.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_as_large_as_the_canvas_allows_and_none_lies_on_another() {
        let area = Rect::from_min_size(egui::Pos2::ZERO, vec2(800.0, 500.0));
        for count in 1..=16 {
            let rects = places(area, count, 1.0);
            assert_eq!(rects.len(), count);
            for (i, a) in rects.iter().enumerate() {
                assert!(area.expand(0.5).contains_rect(*a), "{count}: {a:?}");
                assert!(rects[..i].iter().all(|b| !a.shrink(0.5).intersects(*b)), "{count}: {a:?}");
            }
        }
        assert!(places(area, 4, 1.0)[0].width() > 240.0, "two by two");
        let wide = places(area, 2, 2.0);
        assert_eq!(wide[0].left(), wide[1].left(), "wide pictures lie below each other");
    }
}

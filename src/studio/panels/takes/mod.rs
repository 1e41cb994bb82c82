//! The strip of finished results: show, name, restore, pin for comparison.

mod details;
pub mod tree;

use egui::{
    Align, Align2, CornerRadius, EventFilter, Key, Layout, Modifiers, Rect, Response, Role, ScrollArea, Sense, Shape,
    Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::studio::{
    bundle::Studio,
    command::Command,
    document::{edit::Edit, naming, takes::TakeId},
    panels::takes::tree::Place,
    view::{
        state::Shown,
        theme::{self, Theme, size},
    },
    widgets::{Icon, icon, picture, textures::Textures},
};

const THUMBNAIL_TEXELS: usize = 160;
/// Characters of a take's name that fit on its thumbnail.
const LABEL: usize = 11;
/// The column at the right with what can be done to the chosen take.
const DETAILS: f32 = 306.0;
/// Between neighbours in a branch, and before a new branch.
const GAP: f32 = 12.0;
const BRANCH_GAP: f32 = 26.0;
/// Between the lanes in which lines run below the takes.
const LANE_STEP: f32 = 3.0;

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let whole = ui.max_rect();
    if studio.document.takes().list().is_empty() {
        return quiet(ui, whole, "Takes: every finished picture is kept here.");
    }
    let strip = Rect::from_min_max(whole.min, pos2(whole.right() - DETAILS, whole.bottom()));
    let places = tree::places(studio.document.takes().list(), &studio.filter);
    if places.is_empty() {
        quiet(ui, strip, "No take has these words in its name, prompt or concepts.");
    }
    let mut child = ui.new_child(UiBuilder::new().id_salt("strip").max_rect(strip));
    ScrollArea::horizontal().id_salt("takes").auto_shrink(false).stick_to_right(true).show(&mut child, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(size::MARGIN);
            branches(ui, studio, pictures, &places);
            ui.add_space(size::MARGIN);
        });
    });
    details::show(ui, studio, Rect::from_min_max(pos2(strip.right() + 10.0, whole.top()), whole.max));
}

fn quiet(ui: &Ui, area: Rect, text: &str) {
    let at = pos2(area.left() + size::MARGIN, area.center().y);
    ui.painter().text(at, Align2::LEFT_CENTER, text, theme::small_font(), Theme::of(ui).faint);
}

/// Thumbnails in their order, with the lines that join them.
fn branches(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, places: &[Place]) {
    let mut rects: Vec<Rect> = Vec::with_capacity(places.len());
    let mut focus = None;
    for (at, place) in places.iter().enumerate() {
        let continues = place.parent.is_some_and(|parent| parent + 1 == at);
        if at > 0 {
            ui.add_space(if continues { GAP } else { BRANCH_GAP });
        }
        let number = studio.document.takes().list().iter().position(|take| take.id == place.id).map_or(0, |i| i + 1);
        let Some(response) = thumbnail(ui, studio, pictures, place.id, number) else { continue };
        if let Some(parent) = place.parent.and_then(|parent| rects.get(parent)) {
            join(ui, *parent, response.rect, (!continues).then(|| tree::lane(places, at)));
        }
        rects.push(response.rect);
        focus = keys(ui, studio, &response, places, at).or(focus);
    }
    if let Some(id) = focus {
        studio.view.show_take(id);
        ui.memory_mut(|m| m.request_focus(thumbnail_id(ui, id)));
    }
}

/// A line from a take to one made from it: straight to its neighbour, or below the others, in its lane, to the head of
/// a branch.
fn join(ui: &Ui, parent: Rect, child: Rect, lane: Option<usize>) {
    let pen = Stroke::new(1.5, Theme::of(ui).faint);
    let Some(lane) = lane else {
        ui.painter().hline(parent.right()..=child.left(), child.center().y, pen);
        return;
    };
    let shift = LANE_STEP * lane as f32;
    let (start, below) = (pos2(parent.right() - 12.0 - shift, parent.bottom()), parent.bottom() + 2.0 + shift);
    let turn = child.left() - BRANCH_GAP / 2.0;
    let points = [
        start,
        pos2(start.x, below),
        pos2(turn, below),
        pos2(turn, child.center().y),
        pos2(child.left(), child.center().y),
    ];
    ui.painter().add(Shape::line(points.to_vec(), pen));
}

/// The take that the details are of: the chosen one, else the newest.
fn chosen(studio: &Studio) -> Option<TakeId> {
    match studio.view.shown {
        Shown::Take(id) => Some(id),
        Shown::Live => studio.document.takes().list().last().map(|take| take.id),
    }
}

fn thumbnail_id(ui: &Ui, id: TakeId) -> egui::Id {
    ui.scope_id().with(("take", id))
}

fn thumbnail(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, id: TakeId, number: usize) -> Option<Response> {
    let take = studio.document.take(id)?;
    let shown = take.track.picture.clone()?;
    let (name, seed, starred) = (take.name.clone(), take.track.recipe.seed, take.starred);
    let (_, rect) = ui.allocate_space(vec2(size::TAKE, size::TAKE));
    let response = ui.interact(rect, thumbnail_id(ui, id), Sense::click());
    let active = studio.view.shown == Shown::Take(id);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, active, format!("Take {number}: {name}")));
    let texture = pictures.thumbnail(ui.ctx(), &shown, THUMBNAIL_TEXELS);
    picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 5, theme::PLAIN);
    rim(ui, studio, id, &response);
    let pinned = ["A", "B"].into_iter().zip(studio.document.takes().pins()).filter(|(_, pin)| *pin == Some(id));
    for (k, (letter, _)) in pinned.enumerate() {
        let corner = rect.min + vec2(5.0 + 18.0 * k as f32, 5.0);
        picture::label_on(ui, corner, Align2::LEFT_TOP, letter, theme::bold_font(size::SMALL));
    }
    if starred {
        let spot = Rect::from_min_size(pos2(rect.right() - 20.0, rect.top() + 4.0), vec2(16.0, 16.0));
        ui.painter().rect_filled(spot, CornerRadius::same(3), Theme::of(ui).under_picture_text);
        icon::paint(ui.painter(), Icon::Starred, spot.center(), theme::TAKE_B);
    }
    let short = naming::shorten(&name, LABEL);
    let corner = rect.max - vec2(4.0, 4.0);
    picture::label_on(ui, corner, Align2::RIGHT_BOTTOM, &short, egui::FontId::monospace(10.0));
    if response.clicked() {
        studio.view.show_take(id);
        response.request_focus();
    }
    if response.double_clicked() {
        studio.commands.edit(Edit::RestoreTake(id));
    }
    let said = format!("{name} · seed {seed}\nClick shows it, double-click restores its recipe, arrow keys go on");
    let response = response.on_hover_text(said);
    response.context_menu(|ui| menu(ui, studio, id));
    Some(response)
}

fn rim(ui: &Ui, studio: &Studio, id: TakeId, response: &Response) {
    let theme = Theme::of(ui);
    let color = match (
        studio.document.takes().pins()[0] == Some(id),
        studio.document.takes().pins()[1] == Some(id),
        chosen(studio) == Some(id),
    ) {
        (true, ..) => Some(theme::TAKE_A),
        (_, true, _) => Some(theme::TAKE_B),
        (_, _, true) => Some(theme.dim),
        _ => response.hovered().then_some(theme.faint),
    };
    if let Some(color) = color {
        let pen = Stroke::new(2.0, color);
        ui.painter().rect_stroke(response.rect, CornerRadius::same(6), pen, StrokeKind::Outside);
    }
    if response.has_focus() {
        let pen = Stroke::new(1.0, theme.text);
        ui.painter().rect_stroke(response.rect.expand(3.0), CornerRadius::same(8), pen, StrokeKind::Outside);
    }
}

/// The keyboard on a take: arrows go along the strip, up to its parent, down to the first made from it; letters pin,
/// star and restore. Gives the take to go to.
fn keys(ui: &Ui, studio: &mut Studio, response: &Response, places: &[Place], at: usize) -> Option<TakeId> {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    if !response.has_focus() {
        return None;
    }
    let id = places.get(at)?.id;
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let letters = [(Key::A, 0), (Key::B, 1)];
    letters.into_iter().filter(|(key, _)| pressed(*key)).for_each(|(_, side)| pin(studio, side, id));
    if pressed(Key::S) {
        studio.commands.edit(Edit::ToggleStar(id));
    }
    if pressed(Key::R) {
        studio.commands.edit(Edit::RestoreTake(id));
    }
    if pressed(Key::Delete) {
        studio.commands.edit(Edit::RemoveTake(id));
        return places.get(at + 1).or(at.checked_sub(1).and_then(|at| places.get(at))).map(|place| place.id);
    }
    let goals = [
        (Key::ArrowLeft, at.checked_sub(1)),
        (Key::ArrowRight, Some(at + 1)),
        (Key::ArrowUp, places[at].parent),
        (Key::ArrowDown, places.iter().position(|place| place.parent == Some(at))),
    ];
    let goal = goals.into_iter().filter(|(key, _)| pressed(*key)).find_map(|(_, goal)| goal);
    goal.and_then(|goal| places.get(goal)).map(|place| place.id)
}

fn menu(ui: &mut Ui, studio: &mut Studio, id: TakeId) {
    for (side, letter) in ["A", "B"].into_iter().enumerate() {
        if ui.button(format!("Pin as {letter}")).clicked() {
            pin(studio, side, id);
        }
    }
    if ui.button("Restore recipe").clicked() {
        studio.commands.edit(Edit::RestoreTake(id));
    }
    if ui.button("Export as PNG…").clicked() {
        studio.commands.send(Command::ExportPng(Some(id)));
    }
    if ui.button("Export figure…").on_hover_text("Its steps across, their maps down, with captions").clicked() {
        studio.view.show_take(id);
        studio.commands.send(Command::ExportFigure);
    }
    if ui.button("Remove").clicked() {
        studio.commands.edit(Edit::RemoveTake(id));
    }
}

fn pin(studio: &mut Studio, side: usize, take: TakeId) {
    studio.commands.edit(Edit::TogglePin { side, take });
}

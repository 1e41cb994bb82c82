//! The strip of finished results: show, name, restore, pin for comparison.

use egui::{
    Align, Align2, CornerRadius, Layout, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::{
    state::{Action, Compare, Shown, Studio, TakeId},
    textures::Textures,
    theme::{self, Theme, size},
    widgets::{Icon, icon_button, picture, row},
};

const THUMBNAIL_TEXELS: usize = 160;
/// The column at the right with what can be done to the chosen take.
const DETAILS: f32 = 268.0;

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let whole = ui.max_rect();
    if studio.takes.is_empty() {
        let theme = Theme::of(ui);
        let at = pos2(whole.left() + size::MARGIN, whole.center().y);
        let text = "Takes: every finished picture is kept here.";
        ui.painter().text(at, Align2::LEFT_CENTER, text, theme::small_font(), theme.faint);
        return;
    }
    let strip = Rect::from_min_max(whole.min, pos2(whole.right() - DETAILS, whole.bottom()));
    let mut child = ui.new_child(UiBuilder::new().id_salt("strip").max_rect(strip));
    ScrollArea::horizontal().id_salt("takes").auto_shrink(false).stick_to_right(true).show(&mut child, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            ui.add_space(size::MARGIN);
            let ids: Vec<TakeId> = studio.takes.iter().map(|take| take.id).collect();
            for (number, id) in ids.into_iter().enumerate() {
                thumbnail(ui, studio, pictures, id, number + 1);
            }
        });
    });
    details(ui, studio, Rect::from_min_max(pos2(strip.right() + 10.0, whole.top()), whole.max));
}

/// The take that the details are of: the chosen one, else the newest.
fn chosen(studio: &Studio) -> Option<TakeId> {
    match studio.shown {
        Shown::Take(id) => Some(id),
        Shown::Live => studio.takes.last().map(|take| take.id),
    }
}

fn thumbnail(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, id: TakeId, number: usize) {
    let theme = Theme::of(ui);
    let Some(take) = studio.take(id) else { return };
    let Some(shown) = take.track.picture.clone() else { return };
    let (name, seed) = (take.name.clone(), take.track.recipe.seed);
    let (rect, response) = ui.allocate_exact_size(vec2(size::TAKE, size::TAKE), Sense::click());
    let active = studio.shown == Shown::Take(id);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, active, format!("Take {number}: {name}")));
    let texture = pictures.thumbnail(ui.ctx(), &shown, THUMBNAIL_TEXELS);
    picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 5, theme::PLAIN);
    let rim = match (studio.pins[0] == Some(id), studio.pins[1] == Some(id), chosen(studio) == Some(id)) {
        (true, ..) => Some(theme::TAKE_A),
        (_, true, _) => Some(theme::TAKE_B),
        (_, _, true) => Some(theme.dim),
        _ => response.hovered().then_some(theme.faint),
    };
    if let Some(color) = rim {
        ui.painter().rect_stroke(rect, CornerRadius::same(6), Stroke::new(2.0, color), StrokeKind::Outside);
    }
    let pinned = ["A", "B"].into_iter().zip(studio.pins).filter(|(_, pin)| *pin == Some(id));
    for (k, (letter, _)) in pinned.enumerate() {
        let corner = rect.min + vec2(5.0 + 18.0 * k as f32, 5.0);
        picture::label_on(ui, corner, Align2::LEFT_TOP, letter, theme::bold_font(size::SMALL));
    }
    let short: String = name.chars().take(11).collect();
    let corner = rect.max - vec2(4.0, 4.0);
    picture::label_on(ui, corner, Align2::RIGHT_BOTTOM, &short, egui::FontId::monospace(10.0));
    if response.clicked() {
        studio.show_take(id);
    }
    if response.double_clicked() {
        studio.restore(id);
    }
    let response =
        response.on_hover_text(format!("{name} · seed {seed}\nClick shows it, double-click restores its recipe"));
    response.context_menu(|ui| menu(ui, studio, id));
}

fn menu(ui: &mut Ui, studio: &mut Studio, id: TakeId) {
    for (side, letter) in ["A", "B"].into_iter().enumerate() {
        if ui.button(format!("Pin as {letter}")).clicked() {
            pin(studio, side, id);
        }
    }
    if ui.button("Restore recipe").clicked() {
        studio.restore(id);
    }
    if ui.button("Export as PNG…").clicked() {
        studio.ask(Action::ExportPng(Some(id)));
    }
    if ui.button("Remove").clicked() {
        studio.remove_take(id);
    }
}

/// Pinning both sides opens the comparison; taking a pin off that it needs closes it.
fn pin(studio: &mut Studio, side: usize, id: TakeId) {
    studio.toggle_pin(side, id);
    if studio.pins.iter().all(Option::is_some) && studio.look.compare == Compare::Single {
        studio.look.compare = Compare::SideBySide;
    }
    if studio.pins[0].is_none() {
        studio.look.compare = Compare::Single;
    }
}

fn details(ui: &mut Ui, studio: &mut Studio, area: Rect) {
    let Some(id) = chosen(studio) else { return };
    let count = studio.takes.len();
    let theme = Theme::of(ui);
    let inner = area.shrink2(vec2(size::MARGIN, 10.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("take").max_rect(inner).layout(Layout::top_down(Align::Min)));
    let ui = &mut child;
    let current = studio.shown == Shown::Live;
    let Some(take) = studio.take_mut(id) else { return };
    let seconds = take.elapsed.as_secs_f32();
    let mut renamed = false;
    ui.horizontal(|ui| {
        let field = egui::TextEdit::singleline(&mut take.name).id_salt("take name").desired_width(150.0);
        renamed = ui.add(field.margin(egui::Margin::symmetric(6, 3))).accessible_name("Name of the take").changed();
        let count = format!("{count} take{}", if count == 1 { "" } else { "s" });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| row::note(ui, count));
    });
    if renamed {
        studio.touch();
    }
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (side, letter) in ["A", "B"].into_iter().enumerate() {
            let on = studio.pins[side] == Some(id);
            let button = egui::Button::selectable(on, letter).min_size(vec2(26.0, 20.0));
            let response = ui.add(button).on_hover_text(format!("Pin as {letter}"));
            if response.accessible_name(format!("Pin as {letter}")).clicked() {
                pin(studio, side, id);
            }
        }
        if ui.button("Restore").on_hover_text("Take over this recipe").clicked() {
            studio.restore(id);
        }
        if ui.button("PNG…").on_hover_text("Export this picture").clicked() {
            studio.ask(Action::ExportPng(Some(id)));
        }
        if icon_button(ui, Icon::Close, "Remove take").clicked() {
            studio.remove_take(id);
        }
    });
    ui.horizontal(|ui| {
        row::note(ui, format!("{seconds:.1} s"));
        if !current
            && ui
                .add(egui::Button::new(egui::RichText::new("Back to the newest").color(theme.accent)).frame(false))
                .clicked()
        {
            studio.shown = Shown::Live;
        }
    });
}

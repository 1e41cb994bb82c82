//! One take in the strip: its picture, its marks, and what a click does.
//!
//! Apart from the strip because it does not depend on the other takes.

use egui::{
    Align2, CornerRadius, FontId, Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use super::actions::{self, PINS};
use crate::studio::{
    document::{
        Document,
        edit::Edit,
        naming,
        takes::{Take, TakeId},
    },
    panels::context::PanelContext,
    view::{
        View,
        theme::{self, Theme, size},
    },
    widgets::{Icon, icon, picture},
};

const THUMBNAIL_TEXELS: usize = 160;
/// Characters of a take's name that fit on its thumbnail.
const LABEL: usize = 11;

/// The id of a take's thumbnail, by which it gets the keyboard focus.
pub fn id(ui: &Ui, take: TakeId) -> Id {
    ui.scope_id().with(("take", take))
}

/// Draws the take that is the `number`th of the session into `rect`; `None` when it has no picture.
pub fn show(ui: &mut Ui, context: &mut PanelContext, (take, number): (TakeId, usize), rect: Rect) -> Option<Response> {
    let PanelContext { document, view, commands, textures } = context;
    let take = document.take(take)?;
    let shown = take.track.picture.clone()?;
    let id = id(ui, take.id);
    let active = view.shown_take() == Some(take.id);
    // The strip is one stop of the Tab key: its selected take. The arrow keys go on from there.
    let stop = actions::selected(document, view) == Some(take.id) || ui.memory(|m| m.has_focus(id));
    let response = ui.interact(rect, id, if stop { Sense::click() } else { Sense::CLICK });
    let label = format!("Take {number}: {}", take.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, active, &label));
    let texture = textures.thumbnail(ui.ctx(), &shown, THUMBNAIL_TEXELS);
    picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 5, theme::PLAIN);
    rim(ui, document, view, take.id, &response);
    marks(ui, take, document.takes().pins(), rect);
    let together = ui.input(|i| i.modifiers.shift);
    if response.clicked() && together {
        actions::compare(document, view, commands, take.id);
    } else if response.clicked() {
        view.show_take(take.id);
        response.request_focus();
    }
    if response.double_clicked() {
        commands.edit(Edit::RestoreTake(take.id));
    }
    let (name, seed) = (&take.name, take.track.recipe.seed);
    let tip = format!(
        "{name} · seed {seed}\nClick shows it, double-click restores its recipe, Shift+click compares it with the shown one, arrow keys go on"
    );
    let response = response.on_hover_text(tip);
    response.context_menu(|ui| actions::menu(ui, document, view, commands, take.id));
    Some(response)
}

/// The letters of its pins, its star and its name.
fn marks(ui: &Ui, take: &Take, pins: [Option<TakeId>; 2], rect: Rect) {
    let pinned = PINS.into_iter().zip(pins).filter(|(_, pin)| *pin == Some(take.id));
    for (k, (letter, _)) in pinned.enumerate() {
        let corner = rect.min + vec2(5.0 + 18.0 * k as f32, 5.0);
        picture::label_on(ui, corner, Align2::LEFT_TOP, letter, theme::bold_font(size::SMALL));
    }
    if take.starred {
        let spot = Rect::from_min_size(pos2(rect.right() - 20.0, rect.top() + 4.0), vec2(16.0, 16.0));
        ui.painter().rect_filled(spot, CornerRadius::same(3), Theme::of(ui).on_picture.ground);
        icon::paint(ui.painter(), Icon::Starred, spot.center(), theme::TAKE_B);
    }
    let short = naming::shorten(&take.name, LABEL);
    picture::label_on(ui, rect.max - vec2(4.0, 4.0), Align2::RIGHT_BOTTOM, &short, FontId::monospace(10.0));
}

/// The rim says whether the take is pinned, selected, or under the pointer.
fn rim(ui: &Ui, document: &Document, view: &View, id: TakeId, response: &Response) {
    let theme = Theme::of(ui);
    let [a, b] = document.takes().pins().map(|pin| pin == Some(id));
    let color = match (a, b, actions::selected(document, view) == Some(id)) {
        (true, ..) => Some(theme::TAKE_A),
        (_, true, _) => Some(theme::TAKE_B),
        (_, _, true) => Some(theme.ink.dim),
        _ => response.hovered().then_some(theme.ink.faint),
    };
    if let Some(color) = color {
        let pen = Stroke::new(2.0, color);
        ui.painter().rect_stroke(response.rect, CornerRadius::same(6), pen, StrokeKind::Outside);
    }
    if response.has_focus() {
        let pen = Stroke::new(1.0, theme.ink.text);
        ui.painter().rect_stroke(response.rect.expand(3.0), CornerRadius::same(8), pen, StrokeKind::Outside);
    }
}

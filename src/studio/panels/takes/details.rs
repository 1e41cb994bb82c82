//! What can be done to the selected take, and the search field.
//!
//! Apart from the strip because it shows one take, not their tree.

use egui::{Align, Button, Layout, Margin, Rect, RichText, TextEdit, Ui, UiBuilder, vec2};

use super::{
    actions::{PINS, selected, toggle_pin},
    search, tree,
};
use crate::studio::{
    command::{Command, Commands},
    document::{
        Document,
        edit::Edit,
        takes::{Take, TakeId},
    },
    view::{
        View,
        state::Shown,
        theme::{Theme, size},
    },
    widgets::{Icon, icon_button, icon_toggle, row},
};

/// Room for the name, in points.
const NAME: f32 = 106.0;

/// Draws the details into `area`; `filter` is the text of the search field, which `found` takes match.
pub fn show(
    ui: &mut Ui,
    document: &Document,
    view: &mut View,
    commands: &mut Commands,
    (filter, found): (&mut String, usize),
    area: Rect,
) {
    let inner = area.shrink2(vec2(size::MARGIN, 10.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("take").max_rect(inner).layout(Layout::top_down(Align::Min)));
    let ui = &mut child;
    let Some(take) = selected(document, view).and_then(|id| document.take(id)) else { return };
    ui.horizontal(|ui| title(ui, take, &count(document.takes().list(), filter, found), commands));
    ui.horizontal(|ui| buttons(ui, take.id, document.takes().pins(), commands));
    ui.horizontal(|ui| find(ui, take, view, filter));
}

fn title(ui: &mut Ui, take: &Take, count: &str, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let icon = if take.starred { Icon::Starred } else { Icon::Star };
    if icon_toggle(ui, icon, "Star this take (S)", take.starred).clicked() {
        commands.edit(Edit::ToggleStar(take.id));
    }
    let mut name = take.name.clone();
    let field = TextEdit::singleline(&mut name).id_salt("take name").desired_width(NAME);
    let named = ui.add(field.margin(Margin::symmetric(6, 3))).accessible_name("Name of the take");
    if named.changed() {
        commands.edit(Edit::RenameTake(take.id, name));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| row::note(ui, count));
}

/// "9 takes · 3 branches", or "2 of 9 takes" while some are searched for.
fn count(takes: &[Take], filter: &str, found: usize) -> String {
    if !filter.trim().is_empty() {
        return format!("{found} of {} takes", takes.len());
    }
    let plural = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let counted = plural(takes.len(), "take", "takes");
    match tree::branches(takes) {
        0 | 1 => counted,
        n => format!("{counted} · {}", plural(n, "branch", "branches")),
    }
}

fn buttons(ui: &mut Ui, id: TakeId, pins: [Option<TakeId>; 2], commands: &mut Commands) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for (side, letter) in PINS.into_iter().enumerate() {
        let button = Button::selectable(pins[side] == Some(id), letter).min_size(vec2(26.0, 20.0));
        let response = ui.add(button).on_hover_text(format!("Pin as {letter} for comparison ({letter})"));
        if response.accessible_name(format!("Pin as {letter}")).clicked() {
            toggle_pin(commands, side, id);
        }
    }
    if ui.button("Restore").on_hover_text("Take over this recipe (R, or double-click)").clicked() {
        commands.edit(Edit::RestoreTake(id));
    }
    if ui.button("PNG…").on_hover_text("Export this picture with its recipe").clicked() {
        commands.send(Command::ExportPng(Some(id)));
    }
    if icon_button(ui, Icon::Close, "Remove take (Delete)").clicked() {
        commands.edit(Edit::RemoveTake(id));
    }
}

/// Shows the takes with a star alone: the search field then has the sign that asks for them.
fn starred_only(ui: &mut Ui, filter: &mut String) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let on = filter.split_whitespace().any(|word| word == search::STARRED);
    let icon = if on { Icon::Starred } else { Icon::Star };
    if icon_toggle(ui, icon, "Only takes with a star", on).clicked() {
        let words: Vec<&str> = filter.split_whitespace().filter(|word| *word != search::STARRED).collect();
        let mark = if on { "" } else { search::STARRED };
        *filter = format!("{mark} {}", words.join(" ")).trim().to_owned();
    }
}

fn find(ui: &mut Ui, take: &Take, view: &mut View, filter: &mut String) {
    starred_only(ui, filter);
    let field = TextEdit::singleline(filter).id_salt("find takes").desired_width(NAME - 14.0);
    let field = field.hint_text("Find takes…").margin(Margin::symmetric(6, 2));
    let response = ui.add(field).accessible_name("Find takes");
    response.on_hover_text(search::HELP);
    if view.shown != Shown::Live {
        let text = RichText::new("Back to the newest").color(Theme::of(ui).accent.plain);
        if ui.add(Button::new(text).frame(false)).clicked() {
            view.shown = Shown::Live;
        }
    } else if !take.elapsed.is_zero() {
        row::note(ui, format!("took {:.1} s", take.elapsed.as_secs_f32()));
    }
}

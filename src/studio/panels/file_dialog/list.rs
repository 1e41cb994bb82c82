//! The middle of the file dialog: where it is, and what is there.
//!
//! Apart from its sides, which hold places and the preview.

use std::path::PathBuf;

use egui::{Align2, CornerRadius, Rect, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use super::state::{Contents, State, Step};
use crate::studio::{
    document::naming::shorten,
    view::{
        file_dialog::Entry,
        theme::{self, Theme, size},
    },
    widgets::{Icon, icon, icon_button, row},
};

/// The folders down to this one; the last ones of a long way.
const PARTS: usize = 5;
const LINE: f32 = size::ROW + 2.0;

/// The way to the folder, each part to be clicked, and the button that makes a new one.
pub fn way(ui: &mut Ui, state: &mut State) -> Step {
    let mut step = Step::Stay;
    ui.horizontal(|ui| {
        if icon_button(ui, Icon::Up, "To the folder above (Alt+Up)").clicked() {
            step = state.up();
        }
        let parts: Vec<PathBuf> = state.folder.ancestors().take(PARTS).map(PathBuf::from).collect();
        for part in parts.into_iter().rev() {
            let name =
                part.file_name().map_or_else(|| part.display().to_string(), |n| n.to_string_lossy().into_owned());
            let name = shorten(&name, 22);
            if ui.add(egui::Button::new(&name).frame_when_inactive(false)).clicked() {
                step = state.go(part);
            }
        }
    });
    step
}

/// The line in which the name of a new folder is typed, while one is being made.
pub fn new_folder(ui: &mut Ui, state: &mut State) -> Step {
    let Some(name) = &mut state.new_folder else { return Step::Stay };
    let line = ui.horizontal(|ui| {
        let field = TextEdit::singleline(name).hint_text("Name of the new folder").desired_width(240.0);
        let field = ui.add(field).accessible_name("Name of the new folder");
        field.request_focus();
        ui.button("Make").clicked() || ui.input(|i| i.key_pressed(egui::Key::Enter))
    });
    if line.inner { state.make_folder() } else { Step::Stay }
}

/// The entries. A click chooses one, a double click opens it; `follow` scrolls to the chosen one.
pub fn entries(ui: &mut Ui, state: &mut State, follow: bool) -> Step {
    let shown: Vec<Entry> = state.shown().into_iter().cloned().collect();
    let mut step = Step::Stay;
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut area = ScrollArea::vertical().id_salt("files").auto_shrink(false);
    if let Some(at) = state.selected.filter(|_| follow) {
        area = area.vertical_scroll_offset(at.saturating_sub(5) as f32 * LINE);
    }
    area.show_rows(ui, LINE, shown.len(), |ui, rows| {
        for at in rows {
            let response = line(ui, &shown[at], state.selected == Some(at));
            if response.double_clicked() {
                state.choose(at);
                step = state.open_chosen();
            } else if response.clicked() {
                step = state.choose(at);
            }
        }
    });
    let note = match &state.contents {
        Contents::Reading => Some("Reading…".to_owned()),
        Contents::Failed(why) => Some(why.clone()),
        Contents::There(_) if shown.is_empty() => Some("Nothing here fits.".to_owned()),
        Contents::There(_) => None,
    };
    if let Some(note) = note {
        row::note(ui, note);
    }
    step
}

fn line(ui: &mut Ui, entry: &Entry, selected: bool) -> egui::Response {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
    let name = format!("{} {}", if entry.is_folder { "Folder" } else { "File" }, entry.name);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &name));
    if selected || response.hovered() {
        let fill = if selected { theme.ground.raised } else { theme.ground.input };
        ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), fill);
    }
    let painter = ui.painter();
    if entry.is_folder {
        icon::paint(painter, Icon::Folder, rect.left_center() + vec2(12.0, 0.0), theme.ink.dim);
    }
    let room = Rect::from_min_max(rect.min + vec2(26.0, 0.0), rect.max - vec2(70.0, 0.0));
    let ink = if entry.is_folder { theme.ink.dim } else { theme.ink.text };
    let clipped = painter.with_clip_rect(room.intersect(ui.clip_rect()));
    clipped.text(room.left_center(), Align2::LEFT_CENTER, &entry.name, theme::body_font(), ink);
    if !entry.is_folder {
        let at = rect.right_center() - vec2(8.0, 0.0);
        painter.text(at, Align2::RIGHT_CENTER, bytes(entry.bytes), theme::small_font(), theme.ink.faint);
    }
    response
}

/// "812 B", "3.4 KB", "1.2 GB".
fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1000.0, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1000.0, unit + 1);
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_short() {
        assert_eq!([0, 812, 3400, 999_960, 2_000_000_000].map(bytes), ["0 B", "812 B", "3.4 KB", "1.0 MB", "2.0 GB"]);
    }
}

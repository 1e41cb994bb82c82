//! The sides of the file dialog: places at the left, what the chosen file is at the right.
//!
//! Apart from the list because neither depends on it.

use std::path::PathBuf;

use egui::{Label, TextWrapMode, Ui, vec2};

use super::state::{State, Step, full_path};
use crate::studio::{
    document::naming::shorten,
    view::{file_dialog::Preview, theme},
    widgets::{picture, row, textures::Textures},
};

/// Texels of the preview.
const TEXELS: usize = 320;

/// The user's folder, and those that were used lately.
pub fn places(ui: &mut Ui, state: &mut State, recent: &[PathBuf]) -> Step {
    let mut step = Step::Stay;
    row::note(ui, "Places");
    let home = full_path(&state.folder, "~");
    let root = state.folder.ancestors().last().map(PathBuf::from).unwrap_or_default();
    for (name, folder) in [("Home", home), ("Computer", root)] {
        if ui.add(egui::Button::new(name).frame_when_inactive(false)).clicked() {
            step = state.go(folder);
        }
    }
    if !recent.is_empty() {
        ui.add_space(6.0);
        row::note(ui, "Recent");
    }
    for folder in recent {
        let name =
            folder.file_name().map_or_else(|| folder.display().to_string(), |n| n.to_string_lossy().into_owned());
        let button = ui.add(egui::Button::new(shorten(&name, 16)).frame_when_inactive(false));
        if button.on_hover_text(folder.display().to_string()).clicked() {
            step = state.go(folder.clone());
        }
    }
    step
}

/// The chosen file: its picture, and what it says.
pub fn preview(ui: &mut Ui, preview: Option<&Preview>, textures: &mut Textures) {
    let Some(Preview { picture: shown, lines, .. }) = preview else { return };
    let width = ui.available_width();
    if let Some(shown) = shown {
        let height = (width * shown.height as f32 / shown.width.max(1) as f32).min(width);
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Preview"));
        let texture = textures.thumbnail(ui.ctx(), shown, TEXELS);
        picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 4, theme::PLAIN);
        ui.add_space(4.0);
    }
    for line in lines {
        let text = egui::RichText::new(shorten(line, 240)).font(theme::small_font());
        ui.add(Label::new(text).wrap_mode(TextWrapMode::Wrap));
    }
}

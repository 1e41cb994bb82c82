//! Text fields as wide as their column.
//!
//! Apart from the panels because the prompts of both models look the same.

use egui::{TextEdit, Ui};

/// A text field of its own colour, as wide as the column.
pub fn field(ui: &mut Ui, name: &str, text: &mut String, hint: &str, rows: usize) -> egui::Response {
    let edit = TextEdit::multiline(text)
        .id_salt(name)
        .hint_text(hint.to_owned())
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 5))
        .return_key(None);
    ui.add(edit).accessible_name(name)
}

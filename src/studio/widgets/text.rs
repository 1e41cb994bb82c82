//! Text fields as wide as their column.
//!
//! Apart from the panels because the prompts of both models look the same.

use egui::{Context, Id, TextEdit, Ui};

/// A text field of its own colour, as wide as the column.
pub fn field(ui: &mut Ui, name: &str, text: &mut String, hint: &str, rows: usize) -> egui::Response {
    let edit = TextEdit::multiline(text)
        .id_salt(name)
        .hint_text(hint.to_owned())
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 5))
        .return_key(None);
    let response = ui.add(edit).accessible_name(name);
    if response.has_focus() {
        ui.data_mut(|d| d.insert_temp(focused(), response.id));
    }
    response
}

/// Whether the field that has the keyboard is one of these: its text is the document's, and so is undoing it.
pub fn is_of_document(ctx: &Context) -> bool {
    let own: Option<Id> = ctx.data(|d| d.get_temp(focused()));
    own.is_some() && ctx.memory(|m| m.focused()) == own
}

fn focused() -> Id {
    Id::unique("document text")
}

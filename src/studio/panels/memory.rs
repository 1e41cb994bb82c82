//! Whether sessions keep the steps of their takes.

use egui::Ui;

use crate::studio::{
    command::Commands,
    document::{Document, edit::Edit},
};

/// Whether the session keeps the steps of its takes, and what that costs.
pub fn keep_steps(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let bytes: usize = document.takes().list().iter().map(|take| take.track.packed_bytes()).sum();
    let mut keep = document.file().keep_steps;
    let text = format!("Keep steps in the session ({})", mebibytes(bytes));
    let hover = "Previews, regions, rates and concept masks of every step go into the session file: it opens and is \
                 scrubbed with all overlays before any model is read.";
    if ui.checkbox(&mut keep, text).on_hover_text(hover).changed() {
        commands.edit(Edit::KeepSteps(keep));
    }
}

/// A size in MiB with one digit.
fn mebibytes(bytes: usize) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

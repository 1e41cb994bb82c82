//! What may be remembered: by the engine, in the menu at the device's name, and by sessions.

use egui::{Align, Button, Layout, RichText, Sense, Ui, vec2};

use crate::studio::{
    command::{Command, Commands},
    document::{Document, edit::Edit, engine_status::MemoryUse},
    view::theme::{self, Theme, size},
};

/// The device, and in its menu what the engine caches.
pub fn device(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let name = document.engine().device.clone().unwrap_or_else(|| "no device yet".into());
    let (rect, _) = ui.allocate_exact_size(vec2(150.0, size::ROW), Sense::hover());
    let layout = Layout::right_to_left(Align::Center);
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("device").max_rect(rect).layout(layout));
    let text = RichText::new(&name).font(theme::small_font()).color(Theme::of(ui).ink.dim);
    let button = Button::new(text).truncate().frame_when_inactive(false);
    let menu = egui::containers::menu::MenuButton::from_button(button);
    let (response, _) = menu.ui(&mut child, |ui| memory_menu(ui, document, commands));
    response.accessible_name("Device and memory").on_hover_text(format!("Device: {name}; click for its memory"));
}

/// What may be remembered, in MiB.
const BUDGETS: [(usize, &str); 6] =
    [(0, "Off"), (256, "256 MiB"), (1024, "1 GiB"), (4096, "4 GiB"), (16_384, "16 GiB"), (65_536, "64 GiB")];

fn memory_menu(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    ui.set_min_width(230.0);
    let MemoryUse { used, budget } = document.engine().memory;
    let line = format!("Remembered: {} of {} MiB", used.div_ceil(1 << 20), budget >> 20);
    ui.label(line).on_hover_text(
        "What the networks have said in earlier runs. An edit pays only for what it changes, as long as the rest is \
         remembered; what was not used for longest is forgotten first.",
    );
    ui.separator();
    for (mebibytes, title) in BUDGETS {
        let on = budget == mebibytes << 20;
        let response =
            ui.add(Button::selectable(on, title)).on_hover_text("How much may be remembered of earlier runs");
        if response.accessible_name(format!("Memory budget: {title}")).clicked() {
            commands.send(Command::SetMemory(mebibytes << 20));
        }
    }
}

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

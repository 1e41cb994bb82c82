//! How many pictures Generate asks for, with which seeds, and the queue that they wait in.
//!
//! Apart from the toolbar, which only gives it its place beside Generate.

use egui::{Button, RichText, Ui};

use crate::studio::{
    command::{Command, Commands},
    document::{
        Document,
        queue::{Batch, COUNTS},
    },
    view::theme::{self, Theme},
    widgets::{combo::quiet_combo, row},
};

/// The counts that the list offers.
const OFFERED: [usize; 7] = [1, 2, 4, 6, 9, 12, *COUNTS.end()];

/// The count as a list beside Generate, and how far the queue is while it holds something.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let batch = document.queue().batch;
    let mut changed = batch;
    let title = format!("×{}{}", batch.count, if batch.random_seed { " ?" } else { "" });
    let list = quiet_combo(ui, "How many pictures", &title, |ui| menu(ui, document, &mut changed, commands));
    let seeds = if batch.random_seed { "a random seed each" } else { "seeds one after the other" };
    list.on_hover_text(format!("Generate asks for {} with {seeds}; the queue", counted(batch.count)));
    if changed != batch {
        commands.send(Command::SetBatch(changed));
    }
    let (done, all) = document.queue().progress();
    if all > 0 {
        let paused = document.queue().is_paused();
        let text = RichText::new(format!("{done}/{all}{}", if paused { " paused" } else { "" }));
        let color = if paused { Theme::of(ui).ink.dim } else { Theme::of(ui).accent.plain };
        let button = Button::new(text.font(theme::mono_font()).color(color)).frame_when_inactive(false);
        let response = ui.add(button).on_hover_text("The queue: see, reorder, skip, pause");
        if response.accessible_name("Queue").clicked() {
            commands.send(Command::ShowQueue);
        }
    }
}

fn counted(count: usize) -> String {
    if count == 1 { "one picture".to_owned() } else { format!("{count} pictures") }
}

fn menu(ui: &mut Ui, document: &Document, batch: &mut Batch, commands: &mut Commands) {
    ui.set_min_width(190.0);
    for count in OFFERED {
        if ui.selectable_label(batch.count == count, format!("× {count}")).clicked() {
            batch.count = count;
        }
    }
    ui.separator();
    row::switch(ui, "Random seed at every Generate", &mut batch.random_seed, "random seed each time");
    ui.separator();
    if ui.add(Button::new("Add to the queue").shortcut_text("Ctrl+Shift+Enter")).clicked() {
        commands.send(Command::Enqueue);
        ui.close();
    }
    let open = document.queue().open().count();
    if ui.button(format!("Show the queue ({open})")).clicked() {
        commands.send(Command::ShowQueue);
        ui.close();
    }
}

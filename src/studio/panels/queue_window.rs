//! The window of the queue: what waits, in which order, and what became of the rest.
//!
//! Apart from the button in the toolbar that opens it.

use egui::{Align, Align2, Layout, ScrollArea, Sense, Ui, vec2};

use crate::studio::{
    command::{Command, Commands},
    document::{
        Document, naming,
        queue::{Entry, QueueEdit, Turn},
        render_status::RenderStatus,
    },
    view::theme::{self, Theme, size},
    widgets::{Icon, icon_button, row},
};

const WIDTH: f32 = 400.0;
const HEIGHT: f32 = 280.0;
/// The longest name in the list, in characters.
const NAME: usize = 34;

/// The window, open or not.
#[derive(Debug, Default)]
pub struct QueueWindow {
    is_open: bool,
}

impl QueueWindow {
    pub fn open(&mut self) {
        self.is_open = true;
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows the queue while the window is open.
    pub fn ui(&mut self, ui: &Ui, document: &Document, commands: &mut Commands) {
        let window = egui::Window::new("Queue")
            .open(&mut self.is_open)
            .default_size(vec2(WIDTH, HEIGHT))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            ui.set_min_width(WIDTH);
            head(ui, document, commands);
            ui.add_space(4.0);
            let entries = document.queue().entries();
            if entries.is_empty() {
                row::note(
                    ui,
                    "Nothing waits. Ctrl+Shift+Enter adds the recipe as it stands; Generate ×N adds N seeds.",
                );
            }
            ScrollArea::vertical().auto_shrink(false).min_scrolled_height(HEIGHT - 80.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                entries.iter().enumerate().for_each(|(at, entry)| line(ui, document, entry, at, commands));
            });
        });
    }
}

fn head(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let queue = document.queue();
    let open = queue.open().count();
    ui.horizontal(|ui| {
        let text = if queue.is_paused() { "Go on" } else { "Pause" };
        let hover = "Nothing of the queue is rendered until you go on";
        if ui.add_enabled(open > 0, egui::Button::new(text)).on_hover_text(hover).clicked() {
            commands.send(Command::Queue(QueueEdit::Pause(!queue.is_paused())));
        }
        let clear = ui.add_enabled(open > 0, egui::Button::new("Clear"));
        if clear.on_hover_text("Takes out all that are not done; takes stay").clicked() {
            commands.send(Command::Queue(QueueEdit::Clear));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            row::note(ui, format!("{} done, {open} to do", queue.entries().len() - open));
        });
    });
}

/// One entry: its place, what it renders, how far it is, and what can be done to it.
fn line(ui: &mut Ui, document: &Document, entry: &Entry, at: usize, commands: &mut Commands) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW + 2.0), Sense::hover());
    ui.painter().rect_filled(rect, egui::CornerRadius::same(3), theme.ground.input);
    let name = title(document, entry);
    let painter = ui.painter();
    let number = format!("{:>3}", at + 1);
    painter.text(rect.left_center() + vec2(6.0, 0.0), Align2::LEFT_CENTER, number, theme::mono_font(), theme.ink.faint);
    let ink = if entry.is_open() { theme.ink.text } else { theme.ink.dim };
    let place = rect.left_center() + vec2(36.0, 0.0);
    painter.text(place, Align2::LEFT_CENTER, naming::shorten(&name, NAME), theme::body_font(), ink);
    let layout = Layout::right_to_left(Align::Center);
    let mut tools = ui.new_child(egui::UiBuilder::new().id_salt(("entry", entry.id)).max_rect(rect).layout(layout));
    tools.spacing_mut().item_spacing.x = 2.0;
    tools.add_space(4.0);
    if entry.is_open() && icon_button(&mut tools, Icon::Close, &format!("Skip {name}")).clicked() {
        commands.send(Command::Queue(QueueEdit::Skip(entry.id)));
    }
    if entry.status == RenderStatus::Waiting {
        for (icon, turn, word) in [(Icon::Down, Turn::Later, "later"), (Icon::Up, Turn::Earlier, "earlier")] {
            if icon_button(&mut tools, icon, &format!("Render {name} {word}")).clicked() {
                commands.send(Command::Queue(QueueEdit::Move(entry.id, turn)));
            }
        }
    }
    status(&mut tools, entry);
}

fn status(ui: &mut Ui, entry: &Entry) {
    let theme = Theme::of(ui);
    match &entry.status {
        RenderStatus::Waiting => drop(row::note(ui, "waits")),
        RenderStatus::Rendering(_) => {
            let step = entry.track.newest_step().map_or(0, |step| step + 1);
            row::tinted(ui, format!("{step}/{}", entry.track.calls()), theme.accent.plain);
        }
        RenderStatus::Done(_) => drop(row::note(ui, "done")),
        RenderStatus::Failed(reason) => drop(row::tinted(ui, "failed", theme.danger.ink).on_hover_text(reason)),
    }
}

/// What the entry renders: its take's name, or what it will be called.
fn title(document: &Document, entry: &Entry) -> String {
    if let RenderStatus::Done(id) = entry.status
        && let Some(take) = document.take(id)
    {
        return take.name.clone();
    }
    let before = entry.parent.and_then(|id| document.take(id)).map(|take| &take.track);
    let name = naming::name(&entry.track, before);
    if name == "again" { format!("seed {}", entry.recipe.seed) } else { name }
}

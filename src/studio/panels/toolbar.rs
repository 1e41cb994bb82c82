//! Across the top: session, Generate and Stop, progress, compare, undo, device.
//!
//! The toolbar keeps no state of its own.

use std::time::Duration;

use egui::{Align, Button, CornerRadius, Layout, Rect, RichText, Sense, Ui, pos2, vec2};

use crate::studio::{
    command::{Command, Commands, MapFormat, Shelf},
    document::{
        Document,
        live_run::{LiveRun, Phase, Progress},
    },
    panels::{batch, device, memory},
    view::{
        View,
        compare::Compare,
        theme::{self, Theme, size},
    },
    widgets::{Icon, combo::quiet_combo, icon, icon_button, segmented::segmented},
};

/// Right of the progress bar at least this much is kept for its text.
const PROGRESS_TEXT: f32 = 240.0;

/// What the toolbar leaves out in a narrow window, in this order: length of the device's name, the comparisons side by side,
/// the word mark, the words on the buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    long_device: bool,
    comparisons: bool,
    word_mark: bool,
    words: bool,
}

impl Room {
    /// In a toolbar of this width, in points.
    fn of(width: f32) -> Self {
        Self {
            long_device: width >= 1400.0,
            comparisons: width >= 1270.0,
            word_mark: width >= 860.0,
            words: width >= 760.0,
        }
    }
}

/// Draws the toolbar into the whole of `ui`.
pub fn show(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    ui.set_height(size::TOOLBAR - 1.0);
    let room = Room::of(ui.available_width());
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.add_space(size::MARGIN);
        if room.word_mark {
            wordmark(ui);
            ui.add_space(6.0);
        }
        session_menu(ui, document, view, commands);
        ui.add_space(2.0);
        run_buttons(ui, document, commands, room.words);
        ui.add_space(4.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(size::MARGIN);
            device::show(ui, document, commands, room.long_device);
            history(ui, document, commands);
            comparison(ui, &mut view.comparison.mode, room.comparisons);
            ui.add_space(4.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| progress(ui, document));
        });
    });
}

/// The ways to compare: side by side, or one that opens a list.
fn comparison(ui: &mut Ui, mode: &mut Compare, side_by_side: bool) {
    if side_by_side {
        segmented(ui, mode, &Compare::ALL, Compare::title, |_| None);
        return;
    }
    let before = mode.title();
    quiet_combo(ui, "Comparison", before, |ui| {
        for option in Compare::ALL {
            if ui.selectable_label(*mode == option, option.title()).clicked() {
                *mode = option;
            }
        }
    });
}

/// The program's name, one word for screen readers too.
fn wordmark(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let mut job = egui::text::LayoutJob::default();
    for (part, ink) in [("Sex", theme.ink.text), ("t", theme.accent.plain), ("ant", theme.ink.text)] {
        job.append(part, 0.0, egui::TextFormat::simple(theme::bold_font(13.0), ink));
    }
    ui.label(job);
    ui.spacing_mut().item_spacing.x = 6.0;
}

fn session_menu(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    let theme = Theme::of(ui);
    // The spaces keep room for the arrow.
    let text = RichText::new(format!("{}    ", session_title(document))).color(theme.ink.dim);
    let button = Button::new(text).frame_when_inactive(false);
    let menu = egui::containers::menu::MenuButton::from_button(button);
    let (response, _) = menu.ui(ui, |ui| session_entries(ui, document, view, commands));
    let arrow = pos2(response.rect.right() - 12.0, response.rect.center().y);
    icon::paint(ui.painter(), Icon::Down, arrow, theme.ink.dim);
    response.accessible_name("Session");
}

/// The name of the session's file, with a mark while it has changes that are not saved.
fn session_title(document: &Document) -> String {
    let name = document.file().path.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
    let mut title = name.unwrap_or_else(|| "Untitled".into());
    if title.chars().count() > 20 {
        title = format!("{}…", title.chars().take(19).collect::<String>());
    }
    title + if document.is_unsaved() { " •" } else { "" }
}

fn session_entries(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    ui.set_min_width(210.0);
    entry(ui, commands, "New session", "Ctrl+N", Command::NewSession);
    entry(ui, commands, "New empty session", "", Command::NewEmptySession);
    entry(ui, commands, "Open…", "Ctrl+O", Command::OpenSession);
    entry(ui, commands, "Browse files…", "", Command::BrowseFiles);
    recent(ui, document, commands);
    entry(ui, commands, "Save", "Ctrl+S", Command::SaveSession);
    entry(ui, commands, "Save as…", "Ctrl+Shift+S", Command::SaveSessionAs);
    ui.separator();
    entry(ui, commands, "Export picture as PNG…", "Ctrl+E", Command::ExportPng(None));
    entry(ui, commands, "Export maps of this step…", "", Command::ExportMaps(MapFormat::Colours));
    entry(ui, commands, "Export maps, 16-bit with a sheet…", "", Command::ExportMaps(MapFormat::Grey16));
    let safetensors = Command::ExportMaps(MapFormat::Safetensors);
    entry(ui, commands, "Export maps of all steps (safetensors)…", "", safetensors);
    entry(ui, commands, "Export animation…", "", Command::ExportAnimation { overlay: false });
    entry(ui, commands, "Export animation with the overlay…", "", Command::ExportAnimation { overlay: true });
    entry(ui, commands, "Output folder…", "", Command::ShowOutput);
    ui.separator();
    entry(ui, commands, "Copy picture", "", Command::CopyPicture);
    entry(ui, commands, "Copy settings", "", Command::CopySettings);
    entry(ui, commands, "Verify picture", "", Command::Verify);
    ui.separator();
    memory::keep_steps(ui, document, commands);
    let mut own = view.appearance.own_dialogs;
    let hover = "Choose files in a dialog of Sextant's own, with previews, and not in the system's";
    if ui.checkbox(&mut own, "Sextant's own file dialogs").on_hover_text(hover).changed() {
        view.appearance.own_dialogs = own;
    }
    let hover =
        "Under the slider that was touched last: what five of its values would give, rendered while nothing else is";
    ui.checkbox(&mut view.appearance.films, "Filmstrips under sliders").on_hover_text(hover);
    ui.separator();
    entry(ui, commands, "All commands…", "Ctrl+K", Command::TogglePalette);
    entry(ui, commands, "Keys", "F1", Command::ToggleKeys);
    entry(ui, commands, "Library…", "", Command::ShowLibrary(Shelf::Looks));
    entry(ui, commands, "Log", "Ctrl+L", Command::ShowLog);
    let dark = ui.visuals().dark_mode;
    if ui.button(if dark { "Light theme" } else { "Dark theme" }).clicked() {
        view.appearance.dark = !dark;
        ui.close();
    }
}

/// The files that were opened or saved lately.
fn recent(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let files = &document.file().recent;
    ui.add_enabled_ui(!files.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for path in files {
                let name =
                    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
                if ui.button(name).on_hover_text(path.display().to_string()).clicked() {
                    commands.send(Command::OpenFile(path.clone()));
                    ui.close();
                }
            }
        });
    });
}

/// An entry of the menu that sends `command`.
fn entry(ui: &mut Ui, commands: &mut Commands, text: &str, keys: &str, command: Command) {
    if ui.add(Button::new(text).shortcut_text(keys)).clicked() {
        commands.send(command);
        ui.close();
    }
}

fn run_buttons(ui: &mut Ui, document: &Document, commands: &mut Commands, words: bool) {
    let theme = Theme::of(ui);
    let busy = document.is_working();
    if action_button(ui, (Icon::Play, "Generate", words), theme.accent.plain, theme.accent.hover, theme.accent.ink)
        .on_hover_text("Render the recipe as it stands (Ctrl+Enter)")
        .clicked()
    {
        commands.send(Command::Generate);
    }
    batch::show(ui, document, commands);
    let ink = if busy { theme.ink.text } else { theme.ink.faint };
    if ui
        .add_enabled_ui(busy, |ui| {
            action_button(ui, (Icon::Stop, "Stop", words), theme.ground.raised, theme.ground.raised_hover, ink)
        })
        .inner
        .on_hover_text("Give up what is running (Esc)")
        .clicked()
    {
        commands.send(Command::Stop);
    }
}

/// A large button; without `words` it shows its sign alone.
fn action_button(
    ui: &mut Ui,
    (sign, name, words): (Icon, &str, bool),
    fill: egui::Color32,
    hover: egui::Color32,
    ink: egui::Color32,
) -> egui::Response {
    let text = if words { name.to_owned() } else { String::new() };
    let galley = ui.painter().layout_no_wrap(text, theme::bold_font(size::BODY), ink);
    let extent = vec2(galley.size().x + if words { 38.0 } else { 32.0 }, 27.0);
    let (rect, response) = ui.allocate_exact_size(extent, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    let fill = if response.hovered() && enabled { hover } else { fill };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(size::RADIUS), fill);
    if response.has_focus() {
        let rim = egui::Stroke::new(1.5, Theme::of(ui).ink.text);
        painter.rect_stroke(rect, CornerRadius::same(size::RADIUS), rim, egui::StrokeKind::Outside);
    }
    icon::paint(painter, sign, pos2(rect.left() + 16.0, rect.center().y), ink);
    painter.galley(pos2(rect.left() + 27.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}

fn progress(ui: &mut Ui, document: &Document) {
    let theme = Theme::of(ui);
    let free = ui.available_width();
    let text = status(document);
    let room = free - PROGRESS_TEXT;
    if room > 40.0 {
        let (rect, response) = ui.allocate_exact_size(vec2(room.min(140.0), 22.0), Sense::hover());
        let bar = Rect::from_center_size(rect.center(), vec2(rect.width(), 4.0));
        let done = document.run().and_then(LiveRun::progress).map_or(0.0, |p| p.done as f32 / p.calls.max(1) as f32);
        ui.painter().rect_filled(bar, 2.0, theme.ground.raised);
        let filled = bar.with_max_x(bar.left() + bar.width() * done.min(1.0));
        ui.painter().rect_filled(filled, 2.0, if document.is_busy() { theme.accent.plain } else { theme.slider.fill });
        let percent = f64::from(done * 100.0);
        response.widget_info(|| egui::WidgetInfo {
            value: Some(percent),
            ..egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Progress")
        });
        ui.add_space(4.0);
    }
    let shown = RichText::new(&text).font(theme::mono_font()).color(theme.ink.dim);
    ui.add(egui::Label::new(shown).truncate()).on_hover_text(text);
}

/// What the engine is doing, in one line.
fn status(document: &Document) -> String {
    let Some(run) = document.run() else {
        return document.engine().busy.clone().unwrap_or_else(|| "ready".into());
    };
    if let (Phase::Waiting | Phase::Running, Some(message)) = (run.phase, &document.engine().busy) {
        return message.clone();
    }
    match (run.phase, run.progress()) {
        (Phase::Failed, _) => "failed".into(),
        (_, None) => if run.phase == Phase::Waiting { "waiting" } else { "stopped" }.into(),
        (phase, Some(progress)) => steps(progress, phase),
    }
}

fn steps(progress: Progress, phase: Phase) -> String {
    let mut text = format!("{}/{}", progress.done, progress.calls);
    if let Some(each) = progress.per_step {
        text += &format!(" · {}/step", duration(each));
    }
    match (phase, progress.left) {
        (Phase::Stopped, _) => text += " · stopped",
        (Phase::Running, Some(left)) => text += &format!(" · {} left", duration(left)),
        _ => {}
    }
    if let Some(step) = progress.resumed_at {
        text += &format!(" · resumed at {}", step + 1);
    }
    text
}

fn duration(d: Duration) -> String {
    match d.as_secs_f64() {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{}:{:02} min", s as u64 / 60, s as u64 % 60),
    }
}

fn history(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let redo =
        ui.add_enabled_ui(document.history().can_redo(), |ui| icon_button(ui, Icon::Redo, "Redo (Ctrl+Shift+Z)")).inner;
    if redo.clicked() {
        commands.send(Command::Redo);
    }
    let undo =
        ui.add_enabled_ui(document.history().can_undo(), |ui| icon_button(ui, Icon::Undo, "Undo (Ctrl+Z)")).inner;
    if undo.clicked() {
        commands.send(Command::Undo);
    }
    ui.add_space(2.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_least_needed_gives_way_first() {
        let left = |width| {
            let room = Room::of(width);
            [room.long_device, room.comparisons, room.word_mark, room.words].iter().filter(|on| **on).count()
        };
        assert_eq!([1440.0, 1300.0, 1000.0, 800.0, 640.0].map(left), [4, 3, 2, 1, 0]);
        assert!(!Room::of(1300.0).long_device && !Room::of(1000.0).comparisons && !Room::of(800.0).word_mark);
    }
}

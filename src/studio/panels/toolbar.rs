//! Across the top: session, Generate and Stop, progress, compare, undo, device.

use std::time::Duration;

use egui::{Align, Button, CornerRadius, Layout, Rect, RichText, Sense, Ui, pos2, vec2};

use crate::studio::{
    bundle::Studio,
    command::{Command, MapFormat},
    document::{
        live_run::{LiveRun, Phase, Progress},
        notice::Remedy,
    },
    panels::memory,
    view::{
        compare::Compare,
        theme::{self, Theme, size},
    },
    widgets::{Icon, icon, icon_button, segmented::segmented},
};

/// Right of the progress bar at least this much is kept for its text.
const PROGRESS_TEXT: f32 = 240.0;

pub fn show(ui: &mut Ui, studio: &mut Studio) {
    ui.set_height(size::TOOLBAR - 1.0);
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.add_space(size::MARGIN);
        wordmark(ui);
        ui.add_space(6.0);
        session_menu(ui, studio);
        ui.add_space(2.0);
        run_buttons(ui, studio);
        ui.add_space(4.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(size::MARGIN);
            memory::device(ui, &studio.document, &mut studio.commands);
            history(ui, studio);
            segmented(ui, &mut studio.view.comparison.mode, &Compare::ALL, Compare::title, |_| None);
            ui.add_space(4.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| progress(ui, studio));
        });
    });
}

fn wordmark(ui: &mut Ui) {
    let theme = Theme::of(ui);
    ui.spacing_mut().item_spacing.x = 0.0;
    ui.label(theme::bold("Sex", 13.0).color(theme.text));
    ui.label(theme::bold("t", 13.0).color(theme.accent));
    ui.label(theme::bold("ant", 13.0).color(theme.text));
    ui.spacing_mut().item_spacing.x = 6.0;
}

fn session_menu(ui: &mut Ui, studio: &mut Studio) {
    let theme = Theme::of(ui);
    let name = studio.document.file.path.as_ref().and_then(|p| p.file_name()).map(|n| n.to_string_lossy().into_owned());
    let mut title = name.unwrap_or_else(|| "Untitled".into());
    if title.chars().count() > 20 {
        title = format!("{}…", title.chars().take(19).collect::<String>());
    }
    let mark = if studio.document.is_unsaved() { " •" } else { "" };
    // The spaces keep room for the arrow.
    let text = RichText::new(format!("{title}{mark}    ")).color(theme.dim);
    let button = Button::new(text).frame_when_inactive(false);
    let menu = egui::containers::menu::MenuButton::from_button(button);
    let (response, _) = menu.ui(ui, |ui| {
        ui.set_min_width(210.0);
        let mut entry = |ui: &mut Ui, text: &str, keys: &str, action: Command| {
            if ui.add(Button::new(text).shortcut_text(keys)).clicked() {
                studio.commands.send(action);
                ui.close();
            }
        };
        entry(ui, "New session", "Ctrl+N", Command::NewSession);
        entry(ui, "Open…", "Ctrl+O", Command::OpenSession);
        entry(ui, "Save", "Ctrl+S", Command::SaveSession);
        entry(ui, "Save as…", "Ctrl+Shift+S", Command::SaveSessionAs);
        ui.separator();
        entry(ui, "Export picture as PNG…", "Ctrl+E", Command::ExportPng(None));
        entry(ui, "Export maps of this step…", "", Command::ExportMaps(MapFormat::Colours));
        entry(ui, "Export maps, 16-bit with a sheet…", "", Command::ExportMaps(MapFormat::Grey16));
        entry(ui, "Export maps of all steps (safetensors)…", "", Command::ExportMaps(MapFormat::Safetensors));
        entry(ui, "Export animation…", "", Command::ExportAnimation { overlay: false });
        entry(ui, "Export animation with the overlay…", "", Command::ExportAnimation { overlay: true });
        ui.separator();
        memory::keep_steps(ui, &studio.document, &mut studio.commands);
        ui.separator();
        if ui.add(Button::new("All commands…").shortcut_text("Ctrl+K")).clicked() {
            studio.palette = Some(Default::default());
            ui.close();
        }
        if ui.add(Button::new("Log").shortcut_text("Ctrl+L")).clicked() {
            studio.log_open = true;
            ui.close();
        }
        let dark = ui.visuals().dark_mode;
        if ui.button(if dark { "Light theme" } else { "Dark theme" }).clicked() {
            studio.view.appearance.dark = !dark;
            ui.close();
        }
    });
    let arrow = pos2(response.rect.right() - 12.0, response.rect.center().y);
    icon::paint(ui.painter(), Icon::Down, arrow, theme.dim);
    response.accessible_name("Session");
}

fn run_buttons(ui: &mut Ui, studio: &mut Studio) {
    let theme = Theme::of(ui);
    let busy = studio.document.is_busy();
    if action_button(ui, Icon::Play, "Generate", theme.accent, theme.accent_hover, theme.on_accent)
        .on_hover_text("Render the recipe as it stands (Ctrl+Enter)")
        .clicked()
    {
        studio.commands.send(Command::Generate);
    }
    let ink = if busy { theme.text } else { theme.faint };
    if ui
        .add_enabled_ui(busy, |ui| action_button(ui, Icon::Stop, "Stop", theme.raised, theme.raised_hover, ink))
        .inner
        .on_hover_text("Give up what is running (Esc)")
        .clicked()
    {
        studio.commands.send(Command::Stop);
    }
}

fn action_button(
    ui: &mut Ui,
    sign: Icon,
    name: &str,
    fill: egui::Color32,
    hover: egui::Color32,
    ink: egui::Color32,
) -> egui::Response {
    let galley = ui.painter().layout_no_wrap(name.to_owned(), theme::bold_font(size::BODY), ink);
    let wanted = vec2(galley.size().x + 38.0, 27.0);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    let fill = if response.hovered() && enabled { hover } else { fill };
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(size::RADIUS), fill);
    if response.has_focus() {
        let rim = egui::Stroke::new(1.5, Theme::of(ui).text);
        painter.rect_stroke(rect, CornerRadius::same(size::RADIUS), rim, egui::StrokeKind::Outside);
    }
    icon::paint(painter, sign, pos2(rect.left() + 16.0, rect.center().y), ink);
    painter.galley(pos2(rect.left() + 27.0, rect.center().y - galley.size().y / 2.0), galley, ink);
    response
}

fn progress(ui: &mut Ui, studio: &Studio) {
    let theme = Theme::of(ui);
    let free = ui.available_width();
    let text = status(studio);
    let room = free - PROGRESS_TEXT;
    if room > 40.0 {
        let (rect, response) = ui.allocate_exact_size(vec2(room.min(140.0), 22.0), Sense::hover());
        let bar = Rect::from_center_size(rect.center(), vec2(rect.width(), 4.0));
        let done =
            studio.document.run().and_then(LiveRun::progress).map_or(0.0, |p| p.done as f32 / p.calls.max(1) as f32);
        ui.painter().rect_filled(bar, 2.0, theme.raised);
        let filled = bar.with_max_x(bar.left() + bar.width() * done.min(1.0));
        ui.painter().rect_filled(filled, 2.0, if studio.document.is_busy() { theme.accent } else { theme.fill });
        let percent = f64::from(done * 100.0);
        response.widget_info(|| egui::WidgetInfo {
            value: Some(percent),
            ..egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, "Progress")
        });
        ui.add_space(4.0);
    }
    let shown = RichText::new(&text).font(theme::mono_font()).color(theme.dim);
    ui.add(egui::Label::new(shown).truncate()).on_hover_text(text);
}

/// What the engine does, in one line.
fn status(studio: &Studio) -> String {
    let Some(run) = &studio.document.run else {
        return studio.document.engine.busy.clone().unwrap_or_else(|| "ready".into());
    };
    if let (Phase::Waiting | Phase::Running, Some(message)) = (run.phase, &studio.document.engine.busy) {
        return message.clone();
    }
    match (run.phase, studio.document.run().and_then(LiveRun::progress)) {
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

fn history(ui: &mut Ui, studio: &mut Studio) {
    let redo = ui
        .add_enabled_ui(studio.document.history().can_redo(), |ui| icon_button(ui, Icon::Redo, "Redo (Ctrl+Shift+Z)"))
        .inner;
    if redo.clicked() {
        studio.commands.send(Command::Redo);
    }
    let undo = ui
        .add_enabled_ui(studio.document.history().can_undo(), |ui| icon_button(ui, Icon::Undo, "Undo (Ctrl+Z)"))
        .inner;
    if undo.clicked() {
        studio.commands.send(Command::Undo);
    }
    ui.add_space(2.0);
}

/// The dismissible line over the canvas when something went wrong.
pub fn banner(ui: &mut Ui, studio: &mut Studio) {
    let Some(banner) = studio.document.notices.shown.clone() else { return };
    let theme = Theme::of(ui);
    let (fill, ink) =
        if banner.is_error { (theme.danger_background, theme.danger) } else { (theme.input_background, theme.dim) };
    let frame = egui::Frame::new().fill(fill).inner_margin(egui::Margin::symmetric(12, 5));
    frame.show(ui, |ui| {
        let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW), Sense::hover());
        let layout = Layout::right_to_left(Align::Center);
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("banner").max_rect(line).layout(layout));
        if icon_button(&mut child, Icon::Close, "Dismiss message").clicked() {
            studio.document.notices.shown = None;
        }
        if let Some(remedy) = banner.remedy {
            let (text, command) = offer(remedy);
            let text = RichText::new(text).color(theme.accent);
            if child.add(Button::new(text).frame_when_inactive(false)).clicked() {
                studio.document.notices.shown = None;
                studio.commands.send(command);
            }
        }
        child.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let text = RichText::new(&banner.message).color(ink);
            ui.add(egui::Label::new(text).truncate()).on_hover_text(&banner.message);
        });
    });
}

/// The text of a remedy's button, and what it does.
fn offer(remedy: Remedy) -> (&'static str, Command) {
    match remedy {
        Remedy::ShowLeftovers => ("Show what is missing", Command::ShowLeftovers),
        Remedy::DiscardRecovered => ("Discard", Command::DiscardRecovered),
    }
}

//! Every command by its name: the palette that Ctrl+K opens.

use egui::{Align2, Event, Id, Key, Modal, Modifiers, Rect, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::studio::{
    bundle::Studio,
    command::{Command, MapFormat},
    document::edit::Edit,
    view::{
        compare::Compare,
        overlay::Overlay,
        theme::{self, Theme, size},
    },
    widgets,
};

const WIDTH: f32 = 460.0;
const HEIGHT: f32 = 300.0;

/// What a command does.
#[derive(Clone)]
enum Effect {
    Ask(Command),
    Do(fn(&mut Studio)),
    Overlay(Overlay),
    Compare(Compare),
}

struct Entry {
    title: String,
    keys: &'static str,
    effect: Effect,
}

/// The palette while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    words: String,
    chosen: usize,
}

fn all() -> Vec<Entry> {
    let ask = |title: &str, keys, action| Entry { title: title.into(), keys, effect: Effect::Ask(action) };
    let run = |title: &str, keys, act: fn(&mut Studio)| Entry { title: title.into(), keys, effect: Effect::Do(act) };
    let mut list = vec![
        ask("Generate", "Ctrl+Enter", Command::Generate),
        ask("Stop", "Esc", Command::Stop),
        ask("Undo", "Ctrl+Z", Command::Undo),
        ask("Redo", "Ctrl+Shift+Z", Command::Redo),
        ask("New session", "Ctrl+N", Command::NewSession),
        ask("Open a session or a picture…", "Ctrl+O", Command::OpenSession),
        ask("Save the session", "Ctrl+S", Command::SaveSession),
        ask("Save the session as…", "Ctrl+Shift+S", Command::SaveSessionAs),
        ask("Export the picture as PNG…", "Ctrl+E", Command::ExportPng(None)),
        ask("Export the maps of this step as PNG…", "", Command::ExportMaps(MapFormat::Colours)),
        ask("Export the maps of this step in 16-bit grey with a sheet…", "", Command::ExportMaps(MapFormat::Grey16)),
        ask("Export the maps of all steps as safetensors…", "", Command::ExportMaps(MapFormat::Safetensors)),
        ask("Export the forming picture as an animation…", "", Command::ExportAnimation { overlay: false }),
        ask("Export an animation with the overlay that is shown…", "", Command::ExportAnimation { overlay: true }),
        ask("Export a figure of the steps and their maps…", "", Command::ExportFigure),
        ask("Export a figure of the grid…", "", Command::ExportGrid),
        run("Switch S-CFG off or on", "1", |studio| studio.commands.edit(Edit::ToggleScfg)),
        run("Mute all concepts, or none", "2", |studio| studio.commands.edit(Edit::ToggleConcepts)),
        run("Switch the fusion off or on", "3", |studio| studio.commands.edit(Edit::ToggleFusion)),
        run("Paint: take the brush up or lay it down", "B", |studio| studio.view.toggle_brush(&studio.document)),
        run("Play the steps", "Space", |studio| studio.view.playback.playing = !studio.view.playback.playing),
        run("Go to a step…", "Ctrl+G", |studio| studio.goes_to_step = true),
        run("Show or fold the ledger of guidance", "", |studio| studio.view.ledger.open = !studio.view.ledger.open),
        run("Fit the picture into the canvas", "F", |studio| studio.view.zoom = Default::default()),
        run("Region outlines off or on", "", |studio| studio.view.overlay.outlines = !studio.view.overlay.outlines),
        run("Dark or light theme", "", |studio| studio.view.appearance.dark = !studio.view.appearance.dark),
        run("Larger interface", "Ctrl++", |studio| studio.view.appearance.scale += 0.1),
        run("Smaller interface", "Ctrl+-", |studio| studio.view.appearance.scale -= 0.1),
        run("Interface at its usual size", "Ctrl+0", |studio| studio.view.appearance.scale = 1.0),
        run("Keep the steps of takes in the session, or not", "", |studio| {
            studio.commands.edit(Edit::KeepSteps(!studio.document.file.keep_steps));
        }),
        run("Show the log", "Ctrl+L", |studio| studio.log_open = true),
        ask("Quit", "", Command::Quit),
    ];
    list.extend(Overlay::ALL.map(|overlay| Entry {
        title: format!("Overlay: {}", overlay.title()),
        keys: "",
        effect: Effect::Overlay(overlay),
    }));
    list.extend(Compare::ALL.map(|compare| Entry {
        title: format!("Compare: {}", compare.title()),
        keys: "",
        effect: Effect::Compare(compare),
    }));
    list
}

/// Commands whose titles have every word of `words` in them.
fn matching(words: &str) -> Vec<Entry> {
    let fits = |command: &Entry| {
        let title = command.title.to_lowercase();
        words.split_whitespace().all(|word| title.contains(&word.to_lowercase()))
    };
    all().into_iter().filter(fits).collect()
}

/// Shows the palette while it is open, and carries out what is chosen in it.
pub fn show(ui: &mut Ui, studio: &mut Studio) {
    let Some(mut palette) = studio.palette.take() else { return };
    let before = palette.words.clone();
    let commands = matching(&palette.words);
    let moved = ui.input_mut(|i| {
        let key = |i: &mut egui::InputState, key| i.count_and_consume_key(Modifiers::NONE, key);
        key(i, Key::ArrowDown) as isize - key(i, Key::ArrowUp) as isize
    });
    palette.chosen = palette.chosen.saturating_add_signed(moved).min(commands.len().saturating_sub(1));
    let enter = ui.input(|i| {
        i.events
            .iter()
            .any(|e| matches!(e, Event::Key { key: Key::Enter, pressed: true, modifiers, .. } if modifiers.is_none()))
    });
    let mut picked = enter.then_some(palette.chosen);
    let modal = Modal::new(Id::unique("palette")).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        let field = TextEdit::singleline(&mut palette.words).hint_text("What do you want to do?").desired_width(WIDTH);
        let field = ui.add(field.margin(egui::Margin::symmetric(8, 6))).accessible_name("Find a command");
        field.request_focus();
        ui.add_space(4.0);
        ScrollArea::vertical().max_height(HEIGHT).min_scrolled_height(HEIGHT).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (at, command) in commands.iter().enumerate() {
                if line(ui, command, at == palette.chosen, moved != 0) {
                    picked = Some(at);
                }
            }
            if commands.is_empty() {
                widgets::row::note(ui, "No command has these words in its name.");
            }
        });
    });
    if palette.words != before {
        palette.chosen = 0;
    }
    match picked.and_then(|at| commands.into_iter().nth(at)) {
        Some(command) => carry_out(studio, command.effect),
        None if modal.should_close() => {}
        None => studio.palette = Some(palette),
    }
}

/// One command; says whether it was clicked.
fn line(ui: &mut Ui, command: &Entry, chosen: bool, follow: bool) -> bool {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW + 3.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, format!("Command: {}", command.title)));
    if chosen || response.hovered() {
        let fill = if chosen { theme.raised } else { theme.input_background };
        ui.painter().rect_filled(rect, egui::CornerRadius::same(size::RADIUS), fill);
    }
    if chosen && follow {
        response.scroll_to_me(None);
    }
    let inner: Rect = rect.shrink2(vec2(8.0, 0.0));
    let painter = ui.painter();
    painter.text(inner.left_center(), Align2::LEFT_CENTER, &command.title, theme::body_font(), theme.text);
    painter.text(inner.right_center(), Align2::RIGHT_CENTER, command.keys, theme::mono_font(), theme.faint);
    response.clicked()
}

fn carry_out(studio: &mut Studio, effect: Effect) {
    match effect {
        Effect::Ask(action) => studio.commands.send(action),
        Effect::Do(act) => act(studio),
        Effect::Overlay(overlay) => studio.view.overlay.kind = overlay,
        Effect::Compare(compare) => studio.view.comparison.mode = compare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order_find_a_command() {
        let titles = |words| matching(words).into_iter().map(|command| command.title).collect::<Vec<_>>();
        assert_eq!(titles("png MAPS"), ["Export the maps of this step as PNG…"]);
        assert_eq!(titles("overlay reg"), ["Overlay: Regions"]);
        assert!(titles("xyzzy").is_empty());
        let mut every = titles("");
        every.sort();
        every.dedup();
        assert_eq!(every.len(), all().len(), "no two commands have the same name");
    }
}

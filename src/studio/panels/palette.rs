//! Every command by its name: the palette that Ctrl+K opens.
//!
//! Apart from the menus because it lists what any of them offers.

use egui::{Align2, Event, Id, Key, Modal, Modifiers, Rect, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::studio::{
    command::{Command, Commands, MapFormat, Shelf},
    document::{Document, edit::Edit},
    view::{
        View,
        compare::Compare,
        overlay::Overlay,
        theme::{self, Theme, size},
    },
    widgets,
};

const WIDTH: f32 = 460.0;
const HEIGHT: f32 = 300.0;

/// What an entry does.
#[derive(Clone)]
enum Effect {
    Send(Command),
    /// Keeps the steps of takes in the session, or no longer.
    ToggleKeepSteps,
    View(fn(&mut View)),
    ToggleBrush,
    Overlay(Overlay),
    Compare(Compare),
}

struct Entry {
    title: String,
    keys: &'static str,
    effect: Effect,
}

/// The palette, open or not.
#[derive(Debug, Default)]
pub struct Palette {
    search: Option<Search>,
}

/// What is searched for while the palette is open.
#[derive(Clone, Debug, Default)]
struct Search {
    words: String,
    /// The entry that Enter carries out, among those that match.
    selected: usize,
}

fn entry(title: &str, keys: &'static str, effect: Effect) -> Entry {
    Entry { title: title.into(), keys, effect }
}

fn ask(title: &str, keys: &'static str, command: Command) -> Entry {
    entry(title, keys, Effect::Send(command))
}

fn look(title: &str, keys: &'static str, change: fn(&mut View)) -> Entry {
    entry(title, keys, Effect::View(change))
}

fn all() -> Vec<Entry> {
    let mut list = commands();
    list.extend(exports());
    list.extend(looks());
    list.extend(Overlay::ALL.map(|o| entry(&format!("Overlay: {}", o.title()), "", Effect::Overlay(o))));
    list.extend(Compare::ALL.map(|c| entry(&format!("Compare: {}", c.title()), "", Effect::Compare(c))));
    list
}

fn commands() -> Vec<Entry> {
    let edit = |title: &str, keys, edit| ask(title, keys, Command::Edit(edit));
    vec![
        ask("Generate", "Ctrl+Enter", Command::Generate),
        ask("Stop", "Esc", Command::Stop),
        ask("Add to the queue", "Ctrl+Shift+Enter", Command::Enqueue),
        ask("Show the queue", "", Command::ShowQueue),
        ask("Undo", "Ctrl+Z", Command::Undo),
        ask("Redo", "Ctrl+Shift+Z", Command::Redo),
        ask("New session", "Ctrl+N", Command::NewSession),
        ask("New empty session", "", Command::NewEmptySession),
        ask("Open a session or a picture…", "Ctrl+O", Command::OpenSession),
        ask("Browse files with previews…", "", Command::BrowseFiles),
        ask("Save the session", "Ctrl+S", Command::SaveSession),
        ask("Save the session as…", "Ctrl+Shift+S", Command::SaveSessionAs),
        edit("Switch S-CFG off or on", "1", Edit::ToggleScfg),
        edit("Mute all concepts, or none", "2", Edit::ToggleConcepts),
        edit("Switch the fusion off or on", "3", Edit::ToggleFusion),
        entry("Paint: take the brush up or lay it down", "B", Effect::ToggleBrush),
        ask("Go to a step…", "Ctrl+G", Command::GoToStep),
        ask("Show the log", "Ctrl+L", Command::ShowLog),
        ask("Show the keys", "F1", Command::ToggleKeys),
        ask("Looks that are kept by name…", "", Command::ShowLibrary(Shelf::Looks)),
        ask("Concepts that are kept by name…", "", Command::ShowLibrary(Shelf::Concepts)),
        ask("Styles that are kept by name…", "", Command::ShowLibrary(Shelf::Styles)),
        ask("Prompts that were used lately…", "", Command::ShowLibrary(Shelf::Prompts)),
        ask("Verify the shown take", "", Command::Verify),
        ask("Quit", "", Command::Quit),
    ]
}

fn exports() -> Vec<Entry> {
    vec![
        ask("Export the picture as PNG…", "Ctrl+E", Command::ExportPng(None)),
        ask("Export the maps of this step as PNG…", "", Command::ExportMaps(MapFormat::Colours)),
        ask("Export the maps of this step in 16-bit grey with a sheet…", "", Command::ExportMaps(MapFormat::Grey16)),
        ask("Export the maps of all steps as safetensors…", "", Command::ExportMaps(MapFormat::Safetensors)),
        ask("Export the forming picture as an animation…", "", Command::ExportAnimation { overlay: false }),
        ask("Export an animation with the overlay that is shown…", "", Command::ExportAnimation { overlay: true }),
        ask("Export a figure of the steps and their maps…", "", Command::ExportFigure),
        ask("Export a figure of the grid…", "", Command::ExportGrid),
        ask("Write takes into a folder by themselves…", "", Command::ShowOutput),
        ask("Copy the picture", "", Command::CopyPicture),
        ask("Copy the settings as text", "", Command::CopySettings),
    ]
}

/// What is looked at, and how.
fn looks() -> Vec<Entry> {
    vec![
        look("Play the steps", "Space", |view| view.playback.playing = !view.playback.playing),
        look("Show or fold the ledger of guidance", "", |view| view.ledger.open = !view.ledger.open),
        look("Fit the picture into the canvas", "F", |view| view.zoom = Default::default()),
        look("Show the canvas alone, or all panels", "H", |view| {
            view.appearance.folded.alone = !view.appearance.folded.alone;
        }),
        look("Fold the left column, or show it", "", |view| {
            view.appearance.folded.left = !view.appearance.folded.left;
        }),
        look("Fold the right column, or show it", "", |view| {
            view.appearance.folded.right = !view.appearance.folded.right;
        }),
        look("Fold the timeline, or show it", "", |view| {
            view.appearance.folded.timeline = !view.appearance.folded.timeline;
        }),
        look("Move the card with the numbers under the pointer", "I", |view| {
            view.overlay.card = view.overlay.card.next();
        }),
        look("Region outlines off or on", "", |view| view.overlay.outlines = !view.overlay.outlines),
        look("Filmstrips under sliders on or off", "", |view| {
            view.appearance.films = !view.appearance.films;
        }),
        look("Dark or light theme", "", |view| view.appearance.dark = !view.appearance.dark),
        look("Larger interface", "Ctrl++", |view| view.appearance.scale += 0.1),
        look("Smaller interface", "Ctrl+-", |view| view.appearance.scale -= 0.1),
        look("Interface at its usual size", "Ctrl+0", |view| view.appearance.scale = 1.0),
        entry("Keep the steps of takes in the session, or not", "", Effect::ToggleKeepSteps),
        look("Sextant's own file dialogs, or the system's", "", |view| {
            view.appearance.own_dialogs = !view.appearance.own_dialogs;
        }),
    ]
}

/// The keys of all commands that have one, with what they do.
pub fn keys() -> Vec<(&'static str, String)> {
    let with_keys = all().into_iter().filter(|entry| !entry.keys.is_empty());
    let paste = ("Ctrl+V", "Paste a recipe, a file or a picture".to_owned());
    with_keys.map(|entry| (entry.keys, entry.title)).chain([paste]).collect()
}

/// Entries whose titles have every word of `words` in them.
fn matching(words: &str) -> Vec<Entry> {
    let fits = |entry: &Entry| {
        let title = entry.title.to_lowercase();
        words.split_whitespace().all(|word| title.contains(&word.to_lowercase()))
    };
    all().into_iter().filter(fits).collect()
}

impl Palette {
    pub fn is_open(&self) -> bool {
        self.search.is_some()
    }

    pub fn toggle(&mut self) {
        self.search = if self.is_open() { None } else { Some(Search::default()) };
    }

    pub fn close(&mut self) {
        self.search = None;
    }

    /// Shows the palette while it is open, and carries out the entry that is picked.
    pub fn ui(&mut self, ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
        let Some(search) = &mut self.search else { return };
        let entries = matching(&search.words);
        let moved = arrow_presses(ui);
        search.selected = search.selected.saturating_add_signed(moved).min(entries.len().saturating_sub(1));
        let mut picked = enter_pressed(ui).then_some(search.selected);
        let modal = Modal::new(Id::unique("palette")).show(ui.ctx(), |ui| {
            if let Some(clicked) = search.show(ui, &entries, moved != 0) {
                picked = Some(clicked);
            }
        });
        let entry = picked.and_then(|at| entries.into_iter().nth(at));
        if entry.is_some() || modal.should_close() {
            self.close();
        }
        if let Some(entry) = entry {
            carry_out(entry.effect, document, view, commands);
        }
    }
}

impl Search {
    /// The field and the list below it; returns the entry that was clicked.
    fn show(&mut self, ui: &mut Ui, entries: &[Entry], moved: bool) -> Option<usize> {
        ui.set_width(WIDTH);
        let field = TextEdit::singleline(&mut self.words).hint_text("What do you want to do?").desired_width(WIDTH);
        let field = ui.add(field.margin(egui::Margin::symmetric(8, 6))).accessible_name("Find a command");
        field.request_focus();
        ui.add_space(4.0);
        let mut clicked = None;
        ScrollArea::vertical().max_height(HEIGHT).min_scrolled_height(HEIGHT).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for (at, entry) in entries.iter().enumerate() {
                if line(ui, entry, at == self.selected, moved) {
                    clicked = Some(at);
                }
            }
            if entries.is_empty() {
                widgets::row::note(ui, "No command has these words in its name.");
            }
        });
        if field.changed() {
            self.selected = 0;
        }
        clicked
    }
}

/// How far the arrow keys have gone down.
fn arrow_presses(ui: &Ui) -> isize {
    let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as isize;
    count(Key::ArrowDown) - count(Key::ArrowUp)
}

fn enter_pressed(ui: &Ui) -> bool {
    let is_enter =
        |e: &Event| matches!(e, Event::Key { key: Key::Enter, pressed: true, modifiers, .. } if modifiers.is_none());
    ui.input(|i| i.events.iter().any(is_enter))
}

/// One entry; returns whether it was clicked. A selected one is scrolled to when `follow` is set.
fn line(ui: &mut Ui, entry: &Entry, selected: bool, follow: bool) -> bool {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW + 3.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, format!("Command: {}", entry.title)));
    if selected || response.hovered() {
        let fill = if selected { theme.ground.raised } else { theme.ground.input };
        ui.painter().rect_filled(rect, egui::CornerRadius::same(size::RADIUS), fill);
    }
    if selected && follow {
        response.scroll_to_me(None);
    }
    let inner: Rect = rect.shrink2(vec2(8.0, 0.0));
    let painter = ui.painter();
    painter.text(inner.left_center(), Align2::LEFT_CENTER, &entry.title, theme::body_font(), theme.ink.text);
    painter.text(inner.right_center(), Align2::RIGHT_CENTER, entry.keys, theme::mono_font(), theme.ink.faint);
    response.clicked()
}

fn carry_out(effect: Effect, document: &Document, view: &mut View, commands: &mut Commands) {
    match effect {
        Effect::Send(command) => commands.send(command),
        Effect::ToggleKeepSteps => commands.edit(Edit::KeepSteps(!document.file().keep_steps)),
        Effect::View(change) => change(view),
        Effect::ToggleBrush => view.toggle_brush(document),
        Effect::Overlay(overlay) => view.overlay.kind = overlay,
        Effect::Compare(compare) => view.comparison.mode = compare,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order_find_a_command() {
        let titles = |words| matching(words).into_iter().map(|entry| entry.title).collect::<Vec<_>>();
        assert_eq!(titles("png MAPS"), ["Export the maps of this step as PNG…"]);
        assert_eq!(titles("overlay reg"), ["Overlay: Regions"]);
        assert!(titles("xyzzy").is_empty());
        let mut every = titles("");
        every.sort();
        every.dedup();
        assert_eq!(every.len(), all().len(), "no two commands have the same name");
    }
}

//! The file dialog as it is drawn, and its keys.

use std::path::PathBuf;

use egui::{Align, Id, Key, Layout, Modal, Modifiers, RichText, TextEdit, Ui, vec2};

use super::{
    list, sides,
    state::{State, Step},
};
use crate::studio::{
    command::{Command, Commands},
    view::{
        file_dialog::{Question, Reply, Wanted},
        theme::{self, Theme, size},
    },
    widgets::{slider, textures::Textures},
};

const WIDTH: f32 = 780.0;
const HEIGHT: f32 = 400.0;
/// The columns at the left and at the right.
const PLACES: f32 = 124.0;
const PREVIEW: f32 = 190.0;

/// The dialog, open or not.
#[derive(Debug, Default)]
pub struct FileDialog {
    state: Option<State>,
    /// Folders that were used lately, the newest first.
    recent: Vec<PathBuf>,
    /// The arrow keys have moved the choice.
    moved: bool,
}

impl FileDialog {
    pub fn is_open(&self) -> bool {
        self.state.is_some()
    }

    /// Opens the dialog with a question.
    pub fn ask(&mut self, question: Question, recent: &[PathBuf], commands: &mut Commands) {
        let (state, first) = State::new(question);
        (self.state, self.recent) = (Some(state), recent.to_vec());
        commands.send(Command::Browse(first));
    }

    /// Closes it without an answer.
    pub fn close(&mut self) {
        self.state = None;
    }

    /// Takes what a thread has read for it.
    pub fn reply(&mut self, reply: Reply, commands: &mut Commands) {
        let step = self.state.as_mut().map_or(Step::Stay, |state| state.reply(reply));
        self.go_on(step, commands);
    }

    fn go_on(&mut self, step: Step, commands: &mut Commands) {
        match step {
            Step::Stay => {}
            Step::Read(what) => commands.send(Command::Browse(what)),
            Step::Answer(path) => {
                self.close();
                commands.send(Command::AnswerFileDialog(Some(path)));
            }
        }
    }

    /// Shows the dialog while it is open.
    pub fn ui(&mut self, ui: &Ui, textures: &mut Textures, commands: &mut Commands) {
        let Some(state) = &mut self.state else { return };
        let mut steps = vec![keys(ui, state, &mut self.moved)];
        let mut cancelled = false;
        let recent = &self.recent;
        let moved = std::mem::take(&mut self.moved);
        let modal = Modal::new(Id::unique("file dialog")).show(ui.ctx(), |ui| {
            let room = ui.ctx().content_rect().size() - vec2(60.0, 190.0);
            ui.set_width(WIDTH.min(room.x));
            ui.label(theme::bold(&state.question.title, 15.0).color(Theme::of(ui).ink.text));
            steps.push(list::way(ui, state));
            steps.push(list::new_folder(ui, state));
            steps.push(middle(ui, state, recent, textures, (HEIGHT.min(room.y), moved)));
            cancelled = bottom(ui, state, &mut steps);
        });
        let closing = modal.should_close() && !step_back(state);
        for step in steps {
            self.go_on(step, commands);
        }
        if (cancelled || closing) && self.state.take().is_some() {
            commands.send(Command::AnswerFileDialog(None));
        }
    }
}

/// What Esc takes back before it closes the dialog; whether there was something.
fn step_back(state: &mut State) -> bool {
    state.replaces.take().is_some() || state.new_folder.take().is_some()
}

/// Arrows choose, Alt+Up goes to the folder above. The field keeps the other keys.
fn keys(ui: &Ui, state: &mut State, moved: &mut bool) -> Step {
    if state.new_folder.is_some() || state.replaces.is_some() {
        return Step::Stay;
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::ALT, Key::ArrowUp)) {
        return state.up();
    }
    let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as isize;
    let by = count(Key::ArrowDown) - count(Key::ArrowUp);
    let pages = 10 * (count(Key::PageDown) - count(Key::PageUp));
    if by + pages != 0 {
        *moved = true;
        return state.move_by(by + pages);
    }
    Step::Stay
}

fn middle(
    ui: &mut Ui,
    state: &mut State,
    recent: &[PathBuf],
    textures: &mut Textures,
    (height, moved): (f32, bool),
) -> Step {
    let mut steps = Vec::new();
    let width = ui.available_width();
    ui.horizontal_top(|ui| {
        let column = |ui: &mut Ui, width: f32, contents: &mut dyn FnMut(&mut Ui)| {
            ui.allocate_ui_with_layout(vec2(width, height), Layout::top_down(Align::Min), |ui| {
                ui.set_min_size(vec2(width, height));
                contents(ui);
            });
        };
        column(ui, PLACES, &mut |ui| steps.push(sides::places(ui, state, recent)));
        let list = width - PLACES - PREVIEW - 24.0;
        column(ui, list, &mut |ui| steps.push(list::entries(ui, state, moved)));
        column(ui, PREVIEW, &mut |ui| sides::preview(ui, state.preview.as_ref(), textures));
    });
    steps.into_iter().find(|step| *step != Step::Stay).unwrap_or(Step::Stay)
}

/// The field and the buttons; in their place the question whether a file is to be replaced. Returns whether the dialog was
/// cancelled.
fn bottom(ui: &mut Ui, state: &mut State, steps: &mut Vec<Step>) -> bool {
    let theme = Theme::of(ui);
    ui.add_space(6.0);
    if let Some(path) = state.replaces.clone() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        ui.colored_label(theme.ink.text, format!("{name} is there already. Replace it?"));
        ui.horizontal(|ui| {
            let keep = ui.button("Keep it");
            if ui.memory(|m| m.focused().is_none()) {
                keep.request_focus();
            }
            if keep.clicked() {
                state.replaces = None;
            }
            let replace = RichText::new("Replace").font(theme::bold_font(size::BODY)).color(theme.danger.ink);
            if ui.button(replace).clicked() {
                steps.push(Step::Answer(path));
            }
        });
        return false;
    }
    steps.push(field(ui, state));
    let said = state.complaint.clone().unwrap_or_default();
    ui.colored_label(theme.danger.ink, said);
    ui.horizontal(|ui| buttons(ui, state, steps)).inner
}

fn field(ui: &mut Ui, state: &mut State) -> Step {
    let hint = if state.question.wanted == Wanted::Folder { "This folder, or a path" } else { "A name, or a path" };
    let width = ui.available_width();
    let field = TextEdit::singleline(&mut state.typed).hint_text(hint).desired_width(width);
    let field = ui.add(field.margin(egui::Margin::symmetric(8, 5))).accessible_name("File name or path");
    // Before the field gets the keyboard back.
    let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) && state.new_folder.is_none();
    if std::mem::take(&mut state.select_all) {
        slider::type_into(ui, field.id, &state.typed);
    } else if state.new_folder.is_none() && ui.memory(|m| m.focused().is_none()) {
        field.request_focus();
    }
    if field.changed() {
        (state.selected, state.preview, state.complaint) = (None, None, None);
    }
    if entered { state.enter() } else { Step::Stay }
}

fn buttons(ui: &mut Ui, state: &mut State, steps: &mut Vec<Step>) -> bool {
    if ui.button("New folder").clicked() {
        state.new_folder = Some(String::new());
    }
    if !state.question.endings.is_empty() {
        ui.checkbox(&mut state.show_all, "All files").on_hover_text("Show files of other kinds too");
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let done = match state.question.wanted {
            Wanted::File => "Open",
            Wanted::Folder => "Choose this folder",
            Wanted::Name => "Save here",
        };
        let text = RichText::new(done).font(theme::bold_font(size::BODY)).color(Theme::of(ui).accent.plain);
        if ui.button(text).clicked() {
            steps.push(state.accept());
        }
        ui.button("Cancel").clicked()
    })
    .inner
}

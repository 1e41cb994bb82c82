//! The window of the output folder: which takes are written, where to, and under which names.
//!
//! Apart from the thread that writes them.

use std::path::PathBuf;

use egui::{Align2, Label, RichText, TextEdit, Ui, vec2};

use crate::{
    session::{OutputRule, OutputSettings},
    studio::{
        command::{Command, Commands},
        document::{
            Document,
            output_name::{WORDS, file_name},
        },
        view::theme::{self, Theme},
    },
};

const RULES: [(OutputRule, &str, &str); 3] = [
    (OutputRule::Off, "No take", "Nothing is written unless you export it"),
    (OutputRule::Starred, "Starred takes", "As soon as a take is starred"),
    (OutputRule::All, "Every take", "As soon as it is finished and nothing is being dragged"),
];

/// The window, open or not, with what is being typed in it.
#[derive(Debug, Default)]
pub struct OutputWindow {
    is_open: bool,
    folder: String,
}

impl OutputWindow {
    pub fn open(&mut self, settings: &OutputSettings) {
        self.is_open = true;
        self.folder = settings.folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows the settings while the window is open; a change is sent as a command.
    pub fn ui(&mut self, ui: &Ui, document: &Document, settings: &OutputSettings, commands: &mut Commands) {
        let mut is_open = self.is_open;
        let mut changed = settings.clone();
        let window = egui::Window::new("Output folder")
            .open(&mut is_open)
            .default_size(vec2(420.0, 240.0))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .resizable(false)
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            rules(ui, &mut changed);
            ui.add_space(6.0);
            self.folder_field(ui, &mut changed);
            ui.add_space(6.0);
            pattern_field(ui, document, &mut changed);
        });
        self.is_open = is_open;
        if changed != *settings {
            commands.send(Command::SetOutput(changed));
        }
    }

    fn folder_field(&mut self, ui: &mut Ui, settings: &mut OutputSettings) {
        ui.label("Folder");
        let field = TextEdit::singleline(&mut self.folder).hint_text("/home/me/pictures").desired_width(f32::INFINITY);
        let response = ui.add(field).on_hover_text("It is made where it is not there yet");
        if response.lost_focus() {
            let typed = self.folder.trim();
            settings.folder = (!typed.is_empty()).then(|| PathBuf::from(typed));
        }
        let relative = settings.folder.as_ref().is_some_and(|folder| folder.is_relative());
        let wants = settings.rule != OutputRule::Off;
        let problem = match (&settings.folder, relative) {
            (None, _) if wants => Some("Name a folder: without one nothing is written."),
            (Some(_), true) => Some("This folder is looked for where the program was started."),
            _ => None,
        };
        if let Some(problem) = problem {
            ui.colored_label(Theme::of(ui).danger.ink, problem);
        }
    }
}

fn rules(ui: &mut Ui, settings: &mut OutputSettings) {
    ui.label("Written by itself");
    ui.horizontal(|ui| {
        for (rule, title, hover) in RULES {
            let response = ui.selectable_label(settings.rule == rule, title).on_hover_text(hover);
            if response.clicked() {
                settings.rule = rule;
            }
        }
    });
}

fn pattern_field(ui: &mut Ui, document: &Document, settings: &mut OutputSettings) {
    ui.label("Names");
    let field = TextEdit::singleline(&mut settings.pattern).desired_width(f32::INFINITY);
    let words: Vec<_> = WORDS.iter().map(|(word, meaning)| format!("{word}: {meaning}")).collect();
    ui.add(field).on_hover_text(format!("Words in braces stand for:\n{}\nA slash makes a folder.", words.join("\n")));
    let words: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
    let dim = Theme::of(ui).ink.dim;
    let small = |text: String| RichText::new(text).font(theme::small_font()).color(dim);
    ui.label(small(words.join(" ")));
    if let Some(take) = document.takes().newest() {
        let name = file_name(&settings.pattern, take);
        ui.add(Label::new(small(format!("The newest take: {}", name.display()))).truncate());
    }
}

//! The window of what is kept by name: looks, concepts, styles, and the prompts that were used lately.
//!
//! Apart from the panels whose settings it keeps and gives back.

use egui::{Align, Align2, Layout, ScrollArea, Sense, TextEdit, Ui, vec2};

use crate::{
    recipe::Concept,
    session::{Library, Named, put, styled},
    studio::{
        command::{Command, Commands, Shelf},
        document::{Document, edit::Edit, looks, naming},
        view::theme::{self, Theme, size},
        widgets::{Icon, icon_button, row, segmented::segmented},
    },
};

const WIDTH: f32 = 420.0;
const HEIGHT: f32 = 300.0;
/// The longest line in a list, in characters.
const LINE: usize = 44;

const SHELVES: [Shelf; 4] = [Shelf::Looks, Shelf::Concepts, Shelf::Styles, Shelf::Prompts];

fn title(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Looks => "Looks",
        Shelf::Concepts => "Concepts",
        Shelf::Styles => "Styles",
        Shelf::Prompts => "Prompts",
    }
}

fn explained(shelf: Shelf) -> &'static str {
    match shelf {
        Shelf::Looks => "All settings but the words, the model, the seed and the size.",
        Shelf::Concepts => "All concepts of the recipe are kept under one name each.",
        Shelf::Styles => "Words after the prompt; {prompt} stands for it where they surround it.",
        Shelf::Prompts => "The prompts of finished pictures, the newest first.",
    }
}

/// The window, open or not, with what is being typed in it.
#[derive(Debug, Default)]
pub struct LibraryWindow {
    is_open: bool,
    shelf: Shelf,
    name: String,
    style: String,
}

/// What was clicked in a list, by its place.
enum Picked {
    Take(usize),
    Remove(usize),
}

impl LibraryWindow {
    pub fn open(&mut self, shelf: Shelf) {
        (self.is_open, self.shelf) = (true, shelf);
    }

    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub fn close(&mut self) {
        self.is_open = false;
    }

    /// Shows the lists while the window is open; a change of them is sent as a command.
    pub fn ui(&mut self, ui: &Ui, document: &Document, library: &Library, commands: &mut Commands) {
        let mut is_open = self.is_open;
        let mut changed = library.clone();
        let window = egui::Window::new("Library")
            .open(&mut is_open)
            .default_size(vec2(WIDTH, HEIGHT))
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ui.ctx().content_rect().center())
            .collapsible(false);
        window.show(ui.ctx(), |ui| {
            ui.set_min_width(WIDTH);
            segmented(ui, &mut self.shelf, &SHELVES, title, |_| None);
            row::note(ui, explained(self.shelf));
            ui.add_space(4.0);
            self.saving(ui, document, &mut changed);
            ui.add_space(4.0);
            ScrollArea::vertical().auto_shrink(false).min_scrolled_height(HEIGHT - 120.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                self.list(ui, document, &mut changed, commands);
            });
        });
        self.is_open = is_open;
        if changed != *library {
            commands.send(Command::SetLibrary(Box::new(changed)));
        }
    }

    /// The name under which something is kept, and the button that keeps it.
    fn saving(&mut self, ui: &mut Ui, document: &Document, library: &mut Library) {
        let recipe = document.recipe();
        ui.horizontal(|ui| match self.shelf {
            Shelf::Looks => {
                self.name_field(ui, "Name of the look");
                if self.save_button(ui, "Save this look") {
                    put(&mut library.looks, &std::mem::take(&mut self.name), recipe.clone());
                }
            }
            Shelf::Concepts => {
                let named: Vec<&Concept> = recipe.concepts.iter().filter(|c| !c.text.trim().is_empty()).collect();
                let button = ui.add_enabled(!named.is_empty(), egui::Button::new("Save the concepts of this recipe"));
                if button.clicked() {
                    for concept in named {
                        // Its regions belong to the words of this prompt.
                        let kept = Concept { lock: Vec::new(), ..concept.clone() };
                        put(&mut library.concepts, concept.text.trim(), kept);
                    }
                }
            }
            Shelf::Styles => {
                self.name_field(ui, "Name of the style");
                let words = TextEdit::singleline(&mut self.style).hint_text("in watercolour").desired_width(140.0);
                ui.add(words).accessible_name("Words of the style");
                if self.save_button(ui, "Save style") {
                    put(&mut library.styles, &std::mem::take(&mut self.name), std::mem::take(&mut self.style));
                }
            }
            Shelf::Prompts => {}
        });
    }

    fn name_field(&mut self, ui: &mut Ui, name: &str) {
        let field = TextEdit::singleline(&mut self.name).hint_text("Name").desired_width(120.0);
        ui.add(field).accessible_name(name);
    }

    fn save_button(&self, ui: &mut Ui, text: &str) -> bool {
        ui.add_enabled(!self.name.trim().is_empty(), egui::Button::new(text)).clicked()
    }

    fn list(&self, ui: &mut Ui, document: &Document, library: &mut Library, commands: &mut Commands) {
        let recipe = document.recipe();
        match self.shelf {
            Shelf::Looks => match lines(ui, &library.looks, |look| naming::shorten(&look.prompt, LINE / 2)) {
                Some(Picked::Take(at)) => {
                    commands.edit(Edit::Recipe(Box::new(looks::with_look(recipe, &library.looks[at].value))));
                }
                Some(Picked::Remove(at)) => drop(library.looks.remove(at)),
                None => {}
            },
            Shelf::Concepts => match lines(ui, &library.concepts, |concept| format!("{:+.1}", concept.strength)) {
                Some(Picked::Take(at)) => commands.edit(Edit::AddConcepts(vec![library.concepts[at].value.clone()])),
                Some(Picked::Remove(at)) => drop(library.concepts.remove(at)),
                None => {}
            },
            Shelf::Styles => match lines(ui, &library.styles, Clone::clone) {
                Some(Picked::Take(at)) => {
                    commands.edit(Edit::Prompt(styled(&recipe.prompt, &library.styles[at].value)));
                }
                Some(Picked::Remove(at)) => drop(library.styles.remove(at)),
                None => {}
            },
            Shelf::Prompts => {
                let prompts: Vec<_> =
                    library.prompts.iter().map(|prompt| Named { name: prompt.clone(), value: () }).collect();
                match lines(ui, &prompts, |()| String::new()) {
                    Some(Picked::Take(at)) => commands.edit(Edit::Prompt(prompts[at].name.clone())),
                    Some(Picked::Remove(at)) => drop(library.prompts.remove(at)),
                    None => {}
                }
            }
        }
    }
}

/// A list: what was clicked of it.
fn lines<T>(ui: &mut Ui, list: &[Named<T>], note: impl Fn(&T) -> String) -> Option<Picked> {
    if list.is_empty() {
        row::note(ui, "Nothing is kept here yet.");
    }
    let mut picked = None;
    for (at, named) in list.iter().enumerate() {
        let theme = Theme::of(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), size::ROW + 2.0), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Use {}", named.name)));
        let lit = response.hovered() || response.has_focus();
        ui.painter().rect_filled(rect, 3.0, if lit { theme.ground.raised } else { theme.ground.input });
        let name = naming::shorten(&named.name, LINE);
        let place = rect.left_center() + vec2(8.0, 0.0);
        ui.painter().text(place, Align2::LEFT_CENTER, name, theme::body_font(), theme.ink.text);
        let layout = Layout::right_to_left(Align::Center);
        let mut tools = ui.new_child(egui::UiBuilder::new().id_salt(("kept", at)).max_rect(rect).layout(layout));
        tools.add_space(4.0);
        if icon_button(&mut tools, Icon::Close, &format!("Forget {}", named.name)).clicked() {
            picked = Some(Picked::Remove(at));
        }
        row::note(&mut tools, naming::shorten(&note(&named.value), LINE / 2));
        if response.clicked() && picked.is_none() {
            picked = Some(Picked::Take(at));
        }
    }
    picked
}

//! The device's name in the toolbar, and its menu: which device computes, and how much the engine remembers.
//!
//! Apart from the toolbar as a menu of its own.

use egui::{Align, Button, Label, Layout, RichText, Sense, Ui, vec2};

use crate::{
    engine::{CardState, Preference},
    studio::{
        command::{Command, Commands},
        document::{Document, engine_status::MemoryUse},
        view::theme::{self, Theme, size},
    },
};

/// Of the button.
const WIDTH: f32 = 190.0;
/// Of the button in a narrow window.
const SHORT: f32 = 104.0;
/// Of the menu.
const MENU_WIDTH: f32 = 280.0;

const PREFERENCES: [(Preference, &str, &str); 3] = [
    (
        Preference::Fastest,
        "Whichever is faster",
        "The processor draws until the graphics card is ready; then the device that takes less time for a step of the model",
    ),
    (Preference::Processor, "Processor", "The graphics card is left alone"),
    (Preference::Card, "Graphics card", "The processor draws only until the graphics card is ready"),
];

/// The device that computes and how far the graphics card is; in its menu the choice between them.
pub fn show(ui: &mut Ui, document: &Document, commands: &mut Commands, long: bool) {
    let engine = document.engine();
    let mut name = engine.device.clone().unwrap_or_else(|| "no device yet".into());
    if let Some(card) = engine.card.title().filter(|_| !matches!(engine.card, CardState::Ready { .. })) {
        // There is room for one of the two at length.
        let short = name.split(" · ").next().unwrap_or_default();
        name = format!("{short} · {card}");
    }
    let (rect, _) = ui.allocate_exact_size(vec2(if long { WIDTH } else { SHORT }, size::ROW), Sense::hover());
    let layout = Layout::right_to_left(Align::Center);
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("device").max_rect(rect).layout(layout));
    let text = RichText::new(&name).font(theme::small_font()).color(Theme::of(ui).ink.dim);
    let button = Button::new(text).truncate().frame_when_inactive(false);
    let menu = egui::containers::menu::MenuButton::from_button(button);
    let (response, _) = menu.ui(&mut child, |ui| {
        device_menu(ui, document, commands);
        ui.separator();
        memory_menu(ui, document, commands);
    });
    response.accessible_name("Device and memory").on_hover_text(format!("Device: {name}; click for its memory"));
}

/// Which device is to compute, and how far the graphics card is.
fn device_menu(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    ui.set_max_width(MENU_WIDTH);
    let engine = document.engine();
    for (preference, title, hover) in PREFERENCES {
        let on = engine.preference == preference;
        let response = ui.add(Button::selectable(on, title)).on_hover_text(hover);
        if response.accessible_name(format!("Compute on: {title}")).clicked() {
            commands.send(Command::PreferDevice(preference));
        }
    }
    let is_gone = engine.chosen_card.as_ref().is_some_and(|name| !engine.cards.contains(name));
    if (engine.cards.len() > 1 || is_gone) && engine.preference != Preference::Processor {
        ui.separator();
        cards(ui, document, commands);
    }
    if engine.preference != Preference::Processor {
        let dim = Theme::of(ui).ink.dim;
        ui.add(Label::new(RichText::new(engine.card.sentence()).font(theme::small_font()).color(dim)).wrap());
    }
    if matches!(engine.card, CardState::Failed { .. }) && ui.button("Try the card again").clicked() {
        commands.send(Command::RetryCard);
    }
}

/// Which of several graphics cards is used.
fn cards(ui: &mut Ui, document: &Document, commands: &mut Commands) {
    let engine = document.engine();
    let used = engine.chosen_card.as_ref().or(engine.cards.first());
    for name in &engine.cards {
        let response = ui.add(Button::selectable(used == Some(name), name).truncate());
        let response = response.on_hover_text("It is checked before it computes, and the choice is kept");
        if response.accessible_name(format!("Graphics card: {name}")).clicked() {
            commands.send(Command::ChooseCard(name.clone()));
        }
    }
}

/// What may be remembered, in MiB.
const BUDGETS: [(usize, &str); 6] =
    [(0, "Off"), (256, "256 MiB"), (1024, "1 GiB"), (4096, "4 GiB"), (16_384, "16 GiB"), (65_536, "64 GiB")];

fn memory_menu(ui: &mut Ui, document: &Document, commands: &mut Commands) {
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

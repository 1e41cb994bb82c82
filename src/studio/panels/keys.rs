//! Keyboard shortcuts that hold in the whole window.
//!
//! Apart from the panels because shortcuts are read before any of them.

use std::sync::Arc;

use egui::{ColorImage, Context, Event, Id, Key, KeyboardShortcut, Modifiers, Popup};

use crate::studio::{
    command::{Command, Commands, Pasted},
    document::{Document, edit::Edit},
    view::{
        View,
        brush::{Act, Brush},
    },
    widgets::{
        focus::{self, Keys},
        marked_text,
    },
};
use crate::tensor::Picture;

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Shortcuts that hold everywhere. The longer ones come first: they contain the shorter ones.
const EVERYWHERE: [(Modifiers, Key, Command); 10] = [
    (COMMAND_SHIFT, Key::Enter, Command::Enqueue),
    (Modifiers::COMMAND, Key::Enter, Command::Generate),
    (COMMAND_SHIFT, Key::S, Command::SaveSessionAs),
    (Modifiers::COMMAND, Key::S, Command::SaveSession),
    (Modifiers::COMMAND, Key::O, Command::OpenSession),
    (Modifiers::COMMAND, Key::N, Command::NewSession),
    (Modifiers::COMMAND, Key::E, Command::ExportPng(None)),
    (COMMAND_SHIFT, Key::Z, Command::Redo),
    (Modifiers::COMMAND, Key::Y, Command::Redo),
    (Modifiers::COMMAND, Key::Z, Command::Undo),
];

/// What lies over the panels and has the keyboard before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    Nothing,
    /// A window that Esc closes; other keys go on.
    Window,
    Palette,
    /// A question that is to be answered first.
    Question,
}

/// Reads the keyboard before the panels do. While the palette is open, it gets all keys but those that hold everywhere.
/// Returns whether Esc closes the window that lies over the panels.
pub fn read(ctx: &Context, document: &Document, view: &mut View, commands: &mut Commands, cover: Cover) -> bool {
    let typing = ctx.text_edit_focused();
    // A field that Esc leaves has lost the focus before this frame's keys are read.
    let was_typing = ctx.data_mut(|data| data.get_temp_mut_or(Id::unique("typing"), false).to_owned());
    ctx.data_mut(|data| data.insert_temp(Id::unique("typing"), typing));
    // egui counts a field as just left for two frames: without Esc in the second, it would take the number that the first gave up.
    let again = keep_escape(ctx, was_typing);
    for (modifiers, key, command) in EVERYWHERE {
        // While typing, undo and redo are the text field's own, unless the document has what is typed.
        let own = typing && !marked_text::is_of_document(ctx) && matches!(command, Command::Undo | Command::Redo);
        if !own && ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key))) {
            commands.send(command);
        }
    }
    let pressed = |modifiers, key| ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key)));
    let toggles = pressed(COMMAND_SHIFT, Key::P) || pressed(Modifiers::COMMAND, Key::K);
    let windows = [
        (toggles, Command::TogglePalette),
        (pressed(Modifiers::COMMAND, Key::L), Command::ToggleLog),
        (pressed(Modifiers::COMMAND, Key::G), Command::GoToStep),
        (pressed(Modifiers::NONE, Key::F1), Command::ToggleKeys),
    ];
    windows.into_iter().filter(|(pressed, _)| *pressed).for_each(|(_, command)| commands.send(command));
    let palette_is_open_now = (cover == Cover::Palette) != toggles;
    if palette_is_open_now || cover == Cover::Question {
        return false;
    }
    let closes = !typing && !was_typing && !again && escape(ctx, document, view, commands, cover);
    in_the_window(ctx, document, view, commands, typing);
    if !typing && cover == Cover::Nothing {
        paste(ctx, commands);
    }
    closes
}

/// What is pasted while no text field has the keyboard.
fn paste(ctx: &Context, commands: &mut Commands) {
    let pasted = ctx.input(|i| {
        let mut events = i.events.iter();
        events.find_map(|event| match event {
            Event::Paste(text) => Some(Pasted::Text(text.clone())),
            Event::PasteImage(image) => Some(Pasted::Picture(Arc::new(picture_of(image)))),
            _ => None,
        })
    });
    pasted.into_iter().for_each(|pasted| commands.send(Command::Paste(pasted)));
}

fn picture_of(image: &ColorImage) -> Picture {
    let [width, height] = image.size;
    Picture { width, height, rgb: image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect() }
}

/// Repeats an Esc that has left a text field in the frame after. Returns whether it is the repetition.
fn keep_escape(ctx: &Context, was_typing: bool) -> bool {
    let left = was_typing && ctx.input(|i| i.key_pressed(Key::Escape));
    let id = Id::unique("left by Esc");
    let again = ctx.data(|data| data.get_temp(id).unwrap_or(false));
    ctx.data_mut(|data| data.insert_temp(id, left));
    if again {
        let (key, modifiers) = (Key::Escape, Modifiers::NONE);
        let press = Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
        ctx.input_mut(|i| i.events.push(press));
    }
    again
}

/// Esc closes or ends the topmost thing and nothing else: a menu (which egui does), a window, a drag, the canvas alone, the
/// card of a pixel, the brush, what is running. Returns whether that is a window.
fn escape(ctx: &Context, document: &Document, view: &mut View, commands: &mut Commands, cover: Cover) -> bool {
    if Popup::is_any_open(ctx) || !ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        return false;
    }
    if cover == Cover::Window {
        return true;
    }
    if document.is_moving() && ctx.input(|i| i.pointer.any_down()) {
        commands.send(Command::CancelGesture);
    } else if view.appearance.folded.alone {
        view.appearance.folded.alone = false;
    } else if view.selection.pixel.is_some() {
        view.selection.pixel = None;
    } else if view.brush.active {
        view.set_painting(None);
    } else if document.is_working() {
        commands.send(Command::Stop);
    }
    false
}

/// A window that is closed with unsaved work asks first, unless that has been answered.
pub fn watch_closing(ctx: &Context, document: &Document, commands: &mut Commands, quitting: bool) {
    if ctx.input(|i| i.viewport().close_requested()) && !quitting && (document.is_unsaved() || document.is_moving()) {
        ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
        commands.send(Command::Quit);
    }
}

/// The keys without modifiers. `typing` is whether a text field has the keyboard focus.
fn in_the_window(ctx: &Context, document: &Document, view: &mut View, commands: &mut Commands, typing: bool) {
    let claimed = focus::claimed(ctx);
    if !typing && claimed != Some(Keys::Letters) {
        ablate(ctx, commands);
        brush(ctx, document, view);
        look(ctx, view);
    }
    let free = ctx.memory(|m| m.focused().is_none());
    if free || claimed == Some(Keys::Arrows) {
        play(ctx, document, view);
    }
    if free {
        steps(ctx, document, view);
    }
}

/// H shows the canvas alone, I moves the card with the numbers under the pointer.
fn look(ctx: &Context, view: &mut View) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::H) {
        view.appearance.folded.alone = !view.appearance.folded.alone;
    }
    if pressed(Key::I) {
        view.overlay.card = view.overlay.card.next();
    }
}

/// 1, 2 and 3 switch S-CFG, all concepts and the fusion off and on, over the same seed.
fn ablate(ctx: &Context, commands: &mut Commands) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Num1) {
        commands.edit(Edit::ToggleScfg);
    }
    if pressed(Key::Num2) {
        commands.edit(Edit::ToggleConcepts);
    }
    if pressed(Key::Num3) {
        commands.edit(Edit::ToggleFusion);
    }
}

/// B takes the brush up and lays it down; [ and ] change its size, X what a stroke does.
fn brush(ctx: &Context, document: &Document, view: &mut View) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::B) {
        view.toggle_brush(document);
    }
    if !view.brush.active {
        return;
    }
    let brush = &mut view.brush;
    for (key, by) in [(Key::OpenBracket, -1.0), (Key::CloseBracket, 1.0)] {
        if pressed(key) {
            brush.size = (brush.size + by).clamp(*Brush::SIZES.start(), *Brush::SIZES.end());
        }
    }
    if pressed(Key::X) {
        brush.act = if brush.act == Act::Add { Act::TakeAway } else { Act::Add };
    }
}

/// Space plays, unless a control has the keyboard that Space would press.
fn play(ctx: &Context, document: &Document, view: &mut View) {
    let has_steps = view.shown_track(document).is_some_and(|track| track.calls() > 0);
    if has_steps && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Space)) {
        view.playback.playing = !view.playback.playing;
    }
}

/// Arrows step: only while no control has the keyboard.
fn steps(ctx: &Context, document: &Document, view: &mut View) {
    let count = view.shown_track(document).map_or(0, |track| track.calls());
    let Some(at) = view.shown_step(document).filter(|_| count > 0) else { return };
    // A held key may come several times in one frame.
    let presses = |key| ctx.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key));
    let (back, on) = (presses(Key::ArrowLeft), presses(Key::ArrowRight));
    let moves = [
        (back, at.saturating_sub(back)),
        (on, (at + on).min(count - 1)),
        (presses(Key::Home), 0),
        (presses(Key::End), count - 1),
    ];
    for (presses, step) in moves {
        if presses > 0 {
            view.playback.playing = false;
            view.seek(step, count);
        }
    }
}

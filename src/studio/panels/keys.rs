//! Keyboard shortcuts that hold in the whole window.
//!
//! Apart from the panels because shortcuts are read before any of them.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use crate::studio::{
    command::{Command, Commands},
    document::{Document, edit::Edit},
    view::{
        View,
        brush::{Act, Brush},
    },
    widgets::text,
};

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Shortcuts that hold everywhere. The longer ones come first: they contain the shorter ones.
const EVERYWHERE: [(Modifiers, Key, Command); 9] = [
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

/// Reads the keyboard before the panels do. While the palette is open, it gets all keys but those that hold everywhere.
pub fn read(ctx: &Context, document: &Document, view: &mut View, commands: &mut Commands, palette_open: bool) {
    let typing = ctx.text_edit_focused();
    for (modifiers, key, command) in EVERYWHERE {
        // While typing, undo and redo are the text field's own, unless the document has what is typed.
        let own = typing && !text::is_of_document(ctx) && matches!(command, Command::Undo | Command::Redo);
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
    ];
    windows.into_iter().filter(|(pressed, _)| *pressed).for_each(|(_, command)| commands.send(command));
    let palette_is_open_now = palette_open != toggles;
    if !palette_is_open_now {
        in_the_window(ctx, document, view, commands, typing);
    }
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
    let dragging = document.is_moving() && ctx.input(|i| i.pointer.any_down());
    if dragging && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        commands.send(Command::CancelGesture);
    }
    if !typing && view.brush.active && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        view.set_painting(None);
    }
    if !typing && document.is_busy() && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        commands.send(Command::Stop);
    }
    if !typing {
        ablate(ctx, commands);
        brush(ctx, document, view);
    }
    if ctx.memory(|m| m.focused().is_none()) {
        steps(ctx, document, view);
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

/// Space plays, arrows step: only while no control has the keyboard.
fn steps(ctx: &Context, document: &Document, view: &mut View) {
    let count = view.shown_track(document).map_or(0, |track| track.calls());
    let Some(at) = view.shown_step(document).filter(|_| count > 0) else { return };
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Space) {
        view.playback.playing = !view.playback.playing;
    }
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

//! Keyboard shortcuts.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use crate::studio::{
    bundle::Studio,
    command::Command,
    document::edit::Edit,
    panels::palette::Palette,
    view::brush::{Act, Brush},
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

/// Reads the keyboard before the panels do.
pub fn read(ctx: &Context, studio: &mut Studio) {
    let typing = ctx.text_edit_focused();
    for (modifiers, key, action) in EVERYWHERE {
        // While typing, undo and redo are the text field's own.
        let own = typing && matches!(action, Command::Undo | Command::Redo);
        if !own && ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key))) {
            studio.commands.send(action);
        }
    }
    let pressed = |modifiers, key| ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key)));
    if pressed(COMMAND_SHIFT, Key::P) || pressed(Modifiers::COMMAND, Key::K) {
        studio.palette = if studio.palette.is_some() { None } else { Some(Palette::default()) };
    }
    if pressed(Modifiers::COMMAND, Key::L) {
        studio.log_open = !studio.log_open;
    }
    studio.goes_to_step |= pressed(Modifiers::COMMAND, Key::G);
    if studio.palette.is_some() {
        return;
    }
    if !typing && studio.view.brush.active && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        studio.view.set_painting(None);
    }
    if !typing && studio.document.is_busy() && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        studio.commands.send(Command::Stop);
    }
    if !typing {
        ablate(ctx, studio);
        brush(ctx, studio);
    }
    if ctx.memory(|m| m.focused().is_none()) {
        steps(ctx, studio);
    }
}

/// 1, 2 and 3 switch S-CFG, all concepts and the fusion off and on, over the same seed.
fn ablate(ctx: &Context, studio: &mut Studio) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Num1) {
        studio.commands.edit(Edit::ToggleScfg);
    }
    if pressed(Key::Num2) {
        studio.commands.edit(Edit::ToggleConcepts);
    }
    if pressed(Key::Num3) {
        studio.commands.edit(Edit::ToggleFusion);
    }
}

/// B takes the brush up and lays it down; [ and ] change its size, X what a stroke does.
fn brush(ctx: &Context, studio: &mut Studio) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::B) {
        studio.view.toggle_brush(&studio.document);
    }
    if !studio.view.brush.active {
        return;
    }
    let brush = &mut studio.view.brush;
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
fn steps(ctx: &Context, studio: &mut Studio) {
    let count = studio.view.shown_track(&studio.document).map_or(0, |track| track.calls());
    let Some(at) = studio.view.shown_step(&studio.document).filter(|_| count > 0) else { return };
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Space) {
        studio.view.playback.playing = !studio.view.playback.playing;
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
            studio.view.playback.playing = false;
            studio.view.seek(step, count);
        }
    }
}

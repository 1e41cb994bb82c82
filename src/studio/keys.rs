//! Keyboard shortcuts.

use egui::{Context, Key, KeyboardShortcut, Modifiers};

use super::{
    brush::{Act, Brush},
    palette::Palette,
    state::{Action, Studio},
    timeline,
};

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// Shortcuts that hold everywhere. The longer ones come first: they contain the shorter ones.
const EVERYWHERE: [(Modifiers, Key, Action); 9] = [
    (Modifiers::COMMAND, Key::Enter, Action::Generate),
    (COMMAND_SHIFT, Key::S, Action::SaveSessionAs),
    (Modifiers::COMMAND, Key::S, Action::SaveSession),
    (Modifiers::COMMAND, Key::O, Action::OpenSession),
    (Modifiers::COMMAND, Key::N, Action::NewSession),
    (Modifiers::COMMAND, Key::E, Action::ExportPng(None)),
    (COMMAND_SHIFT, Key::Z, Action::Redo),
    (Modifiers::COMMAND, Key::Y, Action::Redo),
    (Modifiers::COMMAND, Key::Z, Action::Undo),
];

/// Reads the keyboard before the panels do.
pub fn read(ctx: &Context, studio: &mut Studio) {
    let typing = ctx.text_edit_focused();
    for (modifiers, key, action) in EVERYWHERE {
        // While typing, undo and redo are the text field's own.
        let own = typing && matches!(action, Action::Undo | Action::Redo);
        if !own && ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key))) {
            studio.ask(action);
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
    if !typing && studio.look.painting && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        studio.set_painting(None);
    }
    if !typing && studio.is_busy() && ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        studio.ask(Action::Stop);
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
        studio.flip_scfg();
    }
    if pressed(Key::Num2) {
        studio.flip_concepts();
    }
    if pressed(Key::Num3) {
        studio.flip_fusion();
    }
}

/// B takes the brush up and lays it down; [ and ] change its size, X what a stroke does.
fn brush(ctx: &Context, studio: &mut Studio) {
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::B) {
        studio.flip_brush();
    }
    if !studio.look.painting {
        return;
    }
    let brush = &mut studio.look.brush;
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
    let count = studio.shown_track().map_or(0, |track| track.calls());
    let Some(at) = studio.shown_step().filter(|_| count > 0) else { return };
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::Space) {
        studio.playing = !studio.playing;
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
            studio.playing = false;
            timeline::seek(studio, step, count);
        }
    }
}

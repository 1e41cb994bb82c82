//! The keyboard on a take that has the focus.
//!
//! Apart from the thumbnail because it follows from the tree of takes, not from what is drawn.

use egui::{EventFilter, Key, Modifiers, Response, Ui};

use super::{actions::toggle_pin, tree::Place};
use crate::studio::{
    command::Commands,
    document::{edit::Edit, takes::TakeId},
    widgets::focus::{self, Keys},
};

/// Arrow keys go along the strip, up to the parent, down to the first take made from this one; letters pin, star and
/// restore, Delete removes. `response` is the thumbnail at `at` of `places`. Returns the take to go to.
pub fn read(ui: &Ui, commands: &mut Commands, response: &Response, places: &[Place], at: usize) -> Option<TakeId> {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, arrows));
    if !response.has_focus() {
        return None;
    }
    focus::claim(ui.ctx(), response.id, Keys::Letters);
    let place = places.get(at)?;
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    for (side, key) in [Key::A, Key::B].into_iter().enumerate() {
        if pressed(key) {
            toggle_pin(commands, side, place.id);
        }
    }
    if pressed(Key::S) {
        commands.edit(Edit::ToggleStar(place.id));
    }
    if pressed(Key::R) {
        commands.edit(Edit::RestoreTake(place.id));
    }
    if pressed(Key::Delete) {
        commands.edit(Edit::RemoveTake(place.id));
        return places.get(at + 1).or(at.checked_sub(1).and_then(|at| places.get(at))).map(|place| place.id);
    }
    let goals = [
        (Key::ArrowLeft, at.checked_sub(1)),
        (Key::ArrowRight, Some(at + 1)),
        (Key::ArrowUp, place.parent),
        (Key::ArrowDown, places.iter().position(|place| place.parent == Some(at))),
    ];
    let goal = goals.into_iter().filter(|(key, _)| pressed(*key)).find_map(|(_, goal)| goal);
    goal.and_then(|goal| places.get(goal)).map(|place| place.id)
}

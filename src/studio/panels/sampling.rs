//! From noise to picture: sampler, schedule, steps, seed, size.

use egui::{DragValue, Ui, vec2};

use crate::{
    recipe::{Recipe, SIDE_STEP, Sampler, Schedule},
    studio::{
        command::Commands,
        document::{Document, edit::Edit, sections::Sampling},
        view::{View, theme::Theme},
        widgets::{Icon, ValueSlider, combo::quiet_combo, icon_button, row},
    },
};

/// The slider's end; more can be typed where the recipe comes from a file.
const MOST_STEPS: f32 = 100.0;
/// Random seeds are below this: short enough to remember.
const SEEDS: u64 = 1_000_000;

/// Sampler, schedule, steps, seed and size.
pub fn show(ui: &mut Ui, document: &Document, view: &View, commands: &mut Commands) {
    row::heading(ui, "Sampling", |_| {});
    let reuse = view.shown_track(document).map(|track| track.recipe.seed);
    let mut changed = document.recipe().clone();
    let recipe = &mut changed;
    choices(ui, recipe);
    let mut steps = recipe.steps as f32;
    let most = MOST_STEPS.max(steps);
    let slider = ValueSlider::new("Steps", &mut steps, 1.0..=most).step(1.0, 0).default_value(20.0);
    let steps_row = row::slider(ui, "Steps", slider);
    if steps_row.on_hover_text("From noise to picture in so many steps; double-click for 20").changed() {
        recipe.steps = steps.round() as usize;
    }
    row::labelled(ui, "Seed", |ui| seed(ui, recipe, reuse));
    row::labelled(ui, "Size", |ui| picture_size(ui, recipe));
    commands.edit_if_changed(&Sampling::of(document.recipe()), Sampling::of(&changed), Edit::Sampling);
}

fn choices(ui: &mut Ui, recipe: &mut Recipe) {
    // A row each: side by side, "DPM++ 2M" and "Exponential" are wider than a narrow column.
    row::labelled(ui, "Sampler", |ui| {
        quiet_combo(ui, "Sampler", recipe.sampler.title(), |ui| samplers(ui, recipe));
    });
    row::labelled(ui, "Schedule", |ui| {
        quiet_combo(ui, "Schedule", recipe.schedule.title(), |ui| schedules(ui, recipe));
    });
}

fn samplers(ui: &mut Ui, recipe: &mut Recipe) {
    for &sampler in Sampler::ALL {
        if ui.selectable_label(recipe.sampler == sampler, sampler.title()).clicked() {
            let changed = Recipe { sampler, ..recipe.clone() };
            // A schedule that the new sampler does not know falls back to the normal one.
            let schedule = if changed.validate().is_ok() { recipe.schedule } else { Schedule::Normal };
            (recipe.sampler, recipe.schedule) = (sampler, schedule);
        }
    }
}

fn schedules(ui: &mut Ui, recipe: &mut Recipe) {
    for &schedule in Schedule::ALL {
        let verdict = Recipe { schedule, ..recipe.clone() }.validate();
        let label = egui::Button::selectable(recipe.schedule == schedule, schedule.title());
        let response = ui.add_enabled(verdict.is_ok(), label);
        if response.clicked() {
            recipe.schedule = schedule;
        }
        if let Err(reason) = verdict {
            response.on_disabled_hover_text(reason.to_string());
        }
    }
}

fn seed(ui: &mut Ui, recipe: &mut Recipe, reuse: Option<u64>) {
    plain(ui);
    ui.add(DragValue::new(&mut recipe.seed).speed(0.2)).accessible_name("Seed");
    if icon_button(ui, Icon::Dice, "Random seed").clicked() {
        recipe.seed = random_seed(recipe.seed);
    }
    let other = reuse.filter(|&seed| seed != recipe.seed);
    let response = ui.add_enabled_ui(other.is_some(), |ui| icon_button(ui, Icon::Reuse, "Seed of the shown picture"));
    if let Some(seed) = other.filter(|_| response.inner.clicked()) {
        recipe.seed = seed;
    }
}

fn plain(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let widgets = &mut ui.visuals_mut().widgets;
    widgets.inactive.weak_bg_fill = egui::Color32::TRANSPARENT;
    widgets.hovered.weak_bg_fill = theme.ground.raised;
    ui.spacing_mut().button_padding = vec2(4.0, 1.0);
    ui.add_space(-4.0);
}

/// Another seed than `last`, from the random keys of the standard library's hasher.
pub fn random_seed(last: u64) -> u64 {
    use std::hash::BuildHasher;
    let throw = std::hash::RandomState::new().hash_one(last) % SEEDS;
    if throw == last { (throw + 1) % SEEDS } else { throw }
}

fn picture_size(ui: &mut Ui, recipe: &mut Recipe) {
    plain(ui);
    side(ui, "Width", &mut recipe.width);
    ui.label("×");
    side(ui, "Height", &mut recipe.height);
}

fn side(ui: &mut Ui, name: &str, pixels: &mut usize) {
    let get_set = |new: Option<f64>| {
        if let Some(new) = new {
            let steps = (new / SIDE_STEP as f64).round() as usize;
            *pixels = (steps * SIDE_STEP).clamp(64, 2048);
        }
        *pixels as f64
    };
    ui.add(DragValue::from_get_set(get_set).speed(4.0).range(64..=2048).max_decimals(0)).accessible_name(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_seed_is_another_one() {
        let mut seed = 3;
        for _ in 0..50 {
            let next = random_seed(seed);
            assert!(next != seed && next < SEEDS);
            seed = next;
        }
    }
}

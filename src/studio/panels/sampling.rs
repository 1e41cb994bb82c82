//! From noise to picture: sampler, schedule, steps, seed, size.

use egui::{DragValue, Ui, vec2};

use crate::{
    recipe::{Recipe, SIDE_STEP, Sampler, Schedule},
    studio::{
        document::{edit::Edit, films::FilmOf, parameter::Parameter, queue, sections::Sampling},
        panels::{context::PanelContext, film},
        view::theme::Theme,
        widgets::{Icon, ValueSlider, combo::quiet_combo, icon_button, row},
    },
};

/// The slider's end; more can be typed where the recipe comes from a file.
const MOST_STEPS: f32 = 100.0;
/// Between these its filmstrip runs: more steps than that change little.
const FILM_STEPS: [f32; 2] = [4.0, 40.0];
/// The shortest and the longest side of a picture.
const SIDES: std::ops::RangeInclusive<usize> = 64..=2048;

/// The section, with what was made of the side that was typed last.
#[derive(Debug, Default)]
pub struct SamplingPanel {
    rounded: Option<Rounded>,
}

/// A typed side that was changed to one that a recipe takes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rounded {
    typed: f64,
    side: usize,
}

impl SamplingPanel {
    /// Sampler, schedule, steps, seed and size.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let document = context.document;
        row::heading(ui, "Sampling", |_| {});
        let reuse = context.view.shown_track(document).map(|track| track.recipe.seed);
        let mut changed = document.recipe().clone();
        let recipe = &mut changed;
        choices(ui, recipe);
        let mut steps = recipe.steps as f32;
        let most = MOST_STEPS.max(steps);
        let slider = ValueSlider::new("Steps", &mut steps, 1.0..=most).step(1.0, 0).default_value(20.0);
        let steps_row = row::slider(ui, "Steps", slider);
        let steps_row = steps_row.on_hover_text("From noise to picture in so many steps; double-click for 20");
        let of = FilmOf { parameter: Parameter::Steps, ends: FILM_STEPS };
        let taken = film::under(ui, context, of, &steps_row);
        film::take(taken, &mut steps);
        if steps_row.changed() || taken.is_some() {
            recipe.steps = steps.round() as usize;
        }
        row::labelled(ui, "Seed", |ui| seed(ui, recipe, reuse));
        row::labelled(ui, "Size", |ui| self.picture_size(ui, recipe));
        // It is said until the sides change again.
        self.rounded = self.rounded.filter(|r| [recipe.width, recipe.height].contains(&r.side));
        if let Some(rounded) = self.rounded {
            row::labelled(ui, "", |ui| row::tinted(ui, rounded.sentence(), Theme::of(ui).accent.plain));
        }
        context.commands.edit_if_changed(&Sampling::of(document.recipe()), Sampling::of(&changed), Edit::Sampling);
    }

    fn picture_size(&mut self, ui: &mut Ui, recipe: &mut Recipe) {
        plain(ui);
        let width = side(ui, "Width", &mut recipe.width);
        ui.label("×");
        let height = side(ui, "Height", &mut recipe.height);
        if let Some(typed) = width.or(height) {
            self.rounded = typed;
        }
    }
}

impl Rounded {
    fn sentence(self) -> String {
        let Self { typed, side } = self;
        let why = match typed {
            _ if typed < *SIDES.start() as f64 => "the shortest side".to_owned(),
            _ if typed > *SIDES.end() as f64 => "the longest side".to_owned(),
            _ => format!("a multiple of {SIDE_STEP}"),
        };
        format!("{typed} → {side}, {why}")
    }
}

fn choices(ui: &mut Ui, recipe: &mut Recipe) {
    // A row each: side by side, "DPM++ 2M" and "Exponential" are wider than a narrow column.
    row::labelled(ui, "Sampler", |ui| {
        quiet_combo(ui, "Sampler", recipe.sampler.title(), |ui| samplers(ui, recipe))
            .on_hover_text("How each step goes from its noise to less noise: DPM++ and UniPC need few steps, Euler a adds new noise at each");
    });
    row::labelled(ui, "Schedule", |ui| {
        quiet_combo(ui, "Schedule", recipe.schedule.title(), |ui| schedules(ui, recipe)).on_hover_text(
            "How the noise levels of the steps are spaced: Karras takes more steps near the finished picture",
        );
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
    ui.add(DragValue::new(&mut recipe.seed).speed(0.2).update_while_editing(false)).accessible_name("Seed");
    if icon_button(ui, Icon::Dice, "Random seed").clicked() {
        recipe.seed = queue::random_seed(recipe.seed);
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

/// One side. A typed number gives what was made of it: `Some(None)` where it was taken as it is.
fn side(ui: &mut Ui, name: &str, pixels: &mut usize) -> Option<Option<Rounded>> {
    let mut typed = None;
    let get_set = |new: Option<f64>| {
        if let Some(new) = new {
            let steps = (new / SIDE_STEP as f64).round() as usize;
            *pixels = (steps * SIDE_STEP).clamp(*SIDES.start(), *SIDES.end());
            typed = Some(new);
        }
        *pixels as f64
    };
    let field = DragValue::from_get_set(get_set).speed(4.0).max_decimals(0).update_while_editing(false);
    let response = ui.add(field).accessible_name(name).on_hover_text(format!(
        "In pixels, a multiple of {SIDE_STEP}; a model draws best near the size that it was trained at"
    ));
    let side = *pixels;
    // A drag goes from one multiple to the next, and rounds nothing that was asked for.
    let typed = typed.filter(|_| !response.dragged())?;
    Some((typed != side as f64).then_some(Rounded { typed, side }))
}

//! From noise to picture: sampler, schedule, steps, seed, size.

use egui::{DragValue, Ui, vec2};

use crate::{
    recipe::{Convention, Recipe, SIDE_STEP, Sampler, Schedule},
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
        eta(ui, recipe);
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

/// The share of fresh noise, where the sampler adds noise. DDIM does so only where a recipe asks for it.
fn eta(ui: &mut Ui, recipe: &mut Recipe) {
    let adds_noise = recipe.sampler.is_stochastic() && recipe.sampler.own_eta().is_some_and(|eta| eta > 0.0);
    if !adds_noise && recipe.eta.is_none() {
        return;
    }
    let own = recipe.sampler.own_eta().unwrap_or(1.0);
    let mut eta = recipe.eta.unwrap_or(own);
    let most = eta.max(1.0);
    let slider = ValueSlider::new("Eta", &mut eta, 0.0..=most).step(0.05, 2).default_value(own);
    let words = "Share of fresh noise in each step: 0 for none, which draws the same picture at any number of steps";
    if row::slider(ui, "Eta", slider).on_hover_text(words).changed() {
        recipe.eta = (eta != own).then_some(eta);
    }
}

fn samplers(ui: &mut Ui, recipe: &mut Recipe) {
    for &sampler in Sampler::ALL {
        let response = ui.selectable_label(recipe.sampler == sampler, sampler.title());
        if response.on_hover_text(sampler_meaning(sampler)).clicked() {
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
        let response = ui.add_enabled(verdict.is_ok(), label).on_hover_text(schedule_meaning(schedule));
        if response.clicked() {
            recipe.schedule = schedule;
        }
        if let Err(reason) = verdict {
            response.on_disabled_hover_text(reason.to_string());
        }
    }
    ui.separator();
    ui.weak("Conventions of");
    for &convention in Convention::ALL {
        let response = ui.selectable_label(recipe.convention == convention, convention.title());
        let words =
            "Programs differ in what a sampler and a schedule of one name are; imported pictures say which they follow";
        if response.on_hover_text(words).clicked() {
            recipe.convention = convention;
        }
    }
}

fn sampler_meaning(sampler: Sampler) -> &'static str {
    match sampler {
        Sampler::Ddim => "The plain step of first order, without noise; with eta it adds some",
        Sampler::Pndm => "Linear multistep on the timesteps of DDIM (PLMS)",
        Sampler::Euler => "The plain step of first order",
        Sampler::EulerAncestral => {
            "Euler's step with fresh noise in each: the picture keeps changing with the number of steps"
        }
        Sampler::Heun => "Second order: each step is corrected, at twice the time",
        Sampler::Dpm2 => "Second order by the middle of each step, at twice the time",
        Sampler::Dpm2Ancestral => "DPM2 with fresh noise in each step",
        Sampler::Lms => "Linear multistep of fourth order, with the time of Euler's",
        Sampler::DpmPp2SAncestral => "DPM-Solver++ of second order with fresh noise in each step, at twice the time",
        Sampler::DpmPp2M => "DPM-Solver++ of second order from the step before: good pictures in few steps",
        Sampler::DpmPpSde => "DPM-Solver++ on the equation with noise, at twice the time",
        Sampler::DpmPp2MSde => "DPM++ 2M on the equation with noise",
        Sampler::DpmPp2MSdeHeun => "DPM++ 2M SDE with another weight of the second order",
        Sampler::DpmPp3MSde => "DPM++ of third order on the equation with noise: for many steps",
        Sampler::UniPc => "Predictor and corrector of second order, in few steps",
        Sampler::Lcm => "For models of latent consistency: very few steps",
        Sampler::Ddpm => "The process that models are trained on: for many steps",
        Sampler::Restart => "Heun's steps that go back to more noise and come down again",
    }
}

fn schedule_meaning(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Normal => "As the sampler and the model's scheduler file have it",
        Schedule::Karras => "More steps near the finished picture (Karras et al. 2022)",
        Schedule::Exponential => "Evenly in the logarithm of the noise",
        Schedule::Polyexponential => "As exponential, with an exponent of its own",
        Schedule::Simple => "Whole training timesteps, evenly from the noisiest down",
        Schedule::SgmUniform => "Evenly over the timesteps, without the cleanest",
        Schedule::DdimUniform => "The timesteps of DDIM; begins below the largest noise",
        Schedule::Beta => "More steps at both ends",
        Schedule::KlOptimal => "Evenly in the angle whose tangent is the noise",
        Schedule::AlignYourSteps => "Noise levels that were optimised for Stable Diffusion in ten steps",
        Schedule::LinearQuadratic => "Half of the steps at high noise, the others down quickly",
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

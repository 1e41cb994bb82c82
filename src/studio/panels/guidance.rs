//! Strength of the prompt: guidance scale, S-CFG, profile.

use egui::Ui;

use crate::{
    recipe::{GuidanceInterval, Profile, Recipe, Scfg},
    studio::{
        document::{edit::Edit, films::FilmOf, parameter::Parameter, sections::Guidance},
        panels::{context::PanelContext, film},
        widgets::{
            ValueSlider,
            combo::quiet_combo,
            row::{self, note},
        },
    },
};

/// The cosine that Castillo et al. (2023) end guidance at.
const ADAPTIVE: f32 = 0.991;

/// The slider's end.
const SCALES: f32 = 20.0;

/// A column from which the clamps and the cap have room in one row, in points.
const WIDE: f32 = 256.0;

/// Profile, scale, S-CFG, and what saves evaluations.
pub fn show(ui: &mut Ui, context: &mut PanelContext) {
    let document = context.document;
    let view = &*context.view;
    let mean = view.shown_frame(document).and_then(|f| Some(f.report?.scfg.as_ref()?.rate.mean()));
    let mut changed = document.recipe().clone();
    let recipe = &mut changed;
    row::heading(ui, "Guidance", |ui| {
        let title = recipe.profile.title();
        quiet_combo(ui, "Profile", title, |ui| {
            for &profile in Profile::ALL {
                let label = ui.selectable_label(recipe.profile == profile, profile.title());
                let label = label.on_hover_text(match profile {
                    Profile::Reference => "As the authors' code does it, step for step",
                    Profile::Fixed => "The same with its known defects repaired",
                });
                if label.clicked() {
                    recipe.profile = profile;
                }
            }
        })
        .on_hover_text("Reference: as the authors' code does it, to repeat published results. Fixed: the same with its known defects repaired");
        note(ui, "profile");
    });
    let scale = ValueSlider::new("Guidance scale", &mut recipe.cfg, 0.0..=SCALES).default_value(5.0);
    let response = row::slider(ui, "Scale", scale)
        .on_hover_text(
            "How strongly the prompt pulls against the unguided picture; 1 or less is no guidance. Keys on its lane in the timeline change it from step to step",
        );
    let of = FilmOf { parameter: Parameter::Cfg, ends: [0.0, SCALES] };
    film::take(film::under(ui, context, of, &response), &mut recipe.cfg);
    row::labelled(ui, "S-CFG", |ui| {
        let state = match (recipe.scfg.enabled, mean) {
            (true, Some(mean)) => format!("on · mean ρ {mean:.2}"),
            (true, None) => "on".into(),
            (false, _) => "off".into(),
        };
        row::switch(ui, "S-CFG", &mut recipe.scfg.enabled, &state)
            .on_hover_text("Semantic-aware guidance: every region of the picture is guided equally strongly. ρ is the rate that the guidance scale is multiplied by, element by element; 1 changes nothing");
    });
    if recipe.scfg.enabled {
        clamps(ui, &mut recipe.scfg);
    }
    interval(ui, recipe);
    adaptive(ui, recipe);
    context.commands.edit_if_changed(&Guidance::of(document.recipe()), Guidance::of(&changed), Edit::Guidance);
}

/// Says of a setting that it changes the picture to save time.
fn approximation(ui: &mut Ui, hover: &str) {
    note(ui, "≈").on_hover_text(format!("An approximation: saves evaluations and changes the picture. {hover}"));
}

fn interval(ui: &mut Ui, recipe: &mut Recipe) {
    const HOVER: &str = "Guide only these steps; at all others the prompt's own prediction is taken as it is, and \
                         S-CFG, concepts and fusion rest";
    row::labelled(ui, "Only steps", |ui| {
        let steps = recipe.steps;
        let mut on = recipe.guidance_interval.is_some();
        let text = if on { "" } else { "all are guided" };
        if row::switch(ui, "Guide only some steps", &mut on, text).on_hover_text(HOVER).changed() {
            // The first guess spares the last fifth, where predictions differ least.
            let until = (steps - steps / 5).max(1);
            recipe.guidance_interval = on.then_some(GuidanceInterval { from: 0, until });
        }
        if let Some(interval) = &mut recipe.guidance_interval {
            // Displayed steps are counted from 1.
            let (mut first, mut last) = (interval.from as f32 + 1.0, interval.until as f32);
            let most = last.max(steps as f32);
            row::number(ui, "First guided step", &mut first, 1.0..=last, 1.0, 0);
            note(ui, "to");
            row::number(ui, "Last guided step", &mut last, first..=most, steps as f32, 0);
            *interval = GuidanceInterval { from: first.round() as usize - 1, until: last.round() as usize };
            approximation(ui, HOVER);
        }
    });
}

fn adaptive(ui: &mut Ui, recipe: &mut Recipe) {
    const HOVER: &str = "Adaptive guidance: once the predictions with and without the prompt point the same way (cosine \
                         above this), guidance ends, and with it S-CFG, concepts and fusion";
    row::labelled(ui, "Adaptive", |ui| {
        let mut on = recipe.adaptive_guidance.is_some();
        let text = if on { "until cosine" } else { "off" };
        if row::switch(ui, "Adaptive guidance", &mut on, text).on_hover_text(HOVER).changed() {
            recipe.adaptive_guidance = on.then_some(ADAPTIVE);
        }
        if let Some(cosine) = &mut recipe.adaptive_guidance {
            row::number(ui, "Cosine at which guidance ends", cosine, 0.5..=1.0, ADAPTIVE, 3);
            approximation(ui, HOVER);
        }
    });
}

fn clamps(ui: &mut Ui, scfg: &mut Scfg) {
    let usual = Scfg::default();
    // In a narrow column the cap has a row of its own.
    let wide = ui.available_width() > WIDE;
    row::labelled(ui, "Rate clamp", |ui| {
        ui.response()
            .on_hover_text("The least and the largest rate ρ, and the largest product of ρ and the guidance scale");
        let (min, max) = (scfg.rate_min, scfg.rate_max);
        row::number(ui, "Rate minimum", &mut scfg.rate_min, 0.0..=max, usual.rate_min, 1);
        note(ui, "to");
        row::number(ui, "Rate maximum", &mut scfg.rate_max, min..=10.0, usual.rate_max, 1);
        if wide {
            note(ui, "cap");
            scale_cap(ui, scfg, usual.scale_cap);
        }
    });
    if !wide {
        row::labelled(ui, "Scale cap", |ui| scale_cap(ui, scfg, usual.scale_cap));
    }
}

fn scale_cap(ui: &mut Ui, scfg: &mut Scfg, usual: f32) {
    row::number(ui, "Cap of the effective scale", &mut scfg.scale_cap, 0.5..=40.0, usual, 1);
}

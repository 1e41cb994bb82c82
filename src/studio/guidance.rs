//! How strongly the prompt pulls: guidance scale, S-CFG, profile.

use egui::Ui;

use super::{
    sampling::quiet_combo,
    state::Studio,
    widgets::{
        ValueSlider,
        row::{self, note},
    },
};
use crate::recipe::{Profile, Scfg};

pub fn show(ui: &mut Ui, studio: &mut Studio) {
    let mean = studio.shown_frame().and_then(|f| Some(f.report?.scfg.as_ref()?.rate.mean()));
    let recipe = &mut studio.recipe;
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
        });
        note(ui, "profile");
    });
    let scale = ValueSlider::new("Guidance scale", &mut recipe.cfg, 0.0..=20.0).default_value(5.0);
    row::slider(ui, "Scale", scale)
        .on_hover_text(
            "How strongly the prompt pulls against the unguided picture; 1 or less is no guidance. Keys on its lane in the timeline change it from step to step",
        );
    row::labelled(ui, "S-CFG", |ui| {
        let state = match (recipe.scfg.enabled, mean) {
            (true, Some(mean)) => format!("on · mean ρ {mean:.2}"),
            (true, None) => "on".into(),
            (false, _) => "off".into(),
        };
        row::switch(ui, "S-CFG", &mut recipe.scfg.enabled, &state)
            .on_hover_text("Semantic-aware guidance: every region of the picture is guided equally strongly (1)");
    });
    if recipe.scfg.enabled {
        clamps(ui, &mut recipe.scfg);
    }
}

fn clamps(ui: &mut Ui, scfg: &mut Scfg) {
    let usual = Scfg::default();
    row::labelled(ui, "Rate clamp", |ui| {
        let (min, max) = (scfg.rate_min, scfg.rate_max);
        row::number(ui, "Rate minimum", &mut scfg.rate_min, 0.0..=max, usual.rate_min, 1);
        note(ui, "to");
        row::number(ui, "Rate maximum", &mut scfg.rate_max, min..=10.0, usual.rate_max, 1);
        note(ui, "cap");
        row::number(ui, "Cap of the effective scale", &mut scfg.scale_cap, 0.5..=40.0, usual.scale_cap, 1);
    });
}

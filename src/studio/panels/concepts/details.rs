//! The details of a concept's card: kind, threshold, steps, weight, and where it may act.
//!
//! Apart from the card, which only opens them.

use egui::{Align, Align2, Layout, Rect, Ui, UiBuilder, pos2, vec2};

use super::kinds::{self, EditKind};
use crate::{
    recipe::Concept,
    studio::{
        document::{films::FilmOf, parameter::Parameter, regions::labels::RegionLabels},
        panels::{
            film,
            regions::locks::{self, Lockable},
        },
        view::{
            View,
            theme::{self, Theme, size},
        },
        widgets::{ValueSlider, combo::quiet_combo, range::RangeSlider, row},
    },
};

pub(super) fn name_of(concept: &Concept, row: usize) -> String {
    let text = concept.text.trim();
    if text.is_empty() { format!("concept {}", row + 1) } else { text.to_owned() }
}

/// Kind, threshold, steps and weight.
pub(super) fn more(
    ui: &mut Ui,
    view: &mut View,
    concept: &mut Concept,
    row: usize,
    steps: usize,
    area: Rect,
    (words, names): (&[Lockable], &RegionLabels),
) {
    let name = name_of(concept, row);
    let layout = Layout::top_down(Align::Min);
    let mut child = ui.new_child(UiBuilder::new().id_salt(("more", concept.id)).max_rect(area).layout(layout));
    let ui = &mut child;
    row::labelled(ui, "Kind", |ui| {
        ui.response()
            .on_hover_text("What kind of edit this is: sets threshold and warm-up as such edits usually want them");
        if let Some(picked) = kinds::choice(ui, &format!("Kind of {name}"), EditKind::of(concept, steps), steps) {
            picked.apply(concept, steps);
        }
    });
    let threshold = ValueSlider::new(format!("Threshold of {name}"), &mut concept.threshold, 0.0..=1.0);
    let top = 100.0 * (1.0 - *threshold.value());
    let response = row::slider(ui, "Threshold", threshold.step(0.01, 2).default_value(0.9))
        .on_hover_text(format!("Changes only the {top:.0} % of latent values that this concept moves most, channel by channel: 1 minus the threshold"));
    film::watch(view, FilmOf { parameter: Parameter::Threshold(concept.id), ends: [0.0, 1.0] }, &response);
    row::labelled(ui, "Steps", |ui| {
        let rail = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width() - size::NUMBER - 4.0, size::ROW));
        let names = [format!("Warm-up of {name}"), format!("Cool-down of {name}")];
        let range = RangeSlider {
            start: &mut concept.warmup,
            end: &mut concept.cooldown,
            count: steps,
            names,
            color: theme::concept_color(row),
        };
        range.place(ui, rail);
        let text = format!("{}–{}", (concept.warmup + 1).min(steps), concept.cooldown.unwrap_or(steps).min(steps));
        let at = pos2(rail.right() + 4.0 + size::NUMBER - 3.0, rail.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, text, theme::mono_font(), Theme::of(ui).ink.text);
    });
    let weight = ValueSlider::new(format!("Weight of {name}"), &mut concept.weight, 0.0..=3.0);
    let response = row::slider(ui, "Weight", weight.step(0.05, 2).default_value(1.0))
        .on_hover_text("This concept's share when several act at once");
    film::watch(view, FilmOf { parameter: Parameter::Weight(concept.id), ends: [0.0, 3.0] }, &response);
    let where_to = locks::lock_text(&concept.lock, names);
    let where_to = if where_to.is_empty() { "everywhere" } else { &where_to };
    row::labelled(ui, "Acts", |ui| {
        quiet_combo(ui, &format!("Where {name} may act"), where_to, |ui| {
            locks::lock_menu(ui, &mut concept.lock, words)
        });
    });
}

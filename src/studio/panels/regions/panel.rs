//! What is known of the chosen region at the shown step, and what can be done to it.

use egui::{Popup, Ui};

use super::{merge, owners, paint};
use crate::{
    engine::ScfgReport,
    studio::{
        command::Commands,
        document::{Document, edit::Edit, films::FilmOf, parameter::Parameter, regions::settings},
        panels::{context::PanelContext, film},
        view::theme::Theme,
        widgets::{ValueSlider, row},
    },
    tensor::maps::StepArray,
};

/// The slider's end; a factor of 10 is the most that a recipe takes.
const STRONGEST: f32 = 3.0;

/// What is known of the chosen region at the shown step, and what can be done to it.
pub fn show(ui: &mut Ui, context: &mut PanelContext) {
    let document = context.document;
    let view = &mut *context.view;
    let Some(chosen) = view.selection.region else { return };
    let Some(report) = view.shown_frame(document).and_then(|frame| frame.report) else { return };
    let Some(scfg) = report.scfg.clone() else { return };
    let names = view.labels(document);
    let region = names.region_of(chosen);
    // A word that was merged meanwhile is chosen with its region.
    view.selection.region = Some(region);
    let cfg = view.shown_track(document).map_or(document.recipe().cfg, |track| track.recipe.cfg_at(report.step));
    let share = names.shares(&scfg).iter().find(|(p, _)| *p == region).map_or(0.0, |(_, share)| *share);
    let name = names.name(region);
    row::divider(ui);
    row::heading(ui, &format!("Region: {name}"), |ui| {
        row::note(ui, format!("{:.0} % of picture", 100.0 * share));
    });
    merge::show(ui, document, view, context.commands, &names, region);
    own_factor(ui, context, region, &name);
    let PanelContext { view, commands, .. } = context;
    paint::region_row(ui, document, view, commands, region, &name);
    let inside = |values: &[f32]| mean_inside(&scfg, |owner| names.region_of(owner) == region, values);
    let rate = inside(&scfg.rate.values);
    let ink = Theme::of(ui).ink.text;
    let info = StepArray::Rate.info();
    row::labelled(ui, &info.heading(), |ui| {
        let label = ui.colored_label(ink, format!("{rate:.2} at step {}", report.step + 1));
        label.on_hover_text(format!(
            "{} The mean over this region; it makes the guidance of all regions alike. The scale here is {:.2}",
            info.meaning,
            cfg * rate
        ));
    });
    owners::region_row(ui, document.recipe(), commands, region, &name);
    locked_to(ui, document, commands, region, &name);
    for concept in &report.concepts {
        let touched = inside(&concept.mask.values);
        row::labelled(ui, &concept.text, |ui| ui.colored_label(ink, format!("touches {:.0} % here", 100.0 * touched)));
    }
}

/// The mean of a map's values over a region; 0 where the region does not occur.
fn mean_inside(scfg: &ScfgReport, own: impl Fn(usize) -> bool, values: &[f32]) -> f32 {
    let inside = scfg.region.values.iter().zip(values).filter(|(owner, _)| own(usize::from(**owner)));
    let (sum, count) = inside.fold((0.0, 0), |(sum, count), (_, v)| (sum + v, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}

fn own_factor(ui: &mut Ui, context: &mut PanelContext, region: usize, name: &str) {
    let mut factor = context.document.recipe().region_factor(region);
    let most = STRONGEST.max(factor);
    let slider = ValueSlider::new(format!("Own factor of {name}"), &mut factor, 0.0..=most).step(0.05, 2).factor();
    let response = row::slider(ui, "Own factor", slider);
    let response = response.on_hover_text(format!(
        "Guides {name} this many times as strongly as the rest: 1 changes nothing, 0 leaves it to chance. \
         Double-click for 1"
    ));
    let of = FilmOf { parameter: Parameter::Factor(region), ends: [0.0, most] };
    let taken = film::under(ui, context, of, &response);
    film::take(taken, &mut factor);
    if response.changed() || taken.is_some() {
        context.commands.edit(Edit::RegionFactor { region, factor });
    }
}

/// Concepts that are confined to the region, with a menu to confine others.
fn locked_to(ui: &mut Ui, document: &Document, commands: &mut Commands, position: usize, name: &str) {
    let concepts = &document.recipe().concepts;
    let theme = Theme::of(ui);
    let locked = concepts.iter().filter(|concept| concept.lock.contains(&position));
    let locked: Vec<&str> = locked.map(|concept| concept.text.trim()).collect();
    let (text, ink) =
        if locked.is_empty() { ("none".to_owned(), theme.ink.dim) } else { (locked.join(", "), theme.accent.plain) };
    let response = row::labelled(ui, "Locked to", |ui| {
        let text = egui::RichText::new(text).color(ink);
        let button = egui::Button::new(text).frame_when_inactive(false).truncate();
        ui.spacing_mut().button_padding.x = 0.0;
        ui.add(button).accessible_name(format!("Concepts locked to {name}"))
    });
    let response =
        response.on_hover_text(format!("Concepts that act on {name} and nowhere else, unless locked there too"));
    Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        for concept in concepts.iter().filter(|concept| !concept.text.trim().is_empty()) {
            let mut on = concept.lock.contains(&position);
            if ui.checkbox(&mut on, concept.text.trim()).changed() {
                let mut changed = concept.clone();
                settings::toggle_lock(&mut changed.lock, position);
                commands.edit(Edit::Concept(Box::new(changed)));
            }
        }
        if concepts.is_empty() {
            row::note(ui, "Add a concept first.");
        }
    });
}

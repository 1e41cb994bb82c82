//! SNB: which model draws which part.

use std::sync::Arc;

use egui::{CornerRadius, Rect, Sense, Ui, vec2};

use super::{
    canvas::overlay::full_range,
    colormap, demo,
    prompt::field,
    regions::owners,
    sampling::quiet_combo,
    state::{Overlay, SaliencyOf, Studio},
    textures::{self, Kind, Textures},
    theme::{self, Theme},
    widgets::{
        ValueSlider, picture,
        row::{self, note, tinted},
    },
};
use crate::{
    engine::FusionReport,
    recipe::{Fusion, FusionMode},
};

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let report = studio.shown_frame().and_then(|f| f.report?.fusion.clone());
    let mut on = studio.recipe.active_fusion().is_some();
    let theme = Theme::of(ui);
    row::heading(ui, "Fusion", |ui| {
        let text = if on { "on" } else { "off" };
        if row::switch(ui, "Fusion", &mut on, text).changed() {
            studio.recipe.fusion.get_or_insert_with(demo::snowman).enabled = on;
        }
        if let Some(report) = report.as_ref().filter(|_| on) {
            tinted(ui, format!("expert draws {:.0} %", 100.0 * report.share), theme.accent);
        }
    });
    if let Some(report) = &report {
        tiles(ui, studio, pictures, report);
        ui.add_space(4.0);
    }
    let prompt = studio.recipe.prompt.clone();
    let Some(fusion) = &mut studio.recipe.fusion else { return };
    words(ui, fusion, &prompt);
    if fusion.enabled {
        controls(ui, fusion);
    }
    owners::fusion_rows(ui, studio);
}

fn words(ui: &mut Ui, fusion: &mut Fusion, prompt: &str) {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        ui.colored_label(theme.dim, fusion.expert.title());
        note(ui, "draws");
    });
    let mut text = fusion.prompt.clone().unwrap_or_default();
    let hint = if prompt.is_empty() { "the general prompt" } else { prompt };
    if field(ui, "Expert prompt", &mut text, hint, 1).changed() {
        fusion.prompt = (!text.is_empty()).then_some(text);
    }
}

fn controls(ui: &mut Ui, fusion: &mut Fusion) {
    let general = ValueSlider::new("Sharpness of the general model", &mut fusion.k_g, 0.0..=8.0);
    row::slider(ui, "Sharpness g", general.step(0.05, 2).default_value(1.0))
        .on_hover_text("How much the general model insists on the places that it cares for most");
    let expert = ValueSlider::new("Sharpness of the expert", &mut fusion.k_e, 0.0..=8.0);
    row::slider(ui, "Sharpness e", expert.step(0.05, 2).default_value(1.0))
        .on_hover_text("How much the expert insists on the places that it cares for most");
    row::labelled(ui, "Acts on", |ui| {
        quiet_combo(ui, "Fusion mode", fusion.mode.title(), |ui| {
            for &mode in FusionMode::ALL {
                if ui.selectable_label(fusion.mode == mode, mode.title()).clicked() {
                    fusion.mode = mode;
                }
            }
        });
    });
    let gate = ValueSlider::new("Timestep gate T0", &mut fusion.t0, 0.0..=1000.0);
    row::slider(ui, "T0", gate.step(10.0, 0).default_value(600.0))
        .on_hover_text("The training timestep (1000 is noise, 0 the picture) at which the fusion begins or ends");
}

/// Both saliency maps and who draws where; a click shows the map on the canvas.
fn tiles(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, report: &Arc<FusionReport>) {
    let gap = 5.0;
    let width = (ui.available_width() - 2.0 * gap) / 3.0;
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), (0.74 * width).round()), Sense::hover());
    let rect = |k: usize| Rect::from_min_size(row.min + vec2(k as f32 * (width + gap), 0.0), vec2(width, row.height()));
    let magma = colormap::magma();
    let general = pictures.get(ui.ctx(), report, Kind::SaliencyGeneral, || {
        let scale = full_range(&report.saliency_general);
        textures::map_image(&scale.plane, scale.low, scale.high, &magma)
    });
    let expert = pictures.get(ui.ctx(), report, Kind::SaliencyExpert, || {
        let scale = full_range(&report.saliency_expert);
        textures::map_image(&scale.plane, scale.low, scale.high, &magma)
    });
    let territory = pictures.get(ui.ctx(), report, Kind::Territory, || {
        textures::mask_image(&report.mask, theme::GENERAL_GROUND, theme::EXPERT_GROUND)
    });
    let size = [report.mask.width, report.mask.height];
    let tint = if report.active { theme::PLAIN } else { theme::IDLE };
    let named = [("saliency g", general), ("saliency e", expert), ("territory", territory)];
    for (k, (name, texture)) in named.into_iter().enumerate() {
        let response = ui.interact(rect(k), ui.scope_id().with(("tile", name)), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Show {name}")));
        picture::cover(ui, rect(k), texture.id(), size, 4, tint);
        picture::caption(ui, rect(k), name);
        if response.hovered() || response.has_focus() {
            let rim = egui::Stroke::new(1.0, Theme::of(ui).dim);
            ui.painter().rect_stroke(rect(k), CornerRadius::same(4), rim, egui::StrokeKind::Outside);
        }
        if response.clicked() {
            let choice = [
                (Overlay::Saliency, SaliencyOf::General),
                (Overlay::Saliency, SaliencyOf::Expert),
                (Overlay::Territory, studio.look.saliency),
            ];
            (studio.look.overlay, studio.look.saliency) = choice[k];
        }
    }
}

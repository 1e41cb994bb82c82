//! How strong the guidance terms are, step by step.

use egui::{Align2, Color32, Pos2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::Axis;
use crate::{
    engine::Norms,
    studio::{
        state::Studio,
        theme::{self, Theme},
    },
};

/// A curve: its name, its colour, and which norm it draws.
type Curve = (&'static str, Color32, fn(&Norms) -> f32);

pub fn show(ui: &Ui, studio: &Studio, plot: Rect, axis: Axis, label_left: f32) {
    let theme = Theme::of(ui);
    let middle = pos2(label_left, plot.center().y);
    ui.painter().text(middle, Align2::LEFT_CENTER, "norms", theme::small_font(), theme.faint);
    let Some(track) = studio.shown_track() else { return };
    let curves: [Curve; 3] = [
        ("guided", theme.faint, |n| n.guided),
        ("guidance", theme::SCFG, |n| n.guidance),
        ("concepts", theme::concept_color(0), |n| n.sega),
    ];
    let values: Vec<(usize, Norms)> = track.reports.iter().flatten().map(|r| (r.step, r.norms)).collect();
    for (_, color, norm) in curves {
        // Each curve fills the height by itself: their shapes are compared, not their sizes.
        let highest = values.iter().map(|(_, n)| norm(n)).filter(|v| v.is_finite()).fold(0.0, f32::max);
        if highest <= 0.0 {
            continue;
        }
        let height = plot.height() - 4.0;
        let place = |&(step, n): &(usize, Norms)| {
            pos2(axis.middle(step), plot.bottom() - 2.0 - height * (norm(&n) / highest).clamp(0.0, 1.0))
        };
        let points: Vec<Pos2> = values.iter().map(place).collect();
        ui.painter().add(Shape::line(points, Stroke::new(1.3, color)));
    }
    let response = ui.interact(plot, ui.scope_id().with("norms"), egui::Sense::hover());
    let Some(pointer) = response.hover_pos() else { return };
    let step = axis.step(pointer.x);
    let Some((_, norms)) = values.iter().find(|(s, _)| *s == step) else { return };
    response.on_hover_ui_at_pointer(|ui| {
        ui.label(theme::bold(format!("step {}", step + 1), theme::size::SMALL));
        for (name, color, norm) in curves {
            ui.horizontal(|ui| {
                let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), egui::Sense::hover());
                ui.painter().rect_filled(dot, 2.0, color);
                ui.monospace(format!("{name:9}{:8.2}", norm(norms)));
            });
        }
    });
}

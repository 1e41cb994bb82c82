//! The tooltip over the canvas.
//!
//! Apart from the probe, which collects the numbers.

use egui::{Color32, CornerRadius, Pos2, Rect, Stroke, StrokeKind, Ui, text::LayoutJob, vec2};

use crate::{
    studio::{
        panels::canvas::probe::Probe,
        view::theme::{self, Theme},
    },
    tensor::maps::StepArray,
};

/// The name column, in characters.
const NAME: usize = 13;

pub fn show(ui: &Ui, probe: &Probe, pointer: Pos2, within: Rect) {
    let theme = Theme::of(ui);
    let galley = ui.painter().layout_job(job(probe, theme));
    let extent = galley.size() + vec2(22.0, 18.0);
    // Below and right of the pointer, on the other side where there is no room.
    let place = |at: f32, extent: f32, low: f32, high: f32| {
        let after = at + 16.0;
        if after + extent <= high { after } else { (at - 16.0 - extent).max(low) }
    };
    let min = Pos2::new(
        place(pointer.x, extent.x, within.left() + 4.0, within.right() - 4.0),
        place(pointer.y, extent.y, within.top() + 4.0, within.bottom() - 4.0),
    );
    let rect = Rect::from_min_size(min, extent);
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(6), theme.tooltip.ground);
    let rim = Stroke::new(1.0, theme.tooltip.line);
    painter.rect_stroke(rect, CornerRadius::same(6), rim, StrokeKind::Inside);
    painter.galley(rect.min + vec2(11.0, 9.0), galley, theme.ink.text);
}

fn job(probe: &Probe, theme: &Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    let mut put = |text: String, color: Color32| {
        let format =
            egui::TextFormat { line_height: Some(19.0), ..egui::TextFormat::simple(theme::mono_font(), color) };
        job.append(&text, 0.0, format);
    };
    if let Some(region) = &probe.region {
        let name: String = region.name.chars().take(NAME - 1).collect();
        put(format!("{name:NAME$}"), region.color);
        put(format!("region {} of {}\n", region.rank, region.regions), theme.ink.dim);
        put(format!("{:NAME$}", StepArray::Rate.info().label()), theme.ink.dim);
        put(format!("{:.2}", region.rate), theme.ink.text);
        put("  effective ".into(), theme.ink.dim);
        put(format!("{:.2}\n", region.effective), theme.ink.text);
    }
    for concept in &probe.concepts {
        let name: String = concept.text.chars().take(NAME - 1).collect();
        put(format!("{name:NAME$}"), theme.ink.dim);
        let (word, color) =
            if concept.touched { ("touched  ", theme.ink.text) } else { ("untouched", theme.ink.faint) };
        put(word.into(), color);
        let (symbol, faint) =
            (StepArray::Magnitude.info().symbol, if concept.touched { theme.ink.dim } else { theme.ink.faint });
        put(format!(" {symbol} {:.2}\n", concept.magnitude), faint);
    }
    if let Some(fusion) = &probe.fusion {
        put(format!("{:NAME$}", format!("{} g/e", StepArray::SaliencyGeneral.info().label())), theme.ink.dim);
        put(format!("{:.2} / {:.2}\n", fusion.general, fusion.expert), theme.ink.text);
        put(format!("{:NAME$}", StepArray::FusionMask.info().label()), theme.ink.dim);
        put(format!("{}\n", if fusion.expert_draws { "expert" } else { "general" }), theme.ink.text);
    }
    if let Some([x, y]) = probe.latent {
        put(format!("{:NAME$}{x},{y}", "latent"), theme.ink.dim);
        put("   ".into(), theme.ink.dim);
    }
    let [x, y] = probe.picture;
    put(format!("picture {x},{y}"), theme.ink.dim);
    job
}

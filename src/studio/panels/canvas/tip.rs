//! The tooltip over the canvas.
//!
//! Apart from the probe, which collects the numbers.

use egui::{Color32, CornerRadius, Pos2, Rect, Stroke, StrokeKind, Ui, Vec2, text::LayoutJob, vec2};

use crate::{
    studio::{
        panels::canvas::probe::Probe,
        view::{
            overlay::CardPlace,
            theme::{self, Theme},
        },
    },
    tensor::maps::StepArray,
};

/// The name column, in characters.
const NAME: usize = 13;
/// The longest line of a sentence, in characters.
const LINE: usize = 40;

/// Shows the card at `place`: beside the pointer, or in the lower corner of `within` that the pointer is not near.
pub fn show(ui: &Ui, probe: &Probe, pointer: Pos2, within: Rect, place: CardPlace) {
    if place == CardPlace::Hidden {
        return;
    }
    let theme = Theme::of(ui);
    let galley = ui.painter().layout_job(job(probe, theme));
    let extent = galley.size() + vec2(22.0, 18.0);
    let min =
        if place == CardPlace::Corner { corner(pointer, extent, within) } else { beside(pointer, extent, within) };
    let rect = Rect::from_min_size(min, extent);
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(6), theme.tooltip.ground);
    let rim = Stroke::new(1.0, theme.tooltip.line);
    painter.rect_stroke(rect, CornerRadius::same(6), rim, StrokeKind::Inside);
    painter.galley(rect.min + vec2(11.0, 9.0), galley, theme.ink.text);
}

/// Below and right of the pointer, on the other side where there is no room.
fn beside(pointer: Pos2, extent: Vec2, within: Rect) -> Pos2 {
    let place = |at: f32, extent: f32, low: f32, high: f32| {
        let after = at + 16.0;
        if after + extent <= high { after } else { (at - 16.0 - extent).max(low) }
    };
    Pos2::new(
        place(pointer.x, extent.x, within.left() + 4.0, within.right() - 4.0),
        place(pointer.y, extent.y, within.top() + 4.0, within.bottom() - 4.0),
    )
}

fn corner(pointer: Pos2, extent: Vec2, within: Rect) -> Pos2 {
    let inner = within.shrink(10.0);
    let x = if pointer.x < within.center().x { inner.right() - extent.x } else { inner.left() };
    Pos2::new(x, inner.bottom() - extent.y)
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
        if let Some([general, expert]) = fusion.compared {
            put(format!("{:NAME$}", "log-sal. g/e"), theme.ink.dim);
            put(format!("{general:.2} / {expert:.2}\n"), theme.ink.text);
        }
        for line in wrapped(&fusion.sentence, LINE) {
            put(format!("{line}\n"), theme.ink.text);
        }
    }
    if let Some([x, y]) = probe.latent {
        put(format!("{:NAME$}{x},{y}", "latent"), theme.ink.dim);
        put("   ".into(), theme.ink.dim);
    }
    let [x, y] = probe.picture;
    put(format!("picture {x},{y}"), theme.ink.dim);
    job
}

/// A text in lines of at most `most` characters.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= most) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

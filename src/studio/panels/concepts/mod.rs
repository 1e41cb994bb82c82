//! SEGA concepts: one card each, with a slider to both sides.

mod arithmetic;
mod interference;
mod kinds;

use egui::{
    Align, Align2, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, Sense, TextEdit, Ui, UiBuilder, pos2, vec2,
};

use std::sync::Arc;

use crate::{
    engine::ConceptReport,
    recipe::{Concept, Momentum},
    studio::{
        bundle::Studio,
        document::{cost, regions::labels::RegionLabels},
        panels::{
            concepts::{arithmetic::Term, kinds::EditKind},
            regions,
        },
        view::{
            colormap,
            overlay::Overlay,
            theme::{self, Theme, concept_color, size},
        },
        widgets::{
            Icon, ValueSlider,
            combo::quiet_combo,
            icon_button, icon_toggle, picture,
            range::RangeSlider,
            row,
            textures::{self, Kind, Textures},
        },
    },
};

/// The slider's ends.
const STRONGEST: f32 = 12.0;
/// What a new concept starts with.
const FIRST_SCALE: f32 = 5.0;
const CARD: f32 = 64.0;
const TILE: f32 = 44.0;

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    let steps = studio.document.recipe.steps;
    let id = ui.scope_id().with("kind of new concepts");
    let mut kind: EditKind = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    row::heading(ui, "Concepts", |ui| {
        if let Some(picked) = kinds::choice(ui, "Kind of new concepts", Some(kind), steps) {
            kind = picked;
            ui.data_mut(|d| d.insert_temp(id, kind));
        }
        row::note(ui, "king - man + 2 woman");
    });
    let mut gone = None;
    for row in 0..studio.document.recipe.concepts.len() {
        if card(ui, studio, pictures, row) {
            gone = Some(row);
        }
        ui.add_space(3.0);
    }
    if let Some(row) = gone {
        studio.document.recipe.concepts.remove(row);
    }
    interference::show(ui, studio);
    add(ui, studio, kind);
    if studio.document.recipe.active_concepts().next().is_some() {
        momentum(ui, &mut studio.document.recipe.momentum);
    }
}

/// Shared by all concepts.
fn momentum(ui: &mut Ui, momentum: &mut Momentum) {
    let usual = Momentum::default();
    ui.add_space(2.0);
    row::labelled(ui, "Momentum", |ui| {
        ui.response()
            .on_hover_text("Carries what a concept did in earlier steps into later ones; β is how slowly it forgets");
        row::number(ui, "Momentum scale", &mut momentum.scale, 0.0..=1.0, usual.scale, 2);
        row::note(ui, "β");
        row::number(ui, "Momentum beta", &mut momentum.beta, 0.0..=0.99, usual.beta, 2);
    });
}

fn add(ui: &mut Ui, studio: &mut Studio, kind: EditKind) {
    let id = ui.scope_id().with("new concept");
    let mut text: String = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    let field = TextEdit::singleline(&mut text)
        .id(id.with("field"))
        .hint_text("Add a concept…")
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 4));
    let response = ui.add(field).accessible_name("Add a concept");
    if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        let steps = studio.document.recipe.steps;
        studio
            .document
            .recipe
            .concepts
            .extend(arithmetic::parse(&text).into_iter().map(|term| concept(term, kind, steps)));
        text.clear();
    }
    if let Some(edit) = studio.document.history().cost().filter(|_| text.is_empty()) {
        let theme = Theme::of(ui);
        let at = response.rect.right_center() - vec2(8.0, 0.0);
        ui.painter().text(at, Align2::RIGHT_CENTER, cost::badge(edit), theme::small_font(), theme.faint);
    }
    ui.data_mut(|d| d.insert_temp(id, text));
}

/// A typed term as a concept of its kind.
fn concept(term: Term, kind: EditKind, steps: usize) -> Concept {
    let Term { sign, weight, text } = term;
    let mut concept = Concept { text, scale: sign * FIRST_SCALE, weight, ..Concept::default() };
    kind.apply(&mut concept, steps);
    concept
}

/// What the shown step says of a row, when the shown run computed it.
fn report(studio: &Studio, row: usize) -> Option<(usize, Arc<ConceptReport>)> {
    let place = studio.view.shown_track(&studio.document)?.concept_rows().iter().position(|&r| r == row)?;
    let report = studio.view.shown_frame(&studio.document)?.report?.concepts.get(place)?.clone();
    (report.text == studio.document.recipe.concepts.get(row)?.text).then_some((place, report))
}

/// One concept; says whether it is to be removed.
fn card(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, row: usize) -> bool {
    let report = report(studio, row);
    let open_id = ui.scope_id().with(("concept open", row));
    let mut open: bool = ui.data(|d| d.get_temp(open_id)).unwrap_or(false);
    let color = concept_color(row);
    let details = if open { 5.0 * (size::ROW + size::ROW_GAP) + 4.0 } else { 0.0 };
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CARD + details), Sense::hover());
    let edge = if studio.document.recipe.concepts[row].enabled { color } else { theme.faint };
    ui.painter().rect_filled(rect, CornerRadius::same(6), edge);
    let face = Rect::from_min_max(rect.min + vec2(2.5, 0.0), rect.max);
    ui.painter().rect_filled(face, CornerRadius { nw: 3, sw: 3, ne: 6, se: 6 }, theme.input_background);

    let tile = Rect::from_min_size(rect.min + vec2(10.0, 10.0), vec2(TILE, TILE));
    where_tile(ui, studio, pictures, tile, row, report.as_ref());
    let left = tile.right() + 9.0;
    let body = Rect::from_min_max(pos2(left, rect.top() + 5.0), pos2(rect.right() - 8.0, rect.bottom()));
    let names = studio.view.labels(&studio.document);
    let words = regions::lockable(studio, &studio.document.recipe.concepts[row].lock);
    let concept = &mut studio.document.recipe.concepts[row];
    let gone = title_row(ui, concept, row, body, &words);
    let rail = Rect::from_min_size(pos2(body.left(), rect.top() + 26.0), vec2(body.width() - 48.0, 16.0));
    let number = Rect::from_min_size(pos2(body.right() - 46.0, rail.top()), vec2(46.0, 16.0));
    let name = format!("Strength of {}", name_of(concept, row));
    let mut scale = concept.signed_scale();
    let slider = ValueSlider::new(name, &mut scale, -STRONGEST..=STRONGEST).bipolar().color(edge);
    let mut child = ui.new_child(UiBuilder::new().id_salt(("strength", row)).max_rect(body));
    let response = slider.place(&mut child, rail, number);
    if response.changed() {
        // The slider has both directions: the sign says what `reverse` said.
        (concept.scale, concept.reverse) = (scale, false);
    }
    response.on_hover_ui(|ui| {
        drop(ui.label(cost::of_slider(&studio.document.recipe, row, studio.view.shown_track(&studio.document))))
    });
    let concept = &mut studio.document.recipe.concepts[row];
    let line = Rect::from_min_size(pos2(body.left(), rect.top() + 44.0), vec2(body.width(), 16.0));
    let mut summary = summary(concept, studio.document.recipe.steps, report.as_ref().map(|(_, r)| r.as_ref()));
    if !concept.lock.is_empty() {
        summary = format!("{} {}", summary.replace("  ", " "), regions::lock_text(&concept.lock, &names));
    }
    let name = name_of(&studio.document.recipe.concepts[row], row);
    if summary_row(ui, &summary, line, open, &format!("Details of {name}")) {
        open = !open;
        ui.data_mut(|d| d.insert_temp(open_id, open));
    }
    if open && details > 0.0 {
        let area = Rect::from_min_max(pos2(tile.left(), rect.top() + CARD), rect.max - vec2(8.0, 4.0));
        let steps = studio.document.recipe.steps;
        more(ui, &mut studio.document.recipe.concepts[row], row, steps, area, (&words, &names));
    }
    gone
}

fn name_of(concept: &Concept, row: usize) -> String {
    let text = concept.text.trim();
    if text.is_empty() { format!("concept {}", row + 1) } else { text.to_owned() }
}

/// Where the concept acts; a click shows it on the canvas.
fn where_tile(
    ui: &mut Ui,
    studio: &mut Studio,
    pictures: &mut Textures,
    tile: Rect,
    row: usize,
    report: Option<&(usize, Arc<ConceptReport>)>,
) {
    let name = format!("Where {} acts", name_of(&studio.document.recipe.concepts[row], row));
    let response = ui.interact(tile, ui.scope_id().with(("where", row)), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    ui.painter().rect_filled(tile, CornerRadius::same(3), Theme::of(ui).canvas);
    let Some((place, report)) = report else { return };
    let texture = pictures.get(ui.ctx(), report, Kind::Mask, || {
        let shown = masked(report);
        textures::map_image(&shown, 0.0, shown.max(), &colormap::magma())
    });
    let tint = if report.active { theme::PLAIN } else { theme::IDLE };
    picture::cover(ui, tile, texture.id(), [report.mask.width, report.mask.height], 3, tint);
    if response.clicked() {
        studio.view.overlay.kind = Overlay::Concept;
        studio.view.overlay.concept = *place;
    }
    response.on_hover_text(if report.active { "Show on the canvas" } else { "Not acting at this step" });
}

/// The concept's magnitude where it may touch, nothing elsewhere.
fn masked(report: &ConceptReport) -> crate::tensor::Plane {
    let values = report.magnitude.values.iter().zip(&report.mask.values).map(|(m, share)| m * share).collect();
    crate::tensor::Plane::new(report.mask.height, report.mask.width, values)
}

fn title_row(ui: &mut Ui, concept: &mut Concept, row: usize, body: Rect, words: &[(usize, String)]) -> bool {
    let theme = Theme::of(ui);
    let line = Rect::from_min_size(body.min, vec2(body.width() + 4.0, 20.0));
    let layout = Layout::right_to_left(Align::Center);
    let mut tools = ui.new_child(UiBuilder::new().id_salt(("tools", row)).max_rect(line).layout(layout));
    tools.spacing_mut().item_spacing.x = 0.0;
    let name = name_of(concept, row);
    let gone = icon_button(&mut tools, Icon::Close, &format!("Remove {name}")).clicked();
    let sign = if concept.enabled { Icon::Eye } else { Icon::EyeOff };
    let mute = icon_toggle(&mut tools, sign, &format!("Mute {name}"), !concept.enabled);
    if mute.clicked() {
        concept.enabled = !concept.enabled;
    }
    let sign = if concept.lock.is_empty() { Icon::Unlock } else { Icon::Lock };
    let lock = icon_toggle(&mut tools, sign, &format!("Lock {name} to regions"), !concept.lock.is_empty());
    Popup::menu(&lock)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .show(|ui| regions::lock_menu(ui, &mut concept.lock, words));
    let field = Rect::from_min_max(line.min, pos2(tools.min_rect().left() - 2.0, line.bottom()));
    let ink = if concept.enabled { theme.text } else { theme.faint };
    let edit = TextEdit::singleline(&mut concept.text)
        .id_salt(("concept text", row))
        .font(theme::bold_font(size::BODY))
        .text_color(ink)
        .frame(egui::Frame::NONE)
        .margin(egui::Margin::ZERO)
        .hint_text("a word or two");
    let mut child = ui.new_child(UiBuilder::new().id_salt(("title", row)).max_rect(field));
    child.put(field, edit).accessible_name(format!("Concept {}", row + 1));
    gone
}

fn summary(concept: &Concept, steps: usize, report: Option<&ConceptReport>) -> String {
    let top = 100.0 * (1.0 - concept.threshold);
    let end = concept.cooldown.unwrap_or(steps).min(steps);
    let mut text = format!("top {top:.0} %  {}–{end}", (concept.warmup + 1).min(steps));
    if concept.weight != 1.0 {
        text += &format!("  ×{:.1}", concept.weight);
    }
    if !concept.keys.is_empty() {
        text += "  keys";
    }
    if let Some(report) = report {
        text += &format!("  area {:.0} %", 100.0 * report.share);
    }
    text
}

fn summary_row(ui: &mut Ui, text: &str, line: Rect, open: bool, name: &str) -> bool {
    let theme = Theme::of(ui);
    let response = ui.interact(line, ui.scope_id().with(("summary", name)), Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, open, name));
    let ink = if response.hovered() || response.has_focus() { theme.text } else { theme.faint };
    // What has no room ends in dots; the tooltip says it all.
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), egui::FontId::monospace(10.0), ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(line.width() - 16.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(pos2(line.left(), line.center().y - galley.size().y / 2.0), galley, ink);
    let sign = if open { Icon::Down } else { Icon::Right };
    crate::studio::widgets::icon::paint(ui.painter(), sign, pos2(line.right() - 6.0, line.center().y), ink);
    response.on_hover_text(text).clicked()
}

/// Kind, threshold, steps and weight.
fn more(
    ui: &mut Ui,
    concept: &mut Concept,
    row: usize,
    steps: usize,
    area: Rect,
    (words, names): (&[(usize, String)], &RegionLabels),
) {
    let name = name_of(concept, row);
    let layout = Layout::top_down(Align::Min);
    let mut child = ui.new_child(UiBuilder::new().id_salt(("more", row)).max_rect(area).layout(layout));
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
    row::slider(ui, "Threshold", threshold.step(0.01, 2).default_value(0.9))
        .on_hover_text(format!("Touch only the {top:.0} % of elements that this concept moves most"));
    row::labelled(ui, "Steps", |ui| {
        let rail = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width() - size::NUMBER - 4.0, size::ROW));
        let names = [format!("Warm-up of {name}"), format!("Cool-down of {name}")];
        let range = RangeSlider {
            start: &mut concept.warmup,
            end: &mut concept.cooldown,
            count: steps,
            names,
            color: concept_color(row),
        };
        range.place(ui, rail);
        let text = format!("{}–{}", (concept.warmup + 1).min(steps), concept.cooldown.unwrap_or(steps).min(steps));
        let at = pos2(rail.right() + 4.0 + size::NUMBER - 3.0, rail.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, text, theme::mono_font(), Theme::of(ui).text);
    });
    let weight = ValueSlider::new(format!("Weight of {name}"), &mut concept.weight, 0.0..=3.0);
    row::slider(ui, "Weight", weight.step(0.05, 2).default_value(1.0))
        .on_hover_text("This concept's share when several act at once");
    let where_to = regions::lock_text(&concept.lock, names);
    let where_to = if where_to.is_empty() { "everywhere" } else { &where_to };
    row::labelled(ui, "Acts", |ui| {
        quiet_combo(ui, &format!("Where {name} may act"), where_to, |ui| {
            regions::lock_menu(ui, &mut concept.lock, words)
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_steps_from_one() {
        let concept = Concept { text: "x".into(), threshold: 0.9, warmup: 3, cooldown: Some(12), ..Concept::default() };
        assert_eq!(summary(&concept, 20, None), "top 10 %  4–12");
    }
}

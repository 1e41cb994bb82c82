//! SEGA concepts: one card each, with a slider to both sides.

use egui::{
    Align, Align2, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, Sense, TextEdit, Ui, UiBuilder, pos2, vec2,
};

use super::{
    colormap, cost, regions,
    sampling::quiet_combo,
    state::{Overlay, Studio},
    textures::{self, Kind, Textures},
    theme::{self, Theme, concept_color, size},
    widgets::{Icon, ValueSlider, icon_button, icon_toggle, picture, range::RangeSlider, row},
};
use crate::{
    engine::ConceptReport,
    recipe::{Concept, Momentum},
};
use std::sync::Arc;

/// The slider's ends.
const STRONGEST: f32 = 12.0;
/// What a new concept starts with.
const FIRST_SCALE: f32 = 5.0;
const FIRST_WARMUP: usize = 3;
/// Overlaps below this share are not worth a line.
const WORTH_SAYING: f32 = 0.1;
const CARD: f32 = 64.0;
const TILE: f32 = 44.0;

pub fn show(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures) {
    row::heading(ui, "Concepts", |ui| {
        row::note(ui, "king - man + woman");
    });
    let mut gone = None;
    for row in 0..studio.recipe.concepts.len() {
        if card(ui, studio, pictures, row) {
            gone = Some(row);
        }
        ui.add_space(3.0);
    }
    if let Some(row) = gone {
        studio.recipe.concepts.remove(row);
    }
    overlaps(ui, studio);
    add(ui, studio);
    if studio.recipe.active_concepts().next().is_some() {
        momentum(ui, &mut studio.recipe.momentum);
    }
}

/// Pairs of concepts that pull at the same places of the shown step, in words.
fn overlaps(ui: &mut Ui, studio: &Studio) {
    let Some(report) = studio.shown_frame().and_then(|frame| frame.report) else { return };
    let acting: Vec<&ConceptReport> =
        report.concepts.iter().map(|c| c.as_ref()).filter(|c| c.active && c.norm > 0.0).collect();
    for (k, a) in acting.iter().enumerate() {
        for b in &acting[k + 1..] {
            let share = overlap(&a.mask.values, &b.mask.values);
            if share >= WORTH_SAYING {
                let text =
                    format!("{} and {} overlap on {:.0} % of the canvas", a.text.trim(), b.text.trim(), 100.0 * share);
                let color = Theme::of(ui).accent;
                row::tinted(ui, text, color).on_hover_text(
                    "Where two concepts touch the same elements their pulls add up. Raise a threshold, or lock one of them to a region, to keep them apart",
                );
            }
        }
    }
}

/// The share of elements that both masks touch.
fn overlap(a: &[f32], b: &[f32]) -> f32 {
    let both = a.iter().zip(b).filter(|(a, b)| **a > 0.0 && **b > 0.0).count();
    both as f32 / a.len().max(1) as f32
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

fn add(ui: &mut Ui, studio: &mut Studio) {
    let id = ui.scope_id().with("new concept");
    let mut text: String = ui.data(|d| d.get_temp(id)).unwrap_or_default();
    let field = TextEdit::singleline(&mut text)
        .id(id.with("field"))
        .hint_text("Add a concept…")
        .desired_width(f32::INFINITY)
        .margin(egui::Margin::symmetric(8, 4));
    let response = ui.add(field).accessible_name("Add a concept");
    if response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        studio.recipe.concepts.extend(parse(&text));
        text.clear();
    }
    if let Some(edit) = studio.edit.filter(|_| text.is_empty()) {
        let theme = Theme::of(ui);
        let at = response.rect.right_center() - vec2(8.0, 0.0);
        ui.painter().text(at, Align2::RIGHT_CENTER, cost::badge(edit), theme::small_font(), theme.faint);
    }
    ui.data_mut(|d| d.insert_temp(id, text));
}

/// Concepts from a line such as `king - man + woman`: a sign between spaces, or at the start, begins a new one.
pub fn parse(line: &str) -> Vec<Concept> {
    let mut terms: Vec<(f32, String)> = vec![(1.0, String::new())];
    for word in line.split_whitespace() {
        let sign = match word {
            "+" => Some(1.0),
            "-" | "−" | "–" => Some(-1.0),
            _ => None,
        };
        if let Some(sign) = sign {
            terms.push((sign, String::new()));
        } else if let Some((_, text)) = terms.last_mut() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    let concept = |(sign, text): (f32, String)| Concept {
        text,
        scale: sign * FIRST_SCALE,
        warmup: FIRST_WARMUP,
        ..Concept::default()
    };
    terms.into_iter().filter(|(_, text)| !text.is_empty()).map(concept).collect()
}

/// What the shown step says of a row, when the shown run computed it.
fn report(studio: &Studio, row: usize) -> Option<(usize, Arc<ConceptReport>)> {
    let place = studio.shown_track()?.concept_rows().iter().position(|&r| r == row)?;
    let report = studio.shown_frame()?.report?.concepts.get(place)?.clone();
    (report.text == studio.recipe.concepts.get(row)?.text).then_some((place, report))
}

/// One concept; says whether it is to be removed.
fn card(ui: &mut Ui, studio: &mut Studio, pictures: &mut Textures, row: usize) -> bool {
    let report = report(studio, row);
    let open_id = ui.scope_id().with(("concept open", row));
    let mut open: bool = ui.data(|d| d.get_temp(open_id)).unwrap_or(false);
    let color = concept_color(row);
    let details = if open { 4.0 * (size::ROW + size::ROW_GAP) + 4.0 } else { 0.0 };
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), CARD + details), Sense::hover());
    let edge = if studio.recipe.concepts[row].enabled { color } else { theme.faint };
    ui.painter().rect_filled(rect, CornerRadius::same(6), edge);
    let face = Rect::from_min_max(rect.min + vec2(2.5, 0.0), rect.max);
    ui.painter().rect_filled(face, CornerRadius { nw: 3, sw: 3, ne: 6, se: 6 }, theme.field);

    let tile = Rect::from_min_size(rect.min + vec2(10.0, 10.0), vec2(TILE, TILE));
    where_tile(ui, studio, pictures, tile, row, report.as_ref());
    let left = tile.right() + 9.0;
    let body = Rect::from_min_max(pos2(left, rect.top() + 5.0), pos2(rect.right() - 8.0, rect.bottom()));
    let names = studio.names();
    let words = regions::lockable(studio, &studio.recipe.concepts[row].lock);
    let concept = &mut studio.recipe.concepts[row];
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
    response.on_hover_ui(|ui| drop(ui.label(cost::of_slider(studio, row))));
    let concept = &mut studio.recipe.concepts[row];
    let line = Rect::from_min_size(pos2(body.left(), rect.top() + 44.0), vec2(body.width(), 16.0));
    let mut summary = summary(concept, studio.recipe.steps, report.as_ref().map(|(_, r)| r.as_ref()));
    if !concept.lock.is_empty() {
        summary = format!("{} {}", summary.replace("  ", " "), regions::lock_text(&concept.lock, &names));
    }
    let name = name_of(&studio.recipe.concepts[row], row);
    if summary_row(ui, &summary, line, open, &format!("Details of {name}")) {
        open = !open;
        ui.data_mut(|d| d.insert_temp(open_id, open));
    }
    if open && details > 0.0 {
        let area = Rect::from_min_max(pos2(tile.left(), rect.top() + CARD), rect.max - vec2(8.0, 4.0));
        let steps = studio.recipe.steps;
        more(ui, &mut studio.recipe.concepts[row], row, steps, area, (&words, &names));
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
    let name = format!("Where {} acts", name_of(&studio.recipe.concepts[row], row));
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
        studio.look.overlay = Overlay::Concept;
        studio.look.concept = *place;
    }
    response.on_hover_text(if report.active { "Show on the canvas" } else { "Not acting at this step" });
}

/// The concept's magnitude where it may touch, nothing elsewhere.
fn masked(report: &ConceptReport) -> crate::field::Plane {
    let values = report.magnitude.values.iter().zip(&report.mask.values).map(|(m, share)| m * share).collect();
    crate::field::Plane::new(report.mask.height, report.mask.width, values)
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

/// Threshold, steps and weight.
fn more(
    ui: &mut Ui,
    concept: &mut Concept,
    row: usize,
    steps: usize,
    area: Rect,
    (words, names): (&[(usize, String)], &regions::Names),
) {
    let name = name_of(concept, row);
    let layout = Layout::top_down(Align::Min);
    let mut child = ui.new_child(UiBuilder::new().id_salt(("more", row)).max_rect(area).layout(layout));
    let ui = &mut child;
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
    fn an_overlap_counts_elements_that_both_touch() {
        assert_eq!(overlap(&[0.0, 0.5, 1.0, 0.2], &[1.0, 0.0, 0.1, 1.0]), 0.5);
        assert_eq!(overlap(&[], &[]), 0.0);
    }

    fn terms(line: &str) -> Vec<(String, f32)> {
        parse(line).into_iter().map(|c| (c.text, c.scale.signum())).collect()
    }

    #[test]
    fn signs_between_spaces_separate_concepts() {
        let expected = [("king", 1.0), ("man", -1.0), ("woman", 1.0)].map(|(t, s)| (t.to_owned(), s));
        assert_eq!(terms("king - man + woman"), expected);
        assert_eq!(terms("  − rain "), [("rain".to_owned(), -1.0)]);
    }

    #[test]
    fn hyphens_inside_words_stay_and_nothing_gives_nothing() {
        assert_eq!(terms("close-up of a half-timbered house").len(), 1);
        assert_eq!(terms(" + - "), []);
        assert_eq!(terms(""), []);
    }

    #[test]
    fn the_summary_counts_steps_from_one() {
        let concept = Concept { text: "x".into(), threshold: 0.9, warmup: 3, cooldown: Some(12), ..Concept::default() };
        assert_eq!(summary(&concept, 20, None), "top 10 %  4–12");
    }
}

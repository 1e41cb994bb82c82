//! The section of the fusion: which model draws which part, and what that is compared with.

use egui::{Sense, Ui, vec2};

use super::tiles;
use crate::{
    engine::FusionReport,
    recipe::{Fusion, FusionMode, FusionRule, Paint},
    studio::{
        command::{Command, Commands},
        document::{Document, difference, edit::Edit, films::FilmOf, parameter::Parameter},
        panels::{
            context::PanelContext,
            film,
            regions::owners,
            words::{Words, field},
        },
        view::theme::{self, Theme, size},
        widgets::{
            Icon, ValueSlider,
            combo::quiet_combo,
            icon_button,
            row::{self, note, tinted},
            segmented::segmented_explained,
        },
    },
};

const FROM_FILE: &str = "A picture: the expert draws what is brighter than mid-grey";
/// Room for a value under a short rail.
const SHORT_NUMBER: f32 = 36.0;
/// The end of the sliders of sharpness.
const SHARPEST: f32 = 8.0;

/// The section with its state.
#[derive(Debug, Default)]
pub struct FusionPanel {
    /// The rule of a given mask was chosen, and there is no mask yet.
    asks_for_mask: bool,
}

impl FusionPanel {
    /// Rule, tiles and settings of the fusion.
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let report = context.view.shown_frame(context.document).and_then(|f| f.report?.fusion.clone());
        heading(ui, context, report.as_deref());
        let Some(before) = &context.document.recipe().fusion else { return };
        let mut fusion = before.clone();
        if before.enabled {
            self.rules(ui, &mut fusion);
            if self.asks_for_mask {
                self.ask_for_mask(ui, &mut fusion, report.as_deref(), context.commands);
            }
            tiles::show(ui, context, report.as_ref());
        }
        prompt(ui, context.document, &mut fusion);
        if fusion.enabled {
            controls(ui, context, &mut fusion, report.as_deref());
        }
        context.commands.edit_if_changed(before, fusion, |fusion| Edit::Fusion(Some(Box::new(fusion))));
        owners::fusion_rows(ui, context.document, context.view, context.commands);
    }

    /// What decides which model draws: SNB, or one of what it is compared with. A mask that is not there is asked for.
    fn rules(&mut self, ui: &mut Ui, fusion: &mut Fusion) {
        let mut rule = fusion.rule;
        let title = FusionRule::title;
        if segmented_explained(ui, &mut rule, FusionRule::ALL, title, |_| None, |rule| Some(explained(rule))) {
            self.asks_for_mask = rule == FusionRule::Mask && fusion.mask.is_none();
        }
        self.asks_for_mask &= fusion.mask.is_none();
        if !self.asks_for_mask {
            fusion.rule = rule;
        }
    }

    /// Where the mask is to come from: the fusion mask of the shown step, where the models competed for it, or a picture.
    fn ask_for_mask(
        &mut self,
        ui: &mut Ui,
        fusion: &mut Fusion,
        report: Option<&FusionReport>,
        commands: &mut Commands,
    ) {
        row::labelled(ui, "Mask from", |ui| {
            let competed = fusion.rule == FusionRule::Saliency;
            if let Some(report) = report.filter(|report| report.active && competed)
                && ui.button("This step").on_hover_text("The expert draws what it draws in the shown step").clicked()
            {
                (fusion.rule, fusion.mask) = (FusionRule::Mask, Some(as_mask(report)));
            }
            if ui.button("File…").on_hover_text(FROM_FILE).clicked() {
                commands.send(Command::PickMask);
            }
            if icon_button(ui, Icon::Close, "No mask").clicked() {
                self.asks_for_mask = false;
            }
        });
    }
}

/// The switch, and how much the expert draws.
fn heading(ui: &mut Ui, context: &mut PanelContext, report: Option<&FusionReport>) {
    let document = context.document;
    let mut on = document.recipe().active_fusion().is_some();
    let theme = Theme::of(ui);
    row::heading(ui, "Fusion", |ui| {
        let text = if on { "on" } else { "off" };
        let switch = row::switch(ui, "Fusion", &mut on, text);
        let switch =
            switch.on_hover_text("SNB: two models draw one picture, each where its guidance is the more salient (3)");
        if switch.changed() {
            context.commands.edit(Edit::ToggleFusion);
        }
        if let Some(report) = report.filter(|_| on) {
            tinted(ui, format!("expert draws {:.0} %", 100.0 * report.share), theme.accent.plain);
        }
    });
}

fn explained(rule: FusionRule) -> &'static str {
    match rule {
        FusionRule::Saliency => "SNB: every element goes to the model whose guidance is the more salient there",
        FusionRule::General => "The general model alone, at every step; the expert is not evaluated",
        FusionRule::Expert => "The expert alone, at every step; the general model is evaluated for its maps only",
        FusionRule::Mask => "The expert draws inside a given mask: the fusion mask as it is shown, or a picture",
        FusionRule::Weighted => "Every element is a weighted sum of both models' noise",
    }
}

/// The reported fusion mask as a given one, to be kept over other seeds and settings.
fn as_mask(report: &FusionReport) -> Paint {
    let mut mask = Paint::blank(report.mask.height, report.mask.width);
    for y in 0..report.mask.height {
        for x in 0..report.mask.width {
            mask.set(y, x, i16::from(report.mask.at(y, x)));
        }
    }
    mask
}

/// What the expert draws.
fn prompt(ui: &mut Ui, document: &Document, fusion: &mut Fusion) {
    let general = &document.recipe().prompt;
    let words = Words::of(document, &fusion.expert);
    let mut text = fusion.prompt.clone().unwrap_or_default();
    let hint = match general.is_empty() {
        true => format!("What {} draws", fusion.expert.title()),
        false => format!("{} draws the same words", fusion.expert.title()),
    };
    let changed = field(ui, &words, "Expert prompt", &mut text, &hint, 1).changed();
    words.warn_of_length(ui, &text);
    if changed {
        fusion.prompt = (!text.is_empty()).then_some(text);
    }
}

fn controls(ui: &mut Ui, context: &mut PanelContext, fusion: &mut Fusion, report: Option<&FusionReport>) {
    match fusion.rule {
        FusionRule::Saliency => sharpness(ui, context, fusion),
        FusionRule::General | FusionRule::Expert => {
            note(ui, format!("The {}, at every step.", difference::rule(fusion)));
        }
        FusionRule::Mask => mask(ui, fusion, report, context.commands),
        FusionRule::Weighted => {
            let share = ValueSlider::new("The expert's share", &mut fusion.weight, 0.0..=1.0);
            let response = row::slider(ui, "Expert's share", share.step(0.05, 2).default_value(0.5))
                .on_hover_text("How much of every element's noise is the expert's; the general model gives the rest");
            let of = FilmOf { parameter: Parameter::ExpertShare, ends: [0.0, 1.0] };
            film::take(film::under(ui, context, of, &response), &mut fusion.weight);
        }
    }
    if fusion.has_window() {
        window(ui, context, fusion);
    }
}

/// Both sharpnesses in one row.
fn sharpness(ui: &mut Ui, context: &mut PanelContext, fusion: &mut Fusion) {
    let general = ("g", "Sharpness of the general model", &mut fusion.k_g, Parameter::GeneralSharpness);
    let expert = ("e", "Sharpness of the expert", &mut fusion.k_e, Parameter::ExpertSharpness);
    let film = |parameter| FilmOf { parameter, ends: [0.0, SHARPEST] };
    row::labelled(ui, "Sharpness", |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let each = ui.available_width() / 2.0;
        for (letter, name, value, parameter) in [general, expert] {
            let (cell, _) = ui.allocate_exact_size(vec2(each - 4.0, size::ROW), Sense::hover());
            let (font, ink) = (theme::small_font(), Theme::of(ui).ink.dim);
            let letter = ui.painter().text(cell.left_center(), egui::Align2::LEFT_CENTER, letter, font, ink);
            let split = cell.right() - SHORT_NUMBER;
            let rail = cell.with_min_x(letter.right() + 4.0).with_max_x(split - 2.0);
            let slider = ValueSlider::new(name, value, 0.0..=SHARPEST).step(0.05, 2).default_value(1.0);
            let response = slider.place(ui, rail, cell.with_min_x(split)).on_hover_text(
                "How much the model insists on the places that it cares for most: it wins its peaks more surely, and \
                 loses elsewhere",
            );
            film::watch(context.view, film(parameter), &response);
        }
    });
    for (parameter, value) in
        [(Parameter::GeneralSharpness, &mut fusion.k_g), (Parameter::ExpertSharpness, &mut fusion.k_e)]
    {
        film::take(film::show(ui, context, film(parameter)), value);
    }
}

/// Which steps are fused: mode and timestep gate in one row.
fn window(ui: &mut Ui, context: &mut PanelContext, fusion: &mut Fusion) {
    let of = FilmOf { parameter: Parameter::Gate, ends: [0.0, 1000.0] };
    row::labelled(ui, "Fused steps", |ui| {
        let short = match fusion.mode {
            FusionMode::Off => "none",
            FusionMode::Low => "t ≤ T0",
            FusionMode::High => "t > T0",
        };
        quiet_combo(ui, "Fusion mode", short, |ui| {
            for &mode in FusionMode::ALL {
                if ui.selectable_label(fusion.mode == mode, mode.title()).clicked() {
                    fusion.mode = mode;
                }
            }
        })
        .on_hover_text("At which steps both models are fused: up to the timestep T0, above it, or at none; the general model draws the others");
        let rest = ui.available_rect_before_wrap();
        let split = rest.right() - size::NUMBER;
        let rail = rest.with_max_x(split - 4.0);
        let gate = ValueSlider::new("Timestep gate T0", &mut fusion.t0, 0.0..=1000.0);
        let response = gate.step(10.0, 0).default_value(600.0).place(ui, rail, rest.with_min_x(split)).on_hover_text(
            "T0, the training timestep (1000 is noise, 0 the picture) at which the fusion begins or ends",
        );
        film::watch(context.view, of, &response);
    });
    film::take(film::show(ui, context, of), &mut fusion.t0);
}

/// Where the given mask comes from.
fn mask(ui: &mut Ui, fusion: &mut Fusion, report: Option<&FusionReport>, commands: &mut Commands) {
    row::labelled(ui, "Mask", |ui| {
        let from_file = ui.button("File…").on_hover_text(FROM_FILE);
        if from_file.clicked() {
            commands.send(Command::PickMask);
        }
        if let Some(mask) = &mut fusion.mask {
            let invert =
                ui.button("Swap").on_hover_text("The expert draws what the general model drew, and the reverse");
            if invert.clicked() {
                *mask = swapped(mask);
            }
            let [height, width] = mask.size();
            let share =
                mask.levels().iter().filter(|&&level| level > 0).count() as f32 / (height * width).max(1) as f32;
            note(ui, format!("{width}×{height}, {:.0} %", 100.0 * share));
        } else if let Some(report) = report.filter(|report| report.active)
            && ui.button("Fusion mask").on_hover_text("The expert draws what it drew in the shown step").clicked()
        {
            fusion.mask = Some(as_mask(report));
        }
    });
}

fn swapped(mask: &Paint) -> Paint {
    let [height, width] = mask.size();
    let mut other = Paint::blank(height, width);
    for y in 0..height {
        for x in 0..width {
            other.set(y, x, i16::from(mask.at(y, x) <= 0));
        }
    }
    other
}

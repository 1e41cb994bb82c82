//! A row of tiles: each model alone, its saliency, and in the middle the fusion mask.

use std::sync::Arc;

use egui::{Color32, CornerRadius, FontId, Rect, Response, Sense, TextureHandle, Ui, vec2};

use crate::{
    engine::FusionReport,
    recipe::Recipe,
    studio::{
        document::{
            Document,
            baselines::{BaselineStatus, ModelRole},
            edit::Edit,
        },
        panels::context::PanelContext,
        view::{
            View, colormap,
            maps::scaled,
            overlay::{Overlay, SaliencyOf},
            theme::{self, Theme},
        },
        widgets::{
            picture,
            textures::{self, Kind, Textures},
        },
    },
    tensor::maps::StepArray,
};

/// Between tiles, in points.
const GAP: f32 = 5.0;
/// The size of the words on tiles, in points.
const CAPTION: f32 = 9.5;
const TILE_TEXELS: usize = 128;

/// The general model alone, its saliency, the fusion mask, the expert's saliency, the expert alone.
pub fn show(ui: &mut Ui, context: &mut PanelContext, report: Option<&Arc<FusionReport>>) {
    let width = (ui.available_width() - 4.0 * GAP) / 5.0;
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), width.round()), Sense::hover());
    let place = |k: usize| {
        let corner = row.min + vec2(k as f32 * (width + GAP), 0.0);
        Rect::from_min_size(corner, vec2(width, row.height()))
    };
    baseline_tile(ui, context, place(0), ModelRole::General);
    baseline_tile(ui, context, place(4), ModelRole::Expert);
    match report {
        Some(report) => map_tiles(ui, context.view, context.textures, [place(1), place(2), place(3)], report),
        None => {
            [1, 2, 3].map(place).iter().for_each(|&rect| blank(ui, rect, Theme::of(ui).ground.input, "", theme::PLAIN))
        }
    }
}

/// A tile that can be clicked, with a rim while the pointer or the keyboard is on it.
fn tile(ui: &mut Ui, rect: Rect, name: &str, rim: Option<Color32>) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("tile", name)), Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let touched = (response.hovered() || response.has_focus()).then_some(Theme::of(ui).ink.dim);
    if let Some(color) = rim.or(touched) {
        let pen = egui::Stroke::new(if rim.is_some() { 2.0 } else { 1.0 }, color);
        ui.painter().rect_stroke(rect, CornerRadius::same(4), pen, egui::StrokeKind::Outside);
    }
    response
}

fn caption(ui: &Ui, rect: Rect, text: &str) {
    let corner = rect.left_bottom() + vec2(2.0, -2.0);
    picture::label_on(ui, corner, egui::Align2::LEFT_BOTTOM, text, FontId::proportional(CAPTION));
}

/// A tile without a picture.
fn blank(ui: &Ui, rect: Rect, fill: Color32, text: &str, ink: Color32) {
    ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
    let middle = rect.center() - vec2(0.0, 8.0);
    ui.painter().text(middle, egui::Align2::CENTER_CENTER, text, FontId::proportional(CAPTION), ink);
}

/// One model alone; a click pins it as A.
fn baseline_tile(ui: &mut Ui, context: &mut PanelContext, rect: Rect, role: ModelRole) {
    let document = context.document;
    let pinned = document.takes().pins()[0].and_then(|id| document.take(id)).map(|take| &take.track.recipe);
    let rim = is_alone(pinned, document.recipe(), role).then_some(theme::TAKE_A);
    let response = tile(ui, rect, &format!("Pin {} as A", role.name()), rim);
    let text = baseline(ui, document, context.textures, rect, role);
    caption(ui, rect, if role == ModelRole::General { "general" } else { "expert" });
    if response.clicked() {
        context.commands.edit(Edit::PinBaseline(role));
    }
    response.on_hover_text(text);
}

fn is_alone(pinned: Option<&Recipe>, recipe: &Recipe, role: ModelRole) -> bool {
    pinned.zip(role.alone(recipe)).is_some_and(|(pinned, alone)| *pinned == alone)
}

/// What there is of one model alone; says what a click does.
fn baseline(ui: &Ui, document: &Document, textures: &mut Textures, rect: Rect, role: ModelRole) -> String {
    let theme = Theme::of(ui);
    match document.baselines().status(document.recipe(), role) {
        Some(BaselineStatus::Done(done)) => {
            let shown = &done.result.picture;
            let texture = textures.thumbnail(ui.ctx(), shown, TILE_TEXELS);
            picture::cover(ui, rect, texture.id(), [shown.width, shown.height], 4, theme::PLAIN);
            format!("The {} alone, over the same noise. Click pins it as A for comparing.", role.model())
        }
        Some(BaselineStatus::Failed(reason)) => {
            blank(ui, rect, theme.danger.ground, "failed", theme.danger.ink);
            reason.clone()
        }
        Some(BaselineStatus::Rendering(_)) => {
            blank(ui, rect, theme.ground.raised, "renders…", theme.ink.dim);
            format!("The {} alone is being rendered.", role.model())
        }
        Some(BaselineStatus::Waiting) | None => {
            blank(ui, rect, theme.ground.input, "waits", theme.ink.faint);
            format!("The {} alone: rendered when nothing else is.", role.model())
        }
    }
}

/// Both saliency maps and, between them, the fusion mask; a click shows the map on the canvas.
fn map_tiles(ui: &mut Ui, view: &mut View, textures: &mut Textures, rects: [Rect; 3], report: &Arc<FusionReport>) {
    let size = [report.mask.width, report.mask.height];
    let tint = if report.active { theme::PLAIN } else { theme::IDLE };
    let shows = [
        (" g", Overlay::Saliency, SaliencyOf::General),
        ("", Overlay::FusionMask, view.overlay.saliency),
        (" e", Overlay::Saliency, SaliencyOf::Expert),
    ];
    for ((rect, texture), show) in rects.into_iter().zip(maps(ui, textures, report)).zip(shows) {
        let (model, overlay, of) = show;
        let Some(info) = overlay.array(of).map(StepArray::info) else { continue };
        let response = tile(ui, rect, &format!("Show {}{model}", info.label()), None);
        picture::cover(ui, rect, texture.id(), size, 4, tint);
        // A tile is narrow: the last word says which map it is.
        caption(ui, rect, info.label().rsplit(' ').next().unwrap_or_default());
        if response.clicked() {
            (view.overlay.kind, view.overlay.saliency) = (overlay, of);
        }
        response.on_hover_text(format!("{} Click shows it on the canvas.", info.meaning));
    }
}

/// The general model's saliency, the fusion mask, the expert's saliency.
fn maps(ui: &Ui, textures: &mut Textures, report: &Arc<FusionReport>) -> [TextureHandle; 3] {
    let mut saliency = |kind, of: SaliencyOf| {
        textures.get(ui.ctx(), report, kind, || {
            let scale = scaled(of.array(), of.map(report));
            textures::map_image(&scale.plane, scale.low, scale.high, &colormap::table(of.array().info().palette))
        })
    };
    let general = saliency(Kind::SaliencyGeneral, SaliencyOf::General);
    let expert = saliency(Kind::SaliencyExpert, SaliencyOf::Expert);
    let mask = textures.get(ui.ctx(), report, Kind::FusionMask, || {
        textures::mask_image(&report.mask, theme::GENERAL_GROUND, theme::EXPERT_GROUND)
    });
    [general, mask, expert]
}

//! When guidance, each concept and the fusion act, and how strongly: one lane each.

use egui::{Align2, Color32, CornerRadius, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::{Axis, ends, jump, keys, momentum};
use crate::{
    guidance::{cfg, snb},
    recipe::{Concept, ConceptId, Fusion, FusionMode, Key, Recipe},
    studio::{
        cost::timestep,
        state::Studio,
        theme::{self, Theme, concept_color, size},
        track::Track,
    },
};

/// One lane, before it is drawn.
pub struct Lane {
    pub name: String,
    pub color: Color32,
    /// The first step at which it acts, and the first at which it no longer does.
    pub start: usize,
    pub end: usize,
    /// Which ends can be dragged.
    pub grips: [bool; 2],
    pub kind: Kind,
    /// There are keys, so that the lane is high enough to show them.
    pub keyed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The guidance scale, with or without S-CFG.
    Guidance,
    Concept(ConceptId),
    Fusion,
}

impl Kind {
    /// The keys of the lane's scale; a fusion has no scale.
    pub fn keys(self, recipe: &Recipe) -> Option<&Vec<Key>> {
        match self {
            Self::Guidance => Some(&recipe.cfg_keys),
            Self::Concept(id) => recipe.concept(id).map(|concept| &concept.keys),
            Self::Fusion => None,
        }
    }

    pub fn keys_mut(self, recipe: &mut Recipe) -> Option<&mut Vec<Key>> {
        match self {
            Self::Guidance => Some(&mut recipe.cfg_keys),
            Self::Concept(id) => recipe.concept_mut(id).map(|concept| &mut concept.keys),
            Self::Fusion => None,
        }
    }

    /// What the slider says, which keys are factors on.
    pub fn scale(self, recipe: &Recipe) -> f32 {
        match self {
            Self::Guidance => recipe.cfg,
            Self::Concept(id) => recipe.concept(id).map_or(0.0, |concept| concept.strength),
            Self::Fusion => 0.0,
        }
    }
}

impl Lane {
    fn height(&self) -> f32 {
        height_of(self.keyed)
    }

    pub fn is_idle(&self) -> bool {
        self.start >= self.end
    }
}

fn height_of(keyed: bool) -> f32 {
    if keyed { size::LANE_KEYED } else { size::LANE }
}

/// The height of all lanes of a recipe.
pub fn height(recipe: &Recipe) -> f32 {
    let words = |c: &&Concept| !c.text.trim().is_empty();
    let concepts: f32 = recipe.concepts.iter().filter(words).map(|c| height_of(!c.keys.is_empty())).sum();
    height_of(!recipe.cfg_keys.is_empty()) + concepts + if recipe.fusion.is_some() { size::LANE } else { 0.0 }
}

pub fn show(ui: &mut Ui, studio: &mut Studio, area: Rect, axis: Axis) {
    let lanes = lanes(studio, axis.steps);
    let mut child = ui.new_child(egui::UiBuilder::new().id_salt("lanes").max_rect(area));
    ScrollArea::vertical().id_salt("lanes").auto_shrink(false).show(&mut child, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for lane in lanes {
            let (row, _) = ui.allocate_exact_size(vec2(area.width(), lane.height()), Sense::hover());
            draw(ui, studio, &lane, row, axis);
        }
    });
    jump::show(ui, &mut studio.recipe, area, axis);
}

fn lanes(studio: &Studio, steps: usize) -> Vec<Lane> {
    let recipe = &studio.recipe;
    let mut lanes = vec![guidance(recipe, steps)];
    for (row, concept) in recipe.concepts.iter().enumerate().filter(|(_, c)| !c.text.trim().is_empty()) {
        let end = concept.cooldown.unwrap_or(steps).min(steps);
        lanes.push(Lane {
            name: concept.text.trim().to_owned(),
            color: if concept.enabled { concept_color(row) } else { theme::STALE },
            start: concept.warmup.min(end),
            end,
            grips: [true; 2],
            kind: Kind::Concept(concept.id),
            keyed: !concept.keys.is_empty(),
        });
    }
    if let Some(fusion) = &recipe.fusion {
        let (start, end) = if fusion.enabled { fused(fusion, studio.shown_track(), steps) } else { (0, 0) };
        let gated = fusion.enabled && fusion.has_window();
        let grips = [gated && fusion.mode == FusionMode::Low, gated && fusion.mode == FusionMode::High];
        let name = "fusion".into();
        lanes.push(Lane { name, color: theme::FUSION, start, end, grips, kind: Kind::Fusion, keyed: false });
    }
    lanes
}

/// Guidance acts wherever its scale is above 1; the lane runs from the first such step to the last.
fn guidance(recipe: &Recipe, steps: usize) -> Lane {
    let guided = |step: &usize| cfg::is_guided_at(recipe, *step);
    let start = (0..steps).find(guided).unwrap_or(0);
    let end = (0..steps).rfind(guided).map_or(0, |last| last + 1);
    Lane {
        name: if recipe.scfg.enabled { "S-CFG" } else { "CFG" }.into(),
        color: theme::SCFG,
        start,
        end,
        // Which steps are guided is a setting only once it is switched on.
        grips: [recipe.guidance_interval.is_some(); 2],
        kind: Kind::Guidance,
        keyed: !recipe.cfg_keys.is_empty(),
    }
}

/// The steps that are fused: a stretch from the first, or to the last.
pub fn fused(fusion: &Fusion, track: Option<&Track>, steps: usize) -> (usize, usize) {
    let acts = |step: &usize| snb::is_fused_at(fusion, timestep(track, *step, steps));
    let start = (0..steps).find(acts).unwrap_or(0);
    let end = (start..steps).take_while(acts).last().map_or(start, |last| last + 1);
    (start, end)
}

fn draw(ui: &mut Ui, studio: &mut Studio, lane: &Lane, row: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    label(ui, lane, row, axis);
    keys::button(ui, studio, lane, row, axis);
    let painter = ui.painter();
    let rail = Rect::from_min_max(
        pos2(axis.left, row.top() + size::LANE_PAD),
        pos2(axis.left + axis.width, row.bottom() - size::LANE_PAD),
    );
    let bar = Rect::from_x_y_ranges(axis.x(lane.start)..=axis.x(lane.end), rail.y_range());
    painter.rect_filled(rail, CornerRadius::same(2), theme.field);
    let strength = if lane.kind == Kind::Guidance { 0.28 } else { 0.72 };
    if !lane.is_idle() {
        // Under a curve, the bar only says when.
        let fill = if lane.keyed { 0.35 * strength } else { strength };
        painter.rect_filled(bar, CornerRadius::same(3), theme::mix(theme.panel, lane.color, fill));
    }
    if let Kind::Concept(id) = lane.kind {
        momentum::show(ui, studio, lane, id, axis, rail);
    }
    let body = ui.interact(rail, ui.scope_id().with(("lane", lane.kind)), Sense::CLICK);
    body.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Lane of {}", lane.name)));
    keys::curve(ui, studio, lane, rail, bar, theme::mix(theme.panel, lane.color, strength), axis);
    keys::add_at_pointer(ui, studio, lane, &body, rail, axis);
    ends::show(ui, studio, lane, bar, axis);
    keys::points(ui, studio, lane, rail, axis);
    explain(body, studio, lane);
}

fn label(ui: &Ui, lane: &Lane, row: Rect, axis: Axis) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let left = row.left() + size::MARGIN;
    let middle = row.center().y;
    let color = if lane.is_idle() { theme.faint } else { lane.color };
    painter.rect_filled(Rect::from_center_size(pos2(left + 4.5, middle), vec2(8.0, 8.0)), CornerRadius::same(2), color);
    let room = Rect::from_min_max(pos2(left, row.top()), pos2(axis.left - 28.0, row.bottom()));
    let ink = if lane.is_idle() { theme.faint } else { theme.dim };
    let named = painter.with_clip_rect(room.intersect(ui.clip_rect()));
    named.text(pos2(left + 15.0, middle), Align2::LEFT_CENTER, &lane.name, theme::small_font(), ink);
    if lane.keyed {
        painter.hline(axis.left..=axis.left + axis.width, row.bottom() - 0.5, Stroke::new(1.0, theme.line));
    }
}

/// When it acts, in words.
fn explain(body: egui::Response, studio: &Studio, lane: &Lane) {
    let acts = if lane.is_idle() {
        format!("{} acts at no step", lane.name)
    } else {
        format!("{} acts from step {} to {}", lane.name, lane.start + 1, lane.end)
    };
    let more = match (lane.kind, lane.kind.keys(&studio.recipe)) {
        (_, None) => "Drag its end to fuse more steps or fewer",
        (Kind::Guidance, _) => {
            "Double-click to add a key: a factor on the guidance scale from which it changes in a straight line to the next key"
        }
        _ => {
            "Drag an end to set its warm-up or cool-down. Double-click to add a key: a factor on its strength from which it changes in a straight line to the next key"
        }
    };
    body.on_hover_text(format!("{acts}.\n{more}."));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guidance_acts_where_its_scale_is_above_one() {
        let mut recipe = Recipe::default();
        let span = |recipe: &Recipe| {
            let lane = guidance(recipe, 20);
            (lane.start, lane.end)
        };
        assert_eq!(span(&recipe), (0, 20));
        // 5 times 0.1 is no guidance.
        recipe.cfg_keys = crate::recipe::keys::parse("0:0.1,3:0.1,4:1,15:1,16:0").expect("keys");
        assert_eq!(span(&recipe), (4, 16));
        recipe.cfg = 1.0;
        recipe.cfg_keys.clear();
        assert!(guidance(&recipe, 20).is_idle());
    }

    #[test]
    fn lanes_with_keys_are_higher() {
        let mut recipe = crate::studio::demo::recipe();
        assert_eq!(height(&recipe), 4.0 * size::LANE);
        recipe.concepts[1].keys = vec![Key { step: 2, factor: 0.5 }];
        assert_eq!(height(&recipe), 3.0 * size::LANE + size::LANE_KEYED);
    }
}

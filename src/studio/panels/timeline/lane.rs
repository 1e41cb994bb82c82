//! One lane: what acts when and how strongly, read off the recipe.
//!
//! Apart from drawing so that the lanes of a recipe follow without a window.

use egui::Color32;

use crate::{
    recipe::{Concept, ConceptId, Fusion, FusionMode, Key, Recipe},
    studio::{
        document::{cost::timestep, edit::Edit, sections::Guidance, track::Track},
        view::theme::{self, concept_color, size},
    },
};

/// One lane, before it is drawn.
pub struct Lane {
    pub name: String,
    pub color: Color32,
    /// The first step at which it acts.
    pub start: usize,
    /// The first step after `start` at which it no longer acts.
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

/// A copy of what a lane changes in the recipe: widgets change the copy, which is sent as one edit when it differs.
#[derive(Clone, Debug, PartialEq)]
pub enum LaneSettings {
    Guidance(Guidance),
    Concept(Box<Concept>),
    /// The fusion's gate t0, a timestep.
    Fusion {
        gate: f32,
    },
}

impl LaneSettings {
    /// What the lane of `kind` changes; `None` when the recipe has nothing of that kind.
    pub fn of(recipe: &Recipe, kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Guidance => Self::Guidance(Guidance::of(recipe)),
            Kind::Concept(id) => Self::Concept(Box::new(recipe.concept(id)?.clone())),
            Kind::Fusion => Self::Fusion { gate: recipe.fusion.as_ref()?.t0 },
        })
    }

    /// The keys of the lane's scale; a fusion has no scale.
    pub fn keys(&self) -> Option<&Vec<Key>> {
        match self {
            Self::Guidance(guidance) => Some(&guidance.cfg_keys),
            Self::Concept(concept) => Some(&concept.keys),
            Self::Fusion { .. } => None,
        }
    }

    pub fn keys_mut(&mut self) -> Option<&mut Vec<Key>> {
        match self {
            Self::Guidance(guidance) => Some(&mut guidance.cfg_keys),
            Self::Concept(concept) => Some(&mut concept.keys),
            Self::Fusion { .. } => None,
        }
    }

    /// The value of the slider, on which keys are factors.
    pub fn scale(&self) -> f32 {
        match self {
            Self::Guidance(guidance) => guidance.cfg,
            Self::Concept(concept) => concept.strength,
            Self::Fusion { .. } => 0.0,
        }
    }

    pub fn into_edit(self) -> Edit {
        match self {
            Self::Guidance(guidance) => Edit::Guidance(guidance),
            Self::Concept(concept) => Edit::Concept(concept),
            Self::Fusion { gate } => Edit::FusionGate(gate),
        }
    }
}

impl Lane {
    /// The lane's height in points.
    pub fn height(&self) -> f32 {
        height_of(self.keyed)
    }

    pub fn is_idle(&self) -> bool {
        self.start >= self.end
    }
}

fn height_of(keyed: bool) -> f32 {
    if keyed { size::LANE_KEYED } else { size::LANE }
}

/// The height of all lanes of a recipe, in points.
pub fn height_of_all(recipe: &Recipe) -> f32 {
    let concepts: f32 = recipe.concepts.iter().filter(|c| has_words(c)).map(|c| height_of(!c.keys.is_empty())).sum();
    height_of(!recipe.cfg_keys.is_empty()) + concepts + if recipe.fusion.is_some() { size::LANE } else { 0.0 }
}

fn has_words(concept: &Concept) -> bool {
    !concept.text.trim().is_empty()
}

/// The lanes of a recipe of `steps` steps: guidance, the concepts that have words, the fusion. `track` is the shown
/// run, whose timesteps decide which steps are fused.
pub fn lanes(recipe: &Recipe, track: Option<&Track>, steps: usize) -> Vec<Lane> {
    let mut lanes = vec![guidance(recipe, steps)];
    let rows = recipe.concepts.iter().enumerate().filter(|(_, concept)| has_words(concept));
    lanes.extend(rows.map(|(row, concept)| of_concept(row, concept, steps)));
    lanes.extend(recipe.fusion.as_ref().map(|fusion| of_fusion(fusion, track, steps)));
    lanes
}

/// Guidance acts wherever its scale is above 1; the lane runs from the first such step to the last.
fn guidance(recipe: &Recipe, steps: usize) -> Lane {
    let guided = |step: &usize| recipe.guides_at(*step);
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

fn of_concept(row: usize, concept: &Concept, steps: usize) -> Lane {
    let end = concept.cooldown.unwrap_or(steps).min(steps);
    Lane {
        name: concept.text.trim().to_owned(),
        color: if concept.enabled { concept_color(row) } else { theme::STALE },
        start: concept.warmup.min(end),
        end,
        grips: [true; 2],
        kind: Kind::Concept(concept.id),
        keyed: !concept.keys.is_empty(),
    }
}

fn of_fusion(fusion: &Fusion, track: Option<&Track>, steps: usize) -> Lane {
    let (start, end) = if fusion.enabled { fused(fusion, track, steps) } else { (0, 0) };
    let gated = fusion.enabled && fusion.has_window();
    let grips = [gated && fusion.mode == FusionMode::Low, gated && fusion.mode == FusionMode::High];
    Lane { name: "fusion".into(), color: theme::FUSION, start, end, grips, kind: Kind::Fusion, keyed: false }
}

/// The steps that are fused, from the first to before the second: one stretch, which begins at the first step or ends
/// at the last.
fn fused(fusion: &Fusion, track: Option<&Track>, steps: usize) -> (usize, usize) {
    let acts = |step: &usize| fusion.fuses(timestep(track, *step, steps));
    let start = (0..steps).find(acts).unwrap_or(0);
    let end = (start..steps).take_while(acts).last().map_or(start, |last| last + 1);
    (start, end)
}

/// The gate t0 that lies between the steps before and after `border`.
pub fn gate_at(track: Option<&Track>, border: usize, steps: usize) -> f32 {
    match border {
        0 => 1000.0,
        b if b >= steps => 0.0,
        b => ((timestep(track, b - 1, steps) + timestep(track, b, steps)) / 2.0).round(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recipe::keys::parse,
        studio::document::{Document, demo},
    };

    #[test]
    fn guidance_acts_where_its_scale_is_above_one() {
        let mut recipe = Recipe::default();
        let span = |recipe: &Recipe| {
            let lane = guidance(recipe, 20);
            (lane.start, lane.end)
        };
        assert_eq!(span(&recipe), (0, 20));
        // 5 times 0.1 is no guidance.
        recipe.cfg_keys = parse("0:0.1,3:0.1,4:1,15:1,16:0").expect("keys");
        assert_eq!(span(&recipe), (4, 16));
        recipe.cfg = 1.0;
        recipe.cfg_keys.clear();
        assert!(guidance(&recipe, 20).is_idle());
    }

    #[test]
    fn lanes_with_keys_are_higher() {
        let mut recipe = demo::recipe();
        assert_eq!(height_of_all(&recipe), 4.0 * size::LANE);
        recipe.concepts[1].keys = vec![Key { step: 2, factor: 0.5 }];
        assert_eq!(height_of_all(&recipe), 3.0 * size::LANE + size::LANE_KEYED);
        let drawn: f32 = lanes(&recipe, None, 20).iter().map(Lane::height).sum();
        assert_eq!(drawn, height_of_all(&recipe));
    }

    #[test]
    fn changed_settings_become_an_edit_of_their_lane_alone() {
        let mut document = Document::new(demo::recipe());
        for lane in lanes(&demo::recipe(), None, 20) {
            let mut settings = LaneSettings::of(document.recipe(), lane.kind).expect("the lane is of this recipe");
            match &mut settings {
                LaneSettings::Fusion { gate } => *gate = 417.0,
                other => other.keys_mut().expect("a scale").push(Key { step: 4, factor: 0.5 }),
            }
            let others = lanes(&demo::recipe(), None, 20).into_iter().filter(|other| other.kind != lane.kind);
            let others: Vec<_> =
                others.map(|other| (other.kind, LaneSettings::of(document.recipe(), other.kind))).collect();
            document.edit(settings.clone().into_edit(), 0);
            assert_eq!(LaneSettings::of(document.recipe(), lane.kind), Some(settings));
            for (kind, before) in others {
                assert_eq!(LaneSettings::of(document.recipe(), kind), before, "{kind:?} after {:?}", lane.kind);
            }
        }
    }

    #[test]
    fn a_dragged_gate_fuses_exactly_the_steps_of_its_lane() {
        for border in 0..=20 {
            let early = Fusion { mode: FusionMode::High, t0: gate_at(None, border, 20), ..Fusion::default() };
            let (start, end) = fused(&early, None, 20);
            assert_eq!((start, end), (0, border), "early, t0 {}", early.t0);
        }
        let late = Fusion { mode: FusionMode::Low, t0: gate_at(None, 8, 20), ..Fusion::default() };
        assert_eq!(fused(&late, None, 20), (8, 20));
        let off = Fusion { mode: FusionMode::Off, ..Fusion::default() };
        assert_eq!(fused(&off, None, 20), (0, 0));
    }
}

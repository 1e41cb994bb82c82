//! What the user does to the document: one type, one function.
//!
//! A panel that shows a section of the recipe copies it, lets its widgets change the copy, and sends the copy back as an
//! edit when it differs.

use std::path::PathBuf;

use super::{
    baselines::{ModelRole, State},
    canonical::canonical,
    grid::Side,
    paint::{self, PaintTarget, Stroke},
    presets::bundled_expert,
    regions::{merge, settings},
    state::Document,
    takes::TakeId,
    track::Track,
};
use crate::recipe::{
    Concept, Fusion, FusionRule, GuidanceInterval, Key, Lora, ModelRef, Momentum, Owner, Paint, Profile, Recipe,
    Sampler, Scfg, Schedule,
};

/// From noise to picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    pub sampler: Sampler,
    pub schedule: Schedule,
    pub steps: usize,
    pub seed: u64,
    /// Pixels.
    pub width: usize,
    pub height: usize,
}

/// How strongly the prompt pulls.
#[derive(Clone, Debug, PartialEq)]
pub struct Guidance {
    pub profile: Profile,
    pub cfg: f32,
    pub cfg_keys: Vec<Key>,
    pub interval: Option<GuidanceInterval>,
    pub adaptive: Option<f32>,
    pub scfg: Scfg,
}

impl Sampling {
    pub fn of(recipe: &Recipe) -> Self {
        let Recipe { sampler, schedule, steps, seed, width, height, .. } = *recipe;
        Self { sampler, schedule, steps, seed, width, height }
    }

    pub fn write_to(self, recipe: &mut Recipe) {
        let Self { sampler, schedule, steps, seed, width, height } = self;
        (recipe.sampler, recipe.schedule, recipe.steps) = (sampler, schedule, steps);
        (recipe.seed, recipe.width, recipe.height) = (seed, width, height);
    }
}

impl Guidance {
    pub fn of(recipe: &Recipe) -> Self {
        Self {
            profile: recipe.profile,
            cfg: recipe.cfg,
            cfg_keys: recipe.cfg_keys.clone(),
            interval: recipe.guidance_interval,
            adaptive: recipe.adaptive_guidance,
            scfg: recipe.scfg.clone(),
        }
    }

    pub fn write_to(self, recipe: &mut Recipe) {
        let Self { profile, cfg, cfg_keys, interval, adaptive, scfg } = self;
        (recipe.profile, recipe.cfg, recipe.cfg_keys, recipe.scfg) = (profile, cfg, cfg_keys, scfg);
        (recipe.guidance_interval, recipe.adaptive_guidance) = (interval, adaptive);
    }
}

/// One change of the document by the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The whole recipe.
    Recipe(Box<Recipe>),
    Prompt(String),
    Negative(String),
    Model(ModelRef),
    Loras(Vec<Lora>),
    /// A LoRA file with weight 1.
    AddLora(PathBuf),
    Sampling(Sampling),
    Guidance(Guidance),
    Profile(Profile),
    /// The concept in a row.
    Concept(usize, Box<Concept>),
    AddConcepts(Vec<Concept>),
    RemoveConcept(usize),
    MoveConcept {
        from: usize,
        to: usize,
    },
    Momentum(Momentum),
    Fusion(Option<Box<Fusion>>),
    Expert(ModelRef),
    /// The timestep t0 that bounds the fused steps.
    FusionGate(f32),
    /// A mask that says where the expert draws; the fusion goes by it from now on.
    FusionMask(Paint),
    /// Switches S-CFG off, or on again.
    ToggleScfg,
    /// Mutes all concepts, or unmutes those that were muted together.
    ToggleConcepts,
    /// Switches the fusion off, or on again.
    ToggleFusion,
    RegionFactor {
        region: usize,
        factor: f32,
    },
    /// Words, by their positions, that count as one region from now on.
    MergeRegions(Vec<usize>),
    SplitRegion(usize),
    /// A name for the region of these positions; an empty one takes the name away.
    RenameRegion {
        positions: Vec<usize>,
        name: String,
    },
    RegionOwner {
        region: usize,
        owner: Owner,
    },
    Paint(Stroke),
    ClearPaint(PaintTarget),
    /// Takes over the recipe of a take.
    RestoreTake(TakeId),
    RenameTake(TakeId, String),
    ToggleStar(TakeId),
    RemoveTake(TakeId),
    /// Pins a take as A (0) or B (1), or takes the pin off.
    TogglePin {
        side: usize,
        take: TakeId,
    },
    /// Pins the result of one model alone as A, or takes the pin off.
    PinBaseline(ModelRole),
    GridSides([Side; 2]),
    StartGrid,
    StopGrid,
    /// Takes over the recipe of a cell.
    RestoreCell(usize),
    /// Whether the session keeps the steps of its takes.
    KeepSteps(bool),
    DismissNotice,
}

impl Edit {
    /// Another model in one of the two roles.
    pub fn model(role: ModelRole, folder: PathBuf) -> Self {
        let model = ModelRef::Folder(folder);
        match role {
            ModelRole::General => Self::Model(model),
            ModelRole::Expert => Self::Expert(model),
        }
    }
}

impl Document {
    /// Applies what the user did at the time `now`, in seconds since 1970-01-01 UTC.
    pub fn edit(&mut self, edit: Edit, now: u64) {
        let recipe = &mut self.recipe;
        match edit {
            Edit::Recipe(new) => *recipe = *new,
            Edit::Prompt(text) => recipe.prompt = text,
            Edit::Negative(text) => recipe.negative = text,
            Edit::Model(model) => recipe.model = model,
            Edit::Loras(loras) => recipe.loras = loras,
            Edit::AddLora(path) => recipe.loras.push(Lora { path, weight: 1.0 }),
            Edit::Sampling(sampling) => sampling.write_to(recipe),
            Edit::Guidance(guidance) => guidance.write_to(recipe),
            Edit::Profile(profile) => recipe.profile = profile,
            Edit::Concept(row, concept) => set_concept(recipe, row, *concept),
            Edit::AddConcepts(concepts) => recipe.concepts.extend(concepts),
            Edit::RemoveConcept(row) => remove_concept(recipe, row),
            Edit::MoveConcept { from, to } => move_concept(recipe, from, to),
            Edit::Momentum(momentum) => recipe.momentum = momentum,
            Edit::Fusion(fusion) => recipe.fusion = fusion.map(|fusion| *fusion),
            Edit::Expert(model) => recipe.fusion.get_or_insert_with(bundled_expert).expert = model,
            Edit::FusionGate(gate) => recipe.fusion.iter_mut().for_each(|fusion| fusion.t0 = gate),
            Edit::FusionMask(mask) => set_mask(recipe.fusion.get_or_insert_with(bundled_expert), mask),
            Edit::ToggleScfg => recipe.scfg.enabled = !recipe.scfg.enabled,
            Edit::ToggleConcepts => self.toggle_concepts(),
            Edit::ToggleFusion => toggle_fusion(recipe),
            Edit::RegionFactor { region, factor } => settings::set_factor(recipe, region, factor),
            Edit::MergeRegions(positions) => merge::merge(recipe, &positions),
            Edit::SplitRegion(region) => merge::split_up(recipe, region),
            Edit::RenameRegion { positions, name } => merge::rename(recipe, &positions, &name),
            Edit::RegionOwner { region, owner } => set_owner(recipe, region, owner),
            Edit::Paint(stroke) => paint::stroke(recipe, stroke),
            Edit::ClearPaint(target) => paint::clear(recipe, target),
            Edit::RestoreTake(id) => self.restore(id),
            Edit::RenameTake(id, name) => self.change_take(id, |take| take.name = name),
            Edit::ToggleStar(id) => self.change_take(id, |take| take.starred = !take.starred),
            Edit::RemoveTake(id) => self.remove_take(id),
            Edit::TogglePin { side, take } => self.toggle_pin(side, take),
            Edit::PinBaseline(role) => self.pin_baseline(role, now),
            Edit::GridSides(sides) => self.grid.sides = Some(sides),
            Edit::StartGrid => self.grid.start(recipe),
            Edit::StopGrid => self.grid.stop(),
            Edit::RestoreCell(at) => self.restore_cell(at),
            Edit::KeepSteps(keep) => self.keep_steps(keep),
            Edit::DismissNotice => self.notices.shown = None,
        }
    }

    fn keep_steps(&mut self, keep: bool) {
        self.file.keep_steps = keep;
        self.file.touch();
    }

    fn restore_cell(&mut self, at: usize) {
        if let Some(cell) = self.grid.cells.get(at) {
            self.recipe = cell.recipe.clone();
        }
    }

    fn toggle_pin(&mut self, side: usize, take: TakeId) {
        self.takes.toggle_pin(side, take);
        self.file.touch();
    }

    fn change_take(&mut self, id: TakeId, change: impl FnOnce(&mut super::takes::Take)) {
        if let Some(take) = self.takes.get_mut(id) {
            change(take);
            self.file.touch();
        }
    }

    fn restore(&mut self, id: TakeId) {
        if let Some(recipe) = self.takes.get(id).map(|take| take.track.recipe.clone()) {
            self.recipe = recipe;
            self.takes.set_base(Some(id));
            // The positions in its factors and locks are of its own prompt.
            self.context.words = None;
        }
    }

    fn remove_take(&mut self, id: TakeId) {
        if let Some(removed) = self.takes.remove(id) {
            self.history.removed(removed);
            self.file.touch();
        }
    }

    /// Mutes all concepts, or unmutes those that were muted together.
    fn toggle_concepts(&mut self) {
        let concepts = &mut self.recipe.concepts;
        let heard: Vec<usize> = (0..concepts.len()).filter(|&row| concepts[row].enabled).collect();
        if heard.is_empty() {
            let rows = std::mem::take(&mut self.context.muted);
            let all = rows.is_empty();
            let back = concepts.iter_mut().enumerate().filter(|(row, _)| all || rows.contains(row));
            back.for_each(|(_, concept)| concept.enabled = true);
        } else {
            concepts.iter_mut().for_each(|concept| concept.enabled = false);
            self.context.muted = heard;
        }
    }

    /// The take with the result of one model alone, made if there is none yet; `None` while it is not rendered.
    fn baseline_take(&mut self, role: ModelRole, now: u64) -> Option<TakeId> {
        let State::Done(finished, tokens) = self.baselines.state(&self.recipe, role)?.clone() else { return None };
        // The picture was rendered for what decides it; all else is as it stands now.
        let recipe = role.alone(&self.recipe)?;
        let wanted = canonical(&recipe);
        if let Some(known) = self.takes.list().iter().find(|take| canonical(&take.track.recipe) == wanted) {
            return Some(known.id);
        }
        let track = Track { recipe, ..Track::finished(&finished, tokens) };
        let id = self.takes.add(role.name().to_owned(), track, finished.elapsed, now);
        let parent = self.takes.base();
        self.change_take(id, |take| take.parent = parent);
        Some(id)
    }

    fn pin_baseline(&mut self, role: ModelRole, now: u64) {
        if let Some(id) = self.baseline_take(role, now) {
            self.toggle_pin(0, id);
        }
    }
}

fn set_concept(recipe: &mut Recipe, row: usize, new: Concept) {
    if let Some(concept) = recipe.concepts.get_mut(row) {
        *concept = new;
    }
}

fn remove_concept(recipe: &mut Recipe, row: usize) {
    if row < recipe.concepts.len() {
        recipe.concepts.remove(row);
    }
}

fn move_concept(recipe: &mut Recipe, from: usize, to: usize) {
    if from < recipe.concepts.len() && to < recipe.concepts.len() {
        let concept = recipe.concepts.remove(from);
        recipe.concepts.insert(to, concept);
    }
}

fn set_mask(fusion: &mut Fusion, mask: Paint) {
    (fusion.rule, fusion.mask) = (FusionRule::Mask, Some(mask));
}

fn toggle_fusion(recipe: &mut Recipe) {
    let on = recipe.active_fusion().is_some();
    recipe.fusion.get_or_insert_with(bundled_expert).enabled = !on;
}

fn set_owner(recipe: &mut Recipe, region: usize, owner: Owner) {
    if let Some(fusion) = &mut recipe.fusion {
        settings::set_owner(&mut fusion.owners, region, owner);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{engine::RenderResult, tensor::Picture};

    #[test]
    fn a_baseline_is_pinned_as_a_take_once() {
        let recipe = Recipe { fusion: Some(Fusion::default()), ..Recipe::default() };
        let mut document = Document::new(recipe.clone());
        document.edit(Edit::PinBaseline(ModelRole::Expert), 7);
        assert!(document.takes().is_empty(), "nothing is rendered yet");
        let alone = ModelRole::Expert.alone(&recipe).expect("a fusion");
        let finished = RenderResult {
            recipe: alone.clone(),
            picture: Arc::new(Picture { width: 1, height: 1, rgb: vec![9; 3] }),
            reports: Vec::new(),
            elapsed: Duration::from_secs(1),
            branch_evaluations: 0,
            fingerprint: Arc::default(),
        };
        document.baselines.keep(&Arc::new(finished), &Arc::default());
        document.edit(Edit::PinBaseline(ModelRole::Expert), 7);
        let take = document.takes().newest().expect("a take");
        assert_eq!((take.created, document.takes().pins()[0]), (7, Some(take.id)));
        assert_eq!(take.track.recipe, alone);
        document.edit(Edit::PinBaseline(ModelRole::Expert), 8);
        assert_eq!((document.takes().list().len(), document.takes().pins()[0]), (1, None));
    }
}

//! What the user does to the document: one type, one function.
//!
//! A panel that shows a section of the recipe copies it, lets its widgets change the copy, and sends the copy back as an
//! edit when it differs.

use std::path::PathBuf;

use super::{
    baselines::ModelRole,
    grid::Side,
    paint::{self, PaintTarget, Stroke},
    presets::bundled_expert,
    regions::{merge, settings},
    sections::{Guidance, Sampling},
    state::Document,
    takes::TakeId,
};
use crate::recipe::{
    Concept, ConceptId, Fusion, FusionRule, Lora, ModelRef, Momentum, Owner, Paint, Profile, Recipe, TextRules,
};

/// One change of the document by the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// The whole recipe.
    Recipe(Box<Recipe>),
    Prompt(String),
    Negative(String),
    /// How the texts are read.
    TextRules(TextRules),
    Model(ModelRef),
    Loras(Vec<Lora>),
    /// A LoRA file with weight 1.
    AddLora(PathBuf),
    Sampling(Sampling),
    Guidance(Guidance),
    Profile(Profile),
    /// The concept with the same id.
    Concept(Box<Concept>),
    /// Concepts under new ids.
    AddConcepts(Vec<Concept>),
    RemoveConcept(ConceptId),
    /// The concept in one row to another.
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
    /// Whether it is a change of its own, apart from a text that was being typed before it.
    fn stands_alone(&self) -> bool {
        use Edit::{
            AddConcepts, AddLora, ClearPaint, Expert, FusionMask, MergeRegions, Model, MoveConcept, RemoveConcept,
            SplitRegion, ToggleConcepts, ToggleFusion, ToggleScfg,
        };
        matches!(
            self,
            AddConcepts(_)
                | AddLora(_)
                | ClearPaint(_)
                | Expert(_)
                | FusionMask(_)
                | MergeRegions(_)
                | Model(_)
                | MoveConcept { .. }
                | RemoveConcept(_)
                | SplitRegion(_)
                | ToggleConcepts
                | ToggleFusion
                | ToggleScfg
        )
    }

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
        self.file.edits += 1;
        if edit.stands_alone() {
            self.settle();
        }
        let recipe = &mut self.recipe;
        match edit {
            Edit::Recipe(new) => *recipe = *new,
            Edit::Prompt(text) => recipe.prompt = text,
            Edit::Negative(text) => recipe.negative = text,
            Edit::TextRules(rules) => recipe.set_text_rules(rules),
            Edit::Model(model) => recipe.model = model,
            Edit::Loras(loras) => recipe.loras = loras,
            Edit::AddLora(path) => recipe.loras.push(Lora { path, weight: 1.0 }),
            Edit::Sampling(sampling) => sampling.write_to(recipe),
            Edit::Guidance(guidance) => guidance.write_to(recipe),
            Edit::Profile(profile) => recipe.profile = profile,
            Edit::Concept(concept) => set_concept(recipe, *concept),
            Edit::AddConcepts(concepts) => self.add_concepts(concepts),
            Edit::RemoveConcept(id) => self.remove_concept(id),
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
            Edit::RenameTake(id, name) => self.label_take(id, |label| label.name = name),
            Edit::ToggleStar(id) => self.label_take(id, |label| label.starred = !label.starred),
            Edit::RemoveTake(id) => self.remove_take(id),
            Edit::TogglePin { side, take } => self.toggle_pin(side, take),
            Edit::PinBaseline(role) => self.pin_baseline(role, now),
            Edit::GridSides(sides) => self.background.grid.sides = Some(sides),
            Edit::StartGrid => self.background.grid.start(recipe),
            Edit::StopGrid => self.background.grid.stop(),
            Edit::RestoreCell(at) => self.restore_cell(at),
            Edit::KeepSteps(keep) => self.keep_steps(keep),
            Edit::DismissNotice => self.notices.shown = None,
        }
        self.follow_prompt();
    }

    fn keep_steps(&mut self, keep: bool) {
        self.file.keep_steps = keep;
        self.file.touch();
    }

    /// Adds concepts under ids that no concept of this document has had.
    fn add_concepts(&mut self, concepts: Vec<Concept>) {
        for concept in concepts {
            let recipes = self.takes.list().iter().map(|take| &take.track.recipe).chain([&self.recipe]);
            let last = recipes.map(Recipe::last_concept_id).max().unwrap_or_default();
            let id = last.max(self.context.last_concept).next();
            self.context.last_concept = id;
            self.recipe.concepts.push(Concept { id, ..concept });
        }
    }

    /// Takes a concept out of the recipe; its id is not given again.
    fn remove_concept(&mut self, id: ConceptId) {
        self.context.last_concept = self.context.last_concept.max(id);
        self.recipe.remove_concept(id);
    }

    /// Mutes all concepts, or unmutes those that were muted together.
    fn toggle_concepts(&mut self) {
        let concepts = &mut self.recipe.concepts;
        let enabled: Vec<ConceptId> = concepts.iter().filter(|c| c.enabled).map(|c| c.id).collect();
        if enabled.is_empty() {
            let muted = std::mem::take(&mut self.context.muted);
            let any_left = concepts.iter().any(|concept| muted.contains(&concept.id));
            let back = concepts.iter_mut().filter(|concept| !any_left || muted.contains(&concept.id));
            back.for_each(|concept| concept.enabled = true);
        } else {
            concepts.iter_mut().for_each(|concept| concept.enabled = false);
            self.context.muted = enabled;
        }
    }
}

fn set_concept(recipe: &mut Recipe, new: Concept) {
    if let Some(concept) = recipe.concept_mut(new.id) {
        *concept = new;
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
        document.background.baselines.keep(&Arc::new(finished), &Arc::default());
        document.edit(Edit::PinBaseline(ModelRole::Expert), 7);
        let take = document.takes().newest().expect("a take");
        assert_eq!((take.created, document.takes().pins()[0]), (7, Some(take.id)));
        assert_eq!(take.track.recipe, alone);
        document.edit(Edit::PinBaseline(ModelRole::Expert), 8);
        assert_eq!((document.takes().list().len(), document.takes().pins()[0]), (1, None));
    }

    /// Muted concepts are known by their ids: removing one changes nothing for the others.
    #[test]
    fn unmuting_after_a_removal_brings_back_the_right_concepts() {
        let concept = |text: &str, enabled| Concept { text: text.into(), enabled, ..Concept::default() };
        let concepts = vec![concept("hat", true), concept("fog", false), concept("night", true)];
        let mut document = Document::new(Recipe { concepts, ..Recipe::default() });
        document.edit(Edit::ToggleConcepts, 0);
        assert_eq!(document.recipe().active_concepts().count(), 0);
        document.edit(Edit::RemoveConcept(document.recipe().concepts[0].id), 0);
        document.edit(Edit::ToggleConcepts, 0);
        let enabled: Vec<&str> = document.recipe().active_concepts().map(|c| c.text.as_str()).collect();
        assert_eq!(enabled, ["night"], "fog was not muted together with it");
    }

    #[test]
    fn ids_of_removed_concepts_are_not_given_again() {
        let mut document = Document::new(Recipe::default());
        let concept = |text: &str| Concept { text: text.into(), ..Concept::default() };
        document.edit(Edit::AddConcepts(vec![concept("hat"), concept("fog")]), 0);
        let removed = document.recipe().concepts[1].id;
        document.edit(Edit::RemoveConcept(removed), 0);
        document.edit(Edit::AddConcepts(vec![concept("night")]), 0);
        assert!(document.recipe().concepts[1].id > removed);
    }
}

//! What the user can do to the document, as one type.
//!
//! Apart from how edits are applied because panels only make them. A panel that shows a section of the recipe copies it,
//! lets its widgets change the copy, and sends the copy back as an edit when it differs.

use std::path::PathBuf;

use super::{
    baselines::ModelRole,
    grid::Side,
    paint::{PaintTarget, Stroke},
    takes::TakeId,
};
use crate::recipe::{
    Concept, ConceptId, Fusion, GuidanceInterval, Key, Lora, ModelRef, Momentum, Owner, Paint, Profile, Recipe,
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
    /// Another model in one of the two roles.
    pub fn model(role: ModelRole, folder: PathBuf) -> Self {
        let model = ModelRef::Folder(folder);
        match role {
            ModelRole::General => Self::Model(model),
            ModelRole::Expert => Self::Expert(model),
        }
    }
}

//! The document behind the window: what is wanted, what came back, and what is looked at. No widgets here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{
    baselines::Baselines,
    grid::Grid,
    imported::Leftovers,
    palette::Palette,
    track::{Frame, Playhead, Track},
};
use crate::{
    engine::{Compatibility, JobId, ModelPair, Token, cost::EditCost},
    recipe::{Concept, ConceptId, Recipe},
    session::Settings,
    tensor::Picture,
};

pub use super::look::{Compare, DifferenceAs, Look, Overlay, Plot, SaliencyOf};

/// Names a take for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TakeId(pub u64);

/// A finished result.
#[derive(Clone, Debug)]
pub struct Take {
    pub id: TakeId,
    pub name: String,
    pub track: Track,
    pub elapsed: Duration,
    /// Seconds since 1970-01-01 UTC.
    pub created: u64,
    /// The gesture it came from: one uninterrupted drag makes one take, however many pictures it rendered.
    pub gesture: u64,
    /// The take whose recipe was changed into this one's.
    pub parent: Option<TakeId>,
    pub starred: bool,
}

/// A take that was removed, and what it takes to put it back as it was.
#[derive(Clone, Debug)]
pub struct Removed {
    at: usize,
    take: Take,
    /// What was made from it.
    children: Vec<TakeId>,
    pins: [bool; 2],
    was_base: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Sent, not yet begun.
    Waiting,
    Running,
    Done,
    Stopped,
    Failed,
}

/// The newest job.
#[derive(Clone, Debug)]
pub struct LiveRun {
    pub job: JobId,
    pub track: Track,
    pub phase: Phase,
    pub gesture: u64,
    /// U-Net calls, once known.
    pub calls: usize,
    /// The first step that this job computed itself; the ones before were remembered.
    pub resumed_at: Option<usize>,
    /// Times of the steps that were computed, summed, and their count.
    pub spent: (Duration, u32),
    /// What was shown before, until this run has a step of its own.
    pub before: Option<Box<Track>>,
}

/// Which result the panels show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The newest job, as it forms.
    #[default]
    Live,
    Take(TakeId),
}

/// What a panel asks the window to do after the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Generate,
    Stop,
    Undo,
    Redo,
    NewSession,
    OpenSession,
    /// A session or a picture, dropped on the window.
    OpenFile(PathBuf),
    SaveSession,
    SaveSessionAs,
    /// Of what is shown, or of one take.
    ExportPng(Option<TakeId>),
    /// Every map of the shown step, into a folder; of all steps, into one safetensors file.
    ExportMaps(MapFormat),
    /// The previews of the shown run, one a step; with the overlay that is shown, or without.
    ExportAnimation {
        overlay: bool,
    },
    /// How many bytes the engine may remember.
    SetMemory(usize),
    /// Whether sessions keep the steps of their takes.
    KeepSteps(bool),
    /// Ask for a model's folder.
    PickModel(ModelSlot),
    /// Ask for a checkpoint of one file.
    PickCheckpoint(ModelSlot),
    /// Ask for a LoRA to add to the general model.
    PickLora,
    /// A picture whose bright parts the expert draws.
    PickMask,
    /// The shown run as a figure: steps across, what they show down.
    ExportFigure,
    /// The grid over two parameters as a figure.
    ExportGrid,
    RemoveTake(TakeId),
    /// What could not be taken over from the file that was opened.
    ShowLeftovers,
    /// Give up what was recovered, for the session as it was last saved.
    DiscardRecovered,
    /// Close the window.
    Quit,
}

/// How maps are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapFormat {
    /// Coloured pictures, as on the canvas.
    Colours,
    /// 16-bit grey values at latent size, and a sheet that says what they mean.
    Grey16,
    /// Every step's values as they are.
    Safetensors,
}

/// What the engine remembers, and how much it may, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    pub used: usize,
    pub budget: usize,
}

/// A place in the recipe that names a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelSlot {
    General,
    Expert,
}

/// A sentence above the canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Banner {
    pub message: String,
    pub bad: bool,
    /// What can be done about it: the button's text and what it asks for.
    pub remedy: Option<(&'static str, Action)>,
}

/// Everything that the panels read and write.
#[derive(Default)]
pub struct Studio {
    pub recipe: Recipe,
    pub run: Option<LiveRun>,
    pub takes: Vec<Take>,
    pub shown: Shown,
    /// Takes pinned as A and B.
    pub pins: [Option<TakeId>; 2],
    pub grid: Grid,
    pub baselines: Baselines,
    /// The two pictures that were compared last, and by how much they differ.
    pub(super) compared: Option<(Arc<Picture>, Arc<Picture>, String)>,
    /// Whether the models of a fusion fit together, as the engine said last.
    pub fit: Option<Compatibility>,
    /// The concepts that were muted together, to be heard again together.
    pub muted: Vec<ConceptId>,
    /// Which takes the strip shows: words that they must have.
    pub filter: String,
    pub playhead: Playhead,
    pub playing: bool,
    /// Playing ends at the last step.
    pub once: bool,
    pub palette: Option<Palette>,
    pub log_open: bool,
    /// The number of the shown step is to have the keyboard.
    pub goes_to_step: bool,
    /// Which of the first hints are done; none once all are, or they were dismissed.
    pub hints: Option<[bool; 3]>,
    pub look: Look,
    pub device: Option<String>,
    pub memory: MemoryUse,
    /// Whether the session keeps the steps of its takes.
    pub keep_steps: bool,
    /// What is set for all sessions.
    pub settings: Settings,
    /// What the engine is busy with besides denoising.
    pub busy: Option<String>,
    pub banner: Option<Banner>,
    /// What could not be taken over from the file that was opened.
    pub leftovers: Option<Leftovers>,
    pub path: Option<PathBuf>,
    /// Counts changes of what a session keeps; see [`Studio::touch`].
    pub version: u64,
    /// The version that is on disk.
    pub saved: u64,
    /// What goes on once the session is saved.
    pub after_save: Option<Action>,
    /// What waits for the answer whether unsaved work may be lost.
    pub confirm: Option<Action>,
    /// Another session was opened since the last frame: nothing of the one before goes on.
    pub reopened: bool,
    /// What the newest change of the recipe costs, from where its gesture began.
    pub edit: Option<EditCost>,
    pub can_undo: bool,
    pub can_redo: bool,
    pub actions: Vec<Action>,
    pub(super) next_take: u64,
    /// The prompt whose places the factors and locks of the recipe name, and its tokens.
    pub(super) words_of: Option<(String, Vec<Token>)>,
    /// The recipe was changed not by the user, but in consequence: that is no step of its own to undo.
    pub(super) amended: bool,
    /// The largest id of a concept that was added to this session or removed from it.
    pub(super) last_concept: ConceptId,
    /// The take that the recipe was changed from.
    pub(super) base: Option<TakeId>,
}

impl Studio {
    pub fn new(recipe: Recipe) -> Self {
        let recipe = recipe.with_concept_ids();
        Self { last_concept: recipe.last_concept_id(), recipe, ..Self::default() }
    }

    /// Adds a concept under an id that no concept of this session has had.
    pub fn add_concept(&mut self, concept: Concept) -> ConceptId {
        let recipes = self.takes.iter().map(|take| &take.track.recipe).chain([&self.recipe]);
        let id = recipes.map(Recipe::last_concept_id).max().unwrap_or_default().max(self.last_concept).next();
        self.last_concept = id;
        self.recipe.concepts.push(Concept { id, ..concept });
        id
    }

    /// Takes a concept out of the recipe; its id is not given again.
    pub fn remove_concept(&mut self, id: ConceptId) {
        self.last_concept = self.last_concept.max(id);
        self.recipe.remove_concept(id);
    }

    pub fn ask(&mut self, action: Action) {
        self.actions.push(action);
    }

    pub fn complain(&mut self, message: impl Into<String>) {
        self.banner = Some(Banner { message: message.into(), bad: true, remedy: None });
    }

    /// Notes that something has changed that a session keeps.
    pub fn touch(&mut self) {
        self.version += 1;
    }

    pub fn is_unsaved(&self) -> bool {
        self.version != self.saved
    }

    pub fn take(&self, id: TakeId) -> Option<&Take> {
        self.takes.iter().find(|take| take.id == id)
    }

    pub fn take_mut(&mut self, id: TakeId) -> Option<&mut Take> {
        self.takes.iter_mut().find(|take| take.id == id)
    }

    /// The run that the panels show: the chosen take, else the newest job, else what was shown before it.
    pub fn shown_track(&self) -> Option<&Track> {
        if let Shown::Take(id) = self.shown
            && let Some(take) = self.take(id)
        {
            return Some(&take.track);
        }
        let run = self.run.as_ref()?;
        let before = run.before.as_deref();
        // What a session kept is what is being rendered again: it stays until the picture itself is there.
        let again = before.filter(|before| before.kept.is_some() && before.recipe.same_settings(&run.track.recipe));
        if again.is_some() {
            return again;
        }
        if run.track.has_steps() || run.track.picture.is_some() { Some(&run.track) } else { before }
    }

    /// What the playhead points at. A step that the newest job has not reached yet is shown as it was before.
    pub fn shown_frame(&self) -> Option<Frame> {
        let track = self.shown_track()?;
        let frame = track.frame(self.playhead);
        if frame.as_ref().is_some_and(|f| f.report.is_some()) || self.playhead == Playhead::Newest {
            return frame;
        }
        let before = self.run.as_ref().filter(|_| self.shown == Shown::Live).and_then(|run| run.before.as_deref());
        before.and_then(|before| before.frame(self.playhead)).or(frame).or_else(|| track.frame(Playhead::Newest))
    }

    /// The step that the playhead stands on.
    pub fn shown_step(&self) -> Option<usize> {
        match self.playhead {
            Playhead::At(step) => Some(step),
            Playhead::Newest => self.shown_track()?.newest_step(),
        }
    }

    /// The runs that a comparison sets side by side, with their titles: A, and B or else what is shown.
    pub fn sides(&self) -> [Option<(&Track, String)>; 2] {
        let pinned = |k: usize| {
            let take = self.take(self.pins[k]?)?;
            Some((&take.track, format!("{} · {}", ["A", "B"][k], take.name)))
        };
        let shown = || self.shown_track().map(|track| (track, "shown".to_owned()));
        [pinned(0), pinned(1).or_else(shown)]
    }

    pub fn is_busy(&self) -> bool {
        self.run.as_ref().is_some_and(|run| matches!(run.phase, Phase::Waiting | Phase::Running))
    }

    /// Pins a take as A (0) or B (1); pinning it there again takes the pin off.
    pub fn toggle_pin(&mut self, side: usize, id: TakeId) {
        self.pins[side] = if self.pins[side] == Some(id) { None } else { Some(id) };
        self.touch();
    }

    /// Removes a take; what was made from it now counts as made from its parent.
    pub fn remove_take(&mut self, id: TakeId) -> Option<Removed> {
        let at = self.takes.iter().position(|take| take.id == id)?;
        let take = self.takes.remove(at);
        let mut children = Vec::new();
        for child in self.takes.iter_mut().filter(|child| child.parent == Some(id)) {
            child.parent = take.parent;
            children.push(child.id);
        }
        let pins = self.pins.map(|pin| pin == Some(id));
        let was_base = self.base == Some(id);
        if was_base {
            self.base = take.parent;
        }
        self.pins = self.pins.map(|pin| pin.filter(|pin| *pin != id));
        if self.shown == Shown::Take(id) {
            self.shown = Shown::Live;
        }
        if self.pins[0].is_none() && self.look.compare.pairs() {
            self.look.compare = Compare::Single;
        }
        self.touch();
        Some(Removed { at, take, children, pins, was_base })
    }

    /// Puts a removed take back where it was.
    pub fn put_back(&mut self, removed: Removed) -> TakeId {
        let Removed { at, take, children, pins, was_base } = removed;
        let id = take.id;
        self.takes.iter_mut().filter(|other| children.contains(&other.id)).for_each(|child| child.parent = Some(id));
        self.takes.insert(at.min(self.takes.len()), take);
        for (pin, was) in self.pins.iter_mut().zip(pins) {
            *pin = pin.or(was.then_some(id));
        }
        if was_base {
            self.base = Some(id);
        }
        self.touch();
        id
    }

    /// Switches S-CFG off, or on again.
    pub fn flip_scfg(&mut self) {
        self.recipe.scfg.enabled = !self.recipe.scfg.enabled;
    }

    /// Mutes all concepts, or those again that were heard before.
    pub fn flip_concepts(&mut self) {
        let heard: Vec<ConceptId> = self.recipe.concepts.iter().filter(|c| c.enabled).map(|c| c.id).collect();
        if heard.is_empty() {
            let muted = std::mem::take(&mut self.muted);
            let there = self.recipe.concepts.iter().any(|concept| muted.contains(&concept.id));
            let concepts = self.recipe.concepts.iter_mut();
            concepts.filter(|concept| !there || muted.contains(&concept.id)).for_each(|c| c.enabled = true);
        } else {
            self.recipe.concepts.iter_mut().for_each(|concept| concept.enabled = false);
            self.muted = heard;
        }
    }

    /// The models whose fit is of interest.
    pub fn partners(&self) -> Option<ModelPair> {
        let expert = self.recipe.fusion.as_ref()?.expert.clone();
        Some(ModelPair { general: self.recipe.model.clone(), expert })
    }

    /// What the engine found of the models as they stand now.
    pub fn current_fit(&self) -> Option<&Compatibility> {
        self.fit.as_ref().filter(|fit| self.partners().as_ref() == Some(&fit.partners))
    }

    /// Switches the fusion off, or on again.
    pub fn flip_fusion(&mut self) {
        let on = self.recipe.active_fusion().is_some();
        self.recipe.fusion.get_or_insert_with(super::demo::snowman).enabled = !on;
    }

    /// Takes over the recipe of a take.
    pub fn restore(&mut self, id: TakeId) {
        if let Some(recipe) = self.take(id).map(|take| take.track.recipe.clone()) {
            self.recipe = recipe;
            self.base = Some(id);
            // Its factors and locks name places in its own prompt.
            self.words_of = None;
        }
    }

    pub fn show_take(&mut self, id: TakeId) {
        self.shown = Shown::Take(id);
        self.playing = false;
    }

    /// Shows a take as the newest result, although no job has made it: one read from a session.
    pub fn show_kept(&mut self, id: TakeId) {
        let Some(track) = self.take(id).map(|take| take.track.clone()) else { return };
        self.words_of = (!track.tokens.is_empty()).then(|| (track.recipe.prompt.clone(), track.tokens.to_vec()));
        self.run = Some(LiveRun {
            job: JobId(0),
            calls: track.calls(),
            track,
            phase: Phase::Done,
            gesture: 0,
            resumed_at: None,
            spent: (Duration::ZERO, 0),
            before: None,
        });
    }

    /// Adds a finished result that did not come from a job: one read from a session.
    pub fn add_take(&mut self, name: String, track: Track, elapsed: Duration, created: u64) -> TakeId {
        self.next_take += 1;
        let id = TakeId(self.next_take);
        self.takes.push(Take { id, name, track, elapsed, created, gesture: 0, parent: None, starred: false });
        id
    }

    /// Chooses a region everywhere, or none.
    pub fn choose_region(&mut self, region: Option<usize>) {
        self.look.region = region;
        self.look.also.clear();
    }

    /// Word and colour-bearing tokens of what is shown.
    pub fn shown_tokens(&self) -> Arc<Vec<crate::engine::Token>> {
        self.shown_track().map(|track| track.tokens.clone()).unwrap_or_default()
    }
}

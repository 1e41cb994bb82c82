//! What is looked at. Changing it never renders anything.
//!
//! Apart from the document so that looking can never change what is wanted. What only one panel needs to know belongs
//! to that panel.

use std::sync::Arc;

use super::{
    brush::{Brush, Target},
    compare::{Compare, Comparison},
    ledger::LedgerView,
    overlay::{Overlay, OverlayView},
    theme::size,
    zoom::Zoom,
};
use crate::{
    engine::Token,
    recipe::{ConceptId, Paint, SIDE_STEP},
    studio::document::{
        Document,
        event::FinishedRun,
        films::FilmOf,
        paint::{self, PaintTarget, Stroke},
        regions::labels::RegionLabels,
        takes::TakeId,
        track::{Frame, Playhead, Track},
    },
};

/// Which result the panels show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The newest job, as it forms.
    #[default]
    Live,
    Take(TakeId),
}

/// Whether the timeline plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Playback {
    pub playing: bool,
    /// Playing ends at the last step.
    pub once: bool,
}

/// What is shown on the canvas while the pointer is on it in a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lit {
    /// A region, by its position.
    Region(usize),
    /// Where a concept acts.
    Concept(ConceptId),
}

/// The regions that are chosen, by their token positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub region: Option<usize>,
    /// Further words that were chosen with it, to be merged.
    pub also: Vec<usize>,
    /// The slider that was touched last, whose filmstrip is open.
    pub slider: Option<FilmOf>,
    /// What the pointer touches in a panel: the canvas shows it for as long.
    pub lit: Option<Lit>,
    /// The place of the picture whose card is open, as shares of its sides.
    pub pixel: Option<[f32; 2]>,
}

impl Selection {
    /// All chosen positions; none without a chosen region.
    pub fn positions(&self) -> Vec<usize> {
        self.region.iter().chain(self.also.iter().filter(|_| self.region.is_some())).copied().collect()
    }
}

/// How the window itself looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Appearance {
    pub dark: bool,
    /// How large the interface is, 1 to 2.
    pub scale: f32,
    /// Widths of the left and the right column, in points.
    pub columns: [f32; 2],
    pub folded: Folded,
    /// Files are always chosen in the window's own dialog.
    pub own_dialogs: bool,
    /// A slider that was touched shows what five of its values would give.
    pub films: bool,
}

/// What of the window is folded away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    pub left: bool,
    pub right: bool,
    pub timeline: bool,
    /// Everything but the canvas, for a while.
    pub alone: bool,
}

impl Default for Appearance {
    fn default() -> Self {
        let columns = [size::LEFT, size::RIGHT];
        Self { dark: true, scale: 1.0, columns, folded: Folded::default(), own_dialogs: false, films: true }
    }
}

/// What is looked at, and how.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub overlay: OverlayView,
    pub comparison: Comparison,
    pub shown: Shown,
    pub playhead: Playhead,
    pub playback: Playback,
    pub selection: Selection,
    pub brush: Brush,
    pub zoom: Zoom,
    pub appearance: Appearance,
    pub ledger: LedgerView,
}

impl View {
    /// As at the start, in the same window.
    pub fn start_over(&mut self) {
        *self = Self { appearance: self.appearance, ..Self::default() };
    }

    /// The run that the panels show: the chosen take, else the newest job, else what was shown before it.
    pub fn shown_track<'a>(&self, document: &'a Document) -> Option<&'a Track> {
        let take = self.shown_take().and_then(|id| document.take(id));
        take.map(|take| &take.track).or_else(|| document.live_track())
    }

    /// The chosen take.
    pub fn shown_take(&self) -> Option<TakeId> {
        if let Shown::Take(id) = self.shown { Some(id) } else { None }
    }

    /// The take that is looked at, where its settings are not those that are being edited.
    pub fn past_take(&self, document: &Document) -> Option<TakeId> {
        let id = self.shown_take()?;
        (!document.take(id)?.track.recipe.same_settings(document.recipe())).then_some(id)
    }

    /// What the playhead points at. A step that the newest job has not reached yet is shown as it was before.
    pub fn shown_frame(&self, document: &Document) -> Option<Frame> {
        let track = self.shown_track(document)?;
        let frame = track.frame(self.playhead);
        if frame.as_ref().is_some_and(|f| f.report.is_some()) || self.playhead == Playhead::Newest {
            return frame;
        }
        let before = document.previous_track().filter(|_| self.shown == Shown::Live);
        before.and_then(|before| before.frame(self.playhead)).or(frame).or_else(|| track.frame(Playhead::Newest))
    }

    /// The step that the playhead stands on.
    pub fn shown_step(&self, document: &Document) -> Option<usize> {
        match self.playhead {
            Playhead::At(step) => Some(step),
            Playhead::Newest => self.shown_track(document)?.newest_step(),
        }
    }

    /// The tokens of the shown run.
    pub fn shown_tokens(&self, document: &Document) -> Arc<Vec<Token>> {
        self.shown_track(document).map(|track| track.tokens.clone()).unwrap_or_default()
    }

    /// The labels of the regions that are shown. While a run is being edited, words that were merged a moment ago count
    /// as one at once.
    pub fn labels(&self, document: &Document) -> RegionLabels {
        let Some(track) = self.shown_track(document) else { return RegionLabels::default() };
        if self.shown == Shown::Live && track.recipe.prompt == document.recipe().prompt {
            return RegionLabels::new(track.tokens.clone(), document.recipe().groups.clone());
        }
        RegionLabels::of(track, document.recipe())
    }

    /// The runs that a comparison sets side by side, with their titles: A, and B or else what is shown.
    pub fn sides<'a>(&self, document: &'a Document) -> [Option<(&'a Track, String)>; 2] {
        let pinned = |k: usize| {
            let take = document.take(document.takes().pins()[k]?)?;
            Some((&take.track, format!("{} · {}", ["A", "B"][k], take.name)))
        };
        let shown = || self.shown_track(document).map(|track| (track, "shown".to_owned()));
        [pinned(0), pinned(1).or_else(shown)]
    }

    /// Shows a take in the place of the newest job.
    pub fn show_take(&mut self, id: TakeId) {
        self.shown = Shown::Take(id);
        self.playback.playing = false;
    }

    /// Shows the newest job, which has just been sent.
    pub fn show_live(&mut self) {
        self.shown = Shown::Live;
        self.playback.playing = false;
    }

    /// Moves the playhead of `steps` steps; at the last one it follows the newest step.
    pub fn seek(&mut self, step: usize, steps: usize) {
        self.playhead = if step + 1 >= steps { Playhead::Newest } else { Playhead::At(step) };
    }

    /// A run is finished: a playhead at its last step follows the newest again.
    pub fn run_finished(&mut self, run: FinishedRun) {
        if let Playhead::At(step) = self.playhead
            && step + 1 >= run.steps
        {
            self.playhead = Playhead::Newest;
        }
    }

    /// Closes a comparison that has no A.
    pub fn require_pins(&mut self, document: &Document) {
        if document.takes().pins()[0].is_none() && self.comparison.mode.pairs() {
            self.comparison.mode = Compare::Single;
        }
    }

    /// A take was removed: what is shown and compared must still be there.
    pub fn take_removed(&mut self, document: &Document) {
        if self.shown_take().is_some_and(|id| document.take(id).is_none()) {
            self.shown = Shown::Live;
        }
        self.require_pins(document);
    }

    /// A take was pinned: with A and B the comparison opens, without A it closes.
    pub fn pins_changed(&mut self, document: &Document) {
        let pins = document.takes().pins();
        if pins.iter().all(Option::is_some) && self.comparison.mode == Compare::Single {
            self.comparison.mode = Compare::SideBySide;
        }
        self.require_pins(document);
    }

    /// The result of one model alone was pinned as A, or no longer is: that alone opens and closes the comparison.
    pub fn baseline_pinned(&mut self, document: &Document) {
        if document.takes().pins()[0].is_some() && self.comparison.mode == Compare::Single {
            self.comparison.mode = Compare::SideBySide;
        }
        self.require_pins(document);
    }

    /// The overlay, and the token positions of the regions that it shows alone: what the pointer touches in a panel, else what
    /// is chosen.
    pub fn overlay_now(&self, labels: &RegionLabels) -> (OverlayView, Vec<usize>) {
        match self.selection.lit {
            Some(Lit::Region(region)) => {
                let kind = Overlay::Regions;
                let words = labels.words_of(region);
                let all = if words.is_empty() { vec![region] } else { words };
                (OverlayView { kind, ..self.overlay.clone() }, all)
            }
            Some(Lit::Concept(id)) => {
                let kind = Overlay::Concept;
                (OverlayView { kind, concept: Some(id), ..self.overlay.clone() }, self.selection.positions())
            }
            None => (self.overlay.clone(), self.selection.positions()),
        }
    }

    /// Chooses a region everywhere, or none.
    pub fn choose_region(&mut self, region: Option<usize>) {
        (self.selection.region, self.selection.also) = (region, Vec::new());
    }

    /// Shows a map over the picture.
    pub fn show_overlay(&mut self, overlay: Overlay) {
        self.overlay.kind = overlay;
    }

    /// Takes the brush up for `target`, or lays it down.
    pub fn set_painting(&mut self, target: Option<Target>) {
        self.brush.active = target.is_some();
        if let Some(target) = target {
            self.brush.aim(target);
            self.overlay.kind = target.overlay();
            self.comparison.mode = Compare::Single;
        }
    }

    /// Takes the brush up as it was last, or lays it down.
    pub fn toggle_brush(&mut self, document: &Document) {
        let last = self.brush.target;
        let target = if last.missing(document.recipe()).is_none() { last } else { Target::Region };
        self.set_painting((!self.brush.active).then_some(target));
    }

    /// Rows and columns of the grid that is painted on: the latent grid of the shown maps. Without maps, cells as large as
    /// the step of a recipe's sides, because paint is resized to the model's grid.
    pub fn grid_size(&self, document: &Document) -> [usize; 2] {
        let report = self.shown_frame(document).and_then(|frame| frame.report);
        let scfg = report.as_ref().and_then(|r| r.scfg.as_ref().map(|s| [s.region.height, s.region.width]));
        let fused = || report.as_ref().and_then(|r| r.fusion.as_ref().map(|f| [f.mask.height, f.mask.width]));
        let cells = |side: usize| side / SIDE_STEP;
        scfg.or_else(fused).unwrap_or_else(|| [document.recipe().height, document.recipe().width].map(cells))
    }

    /// What the brush paints; `None` while no region is chosen that it could paint.
    pub fn paint_target(&self, document: &Document) -> Option<PaintTarget> {
        Some(match self.brush.target {
            Target::Region => PaintTarget::Region(self.labels(document).region_of(self.selection.region?)),
            Target::Strength => PaintTarget::Strength,
            Target::Bias => PaintTarget::Bias,
        })
    }

    /// A stroke of the brush along a line, both ends in elements of the grid; `None` where there is nothing to paint.
    pub fn stroke(&self, document: &Document, from: [f32; 2], to: [f32; 2]) -> Option<Stroke> {
        let (diameter, level) = (self.brush.size, self.brush.level());
        let target = self.paint_target(document)?;
        Some(Stroke { target, grid: self.grid_size(document), from, to, diameter, level })
    }

    /// What is painted of the brush's target, on the shown grid.
    pub fn painted(&self, document: &Document) -> Option<Paint> {
        let [h, w] = self.grid_size(document);
        Some(paint::painted(document.recipe(), self.paint_target(document)?)?.resized(h, w))
    }
}

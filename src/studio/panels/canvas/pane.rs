//! Which pictures lie on the canvas, and where.
//!
//! Apart from drawing so that every comparison is laid out in one place.

use std::sync::Arc;

use egui::Rect;

use crate::{
    recipe::Recipe,
    studio::{
        document::{
            Document,
            regions::labels::RegionLabels,
            track::{Frame, Playhead, Track},
        },
        view::{
            View,
            compare::{Compare, DifferenceAs},
        },
    },
};

/// One picture on the canvas.
pub struct Pane {
    pub area: Rect,
    /// What of the area is drawn: all of it, but for the two halves of a wipe.
    pub clip: Rect,
    pub frame: Frame,
    /// Of the run that the picture comes from.
    pub labels: RegionLabels,
    /// What it was made with.
    pub recipe: Recipe,
    pub title: Option<String>,
    /// The other picture, when differences are shown.
    pub other: Option<Frame>,
}

/// What stands on the canvas when there is nothing to show.
pub struct Empty {
    pub title: &'static str,
    pub text: String,
    pub spin: bool,
}

impl Pane {
    /// Width and height of the picture, in pixels.
    pub fn size(&self) -> [usize; 2] {
        [self.frame.picture.width, self.frame.picture.height]
    }

    /// Where the whole picture lies.
    pub fn place(&self, view: &View) -> Rect {
        view.zoom.place(self.area, self.size())
    }

    pub(super) fn of(document: &Document, view: &View, (track, title): (&Track, String), area: Rect) -> Option<Self> {
        let frame = track.frame(view.playhead).or_else(|| track.frame(Default::default()))?;
        let title = frame.report.as_ref().map_or(title.clone(), |r| format!("{title} · step {}", r.step + 1));
        let (labels, recipe) = (RegionLabels::of(track, document.recipe()), track.recipe.clone());
        Some(Self { area, clip: area, frame, labels, recipe, title: Some(title), other: None })
    }
}

/// The pictures in `area`; `b_shown` is which side a blinking canvas shows.
///
/// # Errors
/// What to say instead, where there is nothing to show.
pub fn panes(document: &Document, view: &View, area: Rect, b_shown: bool) -> Result<Vec<Pane>, Empty> {
    if view.comparison.mode == Compare::Single {
        return single(document, view, area).map(|pane| vec![pane]).ok_or_else(|| nothing_yet(document));
    }
    let [a, b] = view.sides(document);
    let Some((a, b)) = a.zip(b) else {
        return Err(Empty {
            title: "Nothing pinned as A",
            text: "Pin a take as A in the strip below. B is another pinned take, or what is shown.".into(),
            spin: false,
        });
    };
    let middle = area.center().x;
    let spread = view.comparison.mode == Compare::SideBySide;
    let (left, right) = if spread { (area.with_max_x(middle), area.with_min_x(middle)) } else { (area, area) };
    let both = Pane::of(document, view, a, left).zip(Pane::of(document, view, b, right));
    let (a, b) = both.ok_or_else(|| nothing_yet(document))?;
    Ok(compared(view, area, b_shown, a, b))
}

fn single(document: &Document, view: &View, area: Rect) -> Option<Pane> {
    let (track, frame) = view.shown_track(document).zip(view.shown_frame(document))?;
    Some(Pane {
        area,
        clip: area,
        title: title(view, track, &frame),
        frame,
        labels: view.labels(document),
        recipe: track.recipe.clone(),
        other: None,
    })
}

/// What a comparison makes of its two sides.
fn compared(view: &View, area: Rect, b_shown: bool, mut a: Pane, mut b: Pane) -> Vec<Pane> {
    match view.comparison.mode {
        Compare::Difference => {
            let signed = view.comparison.difference == DifferenceAs::Signed;
            a.title = Some(if signed { "A − B" } else { "|A − B|" }.into());
            a.other = Some(b.frame);
            vec![a]
        }
        Compare::Blink => vec![if b_shown { b } else { a }],
        Compare::Wipe => {
            let placed = a.place(view);
            let x = placed.left() + placed.width() * view.comparison.wipe;
            (a.clip, b.clip) = (area.with_max_x(x), area.with_min_x(x));
            vec![a, b]
        }
        Compare::Single | Compare::SideBySide | Compare::Grid | Compare::Sheet => vec![a, b],
    }
}

/// The step that is looked at, where it is not the newest, and whether its picture is a draft.
fn title(view: &View, track: &Track, frame: &Frame) -> Option<String> {
    let is_scrubbed = view.playhead != Playhead::Newest;
    let step = frame.report.as_ref().filter(|_| is_scrubbed).map(|report| [report.step + 1, track.calls()]);
    title_of(step, is_approximate(frame))
}

fn title_of(step: Option<[usize; 2]>, is_draft: bool) -> Option<String> {
    let step = step.map(|[step, calls]| format!("step {step} of {calls}"));
    match (step, is_draft) {
        (Some(step), true) => Some(format!("{step} · draft")),
        (None, true) => Some("draft".into()),
        (step, false) => step,
    }
}

/// Whether the picture is an approximate preview, which the decoded one will replace.
fn is_approximate(frame: &Frame) -> bool {
    frame.report.as_ref().is_some_and(|report| report.approximate && Arc::ptr_eq(&report.preview, &frame.picture))
}

fn nothing_yet(document: &Document) -> Empty {
    let busy = document.engine().busy.clone();
    if document.is_busy() || busy.is_some() {
        let text = busy.unwrap_or_else(|| "The first step is on its way.".into());
        return Empty { title: "Preparing", text, spin: true };
    }
    Empty { title: "No picture yet", text: "Write a prompt and press Ctrl+Enter.".into(), spin: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrubbed_step_carries_its_number_and_a_draft_says_so() {
        assert_eq!(title_of(None, false), None);
        assert_eq!(title_of(None, true).as_deref(), Some("draft"));
        assert_eq!(title_of(Some([5, 20]), false).as_deref(), Some("step 5 of 20"));
        assert_eq!(title_of(Some([5, 20]), true).as_deref(), Some("step 5 of 20 · draft"));
    }
}

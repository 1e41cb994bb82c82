//! Which file task a command asks for, with everything that the task needs of the document and the view.
//!
//! Apart from the tasks, which know neither commands nor the view.

use std::{path::PathBuf, sync::Arc};

use super::{
    command::{Command, MapFormat},
    document::{
        Document,
        takes::TakeId,
        track::{Frame, Playhead, Track},
    },
    io::{
        exports::{self, GreyMaps, Layer},
        figure,
        tasks::{ExportResult, Task},
    },
    view::{View, layout},
};
use crate::tensor::Picture;

/// A task, and the path if it is known.
pub type Request = (Task, Option<PathBuf>);

/// What the command asks to be done with files; `None` where that is nothing.
///
/// # Errors
/// A sentence for the user: what is missing for it.
pub fn request(command: &Command, document: &Document, view: &View) -> Result<Option<Request>, &'static str> {
    let asking = |task| Ok(Some((task, None)));
    match command {
        Command::OpenSession | Command::BrowseFiles => asking(Task::Open),
        Command::OpenFile(path) => Ok(Some((Task::Open, Some(path.clone())))),
        Command::SaveSession => Ok(Some((save(document, view), document.file().path.clone()))),
        Command::SaveOver(_) => {
            let task = Task::SaveOver(Box::new(document.saved_session(layout::of(view))), document.file().version);
            Ok(Some((task, document.file().path.clone())))
        }
        Command::SaveSessionAs => asking(save(document, view)),
        Command::ExportPng(take) => asking(export(document, view, *take)?),
        Command::Verify => verify(document, view).map(Some),
        Command::ExportMaps(format) => asking(maps(document, view, *format)?),
        Command::ExportAnimation { overlay } => asking(animation(document, view, *overlay)?),
        Command::ExportFigure => {
            let track = view.shown_track(document).ok_or("There is no picture to make a figure of yet.")?;
            asking(Task::Figure(Box::new(figure::steps(track)?)))
        }
        Command::ExportGrid => asking(Task::Figure(Box::new(figure::grid(document.grid())?))),
        Command::PickMask => asking(Task::Mask),
        Command::PickModel(role) => asking(Task::Model(*role)),
        Command::PickLora => asking(Task::Lora),
        Command::PickCheckpoint(role) => asking(Task::Checkpoint(*role)),
        _ => Ok(None),
    }
}

fn save(document: &Document, view: &View) -> Task {
    Task::Save(Box::new(document.saved_session(layout::of(view))), document.file().version)
}

/// The picture and recipe of a take, or of what is shown.
fn export(document: &Document, view: &View, take: Option<TakeId>) -> Result<Task, &'static str> {
    const MISSING: &str = "There is no finished picture to export yet: wait for it, or press Generate.";
    let track = match take.or(view.shown_take()) {
        Some(id) => document.take(id).map(|take| &take.track),
        None => view.shown_track(document),
    };
    let track = track.ok_or(MISSING)?;
    let recipe = track.recipe.clone();
    if let Some(picture) = step_picture(track, view, take)? {
        // The recipe makes the whole picture, so this one carries no proof of a run.
        return Ok(Task::Export(Box::new(ExportResult { picture, recipe, run: None })));
    }
    let picture = track.picture.clone().ok_or(MISSING)?;
    let run = track.fingerprint.clone();
    Ok(Task::Export(Box::new(ExportResult { picture, recipe, run })))
}

/// The shown picture, to be rendered again: only a finished one carries how it was made.
fn verify(document: &Document, view: &View) -> Result<Request, &'static str> {
    const MISSING: &str = "There is no finished picture of this program to verify: wait for it, or press Generate.";
    let track = view.shown_track(document).ok_or(MISSING)?;
    let (picture, run) = track.picture.clone().zip(track.fingerprint.clone()).ok_or(MISSING)?;
    let result = ExportResult { picture, recipe: track.recipe.clone(), run: Some(run) };
    let path = std::env::temp_dir().join(format!("sextant-verify-{}.png", std::process::id()));
    Ok((Task::Verify(Box::new(result)), Some(path)))
}

/// The picture of the step that the canvas shows, where that is not the last one and no other take is named.
fn step_picture(track: &Track, view: &View, take: Option<TakeId>) -> Result<Option<Arc<Picture>>, &'static str> {
    const DRAFT: &str = "This step is only a draft yet: its picture is decoded once nothing else is rendered.";
    if take.is_some() || view.playhead == Playhead::Newest {
        return Ok(None);
    }
    let Some(Frame { picture, report: Some(report) }) = track.frame(view.playhead) else { return Ok(None) };
    if report.step + 1 >= track.calls() {
        return Ok(None);
    }
    if report.approximate { Err(DRAFT) } else { Ok(Some(picture)) }
}

fn maps(document: &Document, view: &View, format: MapFormat) -> Result<Task, &'static str> {
    const MISSING: &str = "There are no maps to export: the steps of this picture were not kept.";
    let task = match format {
        MapFormat::Colours => {
            let maps = view.shown_frame(document).map(|frame| exports::maps(&frame, &view.labels(document)));
            maps.filter(|maps| !maps.is_empty()).map(Task::Maps)
        }
        MapFormat::Grey16 => {
            let report = view.shown_frame(document).and_then(|frame| frame.report);
            let shown = view.shown_track(document).zip(report);
            shown.map(|(track, report)| Task::GreyMaps(Box::new(GreyMaps::new(track, report))))
        }
        MapFormat::Safetensors => {
            let track = view.shown_track(document).filter(|track| track.has_steps());
            track.map(|track| Task::Steps(Box::new(track.clone())))
        }
    };
    task.ok_or(MISSING)
}

fn animation(document: &Document, view: &View, overlay: bool) -> Result<Task, &'static str> {
    let track = view.shown_track(document).filter(|track| track.has_steps());
    let track = track.ok_or("The steps of this picture were not kept: render it again to animate it.")?;
    let layer = Layer { overlay: view.overlay.clone(), chosen: view.selection.positions() };
    Ok(Task::Animation(Box::new(track.clone()), overlay.then(|| Box::new(layer))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        engine::{Event, JobId, Ledger, Norms, RenderResult, StepReport},
        recipe::Recipe,
    };

    fn picture(value: u8) -> Arc<Picture> {
        Arc::new(Picture { width: 1, height: 1, rgb: vec![value; 3] })
    }

    /// A finished run of four steps, the second of which is a draft.
    fn rendered() -> Document {
        let report = |step: usize| StepReport {
            approximate: step == 1,
            evaluations: 2,
            step,
            calls: 4,
            timestep: 0.0,
            sigma: 0.0,
            preview: picture(step as u8),
            scfg: None,
            concepts: Vec::new(),
            fusion: None,
            norms: Norms::default(),
            ledger: Ledger::default(),
            elapsed: Duration::ZERO,
        };
        let take = Arc::new(RenderResult {
            recipe: Recipe::default(),
            picture: picture(9),
            reports: (0..4).map(|step| Arc::new(report(step))).collect(),
            elapsed: Duration::ZERO,
            branch_evaluations: 8,
            fingerprint: Arc::default(),
        });
        let mut document = Document::default();
        document.begin(JobId(1), Recipe::default());
        document.apply(Event::Done { job: JobId(1), take }, 0);
        document
    }

    /// The first channel of the exported picture, and whether it carries the proof of a run.
    fn exported(playhead: Playhead) -> Result<(u8, bool), &'static str> {
        let view = View { playhead, ..View::default() };
        match request(&Command::ExportPng(None), &rendered(), &view)? {
            Some((Task::Export(result), None)) => Ok((result.picture.rgb[0], result.run.is_some())),
            _ => Err("another task"),
        }
    }

    #[test]
    fn what_the_canvas_shows_is_what_is_exported() {
        assert_eq!(exported(Playhead::Newest), Ok((9, true)));
        assert_eq!(exported(Playhead::At(3)), Ok((9, true)), "the last step is the picture");
        assert_eq!(exported(Playhead::At(2)), Ok((2, false)));
        assert!(exported(Playhead::At(1)).is_err_and(|why| why.contains("draft")));
    }
}

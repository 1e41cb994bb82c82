//! Which file task a command asks for, with everything that the task needs of the document and the view.
//!
//! Apart from the tasks, which know neither commands nor the view.

use std::path::PathBuf;

use super::{
    command::{Command, MapFormat},
    document::{Document, takes::TakeId},
    io::{
        exports::{self, GreyMaps, Layer},
        figure,
        tasks::{ExportResult, Task},
    },
    view::{View, layout},
};

/// A task, and the path if it is known.
pub type Request = (Task, Option<PathBuf>);

/// What the command asks to be done with files; `None` where that is nothing.
///
/// # Errors
/// A sentence for the user: what is missing for it.
pub fn request(command: &Command, document: &Document, view: &View) -> Result<Option<Request>, &'static str> {
    let asking = |task| Ok(Some((task, None)));
    match command {
        Command::OpenSession => asking(Task::Open),
        Command::OpenFile(path) => Ok(Some((Task::Open, Some(path.clone())))),
        Command::SaveSession => Ok(Some((save(document, view), document.file().path.clone()))),
        Command::SaveSessionAs => asking(save(document, view)),
        Command::ExportPng(take) => asking(export(document, view, *take)?),
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
    let picture = track.picture.clone().ok_or(MISSING)?;
    let (recipe, run) = (track.recipe.clone(), track.fingerprint.clone());
    Ok(Task::Export(Box::new(ExportResult { picture, recipe, run })))
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

//! What a panel asks the window to do: one type, carried out at one place (`app.rs`).
//!
//! Apart from the panels because any of them may send any command.

use std::{path::PathBuf, sync::Arc};

use super::document::{
    baselines::ModelRole,
    edit::Edit,
    queue::{Batch, QueueEdit},
    takes::TakeId,
};
use crate::{
    engine::Preference,
    session::{Library, OutputSettings},
    tensor::Picture,
};

/// What is carried out after the panels of a frame are drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Change the document.
    Edit(Edit),
    Undo,
    Redo,
    Generate,
    Stop,
    /// Put the recipe at the end of the queue.
    Enqueue,
    Queue(QueueEdit),
    SetBatch(Batch),
    ShowQueue,
    NewSession,
    /// A session without a prompt and without a picture.
    NewEmptySession,
    OpenSession,
    /// Open a session or a picture with the window's own dialog.
    BrowseFiles,
    /// A session or a picture, dropped on the window.
    OpenFile(PathBuf),
    SaveSession,
    SaveSessionAs,
    /// Save the session although another program has changed its file, then carry this out.
    SaveOver(Option<Box<Command>>),
    /// Save the session, then carry this out.
    SaveThen(Box<Command>),
    /// Carry this out although the changes since the last saving are lost.
    Discard(Box<Command>),
    /// Take back what the drag that goes on has changed.
    CancelGesture,
    /// What the window's own file dialog was answered; nothing where it was cancelled.
    AnswerFileDialog(Option<PathBuf>),
    /// Read something for the window's own file dialog.
    Browse(Browse),
    /// Show a file where it lies.
    ShowFile(PathBuf),
    /// Take over the recipe of a picture whose size is far from the model's own, in this size; or do not.
    ImportSized(Option<[usize; 2]>),
    /// Give up what was recovered, for the session as it was last saved.
    DiscardRecovered,
    /// Of what is shown, or of one take.
    ExportPng(Option<TakeId>),
    /// Every map of the shown step, into a folder; of all steps, into one safetensors file.
    ExportMaps(MapFormat),
    /// The previews of the shown run, one a step; with the overlay that is shown, or without.
    ExportAnimation {
        overlay: bool,
    },
    /// The shown run as a figure: steps across, what they show down.
    ExportFigure,
    /// The grid over two parameters as a figure.
    ExportGrid,
    /// Ask for a model's folder.
    PickModel(ModelRole),
    /// Ask for a checkpoint of one file.
    PickCheckpoint(ModelRole),
    /// Ask for a LoRA to add to the general model.
    PickLora,
    /// Ask for a picture whose bright parts the expert draws.
    PickMask,
    /// How many bytes the engine may cache.
    SetMemory(usize),
    /// Which device is to compute.
    PreferDevice(Preference),
    /// Which of several graphics cards is to be used.
    ChooseCard(String),
    /// Open the window of the output folder.
    ShowOutput,
    /// Where takes are written without being asked for each.
    SetOutput(OutputSettings),
    /// Copy the shown picture to the clipboard.
    CopyPicture,
    /// Copy the shown picture's settings to the clipboard, as text that other tools read too.
    CopySettings,
    /// Take over what is on the clipboard.
    Paste(Pasted),
    /// Open a shelf of what is kept by name.
    ShowLibrary(Shelf),
    SetLibrary(Box<Library>),
    /// Show the keys, or hide them.
    ToggleKeys,
    /// Render the shown take again in a program of its own, and compare.
    Verify,
    /// Try to prepare the graphics card again.
    RetryCard,
    /// List what could not be taken over from the file that was opened.
    ShowLeftovers,
    /// Open the palette of commands, or close it.
    TogglePalette,
    ShowLog,
    ToggleLog,
    /// Give the number of the shown step the keyboard.
    GoToStep,
    /// Close the window.
    Quit,
}

/// What was pasted.
#[derive(Clone, Debug, PartialEq)]
pub enum Pasted {
    Text(String),
    Picture(Arc<Picture>),
}

/// What is kept by name, by its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shelf {
    #[default]
    Looks,
    Concepts,
    Styles,
    Prompts,
}

/// What the window's own file dialog needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Browse {
    /// What a folder holds.
    Folder(PathBuf),
    /// What a new folder holds, once it is made.
    NewFolder(PathBuf),
    Preview(PathBuf),
    /// What a path is.
    LookUp(PathBuf),
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

/// The commands of one frame, in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Commands(Vec<Command>);

impl Commands {
    pub fn send(&mut self, command: Command) {
        self.0.push(command);
    }

    pub fn edit(&mut self, edit: Edit) {
        self.send(Command::Edit(edit));
    }

    /// Sends `edit` of `new` when it is not what it was `before`.
    pub fn edit_if_changed<T: PartialEq>(&mut self, before: &T, new: T, edit: impl FnOnce(T) -> Edit) {
        if *before != new {
            self.edit(edit(new));
        }
    }

    /// The commands so far: edits first, so that all other commands find the document as it stands at the end of the
    /// frame.
    pub fn take(&mut self) -> Vec<Command> {
        let (edits, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|command| matches!(command, Command::Edit(_)));
        edits.into_iter().chain(others).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_come_before_everything_else() {
        let mut commands = Commands::default();
        commands.send(Command::Generate);
        commands.edit(Edit::Prompt("a cat".into()));
        commands.edit_if_changed(&1, 1, |_| Edit::ToggleScfg);
        commands.send(Command::Quit);
        let expected = [Command::Edit(Edit::Prompt("a cat".into())), Command::Generate, Command::Quit];
        assert_eq!(commands.take(), expected);
        assert!(commands.take().is_empty());
    }
}

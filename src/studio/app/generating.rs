//! What makes pictures on the user's word: Generate, the queue, and what takes a drag back.
//!
//! Apart from the other commands because one press may change the seed, fill the queue and turn the canvas into a contact sheet.

use super::App;
use crate::studio::{
    clock,
    document::{
        edit::Edit,
        notice::Notice,
        queue::{self, Batch, QueueEdit},
        sections::Sampling,
        track::Playhead,
    },
    view::compare::Compare,
};

impl App {
    /// Renders the recipe, unless its picture is there: the same recipe gives the same picture. Where several are asked
    /// for, they go to the queue, and the canvas shows them as a contact sheet.
    pub(super) fn generate(&mut self) {
        let batch = self.document.queue().batch;
        if batch.random_seed {
            self.take_random_seed();
        }
        if batch.count > 1 {
            self.document.keep_undone();
            self.document.enqueue();
            self.view.show_live();
            self.view.comparison.mode = Compare::Sheet;
            return;
        }
        let Self { document, view, .. } = self;
        let takes = document.takes().list().len();
        document.keep_undone();
        if document.takes().list().len() > takes {
            return;
        }
        if !document.is_rendered() || document.takes().of_picture(document.recipe()).is_none() {
            return self.rendering.generate(document, view);
        }
        view.show_live();
        view.playhead = Playhead::Newest;
        document.notify(Notice::unchanged());
    }

    fn take_random_seed(&mut self) {
        let mut sampling = Sampling::of(self.document.recipe());
        sampling.seed = queue::random_seed(sampling.seed);
        self.document.edit(Edit::Sampling(sampling), clock::now());
        self.document.settle();
    }

    /// Puts the recipe as it stands at the end of the queue.
    pub(super) fn enqueue(&mut self) {
        self.document.enqueue();
        let waiting = self.document.queue().open().count();
        self.document.notify(Notice::info(format!("Queued: {waiting} to be rendered while nothing else is.")));
    }

    pub(super) fn change_queue(&mut self, edit: QueueEdit) {
        if self.document.change_queue(edit) {
            self.rendering.give_up_background();
        }
    }

    pub(super) fn set_batch(&mut self, batch: Batch) {
        self.document.set_batch(batch);
        let settings = &mut self.settings.current;
        (settings.batch, settings.random_seed) = (batch.count, batch.random_seed);
    }

    /// Takes back what a drag has changed; until the pointer is let go, it changes nothing more.
    pub(super) fn cancel_gesture(&mut self) {
        self.rendering.cancel_press();
        self.document.cancel_gesture();
        self.view.show_live();
        self.rendering.look_again();
    }
}

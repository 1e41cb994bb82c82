//! How long the window took from its start to its first picture, for the log.
//!
//! Apart from the window: it is told once.

use std::time::Instant;

use super::{document::Document, view::View};

/// Logs it in the first frame that has a picture; `begun` is taken then.
pub fn log(begun: &mut Option<Instant>, document: &Document, view: &View) {
    if begun.is_some()
        && view.shown_frame(document).is_some()
        && let Some(begun) = begun.take()
    {
        let seconds = begun.elapsed().as_secs_f32();
        ::log::info!("the first frame with a picture was laid out {seconds:.3} s after the start");
    }
}

//! What is copied to the clipboard: the shown picture, and its settings as text.
//!
//! Apart from the window as the one place that says what is copied.

use egui::{ColorImage, Context};

use super::{document::Document, view::View};
use crate::session::parameters_text;

/// Copies the picture that the canvas shows.
pub fn copy_picture(ctx: &Context, document: &Document, view: &View) {
    if let Some(frame) = view.shown_frame(document) {
        let picture = &frame.picture;
        ctx.copy_image(ColorImage::from_rgb([picture.width, picture.height], &picture.rgb));
    }
}

/// Copies the settings of the shown run, as other tools write and read them.
pub fn copy_settings(ctx: &Context, document: &Document, view: &View) {
    let track = view.shown_track(document);
    let recipe = track.map_or(document.recipe(), |track| &track.recipe);
    let hash = track.and_then(|track| track.fingerprint.as_ref()).map(|run| run.model_hash.as_str());
    ctx.copy_text(parameters_text(recipe, hash));
}

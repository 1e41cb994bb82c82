//! The demo rendered once, with its steps: the window has something to show before a weight is read.

use std::path::Path;

use super::session_store::saved_session;
use crate::{
    session::{Document, Layout},
    studio::{
        document::{
            demo,
            saved::{SavedSession, SavedTake},
        },
        view::overlay::OverlayView,
    },
};

/// Made by `cargo test --release --test kept -- --ignored`.
const SESSION: &str = include_str!("../../../assets/demo.sextant.ron");

/// The demo with its take. Where that is of another recipe, or cannot be read, the recipe alone.
pub fn session() -> SavedSession {
    let document = Document::from_text(SESSION, Path::new("the demo"));
    let session = document.map(saved_session).inspect_err(|error| log::warn!("{error}")).unwrap_or_default();
    let of_demo = |take: &SavedTake| take.track.recipe == demo::recipe();
    let layout = Layout { overlay_opacity: OverlayView::default().opacity, ..Layout::default() };
    let takes = session.takes.into_iter().filter(of_demo).collect();
    SavedSession { recipe: demo::recipe(), takes, layout, ..SavedSession::default() }
}

//! Below the canvas: one thumbnail a step with a playhead to scrub, lanes that show what acts when and how strongly,
//! and the ledger of the terms of guidance.

mod axis;
mod ends;
mod head;
mod jump;
mod keys;
mod lane;
mod lanes;
mod ledger;
mod momentum;
mod panel;
mod series;
mod strip;

pub use panel::Timeline;

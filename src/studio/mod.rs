//! The window: a document, a view of it, and panels that show both.

mod app;
mod clipboard;
mod clock;
pub mod command;
pub mod document;
mod first_picture;
pub mod io;
pub mod log;
mod opening;
pub mod panels;
mod renderer;
mod rendering;
mod requests;
mod settings;
mod submit;
pub mod view;
mod widgets;

pub use self::{
    app::App,
    opening::{Opening, StudioError, run},
};

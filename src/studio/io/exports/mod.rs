//! What can be exported besides the finished picture: the maps of a step, and the picture as it forms.

mod animation;
mod colours;
mod grey;

pub use self::{
    animation::{Layer, frames},
    colours::{colored, maps},
    grey::GreyMaps,
};

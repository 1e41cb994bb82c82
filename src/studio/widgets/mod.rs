//! Controls that do not depend on diffusion: sliders, chips, rows, small pictures.

pub mod chip;
pub mod combo;
pub mod focus;
pub mod icon;
pub mod marked_text;
pub mod picture;
pub mod range;
pub mod row;
pub mod segmented;
pub mod slider;
pub mod textures;

pub use icon::{Icon, icon_button, icon_toggle};
pub use slider::ValueSlider;

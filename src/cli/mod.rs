//! The command line: no subcommand opens the studio, the others work without a window.
//!
//! Separate from `main.rs`, so that everything but the process itself is library code.

mod args;
mod check_card;
mod command;
mod device_args;
mod failure;
mod recipe;
mod render;
mod render_job;
mod sampling_args;
mod values;
mod verify;

pub use args::RenderArgs;
pub use command::{Cli, Subcommand, run};
pub use device_args::DeviceArgs;
pub use failure::{Failure, Status};
pub use recipe::RecipeArgs;
pub use verify::VerifyArgs;

//! The command line: no subcommand opens the studio, the others work without a window.

mod args;
mod recipe;
mod render;
mod render_job;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::nets::Precision;

pub use args::RenderArgs;
pub use recipe::RecipeArgs;
pub use verify::VerifyArgs;

/// Steer text-to-image diffusion by meaning: S-CFG, SEGA and SNB, live. Without a command it opens the studio.
#[derive(Debug, Parser)]
#[command(name = "sextant", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A session to open in the studio, or a picture that carries its settings.
    pub session: Option<std::path::PathBuf>,
    /// Where to compute: auto, cpu or wgpu.
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: String,
    /// Of products: f32; on the CPU bf16 for half the memory, and for speed where it has AVX512_BF16; on a graphics card
    /// f16 for half the memory.
    #[arg(long, default_value_t, value_name = "PRECISION")]
    pub precision: Precision,
    /// How much the studio may remember of earlier runs, in MiB: more makes more edits cheap, 0 makes none. Without it
    /// what was last set in the window, at first 1024.
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Render one picture without a window.
    Render(Box<RenderArgs>),
    /// Print the recipe that a picture, session or text carries.
    Recipe(RecipeArgs),
    /// Render a picture again from its own recipe, and say whether it comes out the same.
    Verify(VerifyArgs),
}

/// An error with the exit status it asks for.
#[derive(Debug)]
pub struct Failure {
    pub status: Status,
    pub error: anyhow::Error,
}

/// Exit statuses (design §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Something went wrong on the way.
    Failed = 1,
    /// The request cannot be met.
    Refused = 2,
}

impl Failure {
    fn refused(error: impl Into<anyhow::Error>) -> Self {
        Self { status: Status::Refused, error: error.into() }
    }

    fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { status: Status::Failed, error: error.into() }
    }
}

/// Runs a headless command; errors go to standard error as one sentence.
pub fn run(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Render(args) => render::render(&args).map(|()| ExitCode::SUCCESS),
        Command::Recipe(args) => recipe::recipe(&args).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify::verify(&args),
    };
    match outcome {
        Ok(status) => status,
        Err(failure) => {
            eprintln!("sextant: {}", failure.error);
            ExitCode::from(failure.status as u8)
        }
    }
}

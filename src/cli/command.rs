//! The top level of the command line: what `sextant` takes, and which subcommand runs.
//!
//! Separate from the subcommands, because it is the only file that knows them all.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use super::{
    args::RenderArgs,
    check_card::{CheckCardArgs, check_card},
    device_args::DeviceArgs,
    recipe::{self, RecipeArgs},
    render,
    verify::{self, VerifyArgs},
};

/// Steer text-to-image diffusion by meaning: S-CFG, SEGA and SNB, live. Without a command it opens the studio.
#[derive(Debug, Parser)]
#[command(name = "sextant", version)]
pub struct Cli {
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// A session to open in the studio, or a picture that carries its settings.
    pub session: Option<PathBuf>,
    #[command(flatten)]
    pub compute: DeviceArgs,
    /// Memory for results of earlier runs, in MiB: more makes more edits cheap, 0 keeps nothing. Without it, what was
    /// last set in the window, at first 1024.
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Render one picture without a window.
    Render(Box<RenderArgs>),
    /// Print the recipe that a picture, session or text carries.
    Recipe(RecipeArgs),
    /// Render a picture again from its own recipe, and say whether it comes out the same.
    Verify(VerifyArgs),
    /// Check the graphics card and say how it goes, line by line: started by the studio.
    #[command(hide = true)]
    CheckCard(CheckCardArgs),
}

/// Runs a subcommand. An error is one sentence on standard error, and decides the exit status.
pub fn run(subcommand: Subcommand) -> ExitCode {
    let outcome = match subcommand {
        Subcommand::Render(args) => render::render(&args).map(|()| ExitCode::SUCCESS),
        Subcommand::Recipe(args) => recipe::recipe(&args).map(|()| ExitCode::SUCCESS),
        Subcommand::Verify(args) => verify::verify(&args),
        Subcommand::CheckCard(args) => Ok(check_card(&args)),
    };
    match outcome {
        Ok(status) => status,
        Err(failure) => failure.report(),
    }
}

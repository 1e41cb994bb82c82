//! The top level of the command line: what `sextant` takes, and which subcommand runs.
//!
//! Separate from the subcommands, because it is the only file that knows them all.

use std::{
    backtrace::Backtrace,
    panic::{self, AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;

use super::{
    Failure,
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
    // A panic of a library below is one sentence too; where it was is in the log.
    panic::set_hook(Box::new(|info| log::info!("{info}\n{}", Backtrace::force_capture())));
    let outcome = catch_unwind(AssertUnwindSafe(|| carry_out(subcommand))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(Failure::failed(anyhow::anyhow!(
            "something failed inside ({text}): a file may be damaged in a way that is not known yet; RUST_LOG=sextant=info tells where"
        )))
    });
    match outcome {
        Ok(status) => status,
        Err(failure) => failure.report(),
    }
}

fn carry_out(subcommand: Subcommand) -> Result<ExitCode, Failure> {
    match subcommand {
        Subcommand::Render(args) => render::render(&args).map(|()| ExitCode::SUCCESS),
        Subcommand::Recipe(args) => recipe::recipe(&args).map(|()| ExitCode::SUCCESS),
        Subcommand::Verify(args) => verify::verify(&args),
        Subcommand::CheckCard(args) => Ok(check_card(&args)),
    }
}

//! The `sextant` binary: opens the studio, or runs a subcommand without a window.
//!
//! Separate from the library, because only the process itself is here: logging, exit status, and the first window.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use sextant::{
    cli::{self, DeviceArgs, Failure},
    engine, files, session, studio,
};

fn main() -> ExitCode {
    let mut logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"));
    // Names and texts of files are among what is logged.
    logger.format(|out, record| {
        let line = format!("[{} {}] {}", record.level(), record.target(), record.args());
        writeln!(out, "{}", files::one_printable_line(&line))
    });
    let logger = logger.build();
    let level = logger.filter();
    studio::log::install(logger, level);
    let started_at = std::time::Instant::now();
    let cli = cli::Cli::parse();
    match cli.subcommand {
        Some(subcommand) => cli::run(subcommand),
        None => {
            let settings =
                files::folders::state_folder().map(|folder| session::Settings::load(&folder)).unwrap_or_default();
            let memory = cli.memory.or(settings.memory_mib).unwrap_or(engine::MEMORY >> 20);
            let opening = studio::Opening { session: cli.session, settings, begun: Some(started_at) };
            open_studio(&cli.compute, memory.saturating_mul(1 << 20), opening)
        }
    }
}

/// Opens the window and blocks until it is closed. `memory` is the budget of the engine's cache, in bytes.
fn open_studio(compute: &DeviceArgs, memory: usize, opening: studio::Opening) -> ExitCode {
    let choice =
        engine::parse_device(&compute.device).and_then(|(choice, card)| Ok((choice.with(compute.precision)?, card)));
    let (choice, card) = match choice {
        Ok(choice) => choice,
        Err(error) => return Failure::refused(error).report(),
    };
    let start = move |wake: Box<dyn Fn() + Send + Sync>| {
        let engine = engine::start(choice, memory, wake)?;
        engine.choose_card(card);
        Ok(engine)
    };
    match studio::run(start, opening) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::failed(error).report(),
    }
}

//! No argument: the studio. A subcommand: headless.

use std::process::ExitCode;

use clap::Parser as _;
use sextant::{cli, engine, nets::Precision, session, studio};

fn main() -> ExitCode {
    let logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).build();
    let level = logger.filter();
    studio::log::install(logger, level);
    let begun = std::time::Instant::now();
    let cli = cli::Cli::parse();
    match cli.command {
        Some(command) => cli::run(command),
        None => {
            let settings = session::state_folder().map(|folder| session::Settings::load(&folder)).unwrap_or_default();
            let memory = cli.memory.or(settings.memory_mib).unwrap_or(engine::MEMORY >> 20);
            let opening = studio::Opening { session: cli.session, settings, begun: Some(begun) };
            open_studio(&cli.device, cli.precision, memory.saturating_mul(1 << 20), opening)
        }
    }
}

fn open_studio(device: &str, precision: Precision, memory: usize, opening: studio::Opening) -> ExitCode {
    let choice = match device.parse().and_then(|choice: engine::DeviceChoice| choice.with(precision)) {
        Ok(choice) => choice,
        Err(error) => {
            eprintln!("sextant: {error}");
            return ExitCode::from(cli::Status::Refused as u8);
        }
    };
    match studio::run(move |wake| engine::start(choice, memory, wake), opening) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sextant: {error}");
            ExitCode::from(cli::Status::Failed as u8)
        }
    }
}

//! No argument: the studio. A subcommand: headless.

use std::process::ExitCode;

use clap::Parser as _;
use sextant::{cli, engine, nets::Precision, studio};

fn main() -> ExitCode {
    let logger = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).build();
    let level = logger.filter();
    studio::log::install(logger, level);
    let cli = cli::Cli::parse();
    match cli.command {
        Some(command) => cli::run(command),
        None => open_studio(&cli.device, cli.precision, cli.memory.saturating_mul(1 << 20), cli.session),
    }
}

fn open_studio(device: &str, precision: Precision, memory: usize, session: Option<std::path::PathBuf>) -> ExitCode {
    let choice = match device.parse().and_then(|choice: engine::DeviceChoice| choice.with(precision)) {
        Ok(choice) => choice,
        Err(error) => {
            eprintln!("sextant: {error}");
            return ExitCode::from(cli::Status::Refused as u8);
        }
    };
    match studio::run(move |wake| engine::start(choice, memory, wake), session) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sextant: {error}");
            ExitCode::from(cli::Status::Failed as u8)
        }
    }
}

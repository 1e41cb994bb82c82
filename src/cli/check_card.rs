//! `sextant check-card`: what the studio starts in a child process before it computes on a graphics card.
//!
//! Apart as one command.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Args;

use crate::{
    engine::card::{
        check::{Fault, check},
        protocol::Line,
    },
    nets::Precision,
};

#[derive(Debug, Default, Args)]
pub struct CheckCardArgs {
    /// The card's name or a part of it; the best one without.
    #[arg(long, value_name = "NAME")]
    pub card: Option<String>,
    /// Of weights: f32 or f16.
    #[arg(long, default_value_t, value_name = "PRECISION")]
    pub precision: Precision,
}

/// Carries out `sextant check-card`: lines on standard output, the last of which says whether the card passed.
pub fn check_card(args: &CheckCardArgs) -> ExitCode {
    let mut status = ExitCode::FAILURE;
    check(args.card.as_deref(), args.precision, Fault::from_environment(), &mut |line| {
        if line == Line::Passed {
            status = ExitCode::SUCCESS;
        }
        // Nobody is left to be told.
        if writeln!(io::stdout(), "{line}").is_err() {
            std::process::exit(1);
        }
    });
    status
}

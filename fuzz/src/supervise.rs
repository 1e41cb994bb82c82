//! The process that starts the one which runs inputs, and starts it again when an input has ended it.

use std::{
    env, fs,
    fs::OpenOptions,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{Plan, corpus, findings};

/// Runs the target for as long as was asked for.
///
/// # Errors
/// What the system reports; that inputs end the worker is a finding and no error.
pub fn supervise(plan: &Plan) -> Result<(), String> {
    let shown = |error: std::io::Error| error.to_string();
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.map_err(shown)?;
    fs::create_dir_all(&plan.corpus).map_err(shown)?;
    let end = Instant::now() + Duration::from_secs(plan.seconds);
    let log = OpenOptions::new().create(true).append(true).open(plan.corpus.with_extension("log")).map_err(shown)?;
    loop {
        let left = end.saturating_duration_since(Instant::now()).as_secs();
        if left == 0 {
            break;
        }
        let own: Vec<String> = env::args().skip(1).collect();
        let mut worker = Command::new(env::current_exe().map_err(shown)?);
        worker.args(own).args(["--worker", "--seconds", &left.to_string()]).env("TMPDIR", place.path());
        let status = worker.stderr(log.try_clone().map_err(shown)?).status().map_err(shown)?;
        if status.success() {
            break;
        }
        let input = fs::read(place.path().join("current")).map_err(shown)?;
        let input = findings::framed(&input);
        let path =
            corpus::keep(&plan.findings(), &format!("crash-{}", corpus::name_of(input)), input).map_err(shown)?;
        println!("{}: the process ended ({status}) with {}", plan.target, path.display());
    }
    print!("{}: {}", plan.target, fs::read_to_string(plan.statistics()).unwrap_or_default());
    Ok(())
}

//! A small set of inputs that reaches what all reach: what is committed.

use std::{fs, path::Path};

use crate::{Plan, corpus, findings, instrument};

/// Writes the set of the corpus and the seeds into `folder`, in place of what is there.
///
/// # Errors
/// What the system reports.
pub fn minimise(plan: &Plan, folder: &Path) -> Result<(), String> {
    findings::catch_panics();
    let folders = plan.seeds.iter().chain([&plan.corpus]);
    let inputs: Vec<Vec<u8>> = folders.flat_map(|folder| corpus::load(folder)).collect();
    let mut counters = Vec::new();
    let mut edges: Vec<Vec<u32>> = Vec::new();
    for input in &inputs {
        instrument::reset_counters();
        let found = findings::check(plan.run, input);
        instrument::counters(&mut counters);
        let hit = counters.iter().enumerate().filter(|(_, count)| found.is_none() && **count > 0);
        edges.push(hit.map(|(edge, _)| edge as u32).collect());
    }
    let mut is_covered = vec![false; counters.len()];
    let (mut kept, mut bytes) = (Vec::new(), 0);
    loop {
        // The input with the most new edges for its length, of those that still fit.
        let worth = |at: &usize| {
            let new = edges[*at].iter().filter(|edge| !is_covered[**edge as usize]).count();
            new * 1_000_000 / (inputs[*at].len() + 64)
        };
        let fit = (0..inputs.len()).filter(|at| bytes + inputs[*at].len() <= plan.bytes);
        let Some((worth, at)) = fit.map(|at| (worth(&at), at)).max_by_key(|(worth, _)| *worth) else { break };
        if worth == 0 {
            break;
        }
        edges[at].iter().for_each(|edge| is_covered[*edge as usize] = true);
        bytes += inputs[at].len();
        kept.push(at);
    }
    if folder.is_dir() {
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    }
    for at in &kept {
        corpus::keep(folder, &corpus::name_of(&inputs[*at]), &inputs[*at]).map_err(|error| error.to_string())?;
    }
    let covered = is_covered.iter().filter(|is_covered| **is_covered).count();
    println!("{}: {} of {} inputs, {bytes} bytes, {covered} edges", plan.target, kept.len(), inputs.len());
    Ok(())
}

//! A thousand edits in a row: memory does not grow, every job ends, and the last one gives a picture.
//!
//! Separate from the other engine tests, because it measures the memory of the whole process.

use std::{
    thread,
    time::{Duration, Instant},
};

use sextant::{
    engine::{self, DeviceChoice, EngineHandle, Event, JobId},
    recipe::{Concept, Recipe, Scfg},
};

const EDITS: usize = 1000;

fn recipe(edit: usize) -> Recipe {
    Recipe {
        prompt: "a cat on a beach".into(),
        steps: 3,
        width: 64,
        height: 64,
        seed: (edit / 50) as u64,
        scfg: Scfg { enabled: !edit.is_multiple_of(7), ..Scfg::default() },
        concepts: vec![Concept {
            text: "night".into(),
            strength: edit as f32 / 100.0,
            warmup: 1,
            ..Concept::default()
        }],
        ..Recipe::default()
    }
}

/// Waits for `job` to be done, at most a minute; whether it is.
fn wait_for(engine: &EngineHandle, job: JobId) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        match engine.poll() {
            Some(Event::Done { job: done, .. }) if done == job => return true,
            Some(Event::Failed { message, .. }) => panic!("{message}"),
            Some(_) => {}
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
    false
}

/// Resident memory in MiB; `None` on systems without `/proc`.
fn resident_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

#[test]
fn a_thousand_edits_leave_memory_flat_and_every_job_ends() {
    let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread");
    let mut after_a_fifth = None;
    for edit in 0..EDITS {
        let job = engine.submit(recipe(edit));
        match edit % 5 {
            // Replaced at once, replaced while it runs, stopped, or left to finish.
            0 => {}
            1 => thread::sleep(Duration::from_millis((edit % 11) as u64)),
            2 if edit % 3 == 0 => engine.stop(),
            _ => assert!(wait_for(&engine, job), "edit {edit} does not end"),
        }
        while engine.poll().is_some() {}
        if edit == EDITS / 5 {
            after_a_fifth = resident_memory();
        }
    }
    let job = engine.submit(recipe(EDITS));
    assert!(wait_for(&engine, job), "the last edit does not end");
    if let (Some(early), Some(late)) = (after_a_fifth, resident_memory()) {
        // The cache takes about 60 KiB per edit of a run at 64 pixels; faster growth is a leak.
        let grown = late - early;
        assert!(grown < 160.0, "memory grew from {early:.0} to {late:.0} MiB");
    } else {
        eprintln!("memory was not checked: this system does not report it");
    }
}

//! A thousand edits in a row: memory stays flat, no job is stuck, the last one counts.

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

/// Waits for the end of `job`, whatever it is; at most a minute.
fn settle(engine: &EngineHandle, job: JobId) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        match engine.poll() {
            Some(Event::Done { job: done, .. }) if done == job => return true,
            Some(Event::Failed { message, .. }) => panic!("{message}"),
            Some(_) => {}
            None => thread::sleep(Duration::from_millis(1)),
        }
    }
    false
}

/// Resident memory in MiB, where the system tells it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

#[test]
fn a_thousand_edits_leave_memory_flat_and_no_job_stuck() {
    let engine = engine::start(DeviceChoice::Cpu, engine::MEMORY, || {}).expect("a thread");
    let mut after_a_fifth = None;
    for edit in 0..EDITS {
        let job = engine.submit(recipe(edit));
        match edit % 5 {
            // Overtaken at once, overtaken on the way, or let finish.
            0 => {}
            1 => thread::sleep(Duration::from_millis((edit % 11) as u64)),
            2 if edit % 3 == 0 => engine.stop(),
            _ => assert!(settle(&engine, job), "edit {edit} is stuck"),
        }
        while engine.poll().is_some() {}
        if edit == EDITS / 5 {
            after_a_fifth = resident();
        }
    }
    let job = engine.submit(recipe(EDITS));
    assert!(settle(&engine, job), "the last edit is stuck");
    if let (Some(early), Some(late)) = (after_a_fifth, resident()) {
        // What is remembered of 64-pixel runs is about 60 KiB an edit; anything that grows faster is a leak.
        let grown = late - early;
        assert!(grown < 160.0, "memory grew from {early:.0} to {late:.0} MiB");
    } else {
        eprintln!("memory was not looked at: this system does not tell it");
    }
}

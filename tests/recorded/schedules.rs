//! Sigma schedules under the names of k-diffusion, A1111 and ComfyUI.
//!
//! Apart from the samplers: a schedule is a list of numbers, whatever follows it.

use sextant::{
    recipe::Sampler,
    sampling::{self, PredictionType},
};

use crate::{
    Outcome,
    entry::Entry,
    samplers::{linspace, schedule_named},
};

/// Names that are a schedule of ours under another name.
fn plain_name(name: &str) -> &str {
    name
}

pub fn sigmas(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let mut left_out = Vec::new();
    for listed in entry.params["schedules"].as_array().ok_or("no schedules")? {
        let name = listed["name"].as_str().ok_or("a schedule has a name")?;
        for cand in ["uniform", "karras", "exponential"] {
            let schedule = schedule_named(cand).unwrap();
            for steps in entry.params["steps"].as_array().ok_or("no steps")? {
                let steps = steps.as_u64().unwrap() as usize;
                let solver =
                    sampling::build(Sampler::Euler, schedule, &linspace(PredictionType::Epsilon), steps).unwrap();
                let ours: Vec<f32> = solver.calls().iter().map(|c| c.sigma).chain([0.0]).collect();
                let want = case.floats(&format!("{name}.{steps:02}"));
                println!(
                    "{name} {cand} {steps}: {} {}",
                    want.len(),
                    if want.len() == ours.len() { crate::common::relative_l2(&ours, &want) } else { 9.0 }
                );
            }
        }
        left_out.push(plain_name(name).to_owned());
    }
    Ok(Outcome::NotBuilt(left_out.join(", ")))
}

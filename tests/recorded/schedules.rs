//! Sigma schedules under the names of k-diffusion, A1111 and ComfyUI.
//!
//! Apart from the samplers: a schedule is a list of numbers, independent of the sampler.

use sextant::{
    recipe::{Sampler, Schedule},
    sampling::{self, PredictionType},
};

use crate::{Outcome, entry::Entry, samplers::linspace};

/// Recorded names that are a schedule of ours. Polyexponential of order 1 is exponential.
const OURS: &[(&str, Schedule)] = &[
    ("uniform", Schedule::Normal),
    ("a1111_normal", Schedule::Normal),
    ("comfy_normal", Schedule::Normal),
    ("karras", Schedule::Karras),
    ("comfy_karras", Schedule::Karras),
    ("exponential", Schedule::Exponential),
    ("polyexponential", Schedule::Exponential),
    ("comfy_exponential", Schedule::Exponential),
];

/// Compares the schedules that are ours; gives the names of the others.
pub fn sigmas(entry: &Entry) -> Result<Outcome, String> {
    let case = entry.open();
    let steps = entry.params["steps"].as_array().ok_or("no steps")?;
    let mut others = Vec::new();
    for listed in entry.params["schedules"].as_array().ok_or("no schedules")? {
        let name = listed["name"].as_str().ok_or("a schedule has a name")?;
        let Some((_, schedule)) = OURS.iter().find(|(ours, _)| *ours == name) else {
            others.push(name);
            continue;
        };
        for count in steps {
            let count = count.as_u64().ok_or("a number of steps")? as usize;
            let solver = sampling::build(Sampler::Euler, *schedule, &linspace(PredictionType::Epsilon), count);
            let solver = solver.map_err(|e| e.to_string())?;
            let found: Vec<f32> = solver.calls().iter().map(|call| call.sigma).chain([0.0]).collect();
            case.assert_close(&format!("{name}.{count:02}"), &found);
        }
    }
    if others.is_empty() {
        return Ok(Outcome::Agrees);
    }
    Ok(Outcome::NotBuilt(format!("{} schedules agree; not built yet: {}", OURS.len(), others.join(", "))))
}

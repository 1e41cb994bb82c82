//! What an edit costs, said before it is let go.

use super::{state::Studio, track::Track};
use crate::{
    engine::cost::{EditCost, edit_cost},
    recipe::Recipe,
};

/// The training timestep of every U-Net call of `recipe`: as a run with the same sampling reported them, else as
/// evenly spread steps would have them.
pub fn timesteps(track: Option<&Track>, recipe: &Recipe) -> Vec<f32> {
    let sampling = |r: &Recipe| (r.steps, r.sampler, r.schedule);
    let track = track.filter(|track| track.calls() > 0 && sampling(&track.recipe) == sampling(recipe));
    let calls = track.map_or(recipe.steps, Track::calls);
    (0..calls).map(|step| timestep(track, step, calls)).collect()
}

/// The training timestep of a step: as reported, else as evenly spread steps would have it.
pub fn timestep(track: Option<&Track>, step: usize, steps: usize) -> f32 {
    let reported = track.and_then(|track| track.report(step)).map(|report| report.timestep);
    reported.unwrap_or(1000.0 * (steps.saturating_sub(step)) as f32 / steps.max(1) as f32)
}

/// The price of going from `before` to the recipe as it stands; nothing where there is no price.
pub fn of_edit(studio: &Studio, before: &Recipe) -> Option<EditCost> {
    let steps = timesteps(studio.shown_track(), &studio.recipe);
    Some(edit_cost(Some(before), &studio.recipe, &steps)).filter(|cost| cost.evaluations > 0)
}

/// The badge: "edit: 16 of 60 evals".
pub fn badge(cost: EditCost) -> String {
    format!("edit: {} of {} evals", cost.evaluations, cost.full)
}

/// What moving the slider of the concept in `row` would cost, and from which step on it acts.
pub fn of_slider(studio: &Studio, row: usize) -> String {
    let mut moved = studio.recipe.clone();
    let Some(concept) = moved.concepts.get_mut(row) else { return String::new() };
    let (warmup, end) = (concept.warmup, concept.cooldown);
    concept.strength += 1.0;
    let steps = timesteps(studio.shown_track(), &studio.recipe);
    let last = end.unwrap_or(steps.len()).min(steps.len());
    if warmup >= last {
        return "Acts at no step: its warm-up ends after its last step.".into();
    }
    let acts = format!("Acts from step {} to {last} of {}.", warmup + 1, steps.len());
    let cost = edit_cost(Some(&studio.recipe), &moved, &steps);
    match cost.evaluations {
        0 => acts,
        n => format!("{acts}\nMoving it costs {n} of {} evaluations of the U-Net.", cost.full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Concept;

    #[test]
    fn a_slider_says_when_it_acts_and_what_it_costs() {
        let concept = Concept { text: "glasses".into(), warmup: 4, ..Concept::default() };
        let recipe = Recipe { prompt: "a cat".into(), concepts: vec![concept], ..Recipe::default() };
        let mut studio = Studio::new(recipe.clone());
        let said = of_slider(&studio, 0);
        // Steps 6 to 20 need all three branches anew.
        assert_eq!(said, "Acts from step 5 to 20 of 20.\nMoving it costs 45 of 60 evaluations of the U-Net.");
        studio.recipe.concepts[0].strength = 2.0;
        assert_eq!(of_edit(&studio, &recipe).map(badge).as_deref(), Some("edit: 45 of 60 evals"));
        assert_eq!(of_edit(&studio, &studio.recipe.clone()), None);
        studio.recipe.concepts[0].cooldown = Some(3);
        assert!(of_slider(&studio, 0).starts_with("Acts at no step"));
    }
}

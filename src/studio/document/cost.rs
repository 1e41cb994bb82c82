//! What an edit of the recipe costs, in evaluations of the denoiser.

use super::track::Track;
use crate::{
    engine::cost::{EditCost, edit_cost},
    recipe::{ConceptId, Recipe, SamplerSettings},
};

/// The training timestep of every call of the denoiser in a run of `recipe`: as a run with the same sampling reported
/// them, else as evenly spread steps would have them.
pub fn timesteps(track: Option<&Track>, recipe: &Recipe) -> Vec<f32> {
    let sampling = SamplerSettings::of;
    let track = track.filter(|track| track.calls() > 0 && sampling(&track.recipe) == sampling(recipe));
    let twice = recipe.sampler.evaluations_per_step();
    let calls = track.map_or((recipe.steps * twice).saturating_sub(twice - 1), Track::calls);
    (0..calls).map(|step| timestep(track, step, calls)).collect()
}

/// The training timestep of a step: as reported, else as evenly spread steps would have it.
pub fn timestep(track: Option<&Track>, step: usize, steps: usize) -> f32 {
    let reported = track.and_then(|track| track.report(step)).map(|report| report.timestep);
    reported.unwrap_or(1000.0 * (steps.saturating_sub(step)) as f32 / steps.max(1) as f32)
}

/// The cost of going from `before` to `recipe`, whose steps are at `timesteps`; `None` where it costs nothing.
pub fn of_edit(before: &Recipe, recipe: &Recipe, timesteps: &[f32]) -> Option<EditCost> {
    Some(edit_cost(Some(before), recipe, timesteps)).filter(|cost| cost.evaluations > 0)
}

/// The badge: "edit: 16 of 60 evals".
pub fn badge(cost: EditCost) -> String {
    format!("edit: {} of {} evals", cost.evaluations, cost.full)
}

/// What moving the slider of a concept would cost, and at which steps it acts.
pub fn of_slider(recipe: &Recipe, id: ConceptId, shown: Option<&Track>) -> String {
    let mut moved = recipe.clone();
    let Some(concept) = moved.concept_mut(id) else { return String::new() };
    let (warmup, end) = (concept.warmup, concept.cooldown);
    concept.strength += 1.0;
    let steps = timesteps(shown, recipe);
    let last = end.unwrap_or(steps.len()).min(steps.len());
    if warmup >= last {
        return "Acts at no step: its warm-up ends after its last step.".into();
    }
    let acts = format!("Acts from step {} to {last} of {}.", warmup + 1, steps.len());
    let cost = edit_cost(Some(recipe), &moved, &steps);
    match cost.evaluations {
        0 => acts,
        n => format!("{acts}\nMoving it costs {n} of {} evaluations of the denoiser.", cost.full),
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
        let said = of_slider(&recipe, recipe.concepts[0].id, None);
        // Steps 6 to 20 need all three branches anew.
        assert_eq!(said, "Acts from step 5 to 20 of 20.\nMoving it costs 45 of 60 evaluations of the denoiser.");
        let mut moved = recipe.clone();
        moved.concepts[0].strength = 2.0;
        assert_eq!(
            of_edit(&recipe, &moved, &timesteps(None, &moved)).map(badge).as_deref(),
            Some("edit: 45 of 60 evals")
        );
        assert_eq!(of_edit(&moved, &moved, &timesteps(None, &moved)), None);
        moved.concepts[0].cooldown = Some(3);
        assert!(of_slider(&moved, moved.concepts[0].id, None).starts_with("Acts at no step"));
    }
}

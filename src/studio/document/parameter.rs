//! A number of the recipe that a grid or a filmstrip runs over: its title, its range, how it is written and set.
//!
//! Apart from the grid because filmstrips run over the same numbers.

use super::regions::settings;
use crate::recipe::{Concept, ConceptId, Fusion, FusionRule, Recipe, Sampler, Schedule};

/// Along one side of a grid at most this many values.
pub const MOST: usize = 8;

/// A number of the recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    Cfg,
    Seed,
    Steps,
    /// The strength of a concept.
    Strength(ConceptId),
    /// The threshold of a concept.
    Threshold(ConceptId),
    /// The sharpness of the expert's saliency.
    ExpertSharpness,
    /// The expert's share of a weighted sum.
    ExpertShare,
    /// The weight of a concept among several.
    Weight(ConceptId),
    /// The user's own factor on a region, by its position.
    Factor(usize),
    /// The sharpness of the general model's saliency.
    GeneralSharpness,
    /// The timestep that bounds the fused steps.
    Gate,
    /// The place of the sampler in [`Sampler::ALL`].
    Sampler,
    /// The place of the schedule in [`Schedule::ALL`].
    Schedule,
}

impl Parameter {
    /// The parameters of `recipe` that a grid can run over.
    pub fn all(recipe: &Recipe) -> Vec<Self> {
        let named = recipe.concepts.iter().filter(|concept| !concept.text.trim().is_empty());
        let concepts = named.flat_map(|concept| [Self::Strength(concept.id), Self::Threshold(concept.id)]);
        let fusion = recipe.fusion.iter().flat_map(|_| [Self::ExpertSharpness, Self::ExpertShare]);
        let all = [Self::Cfg, Self::Seed, Self::Steps].into_iter().chain(concepts).chain(fusion);
        all.chain([Self::Sampler, Self::Schedule]).collect()
    }

    /// The slider by which alone `now` differs from `then`; `None` where that is none, or more than one.
    pub fn only_change(now: &Recipe, then: &Recipe) -> Option<Self> {
        let concepts = now.concepts.iter().map(|concept| Self::Weight(concept.id));
        let factors = now.regions.iter().chain(&then.regions).map(|region| Self::Factor(region.position));
        let fusion = [Self::GeneralSharpness, Self::Gate].into_iter().filter(|_| now.fusion.is_some());
        let sliders = Self::all(now).into_iter().filter(|parameter| parameter.is_slider());
        sliders.chain(concepts).chain(factors).chain(fusion).find(|parameter| {
            let (Some(value), mut moved) = (parameter.value(now), then.clone()) else { return false };
            if parameter.value(then).is_none_or(|before| before == value) {
                return false;
            }
            parameter.set(&mut moved, value);
            moved.same_settings(now)
        })
    }

    pub fn title(self, recipe: &Recipe) -> String {
        let text = |id: ConceptId| recipe.concept(id).map_or("concept", |concept| concept.text.trim());
        match self {
            Self::Cfg => "Guidance scale".into(),
            Self::Seed => "Seed".into(),
            Self::Steps => "Steps".into(),
            Self::Strength(id) => format!("Strength of {}", text(id)),
            Self::Threshold(id) => format!("Threshold of {}", text(id)),
            Self::ExpertSharpness => "Sharpness e".into(),
            Self::ExpertShare => "Expert's share".into(),
            Self::Weight(id) => format!("Weight of {}", text(id)),
            Self::Factor(position) => format!("Factor of region {position}"),
            Self::GeneralSharpness => "Sharpness g".into(),
            Self::Gate => "T0".into(),
            Self::Sampler => "Sampler".into(),
            Self::Schedule => "Schedule".into(),
        }
    }

    /// The value that `recipe` has; `None` where it has no such thing.
    pub fn value(self, recipe: &Recipe) -> Option<f32> {
        let concept = |id| recipe.concept(id);
        let fusion = recipe.fusion.as_ref();
        Some(match self {
            Self::Cfg => recipe.cfg,
            Self::Seed => recipe.seed as f32,
            Self::Steps => recipe.steps as f32,
            Self::Strength(id) => concept(id)?.strength,
            Self::Threshold(id) => concept(id)?.threshold,
            Self::Weight(id) => concept(id)?.weight,
            Self::Factor(position) => recipe.region_factor(position),
            Self::ExpertSharpness => fusion?.k_e,
            Self::GeneralSharpness => fusion?.k_g,
            Self::ExpertShare => fusion?.weight,
            Self::Gate => fusion?.t0,
            Self::Sampler => Sampler::ALL.iter().position(|known| *known == recipe.sampler)? as f32,
            Self::Schedule => Schedule::ALL.iter().position(|known| *known == recipe.schedule)? as f32,
        })
    }

    /// Where an axis begins and ends before it is changed.
    pub(super) fn span(self, recipe: &Recipe) -> [f32; 2] {
        match self {
            Self::Cfg => [2.0, 10.0],
            // Seeds beyond what f32 counts exactly are for typing into the recipe, not for a grid.
            Self::Seed => [recipe.seed.min(1 << 23) as f32, recipe.seed.min(1 << 23) as f32 + 2.0],
            Self::Steps => [5.0, 20.0],
            Self::Strength(_) => [-9.0, 9.0],
            Self::Threshold(_) => [0.5, 0.95],
            Self::ExpertSharpness | Self::GeneralSharpness => [0.5, 4.0],
            Self::ExpertShare => [0.0, 1.0],
            Self::Weight(_) | Self::Factor(_) => [0.0, 3.0],
            Self::Gate => [0.0, 1000.0],
            Self::Sampler => [0.0, (Sampler::ALL.len().min(MOST) - 1) as f32],
            Self::Schedule => [0.0, (Schedule::ALL.len().min(MOST) - 1) as f32],
        }
    }

    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Seed | Self::Steps | Self::Sampler | Self::Schedule)
    }

    /// Whether its values are places in a list of names.
    pub fn is_named(self) -> bool {
        matches!(self, Self::Sampler | Self::Schedule)
    }

    /// Whether it is a number that a slider sets.
    fn is_slider(self) -> bool {
        self != Self::Seed && !self.is_named()
    }

    /// How many values an axis has before it is changed: all that there are, where they are names.
    pub(super) fn usual_count(self) -> usize {
        match self {
            Self::Sampler => Sampler::ALL.len().min(MOST),
            Self::Schedule => Schedule::ALL.len().min(MOST),
            _ => 3,
        }
    }

    /// Puts `value` into the recipe, and switches on what has to be on for it to show.
    pub(super) fn set(self, recipe: &mut Recipe, value: f32) {
        match self {
            Self::Cfg => recipe.cfg = value,
            Self::Seed => recipe.seed = value.max(0.0) as u64,
            Self::Steps => recipe.steps = value.max(1.0) as usize,
            Self::Strength(id) | Self::Threshold(id) | Self::Weight(id) => {
                recipe.concept_mut(id).into_iter().for_each(|concept| self.set_concept(concept, value));
            }
            Self::Factor(position) => settings::set_factor(recipe, position, value),
            Self::Sampler => recipe.sampler = named(Sampler::ALL, value).copied().unwrap_or(recipe.sampler),
            Self::Schedule => recipe.schedule = named(Schedule::ALL, value).copied().unwrap_or(recipe.schedule),
            Self::ExpertSharpness | Self::GeneralSharpness | Self::ExpertShare | Self::Gate => {
                recipe.fusion.iter_mut().for_each(|fusion| self.set_fusion(fusion, value));
            }
        }
    }

    fn set_concept(self, concept: &mut Concept, value: f32) {
        concept.enabled = true;
        match self {
            Self::Strength(_) => concept.strength = value,
            Self::Threshold(_) => concept.threshold = value,
            _ => concept.weight = value,
        }
    }

    fn set_fusion(self, fusion: &mut Fusion, value: f32) {
        fusion.enabled = true;
        match self {
            Self::ExpertSharpness => (fusion.k_e, fusion.rule) = (value, FusionRule::Saliency),
            Self::GeneralSharpness => (fusion.k_g, fusion.rule) = (value, FusionRule::Saliency),
            Self::ExpertShare => (fusion.weight, fusion.rule) = (value, FusionRule::Weighted),
            _ => fusion.t0 = value,
        }
    }

    /// A value as its label.
    pub fn label(self, value: f32) -> String {
        let name = match self {
            Self::Sampler => named(Sampler::ALL, value).map(|sampler| sampler.title()),
            Self::Schedule => named(Schedule::ALL, value).map(|schedule| schedule.title()),
            _ => None,
        };
        if let Some(name) = name {
            return name.to_owned();
        }
        if (value - value.round()).abs() < 1e-4 {
            let signed = matches!(self, Self::Strength(_)) && value.round() != 0.0;
            // Adding 0 turns -0 into 0.
            return if signed { format!("{value:+.0}") } else { format!("{:.0}", value.round() + 0.0) };
        }
        match self {
            Self::Seed | Self::Steps | Self::Gate => format!("{value:.0}"),
            Self::Strength(_) => format!("{value:+.1}"),
            Self::Cfg => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        }
    }
}

/// The member of a list at a place that is counted as a number.
fn named<T>(list: &[T], value: f32) -> Option<&T> {
    list.get(value.round().max(0.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_written_as_such() {
        let id = ConceptId(1);
        let write = |parameter: Parameter, values: [f32; 3]| values.map(|value| parameter.label(value));
        assert_eq!(write(Parameter::Strength(id), [-9.0, 0.0, 4.5]), ["-9", "0", "+4.5"]);
        assert_eq!(write(Parameter::Cfg, [2.0, 4.7, 10.0]), ["2", "4.7", "10"]);
        assert_eq!(write(Parameter::ExpertShare, [0.0, 0.25, 1.0]), ["0", "0.25", "1"]);
        assert_eq!(Parameter::Cfg.label(-0.0), "0");
    }

    #[test]
    fn what_is_set_is_read() {
        let concept = Concept { text: "hat".into(), ..Concept::default() };
        let recipe =
            Recipe { concepts: vec![concept], fusion: Some(Fusion::default()), ..Recipe::default() }.with_concept_ids();
        let further = [
            Parameter::Weight(recipe.concepts[0].id),
            Parameter::Factor(2),
            Parameter::GeneralSharpness,
            Parameter::Gate,
        ];
        for parameter in Parameter::all(&recipe).into_iter().chain(further) {
            let mut changed = recipe.clone();
            let [low, high] = parameter.span(&recipe);
            let value = low + (high - low) / 2.0;
            let value = if parameter.is_whole() { value.round() } else { value };
            parameter.set(&mut changed, value);
            assert_eq!(parameter.value(&changed), Some(value), "{}", parameter.title(&recipe));
        }
        assert_eq!(Parameter::Gate.value(&Recipe::default()), None);
    }

    #[test]
    fn samplers_and_schedules_are_called_by_their_names() {
        let mut recipe = Recipe::default();
        for (at, sampler) in Sampler::ALL.iter().enumerate() {
            Parameter::Sampler.set(&mut recipe, at as f32);
            assert_eq!((recipe.sampler, Parameter::Sampler.label(at as f32)), (*sampler, sampler.title().to_owned()));
        }
        Parameter::Sampler.set(&mut recipe, 99.0);
        assert_eq!(Some(&recipe.sampler), Sampler::ALL.last(), "no place, no change");
        Parameter::Schedule.set(&mut recipe, 1.0);
        assert_eq!(recipe.schedule, Schedule::ALL[1]);
    }

    #[test]
    fn a_drag_of_one_slider_is_told_from_other_changes() {
        let then = Recipe { prompt: "a cat".into(), ..Recipe::default() };
        let with = |change: fn(&mut Recipe)| {
            let mut now = then.clone();
            change(&mut now);
            Parameter::only_change(&now, &then)
        };
        assert_eq!(with(|now| now.cfg = 7.0), Some(Parameter::Cfg));
        assert_eq!(with(|now| settings::set_factor(now, 2, 1.5)), Some(Parameter::Factor(2)));
        assert_eq!(with(|now| now.seed = 9), None, "another seed is another picture");
        assert_eq!(with(|now| (now.cfg, now.steps) = (7.0, 9)), None);
        assert_eq!(with(|now| now.prompt = "a dog".into()), None);
        assert_eq!(with(|_| {}), None);
    }
}

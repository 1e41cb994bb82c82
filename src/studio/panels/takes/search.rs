//! Finding takes: by words, by stars, and by settings such as `cfg>7` or `night<0`.
//!
//! Apart from the tree because it looks at one take at a time.

use crate::{
    recipe::Recipe,
    studio::document::{difference, takes::Take},
};

/// Asks for takes with a star, among the words of a filter.
pub const STARRED: &str = "*";

/// What the search field takes, for its tooltip.
pub const HELP: &str = "Words of the name, the prompt, a concept, the sampler or the model; \"seed 3\"; settings as \
                        cfg>7, steps<=20, night<0; * shows those with a star";

/// A filter, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Search(Vec<Term>);

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Star,
    Word(String),
    /// A setting by its name, or a concept's strength by its text.
    Number {
        name: String,
        relation: Relation,
        value: f32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Below,
    AtMost,
    Equal,
    AtLeast,
    Above,
}

const RELATIONS: [(&str, Relation); 5] = [
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("<", Relation::Below),
    (">", Relation::Above),
    ("=", Relation::Equal),
];

impl Search {
    pub fn new(filter: &str) -> Self {
        Self(filter.split_whitespace().map(term).collect())
    }

    /// Whether a take fulfils every term.
    pub fn matches(&self, take: &Take) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let said = said(take);
        self.0.iter().all(|term| match term {
            Term::Star => take.starred,
            Term::Word(word) => said.contains(word) || is_size(&take.track.recipe, word),
            Term::Number { name, relation, value } => {
                numbers(&take.track.recipe, name).iter().any(|number| relation.holds(*number, *value))
            }
        })
    }
}

impl Relation {
    fn holds(self, number: f32, value: f32) -> bool {
        let equal = (number - value).abs() < 1e-4;
        match self {
            Self::Below => number < value && !equal,
            Self::AtMost => number < value || equal,
            Self::Equal => equal,
            Self::AtLeast => number > value || equal,
            Self::Above => number > value && !equal,
        }
    }
}

fn term(word: &str) -> Term {
    if word == STARRED {
        return Term::Star;
    }
    let word = word.to_lowercase();
    let number = RELATIONS.iter().find_map(|(sign, relation)| {
        let (name, value) = word.split_once(sign)?;
        let value = value.replace('−', "-").replace(',', ".").parse().ok()?;
        (!name.is_empty()).then(|| Term::Number { name: name.to_owned(), relation: *relation, value })
    });
    number.unwrap_or(Term::Word(word))
}

/// Everything that words can find.
fn said(take: &Take) -> String {
    let recipe = &take.track.recipe;
    let mut said = vec![take.name.clone(), recipe.prompt.clone(), recipe.negative.clone()];
    // Other numbers are asked for by their names: "2" would find nearly everything.
    said.push(format!("seed {}", recipe.seed));
    said.extend([recipe.sampler.title().to_owned(), recipe.schedule.title().to_owned(), recipe.model.title()]);
    said.extend(recipe.loras.iter().map(|lora| lora.title()));
    said.extend(recipe.active_concepts().map(|concept| concept.text.clone()));
    said.extend(recipe.scfg.enabled.then(|| "s-cfg".to_owned()));
    said.extend(recipe.active_fusion().map(|fusion| format!("fusion {}", difference::rule(fusion))));
    said.join("\n").to_lowercase()
}

/// Whether a word as "192x192" names the size.
fn is_size(recipe: &Recipe, word: &str) -> bool {
    word.replace('×', "x") == format!("{}x{}", recipe.width, recipe.height)
}

/// The numbers that a name stands for in a recipe.
fn numbers(recipe: &Recipe, name: &str) -> Vec<f32> {
    let one = |number: f32| vec![number];
    match name {
        "cfg" | "scale" => one(recipe.cfg),
        "steps" => one(recipe.steps as f32),
        "seed" => one(recipe.seed as f32),
        "width" => one(recipe.width as f32),
        "height" => one(recipe.height as f32),
        _ => {
            let named = recipe.active_concepts().filter(|concept| concept.text.to_lowercase().contains(name));
            named.map(|concept| concept.strength).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        recipe::Concept,
        studio::document::{takes::TakeId, track::Track},
    };

    fn finds(filter: &str) -> bool {
        let concept = Concept { text: "night sky".into(), strength: -2.5, ..Concept::default() };
        let recipe =
            Recipe { prompt: "A Cat".into(), cfg: 7.5, seed: 12, concepts: vec![concept], ..Recipe::default() };
        let (name, track) = ("night −2.5".into(), Track::new(recipe));
        let take =
            Take { id: TakeId(1), name, track, elapsed: Default::default(), created: 0, parent: None, starred: false };
        Search::new(filter).matches(&take)
    }

    #[test]
    fn settings_are_found_by_words_and_by_numbers() {
        for filter in
            ["", "cat", "SEED 12", "cfg>7 cat", "cfg<=7,5", "night<0", "sky=-2.5", "steps=20", "ddim", "192x192"]
        {
            assert!(finds(filter), "{filter}");
        }
        for filter in ["dog", "20", "192", "*", "cfg>7.5", "night>0", "fog<0", "steps<20", "fusion", "cat cfg<7"] {
            assert!(!finds(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_no_number_is_a_word() {
        assert_eq!(term("a=b"), Term::Word("a=b".into()));
        assert_eq!(term(">3"), Term::Word(">3".into()));
    }
}

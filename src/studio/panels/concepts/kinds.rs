//! Presets by kind of edit: how much of the picture a change may touch, and from when on, follows from what it is.

use egui::Ui;

use crate::{recipe::Concept, studio::widgets::combo::quiet_combo};

/// What a concept is a change of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EditKind {
    Face,
    #[default]
    Object,
    Style,
    Scene,
}

impl EditKind {
    pub const ALL: [Self; 4] = [Self::Face, Self::Object, Self::Style, Self::Scene];

    pub fn title(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Object => "object",
            Self::Style => "style",
            Self::Scene => "scene",
        }
    }

    /// Threshold, and the share of the steps that its warm-up takes.
    fn numbers(self) -> (f32, f32) {
        match self {
            // Small and late: who it is and how they stand is settled.
            Self::Face => (0.95, 0.25),
            Self::Object => (0.9, 0.15),
            // Everywhere, over a composition that stands.
            Self::Style => (0.5, 0.25),
            // Nearly everything, nearly from the start: the composition itself.
            Self::Scene => (0.2, 0.1),
        }
    }

    /// Threshold and warm-up in a run of `steps`.
    fn settings(self, steps: usize) -> (f32, usize) {
        let (threshold, share) = self.numbers();
        (threshold, (share * steps as f32).round() as usize)
    }

    fn words(self, steps: usize) -> String {
        let what = match self {
            Self::Face => "a smile, a beard, glasses: something small on what is there",
            Self::Object => "a hat, a bicycle: a thing that comes or goes",
            Self::Style => "watercolour, film grain: how everything is drawn",
            Self::Scene => "night, snow, a beach: the whole picture",
        };
        let (threshold, warmup) = self.settings(steps);
        format!("{what}.\nTouches the top {:.0} % of elements, from step {}", 100.0 * (1.0 - threshold), warmup + 1)
    }

    /// Gives a concept what its kind usually has; strength and words stay.
    pub fn apply(self, concept: &mut Concept, steps: usize) {
        (concept.threshold, concept.warmup) = self.settings(steps);
    }

    /// The kind that a concept is set up as.
    pub fn of(concept: &Concept, steps: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.settings(steps) == (concept.threshold, concept.warmup))
    }
}

/// A choice of kinds; says which one was picked.
pub fn choice(ui: &mut Ui, name: &str, current: Option<EditKind>, steps: usize) -> Option<EditKind> {
    let mut picked = None;
    quiet_combo(ui, name, current.map_or("own", EditKind::title), |ui| {
        for kind in EditKind::ALL {
            let label = ui.selectable_label(current == Some(kind), kind.title());
            if label.on_hover_text(kind.words(steps)).clicked() {
                picked = Some(kind);
            }
        }
    })
    .on_hover_text(
        "What kind of edit a concept is: sets its threshold and its warm-up as such edits usually want them",
    );
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_again_and_keeps_strength_and_words() {
        for steps in [8, 20, 50] {
            for kind in EditKind::ALL {
                let mut concept = Concept { text: "x".into(), strength: -4.0, ..Concept::default() };
                kind.apply(&mut concept, steps);
                assert_eq!((EditKind::of(&concept, steps), concept.strength), (Some(kind), -4.0));
                concept.threshold = 0.33;
                assert_eq!(EditKind::of(&concept, steps), None);
            }
        }
    }
}

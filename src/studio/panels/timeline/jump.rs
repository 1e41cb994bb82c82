//! The step at which the update rule of the reference profile changes, marked and explained, with a way out.
//!
//! Apart from the lanes because it concerns all concepts at once.

use egui::{Popup, PopupCloseBehavior, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::axis::Axis;
use crate::{
    recipe::{Profile, Recipe},
    studio::{command::Commands, document::edit::Edit, view::theme::Theme},
};

/// Where the rule changes. Until the last warm-up ends, the rule averages the concepts whose warm-up has ended by their
/// weights, without momentum; from then on it sums all concepts, momentum included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Jump {
    step: usize,
    /// Concepts whose warm-up ends before `step`.
    warm: usize,
    all: usize,
}

impl Jump {
    /// `None` in the fixed profile, and where all warm-ups end together: then nothing is averaged before.
    fn of(recipe: &Recipe, steps: usize) -> Option<Self> {
        let step = recipe.active_concepts().map(|concept| concept.warmup).max()?;
        let warm = recipe.active_concepts().filter(|concept| concept.warmup < step).count();
        let jumps = recipe.profile == Profile::Reference && warm > 0 && step < steps;
        jumps.then(|| Self { step, warm, all: recipe.active_concepts().count() })
    }

    fn description(self) -> String {
        let before = match self.warm {
            1 => "the one concept that is warm acts without momentum".to_owned(),
            warm => format!("the {warm} concepts that are warm share the strength of one, without momentum"),
        };
        format!(
            "The reference rule jumps at step {}, where the last warm-up ends. Before it, {before}; from it on, all {} \
             count in full, and the momentum gathered so far comes in at once.",
            self.step + 1,
            self.all
        )
    }
}

/// A dashed line through the lanes in `area`, with a flag above them whose menu offers the fixed profile.
pub fn show(ui: &mut Ui, recipe: &Recipe, commands: &mut Commands, area: Rect, axis: Axis) {
    let Some(jump) = Jump::of(recipe, axis.steps) else { return };
    let ink = Theme::of(ui).danger.ink;
    let x = axis.x(jump.step);
    let line = [pos2(x, area.top() - 2.0), pos2(x, area.bottom() - 1.0)];
    ui.painter().extend(Shape::dashed_line(&line, Stroke::new(1.2, ink), 4.0, 3.0));
    let flag = Rect::from_center_size(pos2(x, area.top() - 4.0), vec2(14.0, 10.0));
    let response = ui.interact(flag, ui.scope_id().with("reference jump"), Sense::click());
    let name = format!("Jump of the reference rule at step {}", jump.step + 1);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let grown = if response.hovered() || response.has_focus() { 1.0 } else { 0.0 };
    let corners = [(-5.0 - grown, -4.0), (5.0 + grown, -4.0), (0.0, 4.0 + grown)];
    let corners = corners.into_iter().map(|(dx, dy)| flag.center() + vec2(dx, dy)).collect();
    ui.painter().add(Shape::convex_polygon(corners, ink, Stroke::NONE));
    let menu = Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    menu.show(|ui| {
        ui.set_max_width(300.0);
        ui.label(jump.description());
        ui.label("In the profile \"fixed\" every concept follows its own warm-up, and nothing jumps.");
        if ui.button("Use the fixed profile").clicked() {
            commands.edit(Edit::Profile(Profile::Fixed));
            ui.close();
        }
    });
    response.on_hover_text(format!("{} Click for a way out.", jump.description()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Concept;

    #[test]
    fn only_the_reference_rule_jumps_and_only_where_warm_ups_end_apart() {
        let concept = |warmup| Concept { text: "x".into(), warmup, ..Concept::default() };
        let mut recipe = Recipe { concepts: vec![concept(3), concept(8), concept(3)], ..Recipe::default() };
        assert_eq!(Jump::of(&recipe, 20), None);
        recipe.profile = Profile::Reference;
        assert_eq!(Jump::of(&recipe, 20), Some(Jump { step: 8, warm: 2, all: 3 }));
        assert_eq!(Jump::of(&recipe, 8), None, "it never ends");
        recipe.concepts[1].warmup = 3;
        assert_eq!(Jump::of(&recipe, 20), None, "all end together");
        recipe.concepts.truncate(1);
        assert_eq!(Jump::of(&recipe, 20), None, "one alone is summed from the start");
    }
}

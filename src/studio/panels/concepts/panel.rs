//! The list of concepts: their cards, the field that adds new ones, and what they share.

use std::collections::BTreeSet;

use egui::{Align2, Key, Ui, vec2};

use super::{
    arithmetic::{self, Term},
    card::{Action, Card},
    interference::Interference,
    kinds::{self, EditKind},
};
use crate::{
    recipe::{Concept, ConceptId, Momentum},
    studio::{
        command::{Command, Commands, Shelf},
        document::{Document, cost, edit::Edit},
        panels::{context::PanelContext, words::Words},
        view::theme::{self, Theme},
        widgets::{
            marked_text::{MarkedField, Rows},
            row,
        },
    },
};

/// Room for the example in the heading, and a field's width from which it has room for the cost of an edit, in points.
const EXAMPLE: f32 = 130.0;
const BADGE: f32 = 250.0;
/// What a new concept starts with.
const FIRST_STRENGTH: f32 = 5.0;

/// The section of concepts.
#[derive(Default)]
pub struct Concepts {
    /// What new concepts are set up as.
    kind: EditKind,
    /// The text of the field that adds concepts.
    text: String,
    /// The concepts whose details are shown.
    open: BTreeSet<ConceptId>,
    interference: Interference,
}

impl Concepts {
    pub fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, view, commands, textures } = context;
        let steps = document.recipe().steps;
        row::heading(ui, "Concepts", |ui| {
            if let Some(picked) = kinds::choice(ui, "Kind of new concepts", Some(self.kind), steps) {
                self.kind = picked;
            }
            if ui.available_width() > EXAMPLE {
                row::note(ui, "king - man + 2 woman");
            }
        });
        for (row, concept) in document.recipe().concepts.iter().enumerate() {
            let mut card = Card::new(document, view, row, concept, self.open.contains(&concept.id));
            match card.ui(ui, document, view, textures) {
                Some(Action::Remove) => commands.edit(Edit::RemoveConcept(concept.id)),
                Some(Action::MoveTo(to)) => commands.edit(Edit::MoveConcept { from: row, to }),
                Some(Action::Keep) => commands.send(Command::ShowLibrary(Shelf::Concepts)),
                Some(Action::Duplicate) => commands.edit(Edit::AddConcepts(vec![concept.clone()])),
                Some(Action::ToggleDetails) if !self.open.remove(&concept.id) => drop(self.open.insert(concept.id)),
                _ => {}
            }
            commands.edit_if_changed(concept, card.into_concept(), |changed| Edit::Concept(Box::new(changed)));
            ui.add_space(3.0);
        }
        self.interference.show(ui, document, view);
        self.add(ui, document, commands);
        if document.recipe().active_concepts().next().is_some() {
            momentum(ui, document.recipe().momentum, commands);
        }
    }

    fn add(&mut self, ui: &mut Ui, document: &Document, commands: &mut Commands) {
        let words = Words::of(document, &document.recipe().model);
        let id = ui.scope_id().with("new concept");
        let (font, ink, hint) = (theme::body_font(), Theme::of(ui).ink.text, "Add a concept…");
        // Enter adds what was typed.
        let look = MarkedField { id, name: "Add a concept", hint, font, ink, rows: Rows::One, accept: &[Key::Tab] };
        let response = words.field(ui, look, &mut self.text);
        if response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
            let terms = arithmetic::parse(&std::mem::take(&mut self.text)).into_iter();
            let concepts: Vec<_> = terms.map(|term| concept(term, self.kind, document.recipe().steps)).collect();
            if !concepts.is_empty() {
                commands.edit(Edit::AddConcepts(concepts));
            }
        }
        let has_room = response.rect.width() > BADGE;
        if let Some(edit) = document.history().cost().filter(|_| self.text.is_empty() && has_room) {
            let at = response.rect.right_center() - vec2(8.0, 0.0);
            let (badge, faint) = (cost::badge(edit), Theme::of(ui).ink.faint);
            ui.painter().text(at, Align2::RIGHT_CENTER, badge, theme::small_font(), faint);
        }
    }
}

/// Shared by all concepts.
fn momentum(ui: &mut Ui, before: Momentum, commands: &mut Commands) {
    let usual = Momentum::default();
    let mut momentum = before;
    ui.add_space(2.0);
    row::labelled(ui, "Momentum", |ui| {
        ui.response()
            .on_hover_text("Carries what a concept did in earlier steps into later ones; β is how slowly it forgets");
        row::number(ui, "Momentum scale", &mut momentum.scale, 0.0..=1.0, usual.scale, 2);
        row::note(ui, "β");
        row::number(ui, "Momentum beta", &mut momentum.beta, 0.0..=0.99, usual.beta, 2);
    });
    commands.edit_if_changed(&before, momentum, Edit::Momentum);
}

/// A typed term as a concept of its kind.
fn concept(term: Term, kind: EditKind, steps: usize) -> Concept {
    let Term { sign, weight, text } = term;
    let mut concept = Concept { text, strength: sign * FIRST_STRENGTH, weight, ..Concept::default() };
    kind.apply(&mut concept, steps);
    concept
}

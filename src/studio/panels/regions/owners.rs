//! Which model draws a region in a fusion: the row of the chosen region, and the rows of the fusion panel.

use egui::Ui;

use super::paint;
use crate::{
    recipe::{Owner, Recipe, RegionOwner},
    studio::{
        command::Commands,
        document::{
            Document,
            edit::Edit,
            paint::{PaintTarget, covered},
            regions::labels::RegionLabels,
        },
        view::{View, brush::Target, theme::Theme},
        widgets::{Icon, combo::quiet_combo, icon_button, row},
    },
};

const TERM: &str = "Saliency: the model that cares more draws each place. General or Expert: that one draws the whole \
                    region, at all steps at which the two are fused";

/// Whether two models compete for each place: under the other rules of a fusion no region has an owner of its own.
fn by_saliency(recipe: &Recipe) -> bool {
    Target::Bias.missing(recipe).is_none()
}

/// The choice for one region; only while there is a fusion.
pub fn region_row(ui: &mut Ui, recipe: &Recipe, commands: &mut Commands, region: usize, name: &str) {
    if !by_saliency(recipe) {
        return;
    }
    let Some(fusion) = &recipe.fusion else { return };
    let now = fusion.region_owner(&recipe.groups, region);
    let mut chosen = now;
    row::labelled(ui, "Drawn by", |ui| {
        quiet_combo(ui, &format!("Who draws {name}"), now.title(), |ui| {
            for &owner in Owner::ALL {
                if ui.selectable_label(now == owner, owner.title()).clicked() {
                    chosen = owner;
                }
            }
        });
        ui.response().on_hover_text(TERM);
    });
    commands.edit_if_changed(&now, chosen, |owner| Edit::RegionOwner { region, owner });
}

/// For the fusion panel: the regions that one model draws, and the painted bias.
pub fn fusion_rows(ui: &mut Ui, document: &Document, view: &mut View, commands: &mut Commands) {
    if !by_saliency(document.recipe()) {
        return;
    }
    let Some(fusion) = &document.recipe().fusion else { return };
    owned(ui, &fusion.owners, &view.labels(document), commands);
    let painted = covered(&fusion.bias);
    row::labelled(ui, "Bias", |ui| {
        paint::paint_button(ui, view, Target::Bias, "Paint the bias");
        if painted.is_empty() {
            row::note(ui, "nothing painted");
        } else {
            row::note(ui, painted);
            if icon_button(ui, Icon::Close, "Clear the bias").clicked() {
                commands.edit(Edit::ClearPaint(PaintTarget::Bias));
            }
        }
        ui.response().on_hover_text(
            "A brush on the picture: adds to the expert's or the general model's saliency, place by place",
        );
    });
}

/// One line per region that has an owner, with a way to take it away.
fn owned(ui: &mut Ui, owners: &[RegionOwner], names: &RegionLabels, commands: &mut Commands) {
    let theme = Theme::of(ui);
    for (k, owner) in owners.iter().enumerate() {
        let name = names.name(owner.position);
        ui.push_id(("owner", k), |ui| {
            row::labelled(ui, if k == 0 { "Drawn by" } else { "" }, |ui| {
                row::tinted(ui, format!("{}: {name}", owner.owner.title()), theme.ink.text).on_hover_text(TERM);
                if icon_button(ui, Icon::Close, &format!("Let both compete for {name}")).clicked() {
                    commands.edit(Edit::RegionOwner { region: owner.position, owner: Owner::Saliency });
                }
            });
        });
    }
    if owners.is_empty() {
        row::labelled(ui, "Drawn by", |ui| {
            row::note(ui, "saliency everywhere").on_hover_text(format!("{TERM}. Click a region to choose"));
        });
    }
}

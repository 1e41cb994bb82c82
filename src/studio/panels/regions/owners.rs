//! Who draws a region in a fusion: the row of a chosen region, and what the fusion panel says of all of them.

use egui::Ui;

use crate::{
    recipe::{Owner, Paint, Recipe, RegionOwner},
    studio::{
        bundle::Studio,
        document::{
            paint::covered,
            regions::{labels::RegionLabels, settings},
        },
        panels::regions::paint,
        view::{brush::Target, theme::Theme},
        widgets::{Icon, combo::quiet_combo, icon_button, row},
    },
};

const TERM: &str = "Contest: the model that cares more draws each place. General or Expert: that one draws the whole \
                    region, at all steps at which the two are fused";

/// Whether two models compete for each place: under the other rules of a fusion no region has an owner of its own.
fn contests(recipe: &Recipe) -> bool {
    Target::Bias.missing(recipe).is_none()
}

/// The choice for one region; only while there is a fusion.
pub fn region_row(ui: &mut Ui, recipe: &mut Recipe, region: usize, name: &str) {
    if !contests(recipe) {
        return;
    }
    let Some(fusion) = &mut recipe.fusion else { return };
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
    if chosen != now {
        settings::set_owner(&mut fusion.owners, region, chosen);
    }
}

/// For the fusion panel: the regions that are no contest, and the painted bias.
pub fn fusion_rows(ui: &mut Ui, studio: &mut Studio) {
    if !contests(&studio.document.recipe) {
        return;
    }
    let names = studio.view.labels(&studio.document);
    let Some(fusion) = &mut studio.document.recipe.fusion else { return };
    owned(ui, &mut fusion.owners, &names);
    let Some(fusion) = &studio.document.recipe.fusion else { return };
    let said = covered(&fusion.bias);
    row::labelled(ui, "Bias", |ui| {
        paint::paint_button(ui, studio, Target::Bias, "Paint the bias");
        if said.is_empty() {
            row::note(ui, "nothing painted");
        } else {
            row::note(ui, said);
            if let Some(fusion) = studio.document.recipe.fusion.as_mut()
                && icon_button(ui, Icon::Close, "Clear the bias").clicked()
            {
                fusion.bias = Paint::default();
            }
        }
        ui.response().on_hover_text(
            "A brush on the picture: adds to the expert's or the general model's side of the contest, place by place",
        );
    });
}

/// One line a region that has an owner, with a way to give it back to the contest.
fn owned(ui: &mut Ui, owners: &mut Vec<RegionOwner>, names: &RegionLabels) {
    let theme = Theme::of(ui);
    let mut freed = None;
    for (k, owner) in owners.iter().enumerate() {
        let name = names.name(owner.position);
        ui.push_id(("owner", k), |ui| {
            row::labelled(ui, if k == 0 { "Drawn by" } else { "" }, |ui| {
                row::tinted(ui, format!("{}: {name}", owner.owner.title()), theme.text).on_hover_text(TERM);
                if icon_button(ui, Icon::Close, &format!("Let both compete for {name}")).clicked() {
                    freed = Some(owner.position);
                }
            });
        });
    }
    if let Some(position) = freed {
        settings::set_owner(owners, position, Owner::Contest);
    } else if owners.is_empty() {
        row::labelled(ui, "Drawn by", |ui| {
            row::note(ui, "contest everywhere").on_hover_text(format!("{TERM}. Click a region to choose"));
        });
    }
}

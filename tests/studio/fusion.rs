//! The fusion and what it is compared with: rules at a click, each model alone, whether the models fit, figures.

use egui::Role;
use egui_kittest::kittest::Queryable;
use sextant::{
    engine::{Compatibility, CompatibilityPoint, Event, ModelPair, Verdict, handle::Request},
    recipe::{FusionRule, ModelRef},
    session,
    studio::{
        command::Command,
        document::{
            edit::Edit,
            grid::{Parameter, Side},
        },
        io::{
            figure::{self, Figure},
            session_store::SessionStore,
            store::Store,
        },
        view::compare::Compare,
    },
    tensor::Picture,
};

use crate::window::Window;

/// The demo rendered with its fusion on; the two models alone are not rendered yet.
fn fused() -> Window {
    let mut window = Window::rendered();
    window.harness.set_size(egui::vec2(1440.0, 900.0));
    window.harness.run_ok();
    window.harness.get_by_role_and_label(Role::CheckBox, "Fusion").click();
    let request = window.request();
    window.play(&request);
    window
}

fn rule(request: &Request) -> Option<FusionRule> {
    request.recipe.active_fusion().map(|fusion| fusion.rule)
}

fn choose(window: &mut Window, title: &str) -> Request {
    window.harness.get_by_role_and_label(Role::RadioButton, title).click();
    window.request()
}

#[test]
fn each_baseline_is_one_click() {
    let mut window = fused();
    for (title, expected) in
        [("Expert", FusionRule::Expert), ("General", FusionRule::General), ("Sum", FusionRule::Weighted)]
    {
        let request = choose(&mut window, title);
        assert_eq!(rule(&request), Some(expected));
        window.play(&request);
    }
    assert!(window.harness.query_by_label("The expert's share").is_some());
    assert!(window.harness.query_by_label("Sharpness of the expert").is_none(), "a sum has none");
    // A mask is taken from the fusion mask as it is shown.
    window.edit(|recipe| recipe.fusion.iter_mut().for_each(|fusion| fusion.rule = FusionRule::Saliency));
    let request = window.request();
    window.play(&request);
    window.harness.get_by_role_and_label(Role::RadioButton, "Mask").click();
    window.harness.run_ok();
    window.harness.get_by_label("This step").click();
    let request = window.request();
    let mask = request.recipe.fusion.as_ref().and_then(|fusion| fusion.mask.clone()).expect("a mask");
    assert_eq!((rule(&request), mask.size()), (Some(FusionRule::Mask), [24, 24]));
    assert!(mask.levels().contains(&1) && mask.levels().contains(&0));
    window.play(&request);
    window.harness.get_by_label("Swap").click();
    let swapped = window.request().recipe.fusion.and_then(|fusion| fusion.mask).expect("a mask");
    assert!(swapped.levels().iter().zip(mask.levels()).all(|(a, b)| a != b));
    window.harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    window.harness.run_ok();
    let undone = window.recipe().fusion.as_ref().and_then(|fusion| fusion.mask.clone());
    assert_eq!(undone, Some(mask), "undo gives the mask back");
}

#[test]
fn both_models_alone_are_rendered_at_leisure_and_can_be_pinned() {
    let mut window = fused();
    let takes = window.takes().len();
    let general = window.request();
    assert_eq!(rule(&general), Some(FusionRule::General));
    window.click("Pin general only as A");
    assert_eq!(window.document().takes().pins(), [None, None], "it is not rendered yet");
    window.play(&general);
    let expert = window.request();
    assert_eq!(rule(&expert), Some(FusionRule::Expert));
    // An edit goes first; the cancelled job is rendered again later.
    window.edit_without_frames(|recipe| recipe.cfg = 6.0);
    let edit = window.request();
    assert_eq!((edit.recipe.cfg, rule(&edit)), (6.0, Some(FusionRule::Saliency)));
    window.play(&edit);
    for expected in [FusionRule::General, FusionRule::Expert] {
        let request = window.request();
        assert_eq!((rule(&request), request.recipe.cfg), (Some(expected), 6.0));
        window.play(&request);
    }
    assert_eq!(window.takes().len(), takes + 1, "only the edit made a take");
    window.click("Pin expert only as A");
    let document = window.document();
    let pinned = document.take(document.takes().pins()[0].expect("a pin")).expect("a take");
    assert_eq!((pinned.name.as_str(), pinned.track.recipe.cfg), ("expert only", 6.0));
    assert_eq!((pinned.track.calls(), window.view().comparison.mode), (20, Compare::SideBySide));
    assert!(window.harness.query_by_label("fusion rule expert only → saliency").is_some());
    window.click("Pin expert only as A");
    assert_eq!((window.document().takes().pins()[0], window.view().comparison.mode), (None, Compare::Single));
}

#[test]
fn the_expert_is_said_to_fit_or_not() {
    let mut window = Window::rendered();
    assert_eq!(window.worker.pair().map(|p| p.expert), Some(ModelRef::PocketToon), "asked at once");
    let expert = ModelRef::Folder("models/other".into());
    window.send(Command::Edit(Edit::Expert(expert.clone())));
    let partners = window.worker.pair().expect("another question");
    assert_eq!(partners, ModelPair { general: ModelRef::Pocket, expert });
    let text = "it works on 16 latent channels, the general model on 4".to_owned();
    let points = vec![CompatibilityPoint { verdict: Verdict::Refused, text }];
    window.worker.send(Event::Compatibility(Compatibility { partners, points }));
    window.harness.run_ok();
    assert!(window.harness.query_by_label("does not fit").is_some());
    assert!(window.harness.query_by_label("It works on 16 latent channels, the general model on 4.").is_some());
    window.edit(|recipe| recipe.model = ModelRef::PocketToon);
    assert!(window.harness.query_by_label("does not fit").is_none(), "said of other models");
}

/// The figure as it is read back from its file.
fn written(figure: &Figure) -> Picture {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(figure.file_name());
    let drawn = figure.draw();
    SessionStore::default().export_png(&path, &drawn, figure.recipe(), None).expect("written");
    assert_eq!(session::read_recipe(&path).expect("its recipe"), *figure.recipe());
    let bytes = std::fs::read(&path).expect("readable");
    let read = session::decode_picture(&bytes, "the figure").expect("a picture");
    assert!(read == drawn);
    read
}

/// How many colours a cell has.
fn colors(figure: &Figure, picture: &Picture, row: usize, column: usize) -> usize {
    let [left, top, width, height] = figure.cell(row, column);
    let texel = |x: usize, y: usize| &picture.rgb[3 * (y * picture.width + x)..][..3];
    let all = (top..top + height).flat_map(|y| (left..left + width).map(move |x| texel(x, y)));
    all.collect::<std::collections::HashSet<_>>().len()
}

#[test]
fn a_run_becomes_a_figure_of_steps_and_words() {
    let mut window = fused();
    window.edit(|recipe| recipe.concepts[1].strength = 4.0);
    let request = loop {
        let request = window.request();
        if rule(&request) == Some(FusionRule::Saliency) {
            break request;
        }
        window.play(&request);
    };
    window.play(&request);
    let figure = figure::steps(window.shown_track().expect("a run")).expect("a figure");
    let [rows, columns] = figure.size();
    let titles = figure.row_titles().join(",");
    assert_eq!(columns, 6);
    let words = "a,cat,and,a,red,balloon,on,a,beach,at,sunset";
    assert_eq!(titles, format!("picture,regions,rate ρ,{words},sunglasses,night,fusion mask"));
    let picture = written(&figure);
    let [left, top, width, height] = figure.cell(rows - 1, columns - 1);
    assert!(left + width <= picture.width && top + height <= picture.height);
    // At step 1 the concepts do not act yet; everything else has something to show everywhere.
    for (row, title) in figure.row_titles().into_iter().enumerate() {
        let owns_something = !["a", "and", "red", "on", "at"].contains(&title);
        let least = if owns_something { 2 } else { 1 };
        assert!(colors(&figure, &picture, row, columns - 1) >= least, "{title}");
    }
    assert!(colors(&figure, &picture, 0, 0) > 100, "a picture");
}

#[test]
fn a_grid_becomes_a_figure_with_its_labels() {
    let mut window = Window::rendered();
    assert!(figure::grid(window.document().grid()).is_err(), "there is none yet");
    window.click("Grid");
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    let sides = [side(Parameter::Cfg, 3.0, 6.0), side(Parameter::Seed, 3.0, 4.0)];
    window.send(Command::Edit(Edit::GridSides(sides)));
    window.harness.get_by_label("Render grid").click();
    for _ in 0..3 {
        let request = window.request();
        window.play(&request);
    }
    let figure = figure::grid(window.document().grid()).expect("a figure");
    assert_eq!((figure.size(), figure.row_titles()), ([2, 2], vec!["3", "4"]));
    let picture = written(&figure);
    assert!(colors(&figure, &picture, 0, 0) > 100 && colors(&figure, &picture, 1, 0) > 100);
    assert_eq!(colors(&figure, &picture, 1, 1), 1, "the last cell is not rendered yet");
    assert!(window.harness.query_by_label("Figure…").is_some());
}

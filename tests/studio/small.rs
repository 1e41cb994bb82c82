//! Small windows and large ones: nothing clips or overlaps, parts fold away, and everything has a name.

use egui::{Key, Rect, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use sextant::studio::{
    command::Command,
    document::edit::Edit,
    view::{compare::Compare, overlay::Overlay},
};

use crate::window::Window;

const SIZES: [[f32; 2]; 4] = [[1000.0, 700.0], [1280.0, 800.0], [1920.0, 1080.0], [3840.0, 2160.0]];

fn fused(size: [f32; 2]) -> Window {
    let mut window = Window::rendered();
    window.harness.set_size(size.into());
    window.send(Command::Edit(Edit::ToggleFusion));
    let request = window.request();
    window.play(&request);
    window
}

/// The widgets that can be pressed whose middle lies in `area`, with their names.
fn controls(window: &Window, area: Rect) -> Vec<(String, Rect)> {
    let root = window.harness.root();
    let nodes = root.children_recursive().filter(|node| {
        use egui::accesskit::Role;
        let role = node.accesskit_node().role();
        matches!(
            role,
            Role::Button | Role::RadioButton | Role::CheckBox | Role::Slider | Role::ComboBox | Role::SpinButton
        )
    });
    let nodes = nodes.filter(|node| node.accesskit_node().raw_bounds().is_some());
    let named = nodes.map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()));
    named.filter(|(_, rect)| area.contains(rect.center())).collect()
}

fn assert_apart(controls: &[(String, Rect)], inside: Rect, what: &str) {
    for (k, (name, rect)) in controls.iter().enumerate() {
        assert!(inside.expand(0.5).contains_rect(*rect), "{what}: {name} is clipped: {rect} in {inside}");
        for (other, its) in &controls[k + 1..] {
            let common = rect.shrink(0.5).intersect(its.shrink(0.5));
            assert!(!common.is_positive(), "{what}: {name} {rect} lies on {other} {its}");
        }
    }
}

#[test]
fn the_toolbar_and_the_bars_of_the_canvas_neither_clip_nor_overlap() {
    for size in SIZES {
        let mut window = fused(size);
        let whole = Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let toolbar = whole.with_max_y(50.0);
        let bar = controls(&window, toolbar);
        assert!(bar.iter().any(|(name, _)| name == "Generate") && bar.len() >= 6, "{size:?}: {bar:?}");
        assert_apart(&bar, whole, &format!("toolbar at {size:?}"));
        for overlay in Overlay::ALL {
            window.look(|view| view.overlay.kind = overlay);
            let canvas = window.harness.get_by_label("Canvas").rect();
            let top = canvas.with_max_y(canvas.top() + 80.0);
            assert_apart(&controls(&window, top), canvas, &format!("{overlay:?} at {size:?}"));
        }
        let canvas = window.harness.get_by_label("Canvas").rect();
        window.look(|view| view.comparison.mode = Compare::Grid);
        let top = canvas.with_max_y(canvas.top() + 64.0);
        assert_apart(&controls(&window, top), canvas, &format!("grid at {size:?}"));
    }
}

#[test]
fn columns_and_timeline_fold_and_one_key_leaves_the_canvas_alone() {
    let mut window = Window::rendered();
    window.harness.set_size(vec2(1000.0, 700.0));
    window.harness.run_ok();
    let canvas = |window: &Window| window.harness.get_by_label("Canvas").rect();
    let before = canvas(&window);
    for (fold, gone) in [
        ("Fold the left column", "Seed"),
        ("Fold the right column", "Guidance scale"),
        ("Fold the timeline", "Timeline step"),
    ] {
        assert!(window.harness.query_by_label(gone).is_some());
        window.click(fold);
        assert!(window.harness.query_by_label(gone).is_none(), "{gone}");
    }
    let wide = canvas(&window);
    assert!(wide.width() > 980.0 && wide.height() > before.height() + 100.0, "{before} -> {wide}");
    window.harness.key_press(Key::H);
    window.harness.run_ok();
    let alone = canvas(&window);
    assert!(alone.width() > 980.0 && alone.height() > 680.0, "{alone}");
    assert!(window.harness.query_by_label("Generate").is_none());
    window.harness.key_press(Key::Escape);
    window.harness.run_ok();
    assert_eq!(canvas(&window), wide, "Esc brings the rest back");
    window.click("Show the left column");
    assert!(window.harness.query_by_label("Seed").is_some());
}

#[test]
fn the_program_its_parts_and_the_ends_of_ranges_have_names() {
    let mut window = Window::rendered();
    window.click("Details of sunglasses");
    assert!(window.harness.query_by_label("Sextant").is_some(), "the word mark is one word");
    for part in [
        "Toolbar",
        "Prompt, models and sampling",
        "Guidance, concepts and fusion",
        "Canvas and its bars",
        "Timeline and its lanes",
    ] {
        assert!(window.harness.query_by_label(part).is_some(), "{part}");
    }
    let start = window.harness.get_by_label("Warm-up of sunglasses");
    let node = start.accesskit_node();
    assert_eq!((node.min_numeric_value(), node.max_numeric_value()), (Some(0.0), Some(20.0)));
    assert_eq!(node.numeric_value(), Some(3.0));
    assert_eq!(window.harness.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn interference_moves_nothing_while_a_run_goes_on() {
    let mut window = Window::rendered();
    let place = |window: &Window| window.harness.get_by_label("Add a concept").rect().top();
    // Nearly everywhere, so that both touch the same places.
    window.edit(|recipe| recipe.concepts.iter_mut().for_each(|concept| concept.warmup = 10));
    let request = window.request();
    let before = place(&window);
    let job = request.job;
    let done = crate::synthetic::finished(&request.recipe);
    let tokens = crate::synthetic::tokens(&request.recipe.prompt);
    window.worker.send(sextant::engine::Event::Started { job, calls: request.recipe.steps, tokens });
    for report in &done.reports {
        window.worker.send(sextant::engine::Event::Step { job, report: report.clone() });
        window.harness.run_steps(1);
        assert_eq!(place(&window), before, "step {}", report.step + 1);
    }
}

#[test]
fn a_search_counts_what_it_finds_and_stars_are_asked_for_by_a_button() {
    let mut window = Window::rendered();
    for seed in [8, 9] {
        window.edit(|recipe| recipe.seed = seed);
        let request = window.request();
        window.play(&request);
    }
    window.harness.get_by_label("Find takes").focus();
    window.harness.run_ok();
    window.harness.get_by_label("Find takes").type_text("seed 8");
    window.harness.run_ok();
    assert!(window.harness.query_by_label("1 of 3 takes").is_some());
    let first = window.takes()[0].id;
    window.send(Command::Edit(Edit::ToggleStar(first)));
    window.click("Only takes with a star");
    assert!(window.harness.query_by_label("0 of 3 takes").is_some(), "both words are asked for");
    window.click("Only takes with a star");
    assert!(window.harness.query_by_label("1 of 3 takes").is_some());
}

#[test]
fn a_mask_is_asked_for_and_never_taken_silently() {
    let mut window = fused([1440.0, 900.0]);
    let rule = |window: &Window| window.recipe().fusion.as_ref().map(|fusion| (fusion.rule, fusion.mask.is_some()));
    use egui::Role;
    use sextant::recipe::FusionRule;
    let choose = |window: &mut Window, title: &str| {
        window.harness.get_by_role_and_label(Role::RadioButton, title).click();
        window.harness.run_ok();
    };
    choose(&mut window, "Sum");
    assert_eq!(rule(&window), Some((FusionRule::Weighted, false)));
    choose(&mut window, "Mask");
    assert_eq!(rule(&window), Some((FusionRule::Weighted, false)), "nothing changes before a mask is given");
    assert!(window.harness.query_by_label("This step").is_none(), "a sum has no mask to take over");
    assert!(window.harness.query_by_label("File…").is_some());
    window.click("No mask");
    assert!(window.harness.query_by_label("File…").is_none());
}

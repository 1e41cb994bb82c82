//! Every panel in both faces, compared with the pictures in `tests/studio/pictures/`.
//!
//! After a change that is meant, `UPDATE_SNAPSHOTS=1 cargo test --release --test graphics pictures` draws them anew: look
//! at each before it is committed. What a test could not match lies beside it as `*.new.png` and `*.diff.png`.

use egui::{Rect, pos2};
use egui_kittest::{Harness, SnapshotOptions, kittest::Queryable, try_image_snapshot_options};
use sextant::{
    recipe::{Concept, ConceptId, Recipe},
    studio::{
        command::Command,
        document::{
            edit::Edit,
            grid::{CellStatus, Parameter, Side},
            track::Playhead,
        },
        view::{compare::Compare, overlay::Overlay, theme},
    },
};

use crate::window::Window;

/// Other adapters round the edges of shapes otherwise: a colour may be off a little, and one pixel in a thousand more.
const COLOUR: f32 = 1.5;
const SHARE: f32 = 0.001;

/// One panel of the window.
#[derive(Clone, Copy, Debug)]
enum Panel {
    Toolbar,
    Left,
    Right,
    Canvas,
    Timeline,
    Takes,
}

const ALL: &[Panel] = &[Panel::Toolbar, Panel::Left, Panel::Right, Panel::Canvas, Panel::Timeline, Panel::Takes];

impl Panel {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Where it lies in a window of `size`, whose canvas is at `canvas`.
    fn place(self, canvas: Rect, size: egui::Vec2) -> Rect {
        let takes = size.y - theme::size::TAKES;
        let from_to = |x0: f32, y0: f32, x1: f32, y1: f32| Rect::from_min_max(pos2(x0, y0), pos2(x1, y1));
        match self {
            Self::Toolbar => from_to(0.0, 0.0, size.x, theme::size::TOOLBAR),
            Self::Left => from_to(0.0, theme::size::TOOLBAR, canvas.left(), canvas.bottom()),
            Self::Right => from_to(canvas.right(), theme::size::TOOLBAR, size.x, canvas.bottom()),
            Self::Canvas => from_to(canvas.left(), theme::size::TOOLBAR, canvas.right(), canvas.bottom()),
            Self::Timeline => from_to(0.0, canvas.bottom(), size.x, takes),
            Self::Takes => from_to(0.0, takes, size.x, size.y),
        }
    }
}

/// A rendered window that can be drawn.
fn drawable() -> Window {
    let (mut window, request) = Window::open_on(Harness::builder().wgpu());
    window.play(&request);
    window
}

/// Draws the window as `scene` has it in both faces and compares `panels`.
fn compare(window: &mut Window, scene: &str, panels: &[Panel]) {
    let mut wrong = Vec::new();
    for (dark, face) in [(true, "dark"), (false, "light")] {
        window.look(|view| view.appearance.dark = dark);
        let [left, right] =
            ["left", "right"].map(|side| window.harness.get_by_label(&format!("Width of the {side} column")).rect());
        let canvas = Rect::from_min_max(left.center_top(), right.center_bottom());
        let mut whole = window.harness.render().expect("an adapter to draw with");
        let size = egui::vec2(whole.width() as f32, whole.height() as f32);
        for panel in panels {
            let at = panel.place(canvas, size);
            let [x, y, w, h] = [at.left(), at.top(), at.width(), at.height()].map(|v| v.round() as u32);
            let part = image::imageops::crop(&mut whole, x, y, w, h).to_image();
            let odd = (SHARE * (w * h) as f32) as usize;
            let options =
                SnapshotOptions::new().threshold(COLOUR).max_failed_pixels(odd).output_path("tests/studio/pictures");
            let name = format!("{scene}-{}-{face}", panel.name());
            wrong.extend(try_image_snapshot_options(&part, name, &options).err().map(|error| error.to_string()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn steer(recipe: &mut Recipe) {
    recipe.concepts[1] = Concept { strength: -2.5, threshold: 0.7, cooldown: Some(16), ..recipe.concepts[1].clone() };
}

pub fn every_panel_of_a_steered_picture() {
    let mut window = drawable();
    window.look(|view| view.overlay.kind = Overlay::Regions);
    window.edit(steer);
    let request = window.request();
    window.play(&request);
    window.click("Word cat");
    window.look(|view| view.playhead = Playhead::At(9));
    compare(&mut window, "steered", ALL);
}

pub fn the_panels_of_a_fusion() {
    let mut window = drawable();
    window.look(|view| view.overlay.kind = Overlay::FusionMask);
    window.edit(|recipe| {
        recipe.concepts.clear();
        if let Some(fusion) = &mut recipe.fusion {
            fusion.enabled = true;
        }
    });
    let request = window.request();
    window.play(&request);
    compare(&mut window, "fused", &[Panel::Right, Panel::Canvas, Panel::Timeline]);
}

pub fn the_canvas_of_every_comparison() {
    let mut window = drawable();
    window.edit(|recipe| recipe.seed = 8);
    let request = window.request();
    window.play(&request);
    window.pin([0, 1]);
    for (name, mode) in
        [("side-by-side", Compare::SideBySide), ("wipe", Compare::Wipe), ("difference", Compare::Difference)]
    {
        window.look(|view| view.comparison.mode = mode);
        compare(&mut window, name, &[Panel::Canvas]);
    }
}

pub fn the_canvas_of_a_grid() {
    let mut window = drawable();
    window.click("Grid");
    let side = |parameter, from, to| Side { parameter, from, to, count: 2 };
    let sides = [side(Parameter::Strength(ConceptId(1)), -4.0, 4.0), side(Parameter::Seed, 3.0, 4.0)];
    window.send(Command::Edit(Edit::GridSides(sides)));
    window.harness.get_by_label("Render grid").click();
    for _ in 0..4 {
        let request = window.request();
        window.play(&request);
    }
    assert!(window.document().grid().cells.iter().all(|cell| matches!(cell.status, CellStatus::Done(_))));
    compare(&mut window, "grid", &[Panel::Canvas]);
}

pub fn the_canvas_of_a_refused_recipe() {
    let mut window = drawable();
    window.edit(|recipe| recipe.width = 100);
    window.harness.run_steps(2);
    compare(&mut window, "refused", &[Panel::Canvas]);
}

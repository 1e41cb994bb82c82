//! Single pixels of the canvas, where a map or a difference must have an exact colour.

use std::sync::Arc;

use egui_kittest::Harness;
use sextant::{
    engine::Event,
    studio::{
        command::Command,
        document::edit::Edit,
        view::{
            compare::{Compare, DifferenceAs},
            overlay::Overlay,
            theme,
        },
    },
    tensor::Picture,
};

use crate::{synthetic, window::Window};

pub fn the_canvas_draws_the_picture_and_the_map_texel_by_texel() {
    let (mut window, request) = Window::open_on(Harness::builder().wgpu());
    let solid = Arc::new(Picture { width: 192, height: 192, rgb: [10, 200, 90].repeat(192 * 192) });
    let done = synthetic::finished_with(&request.recipe, vec![solid.clone(); 20], solid.clone());
    let (job, tokens) = (request.job, synthetic::tokens(&request.recipe.prompt));
    window.worker.send(Event::Started { job, calls: 20, tokens });
    window.worker.send(Event::Done { job, take: done });
    window.harness.run();

    window.look(|view| view.overlay.kind = Overlay::Picture);
    assert_eq!(window.pixel(0.3, 0.68), [10, 200, 90]);
    window.look(|view| {
        view.overlay.kind = Overlay::Regions;
        (view.overlay.opacity, view.overlay.outlines) = (1.0, false);
    });
    let [r, g, b, _] = theme::token_color(2).to_array();
    assert_eq!(window.pixel(0.3, 0.68), [r, g, b], "the cat's region in the cat's colour");
    window.look(|view| view.overlay.opacity = 0.0);
    assert_eq!(window.pixel(0.3, 0.68), [10, 200, 90]);
    window.send(Command::Edit(Edit::TogglePin { side: 0, take: window.takes()[0].id }));
    window.look(|view| view.comparison.mode = Compare::Difference);
    let zero = window.pixel(0.3, 0.68);
    assert!(zero.iter().all(|&v| v < 8), "no difference to itself: {zero:?} is not the dark end of false colour");
}

pub fn a_difference_is_shown_in_false_colours_or_in_grey() {
    let (mut window, request) = Window::open_on(Harness::builder().wgpu());
    window.play(&request);
    // Seed 3 has more blue than seed 2, by 53.
    window.look(|view| view.comparison.gain = 4.0);
    window.edit(|recipe| recipe.seed = 2);
    let request = window.request();
    window.play(&request);
    window.pin([0, 1]);
    window.click("Difference");
    let settings = 20.0;
    let colored = window.pixel_above(0.5, 0.5, settings);
    assert!(colored.iter().any(|c| c.abs_diff(colored[0]) > 20), "{colored:?}");
    window.click("Absolute");
    window.look(|view| view.comparison.gain = 1.0);
    assert_eq!(window.view().comparison.difference, DifferenceAs::Absolute);
    let absolute = window.pixel_above(0.5, 0.5, settings);
    assert!(absolute.iter().all(|c| c.abs_diff(absolute[0]) <= 1), "{absolute:?}");
    window.look(|view| view.comparison.gain = 2.0);
    let doubled = window.pixel_above(0.5, 0.5, settings);
    assert!(doubled[0].abs_diff(absolute[0].saturating_mul(2)) <= 2, "{absolute:?} {doubled:?}");
    window.click("Signed");
    let signed = window.pixel_above(0.5, 0.5, settings);
    assert!(signed.iter().all(|c| c.abs_diff(signed[0]) <= 1) && signed[0] > 135, "{signed:?}");
}

//! What needs a graphics adapter: the window's pictures, single pixels, and computing on a card.
//!
//! A target of its own with its own `main`, so that a test is reported as ignored, with its reason, where there is no adapter.

#![allow(dead_code, reason = "the helpers of the window's tests are shared with another target")]

#[path = "../common/mod.rs"]
mod common;
mod gpu;
mod kernels;
mod pictures;
mod pixels;
#[path = "../studio/synthetic.rs"]
mod synthetic;
#[path = "../studio/window.rs"]
mod window;

use std::{process::ExitCode, sync::LazyLock};

use eframe::egui_wgpu::wgpu;
use libtest_mimic::{Arguments, Completion, Trial};

/// Draw with any adapter; Mesa's software rasteriser is enough.
const DRAWING: &[(&str, fn())] = &[
    ("pictures::every_panel_of_a_steered_picture", pictures::every_panel_of_a_steered_picture),
    ("pictures::the_panels_of_a_fusion", pictures::the_panels_of_a_fusion),
    ("pictures::the_canvas_of_every_comparison", pictures::the_canvas_of_every_comparison),
    ("pictures::the_canvas_of_a_grid", pictures::the_canvas_of_a_grid),
    ("pictures::the_canvas_of_a_refused_recipe", pictures::the_canvas_of_a_refused_recipe),
    (
        "pixels::the_canvas_draws_the_picture_and_the_map_texel_by_texel",
        pixels::the_canvas_draws_the_picture_and_the_map_texel_by_texel,
    ),
    (
        "pixels::a_difference_is_shown_in_false_colours_or_in_grey",
        pixels::a_difference_is_shown_in_false_colours_or_in_grey,
    ),
];

static ADAPTERS: LazyLock<Vec<wgpu::DeviceType>> = LazyLock::new(|| {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    adapters.iter().map(|adapter| adapter.get_info().device_type).collect()
});

/// A test that runs where there is an adapter of a kind that `is_enough`.
fn trial(name: &str, test: fn(), is_enough: fn(wgpu::DeviceType) -> bool, lack: &'static str) -> Trial {
    Trial::ignorable_test(name, move || {
        if !ADAPTERS.iter().copied().any(is_enough) {
            return Ok(Completion::ignored_with(lack));
        }
        test();
        Ok(Completion::Completed)
    })
}

fn is_card(kind: wgpu::DeviceType) -> bool {
    use wgpu::DeviceType::{DiscreteGpu, IntegratedGpu, VirtualGpu};
    matches!(kind, DiscreteGpu | IntegratedGpu | VirtualGpu)
}

fn main() -> ExitCode {
    let no_adapter = "there is no adapter that wgpu can draw with, not even a software one";
    let mut trials: Vec<Trial> = DRAWING.iter().map(|(name, test)| trial(name, *test, |_| true, no_adapter)).collect();
    let few = ("kernels::few_are_compiled_and_none_is_tuned", kernels::few_are_compiled_and_none_is_tuned as fn());
    trials.push(trial(few.0, few.1, |_| true, no_adapter));
    let no_card = "there is no graphics card that wgpu can use";
    trials.push(trial("gpu::draws_what_the_cpu_draws", gpu::draws_what_the_cpu_draws, is_card, no_card));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

//! What a picture would need of the machine, said before it is begun.

use sextant::{
    engine::memory,
    model::{LocalModels, ModelSource, Target},
    recipe::{ModelRef, Recipe, Scfg},
};

fn recipe(side: usize, scfg: bool) -> Recipe {
    let scfg = Scfg { enabled: scfg, ..Scfg::default() };
    Recipe { prompt: "a cat".into(), width: side, height: side, scfg, ..Recipe::default() }
}

#[test]
fn a_picture_that_would_not_fit_is_refused_with_what_would() {
    let model = LocalModels.load(&ModelRef::Pocket, &[], &Target::cpu()).expect("the bundled model");
    let needed = |side, scfg| memory::needed(&recipe(side, scfg), model.as_ref(), scfg);
    assert!(needed(192, true) < 200 << 20, "{} MiB for the usual size", needed(192, true) >> 20);
    assert!(needed(2048, true) > needed(2048, false), "maps count");
    assert!(needed(1024, false) > 3 * needed(512, false), "it grows with the area");

    let free = needed(1024, true);
    let large = recipe(2048, true);
    let said = memory::check(&large, model.as_ref(), true, free).map_or_else(|e| e.to_string(), |()| String::new());
    assert!(said.starts_with("2048x2048 pixels of this model need about "), "{said}");
    let fitting = said.split("choose at most ").nth(1).and_then(|rest| rest.split('x').next()?.parse().ok());
    let fitting: usize = fitting.unwrap_or_else(|| panic!("{said}"));
    assert!((700..=1024).contains(&fitting), "{said}");
    assert!(memory::check(&recipe(fitting, true), model.as_ref(), true, free).is_ok(), "what is offered fits");
    assert!(memory::check(&recipe(192, true), model.as_ref(), true, free).is_ok());
    let none =
        memory::check(&recipe(64, true), model.as_ref(), true, 0).map_or_else(|e| e.to_string(), |()| String::new());
    assert!(none.contains("close other programs"), "{none}");
}

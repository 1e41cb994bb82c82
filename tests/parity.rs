//! Recorded runs of the public reference implementations, repeated through the binary (`render --trace`).

mod common;

use std::{fs, path::Path, process::Command};

use common::Case;
use serde_json::Value;

/// Every case of `cases.json` whose file stem starts with one of `prefixes`, through the binary.
fn through_the_binary(prefixes: &[&str], at_least: usize) {
    let fixtures = common::root();
    let cases: Value =
        serde_json::from_slice(&fs::read(fixtures.join("cases.json")).expect("cases.json")).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let mut run = 0;
    let mut wrong = Vec::new();
    for case in cases.as_array().expect("a list") {
        let file = case["file"].as_str().expect("a file");
        let stem = Path::new(file).file_stem().expect("a name").to_string_lossy().into_owned();
        let Some(args) = case["render_args"].as_array().filter(|_| prefixes.iter().any(|p| stem.starts_with(p))) else {
            continue;
        };
        let trace = folder.path().join(format!("{stem}.safetensors"));
        let args: Vec<&str> = args.iter().map(|a| a.as_str().expect("a word")).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_sextant"))
            .current_dir(&fixtures)
            .arg("render")
            .args(&args)
            .args(["--device", "cpu", "--init-latents", file])
            .arg("--trace")
            .arg(&trace)
            .arg("--out")
            .arg(folder.path().join(format!("{stem}.png")))
            .output()
            .expect("the binary starts");
        run += 1;
        if !output.status.success() {
            wrong.push(format!("{stem}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)));
            continue;
        }
        let off = Case::read(&fixtures.join(file)).compare(&Case::read(&trace));
        wrong.extend(off.into_iter().map(|line| format!("{stem}: {line}")));
    }
    assert!(run >= at_least, "only {run} cases were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cfg_and_samplers() {
    through_the_binary(&["cfg_"], 1);
}

#[test]
fn s_cfg() {
    through_the_binary(&["scfg_", "spec_scfg_"], 2);
}

#[test]
fn sega() {
    through_the_binary(&["sega_"], 1);
}

#[test]
fn snb() {
    if !common::model("tiny-sd15-expert").is_dir() {
        eprintln!("skipped: the second model does not travel with the repository; see tests/recorded.rs");
        return;
    }
    through_the_binary(&["snb_"], 5);
}

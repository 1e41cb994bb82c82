//! The arrows between modules (design §6) hold: who may name whom, read off the sources.

use std::{fs, path::Path};

/// What each module may name of the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("tensor", &[]),
    ("files", &[]),
    ("fingerprint", &["tensor"]),
    ("recipe", &[]),
    ("sampling", &["tensor", "recipe"]),
    ("guidance", &["tensor", "recipe", "nets"]),
    ("nets", &["tensor", "recipe"]),
    ("weights", &["tensor", "files", "recipe", "nets", "sampling"]),
    ("engine", &["tensor", "fingerprint", "recipe", "nets", "weights", "sampling", "guidance"]),
    ("session", &["tensor", "files", "fingerprint", "recipe"]),
    ("trace", &["tensor", "files", "recipe", "nets", "engine"]),
    ("studio", &["tensor", "fingerprint", "recipe", "engine", "session"]),
    ("cli", &["tensor", "fingerprint", "recipe", "nets", "engine", "session", "trace", "weights"]),
];

/// Words that a module must not contain, each with its reason.
const BANS: &[(&str, &[&str])] = &[
    ("studio", &["burn::", "use burn"]),
    ("session", &["burn::", "egui"]),
    ("sampling", &["burn::", "egui", "wgpu", "std::fs", "std::thread"]),
    ("guidance", &["egui", "wgpu", "std::fs", "std::thread"]),
    ("nets", &["egui", "wgpu", "std::fs", "std::thread"]),
    ("weights", &["egui", "wgpu", "std::thread"]),
    ("recipe", &["burn::", "egui", "wgpu", "std::fs", "std::thread"]),
    ("engine", &["egui"]),
];

/// Every source file of a module, with comments left out.
fn sources(module: &str) -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src.join(module), &mut files);
    let single = src.join(format!("{module}.rs"));
    if single.is_file() {
        files.push(single);
    }
    assert!(!files.is_empty(), "module {module} has no files");
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable source file");
            let code: Vec<&str> = text.lines().map(|l| l.split("//").next().unwrap_or("")).collect();
            (path.display().to_string(), code.join("\n"))
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Modules named in `code`: `crate::x`, and each first segment inside `use crate::{ … }`.
fn named_modules(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for ch in group.chars() {
                match ch {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    _ if depth == 0 => word.push(ch),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(rest.to_owned());
        }
    }
    let first = |s: String| s.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    found.into_iter().map(first).filter(|m| !m.is_empty()).collect()
}

#[test]
fn arrows_between_modules_run_one_way() {
    let known: Vec<&str> = ARROWS.iter().map(|(m, _)| *m).collect();
    let mut wrong = Vec::new();
    for (module, allowed) in ARROWS {
        for (path, code) in sources(module) {
            for named in named_modules(&code) {
                if known.contains(&named.as_str()) && named != *module && !allowed.contains(&named.as_str()) {
                    wrong.push(format!("{path} names {named}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows against the plan:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_plan() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    for line in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(ARROWS.iter().any(|(m, _)| *m == module), "module {module} has no place in the plan");
    }
}

#[test]
fn nobody_names_what_is_not_theirs() {
    let mut wrong = Vec::new();
    for (module, words) in BANS {
        for (path, code) in sources(module) {
            for word in words.iter().filter(|w| code.contains(**w)) {
                wrong.push(format!("{path} contains \"{word}\""));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scan_sees_grouped_imports() {
    let code = "use crate::{\n    engine::{a, b},\n    field::Latents,\n};\nlet x = crate::session::y();";
    assert_eq!(named_modules(code), ["engine", "tensor", "session"]);
}

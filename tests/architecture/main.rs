//! The architecture holds (`docs/architecture.md`): who may name whom, no circle of files, lengths. Read off the sources.

mod graph;
mod measures;
mod module;
mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
};

use graph::{Graph, Sources};
use tokens::{Token, without_tests};

/// What each module may name of the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("tensor", &[]),
    ("files", &[]),
    ("fingerprint", &["tensor"]),
    ("prompt", &[]),
    ("recipe", &["files", "prompt"]),
    ("sampling", &["tensor", "recipe"]),
    ("guidance", &["tensor", "recipe"]),
    ("nets", &["tensor", "recipe"]),
    ("weights", &["tensor", "files", "prompt", "recipe", "nets", "sampling"]),
    ("model", &["tensor", "recipe", "nets", "sampling", "weights"]),
    ("engine", &["tensor", "files", "fingerprint", "recipe", "nets", "sampling", "guidance", "model"]),
    ("session", &["tensor", "files", "fingerprint", "recipe"]),
    ("trace", &["tensor", "files", "model", "engine"]),
    ("studio", &["tensor", "files", "fingerprint", "prompt", "recipe", "guidance", "model", "engine", "session"]),
    ("cli", &["tensor", "files", "fingerprint", "recipe", "nets", "model", "engine", "session", "trace"]),
];

/// What each part of `studio/` may name of the other parts.
const STUDIO_ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("log", &[]),
    ("renderer", &[]),
    ("submit", &[]),
    ("document", &[]),
    ("clipboard", &["document", "view"]),
    ("first_picture", &["document", "view"]),
    ("view", &["document"]),
    ("command", &["document"]),
    ("widgets", &["view"]),
    ("io", &["document", "view", "log"]),
    ("rendering", &["document", "view", "submit", "clock"]),
    ("requests", &["document", "view", "io", "command"]),
    ("settings", &["view", "io"]),
    ("panels", &["document", "view", "widgets", "command", "log"]),
    (
        "app",
        &[
            "document",
            "view",
            "widgets",
            "io",
            "panels",
            "command",
            "clipboard",
            "first_picture",
            "clock",
            "log",
            "renderer",
            "rendering",
            "requests",
            "settings",
            "submit",
        ],
    ),
    ("opening", &["app", "document", "view", "io", "command", "renderer"]),
];

/// Words that a module must not contain, each with its reason.
const BANS: &[(&str, &[&str])] = &[
    ("studio", &["burn"]),
    ("studio/document", &["egui", "eframe", "SystemTime", "Instant", "mpsc", "channel", "sync_channel"]),
    ("session", &["burn", "egui"]),
    ("sampling", &["burn", "egui", "wgpu", "fs", "thread"]),
    ("tensor", &["burn", "egui", "wgpu", "fs", "thread"]),
    ("guidance", &["burn", "egui", "wgpu", "fs", "thread"]),
    ("nets", &["egui", "wgpu", "fs", "thread"]),
    ("weights", &["egui", "wgpu", "thread"]),
    ("recipe", &["burn", "egui", "wgpu", "fs", "thread"]),
    ("engine", &["egui"]),
    ("trace", &["burn", "egui"]),
];

const FUNCTION_LINES: usize = 60;
const FUNCTION_MEDIAN: usize = 9;
const FILE_LINES: usize = 350;
const STRUCT_FIELDS: usize = 10;

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file by its path below `src/`, with its text.
fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(&src(), &mut found);
    found.sort();
    found.iter().map(|path| (below_src(path), fs::read_to_string(path).expect("a readable source file"))).collect()
}

fn below_src(path: &Path) -> String {
    path.strip_prefix(src()).expect("a file of src").display().to_string()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Whether a file belongs to a module: `a/b` for `a/b.rs` and all below `a/b/`.
fn belongs(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn graph() -> Graph {
    Sources::read(&src(), false).graph()
}

/// The files that import against `arrows`. `root` is the folder that holds the modules, empty for `src/`.
fn against(graph: &Graph, root: &str, arrows: &[(&str, &[&str])]) -> Vec<String> {
    let owner = |file: &str| arrows.iter().find(|(module, _)| belongs(file, &format!("{root}{module}")));
    let mut wrong = Vec::new();
    for (file, imports) in graph {
        let Some((module, allowed)) = owner(file) else { continue };
        for (other, _) in imports.iter().filter_map(|other| owner(other)).filter(|(other, _)| other != module) {
            if !allowed.contains(other) {
                wrong.push(format!("{file} imports from {root}{other}"));
            }
        }
    }
    wrong.dedup();
    wrong
}

#[test]
fn arrows_between_modules_run_one_way() {
    let wrong = against(&graph(), "", ARROWS);
    assert!(wrong.is_empty(), "arrows against the plan:\n{}", wrong.join("\n"));
}

#[test]
fn arrows_inside_the_studio_run_one_way() {
    let graph = graph();
    let wrong = against(&graph, "studio/", STUDIO_ARROWS);
    assert!(wrong.is_empty(), "arrows against the plan:\n{}", wrong.join("\n"));
    let placed = |file: &str| STUDIO_ARROWS.iter().any(|(part, _)| belongs(file, &format!("studio/{part}")));
    let homeless: Vec<&String> =
        graph.keys().filter(|f| f.starts_with("studio/") && *f != "studio/mod.rs" && !placed(f)).collect();
    assert!(homeless.is_empty(), "files of the studio that belong to no part: {homeless:#?}");
}

#[test]
fn no_file_stands_in_an_import_circle() {
    let graph = graph();
    println!("{}", text(&graph));
    let circles = graph::circles(&graph);
    let told: Vec<String> = circles
        .iter()
        .map(|(group, way)| format!("{} files, {}: for one {}", group.len(), group.join(", "), way.join(" -> ")))
        .collect();
    assert!(circles.is_empty(), "circles:\n{}", told.join("\n"));
}

/// The graph as text, a line a file.
fn text(graph: &Graph) -> String {
    let line = |(file, imports): (&String, &std::collections::BTreeSet<String>)| {
        format!("{file} -> {}", imports.iter().cloned().collect::<Vec<_>>().join(" "))
    };
    graph.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_module_and_file_is_in_the_plan() {
    let (_, lib) = files().into_iter().find(|(file, _)| file == "lib.rs").expect("lib.rs");
    for line in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(ARROWS.iter().any(|(m, _)| *m == module), "module {module} has no place in the plan");
    }
    let declared = Sources::read(&src(), true).graph();
    let lost: Vec<String> = files().into_iter().map(|(file, _)| file).filter(|f| !declared.contains_key(f)).collect();
    assert!(lost.is_empty(), "files that no module declares: {lost:?}");
}

#[test]
fn modules_do_without_what_is_banned_there() {
    let mut wrong = Vec::new();
    // Files that are declared for tests alone do not stand in the graph.
    let graph = graph();
    for (file, source) in files().iter().filter(|(file, _)| graph.contains_key(file)) {
        let code = without_tests(&tokens::tokens(source));
        for (_, words) in BANS.iter().filter(|(module, _)| belongs(file, module)) {
            let says = |word: &&&str| uses(&code, word);
            wrong.extend(words.iter().filter(says).map(|word| format!("{file} names `{word}`")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether code names a crate, module or type: as a part of a path or of a `use` tree, or as a type.
fn uses(code: &[Token], word: &str) -> bool {
    let is_path = |i: usize| {
        let next = code.get(i + 1).is_some_and(|t| t.is("::"));
        let before = i > 0 && (code[i - 1].is("::") || code[i - 1].is("{") || code[i - 1].is(","));
        next || before || word.starts_with(char::is_uppercase)
    };
    code.iter().enumerate().any(|(i, token)| token.is(word) && is_path(i))
}

#[test]
fn functions_are_short() {
    let mut lengths = Vec::new();
    let mut long = Vec::new();
    for (file, source) in files() {
        for (name, lines) in measures::functions(&tokens::tokens(&source)) {
            lengths.push(lines);
            if lines > FUNCTION_LINES {
                long.push(format!("{file}: {name} has {lines} lines"));
            }
        }
    }
    let (count, median) = (lengths.len(), measures::median(lengths));
    println!("{count} functions, median {median} lines");
    assert!(long.is_empty(), "functions above {FUNCTION_LINES} lines:\n{}", long.join("\n"));
    assert!(median <= FUNCTION_MEDIAN, "the median function has {median} lines");
}

#[test]
fn long_files_say_why() {
    let reason = |source: &str| {
        let head: Vec<&str> = source.lines().take_while(|line| line.starts_with("//!")).collect();
        head.join(" ").contains("lines")
    };
    let long: Vec<String> = files()
        .into_iter()
        .filter(|(_, source)| source.lines().count() > FILE_LINES && !reason(source))
        .map(|(file, source)| format!("{file} has {} lines", source.lines().count()))
        .collect();
    assert!(long.is_empty(), "files above {FILE_LINES} lines that give no reason:\n{}", long.join("\n"));
}

#[test]
fn every_file_begins_with_what_it_holds() {
    let silent: Vec<String> =
        files().into_iter().filter(|(_, source)| !source.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "files without a `//!` comment: {silent:#?}");
}

#[test]
fn what_a_panel_sees_is_small() {
    let mut large = Vec::new();
    let mut parts = 0;
    for (file, source) in files() {
        if belongs(&file, "studio/document") || belongs(&file, "studio/view") {
            parts += 1;
            let structs = measures::structs(&tokens::tokens(&source));
            large.extend(
                structs
                    .into_iter()
                    .filter(|(_, fields)| *fields > STRUCT_FIELDS)
                    .map(|(name, fields)| format!("{file}: {name} has {fields} fields")),
            );
        }
    }
    assert!(parts > 0, "studio/document and studio/view hold what panels see");
    assert!(large.is_empty(), "structs of more than {STRUCT_FIELDS} fields:\n{}", large.join("\n"));
}

#[test]
fn grouped_and_nested_imports_are_read() {
    let code = "use crate::{\n    engine::{a, b as c},\n    tensor::Latents,\n};\npub(crate) use self::d::*;\nmod e { use super::f; }\
                \nfn g() { crate::session::y::<u8>(); \"use crate::no\"; h.i(); } // crate::no";
    let modules = module::read(&["m".to_owned()], &tokens::tokens(code));
    let uses: Vec<String> = modules[0].uses.iter().map(|u| format!("{} {}", u.path.join("::"), u.name)).collect();
    assert_eq!(uses, ["crate::engine::a a", "crate::engine::b c", "crate::tensor::Latents Latents", "self::d *"]);
    assert_eq!(modules[0].uses.iter().map(|u| u.passed_on).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(modules[0].paths, [["crate", "session", "y"]]);
    assert_eq!((modules[1].path.join("::"), modules[1].uses[0].path.join("::")), ("m::e".into(), "super::f".into()));
}

#[test]
fn texts_and_lifetimes_are_no_code() {
    let code = "fn f<'a>(c: char) -> &'a str { /* x /* y */ z */ let _ = ('\\'', '\"', b'q', r#\"a \"quoted\" fn g() {\"#); \"\\\"{\" }";
    let found = tokens::tokens(code);
    assert_eq!(measures::functions(&found), [("f".to_owned(), 1)]);
    assert!(!found.iter().any(|t| ["x", "y", "z", "quoted", "g", "a"].contains(&t.text.as_str())));
    let tests =
        "#[cfg(test)] mod tests { use a::b; } #[cfg(test)] mod other; struct S { a: A, b: Fn(x, y), c: M<K, V> }";
    let kept = without_tests(&tokens::tokens(tests));
    assert!(kept[0].is("struct"));
    assert_eq!(measures::structs(&kept), [("S".to_owned(), 3)]);
}

#[test]
fn a_circle_is_found_and_named() {
    let to = |files: &[&str]| files.iter().map(|f| (*f).to_owned()).collect();
    let graph = Graph::from([
        ("a".into(), to(&["b"])),
        ("b".into(), to(&["c"])),
        ("c".into(), to(&["a", "d"])),
        ("d".into(), to(&[])),
    ]);
    let found = graph::circles(&graph);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.join(""), found[0].1.join("")), ("abc".into(), "abca".into()));
}

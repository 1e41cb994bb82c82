//! The graph of files: which file of `src/` imports which, with re-exports followed to the file that defines the name.
//!
//! Apart from the reading of a module. Rules: code under `#[cfg(test)]` does not count; `mod child;` and `pub use child::X` are
//! no imports of the parent, a private `use` and a path in code are.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    module::{self, Module},
    tokens,
};

/// Follows names at most this far, so that re-exports in a circle end.
const DEPTH: usize = 16;

/// Files by their path below `src/`, and what each imports.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

pub struct Sources {
    /// By module path: the module and the file that it stands in.
    modules: BTreeMap<Vec<String>, (Module, String)>,
    with_tests: bool,
}

/// What a path means.
enum Meaning {
    Module(Vec<String>),
    /// An item, in the module that defines it.
    Item(Vec<String>),
}

impl Sources {
    /// Every module that `src/lib.rs` declares, directly or not; `src/main.rs` besides. Code under `#[cfg(test)]` is left out
    /// unless `with_tests`.
    pub fn read(src: &Path, with_tests: bool) -> Self {
        let mut sources = Self { modules: BTreeMap::new(), with_tests };
        sources.add(src, &src.join("lib.rs"), &[]);
        sources.add(src, &src.join("main.rs"), &["<main>".to_owned()]);
        sources
    }

    fn add(&mut self, src: &Path, file: &Path, path: &[String]) {
        let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let name = file.strip_prefix(src).unwrap_or(file).display().to_string();
        let tokens = tokens::tokens(&text);
        let tokens = if self.with_tests { tokens } else { tokens::without_tests(&tokens) };
        for module in module::read(path, &tokens) {
            let (inner, children) = (module.path.clone(), module.children.clone());
            self.modules.insert(inner.clone(), (module, name.clone()));
            for child in children {
                let path: Vec<String> = inner.iter().cloned().chain([child]).collect();
                if let Some(file) = file_of(src, &path).filter(|_| !self.modules.contains_key(&path)) {
                    self.add(src, &file, &path);
                }
            }
        }
    }

    pub fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        for (module, file) in self.modules.values() {
            let imports = graph.entry(file.clone()).or_default();
            for (path, to_glob) in named(module) {
                let Some(meaning) = self.resolve(&module.path, &path, DEPTH) else { continue };
                let files = match meaning {
                    Meaning::Item(at) => vec![self.file(&at)],
                    Meaning::Module(at) if to_glob => self.all_of(&at),
                    // The name of a module alone imports nothing; what is named through it does.
                    Meaning::Module(_) => Vec::new(),
                };
                imports.extend(files.into_iter().filter(|other| other != file));
            }
        }
        graph
    }

    fn file(&self, module: &[String]) -> String {
        self.modules[module].1.clone()
    }

    /// The files of everything that a module holds or passes on.
    fn all_of(&self, path: &[String]) -> Vec<String> {
        let (module, file) = &self.modules[path];
        let mut files = if module.items.is_empty() { Vec::new() } else { vec![file.clone()] };
        for passed_on in module.uses.iter().filter(|u| u.passed_on) {
            if let Some(Meaning::Item(at)) = self.resolve(path, &passed_on.path, DEPTH) {
                files.push(self.file(&at));
            }
        }
        files
    }

    /// What `path` means in `module`; `None` for what is not of this crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Meaning> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" | "sextant" => self.inside(&[], rest, depth),
            "self" => self.inside(module, rest, depth),
            "super" => self.inside(&module[..module.len().checked_sub(1)?], rest, depth).or_else(|| {
                let parent = &module[..module.len() - 1];
                self.resolve(parent, rest, depth.checked_sub(1)?)
            }),
            _ => self.inside(module, path, depth),
        }
    }

    /// What `path` means from inside of `module`, whose names are its children, its items and what it imports.
    fn inside(&self, module: &[String], path: &[String], depth: usize) -> Option<Meaning> {
        let Some((name, rest)) = path.split_first() else { return Some(Meaning::Module(module.to_vec())) };
        let depth = depth.checked_sub(1)?;
        let child: Vec<String> = module.iter().cloned().chain([name.clone()]).collect();
        if self.modules.contains_key(&child) {
            return self.inside(&child, rest, depth);
        }
        let (here, _) = self.modules.get(module)?;
        if let Some(import) = here.uses.iter().find(|u| u.name == *name) {
            return match self.resolve_import(module, &import.path, depth)? {
                Meaning::Module(at) => self.inside(&at, rest, depth),
                item => Some(item),
            };
        }
        if here.items.contains(name) {
            return Some(Meaning::Item(module.to_vec()));
        }
        let globs = here.uses.iter().filter(|u| u.name == "*");
        globs.into_iter().find_map(|glob| match self.resolve_import(module, &glob.path, depth)? {
            Meaning::Module(at) if at != module => self.inside(&at, path, depth),
            _ => None,
        })
    }

    /// As [`Self::resolve`], for the path of a `use` declaration, which never begins with the name that it brings in.
    fn resolve_import(&self, module: &[String], path: &[String], depth: usize) -> Option<Meaning> {
        let itself = path.len() == 1 && !matches!(path[0].as_str(), "crate" | "self" | "super");
        if itself { None } else { self.resolve(module, path, depth) }
    }
}

/// What a module names, and whether as `path::*`. Re-exports are followed through and do not count here.
fn named(module: &Module) -> impl Iterator<Item = (Vec<String>, bool)> {
    let uses = module.uses.iter().filter(|u| !u.passed_on).map(|u| (u.path.clone(), u.name == "*"));
    uses.chain(module.paths.iter().map(|path| (path.clone(), false)))
}

fn file_of(src: &Path, module: &[String]) -> Option<PathBuf> {
    let below: PathBuf = module.iter().filter(|name| *name != "<main>").collect();
    [src.join(&below).with_extension("rs"), src.join(&below).join("mod.rs")].into_iter().find(|file| file.is_file())
}

/// Groups of files that import each other, directly or by a chain; each with one shortest circle.
pub fn circles(graph: &Graph) -> Vec<(Vec<String>, Vec<String>)> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph.keys().map(|file| (file, reached(graph, file))).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for file in graph.keys().filter(|file| reach[file].contains(file)) {
        if !seen.contains(file) {
            let group: Vec<String> =
                reach[file].iter().filter(|other| reach[*other].contains(file)).map(|f| (*f).clone()).collect();
            seen.extend(group.iter().cloned());
            found.push((group, shortest(graph, file)));
        }
    }
    found
}

fn reached<'a>(graph: &'a Graph, from: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = graph[from].iter().collect();
    while let Some(file) = next.pop() {
        if found.insert(file) {
            next.extend(graph.get(file).into_iter().flatten());
        }
    }
    found
}

/// The shortest way from a file back to itself.
fn shortest(graph: &Graph, from: &String) -> Vec<String> {
    let mut ways: Vec<Vec<&String>> = vec![vec![from]];
    let mut seen = BTreeSet::new();
    loop {
        let mut longer = Vec::new();
        for way in &ways {
            for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
                let way: Vec<&String> = way.iter().copied().chain([next]).collect();
                if next == from {
                    return way.into_iter().cloned().collect();
                }
                if seen.insert(next) {
                    longer.push(way);
                }
            }
        }
        if longer.is_empty() {
            return Vec::new();
        }
        ways = longer;
    }
}

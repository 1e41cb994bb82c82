//! What one module declares and names: its items, its `use` declarations, the paths in its code.
//!
//! Apart from the graph, which follows names from module to module.

use crate::tokens::{Token, closing};

/// A name that a `use` declaration brings into a module.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// As written: `crate`, `super`, `self`, or the first name of a path.
    pub path: Vec<String>,
    /// The name in this module; `*` for all.
    pub name: String,
    /// With `pub` of any kind: the module passes the name on.
    pub passed_on: bool,
}

/// A module; inline modules are modules of their own in the same file.
#[derive(Clone, Debug, Default)]
pub struct Module {
    pub path: Vec<String>,
    /// Modules declared here, inline or not.
    pub children: Vec<String>,
    /// Functions, types, constants, macros.
    pub items: Vec<String>,
    pub uses: Vec<Use>,
    /// Paths of two and more names in the code.
    pub paths: Vec<Vec<String>>,
}

const ITEM_WORDS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union"];

/// The module at `path` and the inline modules in it.
pub fn read(path: &[String], tokens: &[Token]) -> Vec<Module> {
    let mut module = Module { path: path.to_vec(), ..Module::default() };
    let mut inline = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match tokens[at].text.as_str() {
            "use" => read_use(&mut module, tokens, at),
            "mod" if name_at(tokens, at + 1).is_some() => {
                let name = tokens[at + 1].text.clone();
                module.children.push(name.clone());
                if tokens.get(at + 2).is_some_and(|t| t.is("{")) {
                    let end = closing(tokens, at + 2);
                    let inner: Vec<String> = path.iter().cloned().chain([name]).collect();
                    inline.extend(read(&inner, &tokens[at + 3..end]));
                    end + 1
                } else {
                    at + 2
                }
            }
            "macro_rules" => {
                module.items.extend(name_at(tokens, at + 2));
                at + 3
            }
            word if ITEM_WORDS.contains(&word) => {
                module.items.extend(name_at(tokens, at + 1));
                at + 1
            }
            _ if tokens[at].is_name() => read_path(&mut module, tokens, at),
            _ => at + 1,
        };
    }
    inline.insert(0, module);
    inline
}

fn name_at(tokens: &[Token], at: usize) -> Option<String> {
    tokens.get(at).filter(|t| t.is_name()).map(|t| t.text.clone())
}

/// Reads `a::b::<T>::c` and returns where it ends.
fn read_path(module: &mut Module, tokens: &[Token], from: usize) -> usize {
    let mut path = vec![tokens[from].text.clone()];
    let mut at = from + 1;
    while tokens.get(at).is_some_and(|t| t.is("::")) {
        let Some(name) = name_at(tokens, at + 1) else { break };
        path.push(name);
        at += 2;
    }
    let follows = from > 0 && (tokens[from - 1].is("::") || tokens[from - 1].is("."));
    if path.len() > 1 && !follows {
        module.paths.push(path);
    }
    at
}

fn read_use(module: &mut Module, tokens: &[Token], from: usize) -> usize {
    let end = (from..tokens.len()).find(|&i| tokens[i].is(";")).unwrap_or(tokens.len());
    // `pub`, or the bracket of `pub(crate)`. `)` stands before `use` for no other reason.
    let passed_on = from > 0 && (tokens[from - 1].is("pub") || tokens[from - 1].is(")"));
    for (path, name) in tree(&tokens[from + 1..end], &[]) {
        module.uses.push(Use { path, name, passed_on });
    }
    end + 1
}

/// The paths of a `use` tree, each with the name that it gets.
fn tree(tokens: &[Token], before: &[String]) -> Vec<(Vec<String>, String)> {
    let mut path = before.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "::" => at += 1,
            "{" => {
                let end = closing(tokens, at);
                return branches(&tokens[at + 1..end]).into_iter().flat_map(|part| tree(part, &path)).collect();
            }
            "as" => {
                let name = tokens.get(at + 1).map_or_else(String::new, |t| t.text.clone());
                return vec![(path, name)];
            }
            "self" if !path.is_empty() => at += 1,
            "*" => return vec![(path, "*".into())],
            name => {
                path.push(name.to_owned());
                at += 1;
            }
        }
    }
    let name = path.last().cloned().unwrap_or_default();
    if path.is_empty() { Vec::new() } else { vec![(path, name)] }
}

/// The parts between commas that stand in no bracket.
fn branches(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "{" => at = closing(tokens, at),
            "," => {
                parts.push(&tokens[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&tokens[begin..]);
    parts.retain(|part| !part.is_empty());
    parts
}

//! ComfyUI's graph in the form of its API: nodes by id, each with a class and inputs; an input is a value, or a link
//! `[id of a node, number of its output]`.
//!
//! It stands apart from other JSON because the settings are spread over nodes: links lead from a sampler to them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    imported::{Imported, Source},
    json_settings,
    settings::{Automatic, ImportedSettings},
};
use crate::recipe::Convention;

/// The number of links that are followed: graphs are short, but may have cycles.
const MAX_LINKS: usize = 64;

type Object = Map<String, Value>;

/// Whether an object is a graph.
pub(super) fn is_graph(object: &Object) -> bool {
    !object.is_empty() && object.values().all(|node| node.get("class_type").is_some_and(Value::is_string))
}

/// Reads the settings of the sampler that starts from noise, and of the nodes linked to it. `None` if no node samples.
pub(super) fn read(object: &Object) -> Option<Imported> {
    let mut graph = Graph { nodes: object, used: BTreeSet::new() };
    let samplers = graph.samplers();
    let sampler = samplers.iter().copied().find(|id| graph.starts_from_noise(id)).or(samplers.first().copied())?;
    let mut imported = ImportedSettings::by(Convention::ComfyUi);
    graph.used.insert(sampler.to_owned());
    imported.recipe.prompt = graph.prompt(sampler, Side::Positive).unwrap_or_default();
    imported.recipe.negative = graph.prompt(sampler, Side::Negative).unwrap_or_default();
    read_numbers(&mut graph, sampler, &mut imported);
    for other in samplers.iter().filter(|id| **id != sampler) {
        imported.list_unsupported("ComfyUI", format!("node {other} samples again; only node {sampler} was taken"));
    }
    graph.list_rest(&mut imported, sampler);
    Some(imported.finish(Source::ComfyUi))
}

fn read_numbers(graph: &mut Graph<'_>, sampler: &str, imported: &mut ImportedSettings) {
    let mut find = |keys: &[&str]| graph.setting(sampler, keys);
    let (seed, steps, cfg) = (find(&["seed", "noise_seed"]), find(&["steps"]), find(&["cfg"]));
    let (name, schedule) = (find(&["sampler_name"]), find(&["scheduler"]));
    if let Some(seed) = &seed {
        imported.seed(("seed", seed));
    }
    if let Some(steps) = &steps {
        imported.steps(("steps", steps));
    }
    if let Some(cfg) = &cfg {
        imported.cfg(("cfg", cfg));
    }
    if let Some(layer) = graph.clip_layer(sampler) {
        let number = layer.trim().trim_start_matches('-').to_owned();
        imported.whole(("stop_at_clip_layer", &number), |recipe, n| recipe.clip_skip = usize::try_from(n).ok());
    }
    let name = name.as_deref().map(|name| ("sampler_name", name));
    let schedule = schedule.as_deref().map(|name| ("scheduler", name));
    imported.sampling(name, schedule, Automatic::Plain);
    let size = graph.size(sampler);
    json_settings::read_sides(
        imported,
        size.each_ref().map(|side| side.as_ref().map(|(key, value)| (*key, value.as_str()))),
    );
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Positive,
    Negative,
}

struct Graph<'a> {
    nodes: &'a Object,
    /// Nodes whose settings are in the recipe.
    used: BTreeSet<String>,
}

impl<'a> Graph<'a> {
    fn class(&self, id: &str) -> &'a str {
        self.nodes.get(id).and_then(|node| node.get("class_type")).and_then(Value::as_str).unwrap_or_default()
    }

    fn input(&self, id: &str, key: &str) -> Option<&'a Value> {
        self.nodes.get(id)?.get("inputs")?.get(key)
    }

    /// The node that an input links to, and the number of its output.
    fn link(&self, id: &str, key: &str) -> Option<(&'a str, u64)> {
        let link = self.input(id, key)?;
        let (node, output) = (link.get(0)?.as_str()?, link.get(1)?.as_u64()?);
        self.nodes.contains_key(node).then_some((node, output))
    }

    /// Nodes that sample, by id: those with links to latents and to prompts or a guider.
    fn samplers(&self) -> Vec<&'a str> {
        let samples = |id: &str| {
            let linked = |key| self.link(id, key).is_some();
            linked("latent_image") && (linked("positive") || linked("guider"))
        };
        let mut ids: Vec<&str> = self.nodes.keys().map(String::as_str).filter(|id| samples(id)).collect();
        ids.sort_by_key(|id| id.parse::<u64>().unwrap_or(u64::MAX));
        ids
    }

    /// Whether the sampler's latents come from an empty picture, not from another sampler.
    fn starts_from_noise(&self, sampler: &str) -> bool {
        self.link(sampler, "latent_image").is_some_and(|(node, _)| self.class(node).starts_with("Empty"))
    }

    /// The text at the end of a sampler's positive or negative link.
    fn prompt(&mut self, sampler: &str, side: Side) -> Option<String> {
        let key = if side == Side::Positive { "positive" } else { "negative" };
        let guider = self.link(sampler, "guider").map(|(node, _)| node);
        let holder = guider.unwrap_or(sampler);
        self.used.insert(holder.to_owned());
        let start = self.link(holder, key);
        let start = start.or_else(|| self.link(holder, "conditioning").filter(|_| side == Side::Positive));
        self.conditioning(start?)
    }

    /// Follows a conditioning to the node that encodes a text.
    fn conditioning(&mut self, start: (&'a str, u64)) -> Option<String> {
        let (mut id, mut output) = start;
        for _ in 0..MAX_LINKS {
            if self.class(id) == "ConditioningZeroOut" {
                self.used.insert(id.to_owned());
                return Some(String::new());
            }
            if let Some(text) = ["text", "text_g", "prompt", "t5xxl"].iter().find_map(|key| self.text(id, key)) {
                self.used.insert(id.to_owned());
                return Some(text);
            }
            // Of a node with both conditionings, output 0 is the positive one.
            let through = if output == 0 { "positive" } else { "negative" };
            let on = [through, "conditioning", "conditioning_to", "conditioning_1"];
            (id, output) = on.iter().find_map(|key| self.link(id, key))?;
        }
        None
    }

    /// A text input: in the node itself, or in the node it links to.
    fn text(&mut self, id: &str, key: &str) -> Option<String> {
        if let Some(text) = self.input(id, key).and_then(Value::as_str) {
            return Some(text.to_owned());
        }
        let (mut id, _) = self.link(id, key)?;
        let keys = ["text", "string", "value", "prompt", "populated_text", "text1", "string_a"];
        for _ in 0..MAX_LINKS {
            if let Some(text) = keys.iter().find_map(|key| self.input(id, key).and_then(Value::as_str)) {
                self.used.insert(id.to_owned());
                return Some(text.to_owned());
            }
            (id, _) = keys.iter().find_map(|key| self.link(id, key))?;
        }
        None
    }

    /// The layer that the text encoder of the prompt stops at, counted from -1: of the node that sets it.
    fn clip_layer(&mut self, sampler: &str) -> Option<String> {
        let holder = self.link(sampler, "guider").map_or(sampler, |(node, _)| node);
        let (mut id, _) = self.link(holder, "positive").or_else(|| self.link(holder, "conditioning"))?;
        for _ in 0..MAX_LINKS {
            if let Some(layer) = self.input(id, "stop_at_clip_layer").and_then(json_settings::scalar) {
                self.used.insert(id.to_owned());
                return Some(layer);
            }
            (id, _) = ["clip", "positive", "conditioning"].iter().find_map(|key| self.link(id, key))?;
        }
        None
    }

    /// A setting of the sampler, or of the nodes that configure it.
    fn setting(&mut self, sampler: &str, keys: &[&str]) -> Option<String> {
        let parts = ["noise", "guider", "sampler", "sigmas"].iter().filter_map(|key| self.link(sampler, key));
        let nodes: Vec<&str> = std::iter::once(sampler).chain(parts.map(|(node, _)| node)).collect();
        let (id, key) =
            nodes.iter().find_map(|id| keys.iter().find(|key| self.input(id, key).is_some()).map(|key| (*id, *key)))?;
        self.used.insert(id.to_owned());
        self.value(id, key)
    }

    /// A number or name: in the node itself, or in the node it links to.
    fn value(&mut self, id: &str, key: &str) -> Option<String> {
        if let Some(value) = self.input(id, key).and_then(json_settings::scalar) {
            return Some(value);
        }
        let (node, _) = self.link(id, key)?;
        let (keys, node) = ([key, "value", "seed", "int", "float", "number"], node.to_owned());
        let value = keys.iter().find_map(|key| self.input(&node, key).and_then(json_settings::scalar))?;
        self.used.insert(node);
        Some(value)
    }

    /// Width and height of the latents that the sampler starts from.
    fn size(&mut self, sampler: &str) -> [Option<(&'static str, String)>; 2] {
        let mut id = sampler.to_owned();
        for _ in 0..MAX_LINKS {
            let next = ["latent_image", "samples", "latent"].iter().find_map(|key| self.link(&id, key));
            let Some((next, _)) = next else { break };
            id = next.to_owned();
            if let (Some(width), Some(height)) = (self.value(&id, "width"), self.value(&id, "height")) {
                self.used.insert(id);
                return [Some(("width", width)), Some(("height", height))];
            }
        }
        [None, None]
    }

    /// Lists the settings of other nodes, and those of the sampler that a recipe does not hold. Nodes that save or show the
    /// picture are left out: they do not change it.
    fn list_rest(&self, imported: &mut ImportedSettings, sampler: &str) {
        for id in self.nodes.keys() {
            let class = self.class(id);
            let output = class.starts_with("SaveImage") || class.starts_with("PreviewImage");
            if output || (self.used.contains(id) && id != sampler) {
                continue;
            }
            let inputs = self.nodes.get(id).and_then(|node| node.get("inputs")).and_then(Value::as_object);
            let settings = inputs.into_iter().flatten().filter_map(|(key, v)| Some((key, json_settings::scalar(v)?)));
            let taken = ["seed", "noise_seed", "steps", "cfg", "sampler_name", "scheduler"];
            let beyond = settings.filter(|(key, value)| {
                id != sampler || !(taken.contains(&key.as_str()) || (*key == "denoise" && is_whole_denoise(value)))
            });
            let listed: Vec<String> = beyond.map(|(key, value)| format!("{key} {value}")).collect();
            if !listed.is_empty() {
                imported.list_unsupported(class, listed.join(", "));
            }
        }
    }
}

/// Whether a denoise value means that the picture is made from noise alone.
fn is_whole_denoise(value: &str) -> bool {
    value.parse::<f32>().is_ok_and(|part| part == 1.0)
}

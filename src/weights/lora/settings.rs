//! Alpha and rank where they stand beside the tensors: in PEFT's `adapter_config.json`, or in the note that diffusers
//! writes into the header.
//!
//! Separate from the tensors: kohya's files carry an alpha for each module, and need none of this.

use serde_json::Value;

use super::update::Scale;

/// What such a configuration says. Names of modules are without `base_model.model.`.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Settings(Vec<Group>);

/// The settings of the modules whose names start with `prefix`.
#[derive(Debug, Default, PartialEq)]
struct Group {
    prefix: String,
    alpha: Option<f64>,
    rank: Option<f64>,
    /// rsLoRA (Kalajdzievski, 2023): alpha is divided by the root of the rank.
    by_root: bool,
    /// Modules with settings of their own, by the end of their names.
    alphas: Vec<(String, f64)>,
    ranks: Vec<(String, f64)>,
    /// Modules of an (IA)³ that are scaled at their inputs.
    feedforward: Vec<String>,
    /// Whether every module is a DoRA.
    dora: bool,
}

impl Settings {
    /// PEFT's `adapter_config.json`.
    ///
    /// # Errors
    /// What cannot be followed, in words that complete "the LoRA cannot be used: …".
    pub fn of_config(config: &Value) -> Result<Self, String> {
        Group::read(String::new(), |key| config.get(key)).map(|group| Self(vec![group]))
    }

    /// The note `lora_adapter_metadata`, which has the settings of each network under its name.
    ///
    /// # Errors
    /// As [`Settings::of_config`].
    pub fn of_note(note: &Value) -> Result<Self, String> {
        let networks = ["unet", "text_encoder", "text_encoder_2"];
        let present = networks.iter().filter(|network| {
            let start = format!("{network}.");
            note.as_object().is_some_and(|note| note.keys().any(|key| key.starts_with(&start)))
        });
        let group = |network: &&str| Group::read(format!("{network}."), |key| note.get(format!("{network}.{key}")));
        present.map(group).collect::<Result<_, _>>().map(Self)
    }

    /// The factor on the update of `module`, whose rank is `rank` where its tensors show one; `None` where nothing is said.
    pub fn scale(&self, module: &str, rank: Option<usize>) -> Option<Scale> {
        let (group, name) = self.group(module)?;
        let alpha = own(&group.alphas, name).or(group.alpha)?;
        let said = || own(&group.ranks, name).or(group.rank);
        let rank = rank.map(|rank| rank as f64).or_else(said).filter(|rank| *rank > 0.0)?;
        let divisor = if group.by_root { rank.sqrt() } else { rank };
        Some(Scale { alpha: alpha as f32, divisor: divisor as f32 })
    }

    /// Whether `module` of an (IA)³ is scaled at its inputs.
    pub fn is_on_input(&self, module: &str) -> bool {
        self.group(module).is_some_and(|(group, name)| group.feedforward.iter().any(|end| ends_with(name, end)))
    }

    /// Whether `module` must have a magnitude.
    pub fn wants_magnitude(&self, module: &str) -> bool {
        self.group(module).is_some_and(|(group, _)| group.dora)
    }

    /// Whether the ranks that it names are those of the file; `found` has a module and its rank.
    pub fn agrees(&self, found: (&str, usize)) -> bool {
        let Some((group, name)) = self.group(found.0) else { return true };
        own(&group.ranks, name).or(group.rank).is_none_or(|rank| rank == found.1 as f64)
    }

    fn group<'a>(&self, module: &'a str) -> Option<(&Group, &'a str)> {
        let module = module.strip_prefix("base_model.model.").unwrap_or(module);
        self.0.iter().find_map(|group| Some((group, module.strip_prefix(group.prefix.as_str())?)))
    }
}

impl Group {
    fn read<'a>(prefix: String, get: impl Fn(&str) -> Option<&'a Value>) -> Result<Self, String> {
        // These change the model itself before they train, so that their matrices alone are not the whole update.
        if let Some(start) = get("init_lora_weights").and_then(Value::as_str)
            && ["pissa", "olora", "corda", "loftq"].iter().any(|known| start.to_lowercase().starts_with(known))
        {
            return Err(format!(
                "it was trained from \"{start}\", which changes the model before: convert it to a LoRA"
            ));
        }
        let number = |keys: [&str; 2]| keys.iter().find_map(|key| get(key)?.as_f64());
        let flag = |key: &str| get(key).and_then(Value::as_bool).unwrap_or(false);
        let names = get("feedforward_modules").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            alpha: number(["lora_alpha", "alpha"]),
            rank: number(["r", "rank"]),
            by_root: flag("use_rslora"),
            alphas: pattern(get("alpha_pattern"))?,
            ranks: pattern(get("rank_pattern"))?,
            feedforward: names.filter_map(Value::as_str).map(str::to_owned).collect(),
            dora: flag("use_dora"),
            prefix,
        })
    }
}

/// The numbers of a pattern, by the ends of module names. PEFT takes the keys as regular expressions; files have plain names,
/// perhaps with escaped dots.
fn pattern(value: Option<&Value>) -> Result<Vec<(String, f64)>, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    let entry = |(key, number): (&String, &Value)| {
        let name = key.replace("\\.", ".");
        let name = name.trim_start_matches('^').trim_end_matches('$').to_owned();
        match number.as_f64() {
            Some(number) if !name.contains(['*', '+', '?', '(', '[', '{', '|', '\\', '^', '$']) => Ok((name, number)),
            _ => Err(format!("its configuration gives a rank or an alpha to \"{key}\", which is not a module's name")),
        }
    };
    entries.map(entry).collect()
}

fn own(pattern: &[(String, f64)], module: &str) -> Option<f64> {
    pattern.iter().find(|(end, _)| ends_with(module, end)).map(|(_, number)| *number)
}

/// Whether a module's name is `end`, or ends with it after a dot.
fn ends_with(module: &str, end: &str) -> bool {
    module.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_module_may_have_settings_of_its_own() {
        let config = json!({
            "lora_alpha": 8, "r": 4, "alpha_pattern": { "attn1\\.to_q": 2.0 }, "use_rslora": true,
            "rank_pattern": { "to_k": 16 },
        });
        let settings = Settings::of_config(&config).expect("settings");
        let scale = |module, rank| settings.scale(module, rank).map(|scale| (scale.alpha, scale.divisor));
        assert_eq!(scale("base_model.model.mid.attn1.to_q", Some(4)), Some((2.0, 2.0)));
        assert_eq!(scale("mid.xattn1.to_q", Some(4)), Some((8.0, 2.0)), "whole names only");
        assert_eq!(scale("attn1.to_k", None), Some((8.0, 4.0)));
        let note = json!({ "unet.lora_alpha": 3.0, "unet.r": 6 });
        let settings = Settings::of_note(&note).expect("settings");
        assert_eq!(settings.scale("unet.conv_in", Some(6)), Some(Scale { alpha: 3.0, divisor: 6.0 }));
        assert_eq!(settings.scale("text_encoder.x", Some(6)), None);
        for odd in [json!({ "alpha_pattern": { "attn.*": 1 } }), json!({ "init_lora_weights": "pissa_niter_4" })] {
            assert!(Settings::of_config(&odd).is_err(), "{odd}");
        }
    }
}

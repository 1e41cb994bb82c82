//! The texts of an XMP packet (ISO 16684), where stable-diffusion.cpp and Draw Things keep their settings.
//!
//! It is no XML parser: the text of every element counts, because reading it shows whether it holds settings.

/// The number of texts after which reading stops; ordinary packets have a few dozen.
const MAX_TEXTS: usize = 256;

/// The texts between tags, and the values of attributes.
pub(super) fn texts(packet: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = packet;
    while found.len() < MAX_TEXTS {
        let Some((between, tag)) = rest.split_once('<') else { break };
        push(&mut found, &unescaped(between));
        if let Some(raw) = tag.strip_prefix("![CDATA[") {
            let (raw, after) = raw.split_once("]]>").unwrap_or((raw, ""));
            push(&mut found, raw);
            rest = after;
            continue;
        }
        let (inside, after) = tag.split_once('>').unwrap_or((tag, ""));
        // Processing instructions, comments and closing tags have no attributes.
        if !inside.starts_with(['?', '!', '/']) {
            attributes(inside).for_each(|value| push(&mut found, &value));
        }
        rest = after;
    }
    found
}

fn push(found: &mut Vec<String>, text: &str) {
    let text = text.trim();
    if !text.is_empty() && found.len() < MAX_TEXTS {
        found.push(text.to_owned());
    }
}

/// The values of attributes, `name="value"`.
fn attributes(tag: &str) -> impl Iterator<Item = String> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('=')?;
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        rest = after;
        Some(unescaped(value))
    })
}

/// Replaces entities by their characters; unknown ones stay.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('&') {
        out.push_str(before);
        let name = from.bytes().take(10).position(|b| b == b';').map(|end| &from[..end]);
        match name.and_then(|name| Some((entity(name)?, name.len()))) {
            Some((c, length)) => {
                out.push(c);
                rest = &from[length + 1..];
            }
            None => {
                out.push('&');
                rest = from;
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_come_out_unescaped() {
        let packet = "<?xpacket begin=\"x\"?><a:b c='1 &lt; 2' d=\"&quot;e&#10;f\"> <!-- g --><![CDATA[h & i]]>j &#x1F98A; &k;</a:b>";
        assert_eq!(texts(packet), ["1 < 2", "\"e\nf", "h & i", "j 🦊 &k;"]);
        for broken in ["<", "<a b=", "<a b=\"", "<![CDATA[", "&", "a", "<a b=\"c\" d>e"] {
            texts(broken);
        }
    }
}

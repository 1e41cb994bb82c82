//! A1111's prompt editing: `[from:to:when]` and `[a|b]`, which give another text at other steps.
//!
//! Apart from emphasis, which is read in the text of each step. The grammar is that of A1111: a text that it cannot read as a
//! whole, for a stray `|` or a backslash at a line's end, is taken as it stands.

use std::ops::Range;

use super::traced::Traced;

/// Brackets in brackets beyond this are text.
const MOST_LEVELS: usize = 50;

/// A prompt whose text depends on the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    source: Traced,
    parts: Vec<Part>,
}

/// How steps are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub steps: usize,
    /// Steps of a first pass before this one: whole numbers count on from there, and shares from 1.
    pub before: Option<usize>,
}

impl Timing {
    pub fn of(steps: usize) -> Self {
        Self { steps, before: None }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(Range<usize>),
    Switch { from: Vec<Self>, to: Vec<Self>, when: When },
    Alternate(Vec<Vec<Self>>),
}

/// When a text switches, as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Step(f64),
    Share(f64),
}

impl When {
    /// The last step, counted from 1, of the first text.
    fn last_step(self, timing: Timing) -> i64 {
        let steps = timing.steps as f64;
        let at = match self {
            Self::Step(step) => step - timing.before.unwrap_or(0) as f64,
            Self::Share(share) => (share - f64::from(u8::from(timing.before.is_some()))) * steps,
        };
        // The cast cuts the fraction off and ends at the largest number.
        at.min(steps) as i64
    }
}

impl Schedule {
    pub fn parse(source: &Traced) -> Self {
        let parts = Parser { text: source.text() }.whole();
        let parts = parts.unwrap_or_else(|| vec![Part::Text(0..source.text().len())]);
        Self { source: source.clone(), parts }
    }

    /// Whether the text is the same at every step.
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text at a step, counted from 1.
    pub fn at(&self, step: usize, timing: Timing) -> Traced {
        let mut text = Traced::default();
        self.write(&self.parts, step, timing, &mut text);
        text
    }

    /// The last step of each text, counted from 1, and the text: as A1111 lists them.
    pub fn entries(&self, timing: Timing) -> Vec<(usize, Traced)> {
        let mut ends = vec![timing.steps];
        collect_ends(&self.parts, timing, &mut ends);
        ends.sort_unstable();
        ends.dedup();
        ends.into_iter().map(|end| (end, self.at(end, timing))).collect()
    }

    fn write(&self, parts: &[Part], step: usize, timing: Timing, text: &mut Traced) {
        for part in parts {
            match part {
                Part::Text(range) => text.push(&self.source, range.clone()),
                Part::Switch { from, to, when } => {
                    let is_before = step as i64 <= when.last_step(timing);
                    self.write(if is_before { from } else { to }, step, timing, text);
                }
                Part::Alternate(options) => {
                    self.write(&options[step.saturating_sub(1) % options.len()], step, timing, text);
                }
            }
        }
    }
}

fn collect_ends(parts: &[Part], timing: Timing, ends: &mut Vec<usize>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Switch { from, to, when } => {
                ends.extend(usize::try_from(when.last_step(timing)).ok().filter(|end| *end >= 1));
                collect_ends(from, timing, ends);
                collect_ends(to, timing, ends);
            }
            Part::Alternate(options) => {
                ends.extend(1..=timing.steps);
                options.iter().for_each(|option| collect_ends(option, timing, ends));
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
}

impl Parser<'_> {
    fn peek(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// All of the text, where brackets without a partner are letters.
    fn whole(&self) -> Option<Vec<Part>> {
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < self.text.len() {
            let (found, end) = self.prompt(at, MOST_LEVELS);
            parts.extend(found);
            at = end;
            match self.peek(at) {
                Some(b'[' | b']' | b'(' | b')' | b':') => {
                    parts.push(Part::Text(at..at + 1));
                    at += 1;
                }
                Some(_) => return None,
                None => {}
            }
        }
        Some(parts)
    }

    /// As much from `at` as is a prompt: plain text and groups. Gives where it ends.
    fn prompt(&self, mut at: usize, levels: usize) -> (Vec<Part>, usize) {
        let mut parts = Vec::new();
        loop {
            let plain = self.plain(at);
            if plain > at {
                parts.push(Part::Text(at..plain));
                at = plain;
            }
            let group = match self.peek(at) {
                Some(b'(') if levels > 0 => self.round(at, levels - 1),
                Some(b'[') if levels > 0 => self.square(at, levels - 1),
                _ => None,
            };
            let Some((found, end)) = group else { return (parts, at) };
            parts.extend(found);
            at = end;
        }
    }

    /// Where plain text from `at` ends; a backslash takes the next letter along, unless it is a line's end.
    fn plain(&self, mut at: usize) -> usize {
        while let Some(letter) = self.text[at..].chars().next() {
            match letter {
                '[' | ']' | '(' | ')' | ':' | '|' => break,
                '\\' => match self.text[at + 1..].chars().next() {
                    Some(next) if next != '\n' => at += 1 + next.len_utf8(),
                    _ => break,
                },
                _ => at += letter.len_utf8(),
            }
        }
        at
    }

    /// `(prompt)` or `(prompt:prompt)`.
    fn round(&self, start: usize, levels: usize) -> Option<(Vec<Part>, usize)> {
        let (mut inside, mut at) = self.prompt(start + 1, levels);
        inside.insert(0, Part::Text(start..start + 1));
        if self.peek(at) == Some(b':') {
            let (more, end) = self.prompt(at + 1, levels);
            inside.push(Part::Text(at..at + 1));
            inside.extend(more);
            at = end;
        }
        (self.peek(at) == Some(b')')).then(|| {
            inside.push(Part::Text(at..at + 1));
            (inside, at + 1)
        })
    }

    /// `[prompt]`, `[to:when]`, `[from:to:when]` or `[a|b]`.
    fn square(&self, start: usize, levels: usize) -> Option<(Vec<Part>, usize)> {
        let mut sections = Vec::new();
        let mut at = start + 1;
        let mut separator = None;
        loop {
            let (parts, end) = self.prompt(at, levels);
            sections.push((parts, at..end));
            at = end + 1;
            match self.peek(end)? {
                b']' => break,
                found @ (b':' | b'|') if *separator.get_or_insert(found) == found => {}
                _ => return None,
            }
        }
        let part = match (separator, sections.as_mut_slice()) {
            (None, [(inside, _)]) => {
                let mut parts = std::mem::take(inside);
                parts.insert(0, Part::Text(start..start + 1));
                parts.push(Part::Text(at - 1..at));
                return Some((parts, at));
            }
            (Some(b'|'), sections) => Part::Alternate(sections.iter_mut().map(|(s, _)| std::mem::take(s)).collect()),
            (_, [(to, _), (_, when)]) => self.switch(Vec::new(), to, when.clone())?,
            (_, [(from, _), (to, _), (_, when)]) => {
                let from = std::mem::take(from);
                self.switch(from, to, when.clone())?
            }
            _ => return None,
        };
        Some((vec![part], at))
    }

    fn switch(&self, from: Vec<Part>, to: &mut Vec<Part>, when: Range<usize>) -> Option<Part> {
        let written = self.text.get(when)?.trim();
        let is_number = written.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let number: f64 = written.parse().ok().filter(|_| is_number && !written.starts_with(['e', 'E']))?;
        let when = if written.contains('.') { When::Share(number) } else { When::Step(number) };
        Some(Part::Switch { from, to: std::mem::take(to), when })
    }
}

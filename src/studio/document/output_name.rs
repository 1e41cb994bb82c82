//! The names of files that takes are written under by themselves.
//!
//! Apart from writing them: the window shows the name before there is a file.

use std::path::PathBuf;

use super::takes::Take;

/// The longest name of a file or folder, without its ending and the number that keeps names apart.
const LONGEST: usize = 120;

/// The words in braces that a pattern may hold, with what stands for them.
pub const WORDS: [(&str, &str); 7] = [
    ("{date}", "the day, as 2026-11-30"),
    ("{time}", "the time of day in UTC, as 081500"),
    ("{name}", "the take's name"),
    ("{prompt}", "the first words of the prompt"),
    ("{seed}", "the seed"),
    ("{model}", "the model's name"),
    ("{number}", "the take's number in its session"),
];

/// The file's name for a take, with folders where the pattern has slashes. What a file system cannot hold becomes a dash.
pub fn file_name(pattern: &str, take: &Take) -> PathBuf {
    let recipe = &take.track.recipe;
    let (date, time) = date_and_time(take.created);
    let values = [
        date,
        time,
        take.name.clone(),
        recipe.prompt.clone(),
        recipe.seed.to_string(),
        recipe.model.title(),
        take.id.0.to_string(),
    ];
    let mut path = PathBuf::new();
    for part in pattern.split(['/', '\\']) {
        let mut name = part.to_owned();
        for ((word, _), value) in WORDS.iter().zip(&values) {
            name = name.replace(word, value);
        }
        let name = clean(&name);
        if !name.is_empty() {
            path.push(name);
        }
    }
    if path.as_os_str().is_empty() {
        path.push(format!("take-{}", take.id.0));
    }
    let mut name = path.into_os_string();
    name.push(".png");
    name.into()
}

/// A name that every file system holds: letters, digits and a few signs, no dots at its ends, not too long.
fn clean(name: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || "-_.,+=()×° ".contains(c) { c } else { '-' };
    let text: String = name.chars().map(keep).take(LONGEST).collect();
    text.trim_matches(|c: char| c == '.' || c.is_whitespace()).to_owned()
}

/// The day and the time of day of a moment in seconds since 1970-01-01 UTC.
fn date_and_time(seconds: u64) -> (String, String) {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let [year, month, day] = civil(days);
    (format!("{year:04}-{month:02}-{day:02}"), format!("{:02}{:02}{:02}", rest / 3600, rest / 60 % 60, rest % 60))
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
fn civil(days: u64) -> [u64; 3] {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    // Whole cycles of 400 years first, so that no date takes a long walk.
    let (mut year, mut days) = (1970 + 400 * (days / 146_097), days % 146_097);
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    [year, month as u64 + 1, days + 1]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        recipe::Recipe,
        studio::document::{takes::TakeId, track::Track},
    };

    fn take(name: &str, prompt: &str) -> Take {
        Take {
            id: TakeId(7),
            name: name.into(),
            track: Track::new(Recipe { prompt: prompt.into(), seed: 42, ..Recipe::default() }),
            elapsed: Duration::ZERO,
            created: 1_709_210_096,
            parent: None,
            starred: false,
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date_and_time(0), ("1970-01-01".into(), "000000".into()));
        assert_eq!(date_and_time(951_782_399), ("2000-02-28".into(), "235959".into()));
        assert_eq!(date_and_time(951_782_400).0, "2000-02-29");
        assert_eq!(date_and_time(1_709_210_096), ("2024-02-29".into(), "123456".into()));
        assert_eq!(date_and_time(4_107_542_400).0, "2100-03-01");
    }

    #[test]
    fn patterns_name_files_that_every_system_holds() {
        let name = |pattern: &str| file_name(pattern, &take("cat ×1.8", "a/b: \"c\"?")).to_string_lossy().into_owned();
        assert_eq!(name("{date}/{time} {name}"), "2024-02-29/123456 cat ×1.8.png");
        assert_eq!(name("{prompt}-{seed}"), "a-b- -c---42.png");
        assert_eq!(name("../../{seed}"), "42.png", "no way out of the folder");
        assert_eq!(name("  ../ "), "take-7.png");
        assert!(file_name("{prompt}", &take("", &"long ".repeat(900))).as_os_str().len() < 130);
    }
}

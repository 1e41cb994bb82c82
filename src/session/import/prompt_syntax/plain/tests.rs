//! Tests of prompt syntax, tool by tool.

use super::*;

fn plain(prompt: &str, syntax: ToolSyntax) -> (String, Vec<String>) {
    let words = read(prompt, syntax);
    (words.plain, words.notes)
}

/// Checks plain prompts, and the kinds of constructs that are reported.
fn check(syntax: ToolSyntax, cases: &[(&str, &str, &[&str])]) {
    for (prompt, want, kinds) in cases {
        let (words, notes) = plain(prompt, syntax);
        assert_eq!(words, *want, "{prompt}");
        let found: Vec<&str> = notes.iter().map(|note| note.split(':').next().unwrap_or_default()).collect();
        assert_eq!(found, *kinds, "{prompt}: {notes:?}");
    }
}

#[test]
fn brackets_weigh_and_switch() {
    check(
        ToolSyntax::A1111,
        &[
            ("a (red hat:1.2), sky", "a red hat, sky", &["emphasis"]),
            ("((masterpiece)), (a (b:1.3):0.9) [dull]", "masterpiece, a b dull", &["emphasis"]),
            ("a [cat:dog:0.4] on a [mat:0.5] [x::12]", "a cat dog on a mat x ", &["switching"]),
            ("a [red|blue|green] car", "a red blue green car", &["switching"]),
            // Escaped brackets are text, and nothing is reported for them.
            (r"fate \(series\), c:\\x", r"fate (series), c:\x", &[]),
            (r"(a \(b\):1.1)", "a (b)", &["emphasis"]),
            // Brackets without a partner are text.
            ("smile :) or :( and ]", "smile :) or :( and ]", &[]),
            ("x) (y", "x) (y", &[]),
            ("(a [b) c]", "a [b c]", &["emphasis"]),
            // A ratio and a time are words.
            ("(screen 16:9), (at 12:30)", "screen 16:9, at 12:30", &["emphasis"]),
            ("(1girl:1.2), (2:1.5)", "1girl, 2", &["emphasis"]),
            ("(note: red)", "note: red", &["emphasis"]),
            ("[note: red]", "note: red", &["emphasis"]),
            ("()", "", &["emphasis"]),
        ],
    );
    assert_eq!(
        plain("a (red hat:1.2), [dull]", ToolSyntax::A1111).1,
        ["emphasis: (red hat:1.2), [dull] (not applied: the words count as they stand)"]
    );
}

#[test]
fn words_that_are_signs() {
    check(
        ToolSyntax::A1111,
        &[
            ("a cat BREAK a dog", "a cat, a dog", &["BREAK"]),
            ("a cat,\nBREAK\na dog", "a cat,\na dog", &["BREAK"]),
            ("BREAK a dog BREAK", "a dog", &["BREAK"]),
            ("a cat BREAK, a dog", "a cat, a dog", &["BREAK"]),
            ("BREAKFAST at a café", "BREAKFAST at a café", &[]),
            ("a cat :0.7 AND a dog:1.2 AND sun", "a cat AND a dog AND sun", &["AND"]),
            ("a clock at 12:30", "a clock at 12:30", &[]),
            ("__animal__ in a {red|blue} hat, a__b", "__animal__ in a {red|blue} hat, a__b", &["wildcard"]),
        ],
    );
}

#[test]
fn tags_are_taken_out() {
    check(
        ToolSyntax::A1111,
        &[
            ("a <lora:x:0.8> cat", "a cat", &["LoRA"]),
            ("a cat, <lora:x:0.8>, mat", "a cat, mat", &["LoRA"]),
            ("<lora:x:1>a cat", "a cat", &["LoRA"]),
            ("a cat, <lora:a:1> <lora:b:1>, mat <hypernet:c:0.5>", "a cat, mat", &["LoRA", "hypernetwork"]),
            ("a cat,\n<lora:a:1><lora:b:1>", "a cat,\n", &["LoRA"]),
            ("1 < 2 and <3, <b>bold</b>", "1 < 2 and <3, <b>bold</b>", &[]),
        ],
    );
    check(
        ToolSyntax::Comfy,
        &[("<segment:face> a [cat] <fromto[0.5]:a,b>", "<segment:face> a [cat] <fromto[0.5]:a,b>", &["tag"])],
    );
    let notes = plain("<lora:add detail:0.8> <LORA:b>", ToolSyntax::A1111).1;
    assert_eq!(notes, ["LoRA: add detail, weight 0.8, b (not loaded)"]);
}

#[test]
fn other_syntaxs() {
    check(ToolSyntax::Comfy, &[("a (cat:1.1) BREAK [x] A AND B", "a cat BREAK [x] A AND B", &["emphasis"])]);
    check(
        ToolSyntax::NovelAi,
        &[
            ("{{a}}, [b], (c), {d", "a, b, (c), {d", &["emphasis"]),
            ("1.5::rain, night::, -1::dog::, std::vec", "rain, night, dog, std::vec", &["emphasis"]),
            ("0.7::to the end", "to the end", &["emphasis"]),
        ],
    );
    check(
        ToolSyntax::Compel,
        &[
            ("a cat++ and (red hat)1.25, (dull)--, é(x)", "a cat and red hat, dull, é(x)", &["emphasis"]),
            ("well-known, a - b, 1+1, sea-", "well-known, a - b, 1+1, sea-", &[]),
            ("(\"a\", \"b\").blend(0.7, 0.3)", "(\"a\", \"b\").blend(0.7, 0.3)", &["blending"]),
            ("雪++, a cat (sleeping).", "雪, a cat (sleeping).", &["emphasis"]),
        ],
    );
    for text in ["(a:1.2) <lora:x:1> {b} c++ BREAK", ""] {
        assert_eq!(read(text, ToolSyntax::Plain), PlainPrompt { plain: text.into(), notes: Vec::new() });
    }
}

#[test]
fn endless_prompts_are_read_in_time() {
    let begun = std::time::Instant::now();
    let parts = [
        "(", ")", "((a:1", "[a|", "(]", "<lora:", "<", "\\(", "BREAK ", "AND :1 ", "{|", "__", "a__b", "1::", "x+",
        "é(",
    ];
    for part in parts {
        let long = part.repeat(200_000) + &")]}".repeat(100_000);
        for syntax in [ToolSyntax::A1111, ToolSyntax::Comfy, ToolSyntax::NovelAi, ToolSyntax::Compel] {
            let words = read(&long, syntax);
            assert!(words.notes.iter().all(|note| note.len() < 8_000), "{part}");
        }
    }
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

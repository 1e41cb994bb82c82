//! The prompt syntax of other tools, reduced to plain words.
//!
//! It stands apart from the import of settings because it does not depend on files. A recipe takes over prompts in A1111's and
//! ComfyUI's syntax but for tags of networks; these and the few constructs of theirs that nothing here follows are reported. Of the other syntaxes the words stay in
//! their order, the syntax is removed, and every construct is reported. A prompt without syntax stays unchanged, to the byte.

mod brackets;
mod compel;
mod constructs;
mod edits;
mod novel_ai;
mod plain;
mod tags;

pub(super) use plain::{ToolSyntax, read, untagged};

//! Files on disk: where the user's folders are, how files are written whole, and how text in them is decoded.
//!
//! It stands below models, sessions and traces because all of them read or write files in the same way.

mod atomic;
mod budget;
pub mod folders;
pub mod networks;
mod outputs;
mod printable;
mod private;
pub mod read;
mod text;

pub use atomic::{remove_stale, write_atomically};
pub use budget::{OverBudget, charge, charged_list, check_room, within_budget};
pub use outputs::{Named, OutputError, check_outputs, same_file};
pub use printable::{one_printable_line, printable_lines};
pub use private::{create_private_folder, write_private};
pub use read::{open_regular, read_regular};
pub use text::{NotText, decode_text, latin1, mend_utf8_read_as_latin1, utf8_or_latin1, utf16_of_either_order};

//! The commands, for the programs that offer them: their arguments, their help and what they do.

mod check;
mod conform;
mod diff;
mod init;
mod output;
mod root;
mod shell;

pub use check::{Check, check, check_help, rules};
pub use conform::{Conform, conform, conform_help};
pub use diff::{Diff, diff, diff_help};
pub use init::{Init, init, init_help};
pub use output::{Colour, show};
pub use root::root;
pub use shell::{completions, completions_help, man, man_help, program_help};

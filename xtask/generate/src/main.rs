//! `openapi-dropshot`: from an OpenAPI file to a dropshot server and a client, in any project.

use std::process::ExitCode;

use clap::Parser;
use openapi_dropshot::{Report, Wanted, generate};

/// Generates a strict dropshot server and a client from an OpenAPI file.
#[derive(Debug, Parser)]
#[command(name = "openapi-dropshot", version, after_help = HELP)]
struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
}

const HELP: &str = "\
Examples:
  openapi-dropshot --spec openapi.yaml --server server/src/api.rs --client client/src/lib.rs
  openapi-dropshot --spec openapi.yaml --server src/api.rs --check       # in CI: is it up to date?
  openapi-dropshot --spec openapi.yaml --server src/api.rs --partial     # the operations that can be generated
  openapi-dropshot --spec openapi.yaml --server src/api.rs --leave-out \"TRACE /pets\"

A generated file begins with the crates that it needs. Exit status: 0 generated, or up to date; 1 operations cannot be
generated and nothing was written, or a file is out of date; 2 the document cannot be read or a file cannot be written.";

fn main() -> ExitCode {
    let Arguments { wanted } = Arguments::parse();
    match generate(&wanted) {
        Ok(report) => {
            show(&wanted, &report);
            ExitCode::from(u8::from(report.is_incomplete(&wanted)))
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn show(wanted: &Wanted, report: &Report) {
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    for refused in &report.refused {
        eprintln!("{}: {refused}", if wanted.partial { "left out" } else { "error" });
    }
    if !report.refused.is_empty() && !wanted.partial {
        eprintln!("nothing was written; --partial generates the other operations, --leave-out leaves one out");
        return;
    }
    for file in &report.files {
        let path = file.path.display();
        match (file.changed, wanted.check) {
            (true, true) => eprintln!("{path} is out of date; run the same command without --check"),
            (true, false) => println!("wrote {path}: {} operations", file.operations),
            (false, _) => println!("{path} is up to date: {} operations", file.operations),
        }
    }
}

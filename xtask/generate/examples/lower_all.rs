#![allow(clippy::unwrap_used, missing_docs)]
use std::collections::BTreeSet;
fn main() {
    let mut total = (0, 0, 0, 0);
    for path in std::env::args().skip(1) {
        let path = std::path::PathBuf::from(path);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let began = std::time::Instant::now();
        let Ok(document) = openapi_model::read_file(path.parent().unwrap(), &path) else {
            println!("{name}: unreadable");
            continue;
        };
        let result = openapi_dropshot::standalone_client(&document, &BTreeSet::new());
        let seconds = began.elapsed().as_secs_f64();
        total.0 += document.operations.len();
        match result {
            Ok(client) => {
                let losses: usize = client.operations.iter().map(|o| o.losses.len()).sum();
                total.1 += client.operations.len();
                total.2 += 1;
                total.3 += usize::from(client.refused.is_empty());
                println!(
                    "{name}: {} of {} losses {losses} lines {} {seconds:.1} s",
                    client.operations.len(),
                    document.operations.len(),
                    client.text.lines().count()
                );
                if std::env::var("LOSSES").is_ok() {
                    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
                    for loss in client.operations.iter().flat_map(|o| &o.losses) {
                        let kind: String = loss.what.split('`').step_by(2).collect::<Vec<_>>().join("_");
                        *kinds.entry(kind).or_default() += 1;
                    }
                    for (kind, count) in kinds {
                        println!("   LOSS {count} {kind}");
                    }
                }
                for refused in &client.refused {
                    println!("   {} {}: {}", refused.method, refused.path, refused.reason);
                }
                if let Ok(folder) = std::env::var("OUT") {
                    let folder = std::path::Path::new(&folder)
                        .join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_lowercase());
                    std::fs::create_dir_all(folder.join("src")).unwrap();
                    std::fs::write(folder.join("src/lib.rs"), &client.text).unwrap();
                    std::fs::create_dir_all(folder.join("tests")).unwrap();
                    std::fs::write(
                        folder.join("tests/examples.rs"),
                        examples(&document, &client, &format!("c_{}", folder.file_name().unwrap().to_string_lossy())),
                    )
                    .unwrap();
                    let deps: String = client.dependencies.iter().map(|d| d.line() + "\n").collect();
                    std::fs::write(folder.join("Cargo.toml"), format!("[package]\nname = \"c_{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{deps}", folder.file_name().unwrap().to_string_lossy())).unwrap();
                }
            }
            Err(why) => println!("{name}: FAILED {} {seconds:.1} s", why.chars().take(400).collect::<String>()),
        }
    }
    println!("{total:?}");
}

fn rust(schema: &serde_json::Value) -> Option<String> {
    if let Some(r) = schema.get("$ref") {
        return Some(format!("types::{}", r.as_str()?.rsplit('/').next()?));
    }
    if schema["type"] == "array" {
        return Some(format!("Vec<{}>", rust(&schema["items"])?));
    }
    None
}
fn examples(
    document: &openapi_model::document::Document,
    client: &openapi_dropshot::GeneratedClient,
    name: &str,
) -> String {
    let mut out = format!(
        "use {}::types;\n#[test]\nfn examples() {{\n let mut bad = 0; let mut n = 0;\n",
        name.replace("__", "_").replace("__", "_")
    );
    let mut values = openapi_model::values::Values::new(document);
    for operation in &client.operations {
        let written = &document.operations[operation.index];
        for response in operation.responses.successes.iter().chain(&operation.responses.errors) {
            let openapi_dropshot::ResponseContent::Json(schema) = &response.content else { continue };
            let Some(kind) = rust(schema) else { continue };
            let Some(w) = written.responses.iter().find(|w| w.status.value == response.status) else { continue };
            for media in w.content.iter().filter(|m| m.name.contains("json")) {
                for example in &media.examples {
                    let (Some(value), Some(id)) = (&example.value, media.schema) else { continue };
                    if !values
                        .misfits(id, openapi_model::values::Direction::Response, value)
                        .is_ok_and(|m| m.is_empty())
                    {
                        continue;
                    }
                    out += &format!(
                        "  n += 1; if let Err(e) = serde_json::from_str::<{kind}>({:?}) {{ bad += 1; println!(\"BAD {} {} {kind}: {{e}}\"); }}\n",
                        value.to_json().to_string(),
                        operation.id,
                        response.status
                    );
                }
            }
        }
    }
    out + "  println!(\"EXAMPLES {n} bad {bad}\");\n}\n"
}

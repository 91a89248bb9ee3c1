//! The files in `server/deploy` that start the service: an image, a systemd unit and a manifest for Kubernetes. No machine of
//! these tests runs them; they are linted, and compared with the program and its configuration.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cdi_server::config::{Config, StoreLocation};
use contract_tests::{program, repository};
use serde_yaml::Value;

/// The variable with the folder of hadolint and kubernetes-validate.
const CHECKERS: &str = "OPENCDI_TEST_CHECKERS";
/// systemd's measure of what a service may do, in tenths: 0 is least, 96 is a service without any hardening.
const HIGHEST_EXPOSURE: &str = "15";
/// The oldest version of Kubernetes that the manifest is for, and the newest that is known.
const KUBERNETES: [&str; 2] = ["1.30", "1.37"];

fn deploy(name: &str) -> PathBuf {
    repository().join("server/deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).unwrap()
}

fn checker(name: &str) -> Command {
    let folder = std::env::var_os(CHECKERS).unwrap_or_else(|| {
        panic!(
            "{CHECKERS} is not set: run `cargo xtask test`, which installs {name}, or set it to the folder of {name}"
        )
    });
    Command::new(Path::new(&folder).join(name))
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{said}");
}

/// The time that the server takes to end, unless it is configured.
fn default_drain_deadline() -> Duration {
    Config::parse("", Path::new("opencdi.toml"), &cdi_server::api::known()).unwrap().server.drain_deadline
}

// ── The image ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The instructions of the Containerfile, each with its words.
fn instructions() -> Vec<(String, Vec<String>)> {
    let text = text("Containerfile").replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    lines.map(words).map(|mut words| (words.remove(0), words)).collect()
}

fn arguments<'a>(instructions: &'a [(String, Vec<String>)], name: &str) -> Vec<&'a [String]> {
    instructions.iter().filter(|(known, _)| known == name).map(|(_, words)| words.as_slice()).collect()
}

#[test]
fn the_containerfile_is_clean() {
    succeeds(checker("hadolint").arg(deploy("Containerfile")));
}

#[test]
fn the_image_is_built_of_the_whole_workspace() {
    let instructions = instructions();
    let copied: BTreeSet<&str> = arguments(&instructions, "COPY")
        .into_iter()
        .filter(|words| !words[0].starts_with("--from"))
        .flat_map(|words| &words[..words.len() - 1])
        .map(String::as_str)
        .collect();
    for source in &copied {
        assert!(repository().join(source).exists(), "COPY {source}: there is no such file");
    }
    let manifest: toml::Table = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap().parse().unwrap();
    let workspace = &manifest["workspace"];
    for member in workspace["members"].as_array().unwrap() {
        let top = member.as_str().unwrap().split('/').next().unwrap();
        assert!(copied.contains(top), "cargo needs all members of the workspace, and `{top}` is not copied");
    }
    let [build, image] = arguments(&instructions, "FROM").try_into().unwrap();
    let version = workspace["package"]["rust-version"].as_str().unwrap();
    assert!(
        build[0].ends_with(&format!("/rust:{version}-slim-trixie")),
        "{build:?}: the workspace needs Rust {version}"
    );
    assert!(image[0].contains("debian13:"), "{image:?}: trixie is Debian 13, and the C library must be the same");
}

#[test]
fn the_image_starts_the_program_and_not_as_root() {
    let instructions = instructions();
    let built = arguments(&instructions, "RUN").concat();
    let bin = built.iter().skip_while(|word| *word != "--bin").nth(1).unwrap();
    let copy = arguments(&instructions, "COPY").into_iter().find(|words| words.last().unwrap().ends_with(bin)).unwrap();
    let start = arguments(&instructions, "ENTRYPOINT")[0].concat();
    let start: Vec<String> = serde_json::from_str(&start).expect("the form that needs no shell");
    assert_eq!(start, [copy.last().unwrap().as_str()]);
    let command: Vec<String> = serde_json::from_str(&arguments(&instructions, "CMD")[0].concat()).unwrap();
    succeeds(Command::new(program(bin)).args(command).arg("--help"));
    assert_eq!(
        arguments(&instructions, "USER"),
        [["65532:65532"]],
        "a number, so that Kubernetes can see that it is not root"
    );
}

// ── The unit ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The settings of the unit; the last one of a name.
fn unit() -> BTreeMap<String, String> {
    let text = text("cdi-server.service");
    let settings = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn systemd_finds_no_fault_with_the_unit_and_little_exposure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cdi-server.service");
    let program = program("cdi-server").display().to_string();
    std::fs::write(&file, text("cdi-server.service").replace("/usr/local/bin/cdi-server ", &format!("{program} ")))
        .unwrap();
    let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // Of values that it does not know it only warns.
    assert!(output.status.success() && !said.contains("cdi-server.service"), "{said}");
    let threshold = format!("--threshold={HIGHEST_EXPOSURE}");
    succeeds(Command::new("systemd-analyze").args(["security", "--no-pager", "--offline=yes", &threshold]).arg(&file));
}

#[test]
fn the_unit_starts_reloads_and_ends_the_server() {
    let unit = unit();
    let mut start = unit["ExecStart"].split(' ');
    assert_eq!(start.next(), Some("/usr/local/bin/cdi-server"));
    succeeds(Command::new(program("cdi-server")).args(start).arg("--help"));
    assert_eq!(unit["ExecReload"], "/bin/kill -HUP $MAINPID");
    let stop = Duration::from_secs(unit["TimeoutStopSec"].strip_suffix('s').unwrap().parse().unwrap());
    assert!(stop > default_drain_deadline(), "systemd kills the server after {stop:?}, before it has ended");
}

/// Shell commands with `/etc` and `/usr/local` in another folder, and files for the group of this process.
fn elsewhere(commands: &str, root: &Path) -> String {
    let group = format!("--group={}", rustix::process::getegid().as_raw());
    let owner = format!("--owner={}", rustix::process::geteuid().as_raw());
    let mut commands =
        commands.replace("sudo ", "").replace("--group=opencdi", &group).replace("--owner=opencdi", &owner);
    for place in ["/var/lib/opencdi", "/etc/opencdi", "/etc/systemd", "/etc/letsencrypt", "/usr/local"] {
        commands = commands.replace(place, &format!("{}{place}", root.display()));
    }
    commands
}

fn installed(commands: &str, root: &Path, folder: &Path) {
    succeeds(Command::new("sh").args(["-eu", "-c", &elsewhere(commands, root)]).current_dir(folder));
}

/// The lines of the guide that begin so.
fn lines_of_the_guide(begin: &str) -> Vec<String> {
    let guide = std::fs::read_to_string(repository().join("server/README.md")).unwrap();
    guide.lines().filter(|line| line.starts_with(begin)).map(str::to_owned).collect()
}

#[test]
fn the_guide_installs_what_the_unit_and_certbot_expect() {
    let (root, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (root, folder) = (root.path(), folder.path());
    let file = |path: &str| root.join(path.trim_start_matches('/'));
    let mode = |path: &str| file(path).metadata().unwrap().permissions().mode() & 0o777;
    // What an operator has: a clone with the built program, a configuration and secrets.
    std::os::unix::fs::symlink(repository().join("server"), folder.join("server")).unwrap();
    std::fs::create_dir_all(folder.join("target/release")).unwrap();
    std::os::unix::fs::symlink(program("cdi-server"), folder.join("target/release/cdi-server")).unwrap();
    std::fs::create_dir(folder.join("secrets")).unwrap();
    std::fs::write(folder.join("secrets/store-url"), format!("sqlite:{}/opencdi.db", folder.display())).unwrap();
    let config = "store = { file = \"secrets/store-url\" }\n[server.tls]\ncertificate = \"tls/cert.pem\"\nkey = \"tls/key.pem\"\n";
    std::fs::write(folder.join("opencdi.toml"), config).unwrap();
    std::fs::create_dir_all(file("/etc/letsencrypt/renewal-hooks/deploy")).unwrap();

    installed(&lines_of_the_guide("sudo install ").join("\n"), root, folder);
    let unit = unit();
    let start: Vec<&str> = unit["ExecStart"].split(' ').collect();
    let [program, "serve", "--config", config] = start[..] else { panic!("{start:?}") };
    assert_eq!((mode(program), mode(config), mode("/etc/opencdi/secrets/store-url")), (0o755, 0o640, 0o640));
    assert!(file("/etc/systemd/system/cdi-server.service").exists());
    let [user] = &lines_of_the_guide("sudo useradd ")[..] else { panic!("one user") };
    assert!(user.ends_with(&format!(" {}", unit["User"])) && unit["User"] == unit["Group"], "{user}");
    assert!(user.contains(&format!("--home-dir /var/lib/{} ", unit["StateDirectory"])), "{user}");

    // Certbot's files.
    let lineage = file("/etc/letsencrypt/live/cdi.example.com");
    std::fs::create_dir_all(&lineage).unwrap();
    let renew = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["cdi.example.com".to_owned()]).unwrap();
        std::fs::write(lineage.join("fullchain.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(lineage.join("privkey.pem"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(lineage.join("privkey.pem"), Permissions::from_mode(0o600)).unwrap();
    };
    let hook = file("/etc/letsencrypt/renewal-hooks/deploy/opencdi");
    assert_eq!(mode("/etc/letsencrypt/renewal-hooks/deploy/opencdi"), 0o755);
    let text = elsewhere(&std::fs::read_to_string(&hook).unwrap(), root);
    std::fs::write(&hook, text).unwrap();
    let [by_hand] = &lines_of_the_guide("sudo env RENEWED_LINEAGE=")[..] else { panic!("one command") };
    renew();
    installed(by_hand, root, folder);
    assert_eq!((mode("/etc/opencdi/tls/key.pem"), mode("/etc/opencdi/tls/cert.pem")), (0o640, 0o640));
    let mut check = Command::new(self::program("cdi-server"));
    let checked = check.args(["check", "--config"]).arg(file(config)).output().unwrap();
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains("the certificate is valid until "), "{said}");
    // Certbot calls it for all certificates of the machine.
    let key = std::fs::read(file("/etc/opencdi/tls/key.pem")).unwrap();
    renew();
    installed(&by_hand.replace("live/cdi.example.com", "live/www.example.com"), root, folder);
    assert_eq!(std::fs::read(file("/etc/opencdi/tls/key.pem")).unwrap(), key);
    installed(by_hand, root, folder);
    assert_ne!(std::fs::read(file("/etc/opencdi/tls/key.pem")).unwrap(), key);
}

// ── Kubernetes ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The objects of the manifest, by kind.
fn objects() -> BTreeMap<String, Value> {
    let text = text("kubernetes.yaml");
    let objects = serde_yaml::Deserializer::from_str(&text).map(|document| {
        let object: Value = serde::Deserialize::deserialize(document).unwrap();
        (object["kind"].as_str().unwrap().to_owned(), object)
    });
    objects.collect()
}

/// The configuration in the manifest, with secrets from files as the manifest mounts them.
fn config(objects: &BTreeMap<String, Value>, secrets: &[&str]) -> Config {
    let folder = tempfile::tempdir().unwrap();
    for name in secrets {
        let value = if name.ends_with("url") { "postgres://me@db.internal/opencdi" } else { "a-key" };
        std::fs::write(folder.path().join(name), value).unwrap();
    }
    let text = objects["ConfigMap"]["data"]["opencdi.toml"].as_str().unwrap();
    let mounted = &pod(objects)["containers"][0]["volumeMounts"][1]["mountPath"];
    let text = text.replace(mounted.as_str().unwrap(), &folder.path().display().to_string());
    let path = folder.path().join("opencdi.toml");
    Config::parse(&text, &path, &cdi_server::api::known()).unwrap_or_else(|error| panic!("{error}"))
}

fn pod(objects: &BTreeMap<String, Value>) -> &Value {
    &objects["Deployment"]["spec"]["template"]["spec"]
}

/// The keys of the Secret that the pods get as files.
fn secrets(objects: &BTreeMap<String, Value>) -> Vec<&str> {
    let items = pod(objects)["volumes"][1]["secret"]["items"].as_sequence().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap()).collect()
}

#[test]
fn kubernetes_knows_every_field_of_the_manifest() {
    for version in KUBERNETES {
        let mut validate = checker("kubernetes-validate");
        succeeds(validate.args(["--strict", "--kubernetes-version", version]).arg(deploy("kubernetes.yaml")));
    }
}

#[test]
fn the_configuration_in_the_manifest_is_valid_and_for_replicas() {
    let objects = objects();
    let config = config(&objects, &secrets(&objects));
    assert!(matches!(config.store, StoreLocation::Postgres(_)), "replicas share a store");
    assert_eq!((config.keys.len(), config.integrations.len()), (1, 1));
    // Every secret that is mounted is used.
    let text = objects["ConfigMap"]["data"]["opencdi.toml"].as_str().unwrap();
    assert!(secrets(&objects).iter().all(|name| text.contains(&format!("/{name}\""))));
}

#[test]
fn probes_and_ports_are_those_of_the_configuration() {
    let objects = objects();
    let config = config(&objects, &secrets(&objects));
    let container = &pod(&objects)["containers"][0];
    let port = |name: &str| {
        let ports = container["ports"].as_sequence().unwrap();
        ports.iter().find(|port| port["name"] == *name).unwrap()["containerPort"].as_u64().unwrap()
    };
    let admin = config.admin.listen.expect("`[admin]` is configured");
    assert_eq!((port("api"), port("admin")), (config.server.listen.port().into(), admin.port().into()));
    assert!(
        config.server.listen.ip().is_unspecified() && admin.ip().is_unspecified(),
        "reachable from outside the pod"
    );
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!((get["path"].as_str(), get["port"].as_str()), (Some(path), Some("admin")), "{probe}");
    }
    assert_eq!(
        objects["Service"]["spec"]["ports"].as_sequence().unwrap().len(),
        1,
        "the operator's address is no service"
    );
    assert_eq!(objects["Service"]["spec"]["ports"][0]["targetPort"].as_str(), Some("api"));
    let scraped = &objects["Deployment"]["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"];
    assert_eq!(scraped.as_str(), Some(admin.port().to_string().as_str()));
}

#[test]
fn pods_have_time_to_end_and_most_of_them_stay() {
    let objects = objects();
    let config = config(&objects, &secrets(&objects));
    let grace = Duration::from_secs(pod(&objects)["terminationGracePeriodSeconds"].as_u64().unwrap());
    let before = &pod(&objects)["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
    let before = Duration::from_secs(before.as_u64().unwrap());
    assert!(grace > before + config.server.drain_deadline, "Kubernetes kills the server after {grace:?}");
    let replicas = objects["Deployment"]["spec"]["replicas"].as_u64().unwrap();
    let available = objects["PodDisruptionBudget"]["spec"]["minAvailable"].as_u64().unwrap();
    assert!(replicas >= 3 && available >= 1 && available < replicas);
}

#[test]
fn all_objects_select_the_pods_of_the_deployment() {
    let objects = objects();
    let labels = &objects["Deployment"]["spec"]["template"]["metadata"]["labels"];
    assert!(labels.is_mapping());
    assert_eq!(&objects["Deployment"]["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&objects["Service"]["spec"]["selector"], labels);
    assert_eq!(&objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"], labels);
}

#[test]
fn pods_may_do_nothing_that_the_server_does_not_need() {
    let objects = objects();
    let pod = pod(&objects);
    let context = &pod["securityContext"];
    let user = context["runAsUser"].as_u64().unwrap();
    assert!(text("Containerfile").contains(&format!("USER {user}:{user}")));
    assert_eq!(
        (context["runAsNonRoot"].as_bool(), pod["automountServiceAccountToken"].as_bool()),
        (Some(true), Some(false))
    );
    assert_eq!(context["seccompProfile"]["type"].as_str(), Some("RuntimeDefault"));
    let container = &pod["containers"][0];
    let context = &container["securityContext"];
    assert_eq!(context["allowPrivilegeEscalation"].as_bool(), Some(false));
    assert_eq!(context["readOnlyRootFilesystem"].as_bool(), Some(true));
    assert_eq!(context["capabilities"]["drop"][0].as_str(), Some("ALL"));
    assert!(container["resources"]["limits"]["memory"].is_string() && container["resources"]["requests"].is_mapping());
    let image = container["image"].as_str().unwrap();
    assert!(image.ends_with(concat!("/cdi-server:", env!("CARGO_PKG_VERSION"))), "{image} is not of this version");
}

// ── The threat model ──────────────────────────────────────────────────────────────────────────────────────────────────

/// The text of all Rust files in a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let model = std::fs::read_to_string(repository().join(".github/SECURITY.md")).unwrap();
    let mut code = String::new();
    sources(&repository().join("server/src"), &mut code);
    sources(&repository().join("tests/tests"), &mut code);
    // Names of tests are the long words in backticks.
    let is_test = |word: &&str| word.matches('_').count() >= 3 && !word.contains(char::is_whitespace);
    let named: Vec<&str> = model.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "there are no tests {missing:?}");
}

//! `cargo xtask corpus DIR --generate --conform`: tests each generated server with `conform`, as it is and with faults, and, with
//! `--peers`, with Schemathesis as well.
//!
//! The handlers of a server answer values made from the schemas, so nothing is wrong with it: what is reported then is a false
//! alarm. Then a proxy makes the answers of some operations wrong, one class of faults after the other, at most one fault for
//! each operation. A fault is named if something is reported of its operation that was not reported before.

mod alter;
mod faults;
mod odd;
mod peer;
mod places;
mod routes;
mod table;
mod tested;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use apidrift::conform::sample;
use apidrift_core::contract::{Contract, Operation};
use openapi_model::document::Location;
use openapi_model::source::Source;
use openapi_model::values::{Direction, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use self::alter::Applied;
use self::faults::{Class, Fault, Seen, described, plan};
pub use self::table::{lines, summary};
use self::tested::{Known, Reported, with_conform};

/// The secret that servers demand: a token, a key, or a user and a password.
pub const SECRET: &str = "somebody:7c1f0d6e5b";

/// How servers are tested.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program of Schemathesis, if it tests as well.
    pub peer: Option<PathBuf>,
    /// The seed of requests and of faults.
    pub seed: u64,
    /// How many faults of each class a server gets at most.
    pub faults: usize,
}

/// The result for one server.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Live {
    /// How many operations were tested.
    pub operations: usize,
    /// The findings about the unaltered server, with their operations.
    pub alarms: Vec<String>,
    /// What could not be tested of it, and why.
    pub untested: Vec<String>,
    /// The seconds of the test of the unaltered server.
    pub seconds: f64,
    /// How many alarms Schemathesis gives, and its seconds.
    pub peer: Option<(usize, f64)>,
    /// What Schemathesis could not test.
    pub peer_untested: Vec<String>,
    /// The faults of each class.
    pub classes: Vec<Faults>,
}

/// The faults of one class.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Faults {
    /// The class.
    pub class: String,
    /// How many were planted.
    pub planted: usize,
    /// How many were named.
    pub named: usize,
    /// The others, with how often they showed in an answer.
    pub missed: Vec<String>,
    /// How long the test took.
    pub seconds: f64,
    /// How many Schemathesis named, and its seconds.
    pub peer: Option<(usize, f64)>,
    /// Those that only Schemathesis missed.
    pub peer_missed: Vec<String>,
}

/// Whether nothing was reported of the server as it is, and every fault was named.
pub fn is_well(live: &Live) -> bool {
    live.alarms.is_empty() && live.untested.is_empty() && live.classes.iter().all(|faults| faults.missed.is_empty())
}

/// A running server; it ends when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path) -> anyhow::Result<Server> {
        let mut child = Command::new(program)
            .args(["serve", SECRET])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let stdout = child.stdout.take().context("its output cannot be read")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Json = serde_json::from_str(&line).context("the server does not say its URL")?;
        let url = said["url"].as_str().context("the server does not say its URL")?.to_owned();
        Ok(Server { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tests the server that a program serves. `operations` are the IDs of those that it has.
///
/// # Errors
///
/// If the contract cannot be read, or a program cannot be run.
pub fn test(program: &Path, file: &Path, operations: &[String], options: &Options) -> anyhow::Result<Live> {
    let server = Server::start(program)?;
    test_running(&server.url, file, operations, options)
}

/// Tests a server that is running and demands [`SECRET`].
///
/// # Errors
///
/// If the contract cannot be read, or Schemathesis cannot be run.
pub fn test_running(url: &str, file: &Path, operations: &[String], options: &Options) -> anyhow::Result<Live> {
    let known = known(file, operations, options.seed)?;
    let operations = known.operations.as_slice();
    let runtime = Runtime::new()?;
    let seen = Arc::new(Mutex::new(Seen::new()));
    let folder = tempfile::tempdir()?;
    let by_peer = |url: &str, operations: &[String]| {
        let program = options.peer.as_ref();
        program.map(|program| peer::test(program, folder.path(), &known, url, operations)).transpose()
    };
    let recording = runtime.block_on(alter::recording(url, &known.contract, &seen))?;
    let baseline = with_conform(&known, &recording.url, operations);
    let peer_baseline = by_peer(&recording.url, operations)?;
    drop(recording);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_tested = |index: usize| known.contract.operations.get(index).is_some_and(|it| operations.contains(&it.id));
    seen.retain(|(index, _), _| is_tested(*index));
    let mut live = Live {
        operations: operations.len(),
        alarms: table::alarms(&baseline),
        untested: baseline.untested.clone(),
        seconds: baseline.seconds,
        peer: peer_baseline.as_ref().map(|peer| (peer.count(), peer.seconds)),
        peer_untested: peer_baseline.iter().flat_map(|peer| peer.untested.clone()).collect(),
        classes: Vec::new(),
    };
    for class in Class::ALL {
        let faults = plan(&known.contract, &seen, class, options.seed, options.faults, SECRET);
        if faults.is_empty() {
            continue;
        }
        let id = |fault: &Fault| known.contract.operations.get(fault.operation).map(|it| it.id.value.clone());
        let ids: Vec<String> = faults.iter().filter_map(id).collect();
        let applied: Arc<Applied> = Arc::new(faults.iter().map(|it| (it.operation, Default::default())).collect());
        let proxy = runtime.block_on(alter::faulty(url, &known.contract, &faults, &applied))?;
        let ours = with_conform(&known, &proxy.url, &ids);
        let missed = |reported: &Reported, baseline: &Reported| -> Vec<&Fault> {
            let is_named = |fault: &&Fault| id(fault).is_some_and(|id| reported.names(&id, baseline));
            faults.iter().filter(|fault| !is_named(fault)).collect()
        };
        let our_missed = missed(&ours, &baseline);
        let mut result = Faults {
            class: class.name().to_owned(),
            planted: faults.len(),
            named: faults.len() - our_missed.len(),
            seconds: ours.seconds,
            ..Faults::default()
        };
        result.missed = our_missed
            .into_iter()
            .map(|fault| {
                let times = applied.get(&fault.operation).map_or(0, |times| times.load(Ordering::Relaxed));
                format!("{} (showed {times} times)", described(&known.contract, fault))
            })
            .collect();
        if let (Some(theirs), Some(baseline)) = (by_peer(&proxy.url, &ids)?, &peer_baseline) {
            let missed = missed(&theirs, baseline).into_iter();
            result.peer_missed = missed.map(|fault| described(&known.contract, fault)).collect();
            result.peer = Some((faults.len() - result.peer_missed.len(), theirs.seconds));
        }
        live.classes.push(result);
    }
    Ok(live)
}

/// What is known about the server of a document: also values for its paths, as somebody has who runs it.
fn known(file: &Path, operations: &[String], seed: u64) -> anyhow::Result<Known> {
    let file = std::path::absolute(file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let source = Source::read(folder, &file).map_err(anyhow::Error::msg)?;
    let contract = Contract::read(&source, Some(folder), None)
        .map_err(|_| anyhow::anyhow!("{} cannot be read", file.display()))?;
    let mut values = Values::new(&contract.document);
    let (mut known, mut ids) = (BTreeMap::new(), Vec::new());
    // Nothing can be wrong with what documents no response.
    let is_tested = |operation: &&Operation| operations.contains(&operation.id) && !operation.responses.is_empty();
    for operation in contract.operations.iter().filter(is_tested) {
        ids.push(operation.id.value.clone());
        let in_path = operation.parameters.iter().filter(|parameter| parameter.location == Location::Path);
        let own = in_path.filter_map(|parameter| {
            let value = match parameter.value_schema() {
                Some(schema) => sample(&contract.document, &mut values, schema, Direction::Request, true)?,
                None => "text".into(),
            };
            Some((parameter.name.value.clone(), value))
        });
        let own: serde_json::Map<String, Json> = own.collect();
        if !own.is_empty() {
            known.insert(operation.id.value.clone(), Json::Object(own));
        }
    }
    drop(values);
    Ok(Known {
        contract: Arc::new(contract),
        file: file.clone(),
        secret: SECRET.to_owned(),
        operations: ids,
        values: known,
        seed,
    })
}

//! The results of testing servers, for people.

use super::tested::Reported;
use super::{Faults, Live};

/// How many findings of a document are shown.
const SHOWN: usize = 12;

/// The findings of a run, one a line, with the request and the answer of each.
pub fn alarms(reported: &Reported) -> Vec<String> {
    let each = reported.findings.iter().flat_map(|(operation, findings)| {
        findings.iter().map(move |(what, note)| format!("{operation}: {what} [{note}]"))
    });
    each.collect()
}

/// The lines of one document.
pub fn lines(live: &Live) -> String {
    let short = |text: &String| text.chars().take(700).collect::<String>();
    let peer = |peer: &Option<(usize, f64)>| {
        peer.map_or(String::new(), |(count, seconds)| format!("; Schemathesis {count:>3} {seconds:>6.1} s"))
    };
    let mut text = format!(
        "  conform {:>3} operations, {} alarms, {} untested {:>6.1} s{}",
        live.operations,
        live.alarms.len(),
        live.untested.len(),
        live.seconds,
        peer(&live.peer)
    );
    for line in live.alarms.iter().take(SHOWN) {
        text.push_str(&format!("\n         alarm: {}", short(line)));
    }
    for line in live.untested.iter().take(SHOWN) {
        text.push_str(&format!("\n         untested: {}", short(line)));
    }
    for line in live.peer_untested.iter().take(3) {
        text.push_str(&format!("\n         untested by Schemathesis: {}", short(line)));
    }
    for faults in &live.classes {
        text.push_str(&format!(
            "\n    {:<14} {:>3} planted, {:>3} named {:>6.1} s{}",
            faults.class,
            faults.planted,
            faults.named,
            faults.seconds,
            peer(&faults.peer)
        ));
        for line in &faults.missed {
            text.push_str(&format!("\n         missed: {}", short(line)));
        }
        for line in &faults.peer_missed {
            text.push_str(&format!("\n         missed by Schemathesis: {}", short(line)));
        }
    }
    text
}

/// The sums of all documents.
pub fn summary(all: &[&Live]) -> String {
    let silent = all.iter().filter(|live| live.alarms.is_empty() && live.untested.is_empty()).count();
    let peers: Vec<usize> = all.iter().filter_map(|live| live.peer).map(|(count, _)| count).collect();
    let theirs =
        if peers.is_empty() { String::new() } else { format!(", {} of Schemathesis", peers.iter().sum::<usize>()) };
    let mut text = format!(
        "servers: {} tested, {silent} without an alarm and whole; {} alarms of conform{theirs}\n",
        all.len(),
        all.iter().map(|live| live.alarms.len()).sum::<usize>(),
    );
    for class in super::Class::ALL {
        let of_class = all.iter().flat_map(|live| &live.classes).filter(|faults| faults.class == class.name());
        text.push_str(&sums(class.name(), &of_class.collect::<Vec<_>>()));
    }
    text.push_str(&sums("all", &all.iter().flat_map(|live| &live.classes).collect::<Vec<_>>()));
    text
}

fn sums(name: &str, faults: &[&Faults]) -> String {
    let planted: usize = faults.iter().map(|faults| faults.planted).sum();
    let percent = |count: usize| 100.0 * count as f64 / planted.max(1) as f64;
    let named: usize = faults.iter().map(|faults| faults.named).sum();
    let seconds: f64 = faults.iter().map(|faults| faults.seconds).sum();
    let peers: Vec<(usize, f64)> = faults.iter().filter_map(|faults| faults.peer).collect();
    let theirs = match peers.is_empty() {
        true => String::new(),
        false => {
            let named: usize = peers.iter().map(|(named, _)| named).sum();
            let seconds: f64 = peers.iter().map(|(_, seconds)| seconds).sum();
            format!("; Schemathesis {named:>4} ({:>5.1} %) {seconds:>6.1} s", percent(named))
        }
    };
    format!(
        "  {name:<14} {planted:>4} planted; named {named:>4} ({:>5.1} %) {seconds:>6.1} s{theirs}\n",
        percent(named)
    )
}

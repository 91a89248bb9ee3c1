//! Makes edits, looks what is found, and counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apidrift_core::rules::Severity;
use openapi_model::source::Source;

use super::api::Api;
use super::edit::{Change, Kind, Place, Scene};
use super::manner::Manner;
use super::page::Page;
use super::pick::some;
use super::set::{self, Set};
use super::{contract_edits, page_edits, verdict};

pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    page_edits::KINDS.iter().chain(contract_edits::KINDS)
}

/// How many edits were named, and how many were made.
#[derive(Default)]
pub struct Scores {
    by_kind: BTreeMap<(&'static str, &'static str), (usize, usize)>,
    /// Edits after which an operation was not compared at all.
    pub aside: usize,
    pub failures: Vec<String>,
}

impl Scores {
    fn count(&mut self, kind: &'static str, manner: &'static str, named: bool) {
        let score = self.by_kind.entry((kind, manner)).or_default();
        score.0 += usize::from(named);
        score.1 += 1;
    }

    fn add(&mut self, other: Scores) {
        for (key, (named, made)) in other.by_kind {
            let score = self.by_kind.entry(key).or_default();
            *score = (score.0 + named, score.1 + made);
        }
        self.aside += other.aside;
        self.failures.extend(other.failures);
    }

    fn sum(&self, is: impl Fn(&(&'static str, &'static str)) -> bool) -> (usize, usize) {
        let all = self.by_kind.iter().filter(|(key, _)| is(key));
        all.fold((0, 0), |sum, (_, score)| (sum.0 + score.0, sum.1 + score.1))
    }

    pub fn of(&self, kind: &str) -> (usize, usize) {
        self.sum(|(known, _)| *known == kind)
    }

    pub fn all(&self) -> (usize, usize) {
        self.sum(|_| true)
    }

    /// Named and made, by kind and manner.
    pub fn table(&self) -> String {
        let manners: Vec<&str> = super::manners().map(|manner| manner.name).collect();
        let cell = |(named, made): (usize, usize)| match made {
            0 => String::from("-"),
            made => format!("{named}/{made}"),
        };
        let line = |name: &str, cells: Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>9}")).collect();
            format!("{name:<42}{}\n", cells.concat())
        };
        let mut head: Vec<String> = manners.iter().map(|manner| (*manner).to_owned()).collect();
        head.push("all".into());
        let mut text = line("", head);
        for kind in kinds() {
            let mut cells: Vec<String> = manners
                .iter()
                .map(|manner| cell(self.by_kind.get(&(kind.name, *manner)).copied().unwrap_or_default()))
                .collect();
            cells.push(cell(self.of(kind.name)));
            text += &line(kind.name, cells);
        }
        let mut cells: Vec<String> =
            manners.iter().map(|manner| cell(self.sum(|(_, known)| known == manner))).collect();
        cells.push(cell(self.all()));
        text + &line("all", cells)
    }
}

/// Edits of all kinds in pages of all manners: some of each kind in each.
pub fn try_all(apis: &[Api], most: usize, scores: &mut Scores) {
    let manners: Vec<&'static Manner> = super::manners().collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut own = Vec::new();
        while let Some(manner) = manners.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut scores = Scores::default();
            try_manner(apis, manner, most, &mut scores);
            own.push((manner.name, scores));
        }
        own
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all: Vec<(&str, Scores)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    all.sort_by_key(|(name, _)| *name);
    all.into_iter().for_each(|(_, of_one)| scores.add(of_one));
}

fn try_manner(apis: &[Api], manner: &'static Manner, most: usize, scores: &mut Scores) {
    let sets: Vec<(&Api, Set, Arc<Source>, Vec<String>)> = apis
        .iter()
        .map(|api| {
            let contract = verdict::contract(&api.root);
            let aside = verdict::of(&contract, &[Page::new("empty.md".into(), "")]).set_aside;
            (api, set::write(api, manner), contract, aside)
        })
        .collect();
    for kind in kinds() {
        let mut places: Vec<(usize, Place)> = Vec::new();
        for (index, (api, set, _, aside)) in sets.iter().enumerate() {
            let has_json_fences = manner.json == "json";
            let scene = Scene { api, set, language: manner.words.folder, has_json_fences, aside };
            places.extend((kind.places)(&scene).into_iter().map(|place| (index, place)));
        }
        for (index, place) in some(places, most, &format!("{} {}", kind.name, manner.name)) {
            let (api, set, contract, _) = &sets[index];
            let Some(how) = wrong(api, set, contract, kind, &place) else {
                scores.aside += 1;
                continue;
            };
            scores.count(kind.name, manner.name, how.is_none());
            if let Some(how) = how {
                scores.failures.push(format!("{}, {}, {}: {}: {how}", kind.name, manner.name, api.name, place.at));
            }
        }
    }
}

/// The pages that an edit is about, and where they were.
fn concerned(place: &Place) -> Vec<usize> {
    let mut pages: Vec<usize> = place.lines.iter().map(|(page, _)| *page).collect();
    pages.extend(place.missing.iter().map(|(_, page, _)| *page));
    pages.sort_unstable();
    pages.dedup();
    pages
}

/// How an edit was not named. Nothing at all if its operation was not compared.
fn wrong(api: &Api, set: &Set, contract: &Arc<Source>, kind: &Kind, place: &Place) -> Option<Option<String>> {
    let concerned = concerned(place);
    let mut pages: Vec<Page> = concerned.iter().map(|page| set.pages[*page].clone()).collect();
    let mut contract = contract.clone();
    match &place.change {
        Change::Page { page, range, with } => {
            let at = concerned.iter().position(|known| known == page)?;
            pages[at].text.replace_range(range.clone(), with);
        }
        Change::Contract(change) => {
            let mut root = api.root.clone();
            change(&mut root);
            contract = verdict::contract(&root);
        }
    }
    let verdict = verdict::of(&contract, &pages);
    let path = |page: usize| set.pages[page].path.as_str();
    let is_named = match &place.missing {
        Some((name, page, lines)) => verdict.loud(kind.least).any(|finding| {
            let is_here = |place: (&str, usize)| place.0 == path(*page) && lines.contains(&place.1);
            finding.message.contains(name.as_str()) && finding.primary.iter().map(verdict::line).any(is_here)
        }),
        None => verdict.loud(kind.least).any(|finding| {
            verdict::places(finding)
                .any(|(file, line)| place.lines.iter().any(|(page, known)| path(*page) == file && *known == line))
        }),
    };
    if !is_named && matches!(place.change, Change::Contract(_)) && !verdict.set_aside.is_empty() {
        return None;
    }
    let wanted: Vec<String> =
        place.lines.iter().take(4).map(|(page, line)| format!("{}:{line}", path(*page))).collect();
    let found: Vec<String> = verdict.loud(Severity::Note).take(4).map(verdict::shown).collect();
    Some((!is_named).then(|| format!("nothing at {wanted:?}, but {found:?}")))
}

//! Waiting for a sync: progress on a terminal, and Ctrl-C, which ends the waiting and not the sync.

use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cdi_client::{Job, Progress, Speed, Stage, WaitError};
use terminal_size::terminal_size_of;

use crate::failure::{Exit, Failure, Reached, WaitFailure};
use crate::limit::TimeLimit;
use crate::output::Output;
use crate::retries::Retries;
use crate::show;
use crate::table::{cut, printable};

/// How far a wait has come, as the progress reports it.
#[derive(Clone)]
pub(crate) struct Waiting {
    reached: Arc<Mutex<Reached>>,
    speed: Arc<Mutex<Speed>>,
    /// What is shown.
    text: Arc<Mutex<String>>,
    begun: Instant,
    limit: TimeLimit,
    retries: Retries,
    shown: bool,
}

impl Waiting {
    pub(crate) fn new(reached: Reached, limit: TimeLimit, retries: &Retries, output: &Output) -> Waiting {
        let text = Arc::default();
        let shown = output.shows_progress();
        if shown {
            retries.announce_in(&text);
        }
        Waiting {
            reached: Arc::new(Mutex::new(reached)),
            speed: Arc::default(),
            text,
            begun: Instant::now(),
            limit,
            retries: retries.clone(),
            shown,
        }
    }

    /// Takes note of what happens and shows it on one line of the terminal.
    pub(crate) fn note(&self, progress: &Progress) {
        let text = match progress {
            Progress::Busy(job) => {
                *self.reached() = Reached::Nothing;
                self.retries.clear();
                format!("another sync is running: {}", self.going(job))
            }
            Progress::Triggering => {
                *self.reached() = Reached::Doubt;
                self.retries.clear();
                "triggering".into()
            }
            Progress::Refused(why) => {
                *self.reached() = Reached::Nothing;
                format!("trying again: {}", printable(why))
            }
            Progress::Triggered => {
                *self.reached() = Reached::Started;
                "triggered".into()
            }
            Progress::Job(job) => {
                *self.reached() = Reached::Started;
                self.going(job)
            }
            Progress::Trouble(why) => format!("trying again: {}", printable(why)),
            _ => return,
        };
        *lock(&self.text) = text;
        self.draw();
    }

    /// Shows it, on no more than one line: what has wrapped could not be wiped.
    fn draw(&self) {
        let text = lock(&self.text);
        if self.shown && !text.is_empty() {
            let passed = format!(" ({} s)", self.begun.elapsed().as_secs());
            let columns = terminal_size_of(io::stderr()).map_or(usize::MAX, |(width, _)| width.0.into());
            let shown = cut(&text, columns.saturating_sub(passed.len() + 1));
            // Progress that cannot be shown is not an error.
            let _ = write!(io::stderr(), "\r\x1b[2K{shown}{passed}");
        }
    }

    fn going(&self, job: &Job) -> String {
        let mut speed = lock(&self.speed);
        speed.note(job, Instant::now());
        show::going(job, speed.rows_per_second())
    }

    /// Waits until the work is done, or until Ctrl-C.
    pub(crate) async fn until_done<T>(
        &self,
        work: impl Future<Output = Result<T, WaitError>>,
    ) -> Result<T, WaitFailure> {
        let (mut work, mut interrupt) = (pin!(work), pin!(tokio::signal::ctrl_c()));
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let result = loop {
            tokio::select! {
                result = &mut work => break result.map_err(|error| self.failed(error)),
                interrupt = &mut interrupt => break Err(self.interrupted(interrupt)),
                _ = seconds.tick(), if self.shown => self.draw(),
            }
        };
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
        result
    }

    /// The failure of the wait; if its time has passed, with the timeout of the whole command and the last failure.
    fn failed(&self, mut error: WaitError) -> WaitFailure {
        if let WaitError::Deadline { after, stage, .. } = &mut error {
            *after = self.limit.whole().unwrap_or(*after);
            if **stage == Stage::Untriggered
                && let Some(last) = self.retries.last()
            {
                let failure = self.limit.passed(&format!("{last}; nothing was triggered"));
                return WaitFailure { failure, reached: Reached::Nothing };
            }
        }
        WaitFailure::from(error)
    }

    fn interrupted(&self, interrupt: io::Result<()>) -> WaitFailure {
        let reached = *self.reached();
        let failure = match interrupt {
            Ok(()) => Failure::new(
                Exit::Interrupted,
                "interrupted",
                match reached {
                    Reached::Nothing => "interrupted: nothing was triggered",
                    Reached::Doubt => "interrupted: it is unknown whether the sync was triggered",
                    Reached::Started => "interrupted: the sync is still running",
                },
            ),
            Err(error) => Failure::new(Exit::Trouble, "signal", format!("cannot listen for Ctrl-C: {error}")),
        };
        WaitFailure { failure, reached }
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        lock(&self.reached)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

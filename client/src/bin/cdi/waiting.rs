//! Waiting for a sync: progress on a terminal, and Ctrl-C, which ends the waiting and not the sync.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cdi_client::{Job, Pace, Progress, WaitError};

use crate::failure::{Exit, Failure, Reached, WaitFailure};
use crate::output::Output;
use crate::show;
use crate::table::printable;

/// How far a wait has come, as it was told.
#[derive(Clone)]
pub(crate) struct Waiting {
    reached: Arc<Mutex<Reached>>,
    pace: Arc<Mutex<Pace>>,
    begun: Instant,
    shown: bool,
}

impl Waiting {
    pub(crate) fn new(reached: Reached, output: &Output) -> Waiting {
        Waiting {
            reached: Arc::new(Mutex::new(reached)),
            pace: Arc::default(),
            begun: Instant::now(),
            shown: output.shows_progress(),
        }
    }

    /// Takes note of what happens and shows it on one line of the terminal.
    pub(crate) fn note(&self, progress: &Progress) {
        let text = match progress {
            Progress::Busy(job) => {
                *self.reached() = Reached::Nothing;
                format!("another sync is in progress: {}", self.going(job))
            }
            Progress::Triggering => {
                *self.reached() = Reached::Doubt;
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
        if self.shown {
            let seconds = self.begun.elapsed().as_secs();
            // Whether progress can be shown decides nothing.
            let _ = write!(io::stderr(), "\r\x1b[2K{text} ({seconds}s)");
        }
    }

    fn going(&self, job: &Job) -> String {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.note(job, Instant::now());
        show::going(job, pace.rows_per_second())
    }

    /// Waits until the work is done, or until Ctrl-C.
    pub(crate) async fn until_done<T>(
        &self,
        work: impl Future<Output = Result<T, WaitError>>,
    ) -> Result<T, WaitFailure> {
        let result = tokio::select! {
            result = work => result.map_err(WaitFailure::from),
            interrupt = tokio::signal::ctrl_c() => Err(self.interrupted(interrupt)),
        };
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
        result
    }

    fn interrupted(&self, interrupt: io::Result<()>) -> WaitFailure {
        let reached = *self.reached();
        let failure = match interrupt {
            Ok(()) => Failure::new(
                Exit::Interrupted,
                "interrupted",
                match reached {
                    Reached::Nothing => "interrupted: nothing was triggered",
                    Reached::Doubt => "interrupted: nobody knows whether the sync was triggered",
                    Reached::Started => "interrupted: the sync goes on",
                },
            ),
            Err(error) => Failure::new(Exit::Trouble, "signal", format!("cannot listen for Ctrl-C: {error}")),
        };
        WaitFailure { failure, reached }
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

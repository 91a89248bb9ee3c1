//! What each command does.

use std::path::Path;
use std::time::Duration;

use cdi_client::{IfRunning, Job, JobStatus, Progress, WaitOptions};
use serde_json::json;

use crate::args::{self, Auth, Cli, Command, Online, Status, Trigger};
use crate::auth;
use crate::causes;
use crate::complete;
use crate::failure::{Exit, Failure, Reached, WaitFailure};
use crate::help;
use crate::limit::TimeLimit;
use crate::names;
use crate::output::{self, Output};
use crate::permissions;
use crate::programs;
use crate::retries::Retries;
use crate::session::{Lookup, Named, Session};
use crate::settings::Settings;
use crate::shell::quoted_path;
use crate::show;
use crate::waiting::Waiting;

/// Runs the command; the exit code of a command that has a result.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let output = Output::new(&cli.common);
    let command = match cli.command {
        Command::Completion { shell } => return completion(shell),
        Command::Man { folder } => return man(&folder),
        Command::ExitCodes => return topic(help::EXIT_CODES),
        Command::Json => return topic(help::JSON),
        Command::Environment => return topic(help::ENVIRONMENT),
        Command::Online(command) => command,
    };
    let retries = Retries::new(!output.is_quiet());
    let session = Session { settings: Settings::new(&cli.common, &retries)?, output: &output, retries };
    let result = match command {
        Online::Trigger(trigger) if trigger.wait => session.trigger(trigger).await,
        Online::Trigger(trigger) => session.without_silence(session.trigger(trigger)).await,
        Online::List => session.without_silence(session.list()).await,
        Online::Status(status) if status.follow => session.follow(status).await,
        Online::Status(status) => session.without_silence(session.status(status)).await,
        Online::Auth(Auth::Status) => session.without_silence(auth::status(&session.settings, &output)).await,
    };
    result.map_err(|failure| session.explained(failure))
}

/// A command that usually takes milliseconds says after this time that it is waiting.
const SILENCE: Duration = Duration::from_secs(5);

impl Session<'_> {
    /// Says on standard error if a command takes long, as with a server that accepts connections and does not answer.
    async fn without_silence<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        if let Ok(done) = tokio::time::timeout(SILENCE, &mut work).await {
            return done;
        }
        self.output.advise(&format!("waiting for the server at {}", self.client().base_url()));
        work.await
    }

    async fn trigger(&self, trigger: Trigger) -> Result<Exit, Failure> {
        let in_turn = trigger.if_running == args::IfRunning::Wait;
        if trigger.timeout.is_some() && !trigger.wait && !in_turn {
            return Err(Failure::new(Exit::Usage, "usage", "--timeout needs --wait or --if-running wait"));
        }
        let text = &trigger.integration.integration;
        let waits = trigger.wait || in_turn;
        let limit = TimeLimit::new(waits.then(|| trigger.timeout.unwrap_or(Duration::from_secs(60 * 60))));
        // What changes something does not rely on a name that may be out of date.
        let named = match names::id(text) {
            Some(id) => Named::by_id(id),
            None => limit.keep(self.listed(text)).await.unwrap_or_else(|| {
                let so_far = format!("{}; nothing was triggered", self.last_failure());
                Err(limit.passed(&so_far).with("may_have_taken_effect", false))
            })?,
        };
        let id = named.id;
        let waiting = Waiting::new(Reached::Nothing, limit, &self.retries, self.output);
        let options = WaitOptions::default()
            .if_running(if in_turn { IfRunning::Wait } else { IfRunning::Fail })
            .timeout(limit.left())
            .on_progress({
                let waiting = waiting.clone();
                move |progress| waiting.note(progress)
            });
        let result = if trigger.wait {
            waiting.until_done(self.client().trigger_and_wait(id, options)).await.map(Some)
        } else if in_turn {
            waiting.until_done(self.client().trigger_in_turn(id, options)).await.map(|()| None)
        } else {
            self.client().trigger_integration_sync(id).await.map(|_| None).map_err(WaitFailure::from)
        };
        match result {
            Ok(Some(job)) => {
                self.output.print(
                    || show::ended(&job, self.output),
                    || json!({"integration_id": id, "triggered": true, "job": programs::fields(&job)}),
                )?;
                Ok(self.ended(&job, &named, trigger.allow_partial))
            }
            Ok(None) => {
                self.output.print(
                    || format!("The sync was triggered. {}", self.how_to_follow(&named)),
                    || json!({"integration_id": id, "triggered": true}),
                )?;
                Ok(Exit::Done)
            }
            Err(error) if error.failure.exit == Exit::Busy && trigger.if_running == args::IfRunning::Ignore => {
                self.output.print(
                    || format!("Another sync is running; nothing was triggered. {}", self.how_to_follow(&named)),
                    || json!({"integration_id": id, "triggered": false}),
                )?;
                Ok(Exit::Done)
            }
            Err(WaitFailure { failure, reached }) => {
                let failure = match failure.exit {
                    // The jobs are listed only to wait.
                    Exit::NotAllowed if failure.lacks() == Some(permissions::JOBS) => {
                        let option = if trigger.wait { "--wait" } else { "--if-running wait" };
                        let message =
                            format!("{option} needs the permission {}; nothing was triggered", permissions::JOBS);
                        match reached {
                            Reached::Nothing => failure.reworded(message),
                            _ => failure,
                        }
                    }
                    Exit::Busy => failure
                        .advise(&format!("To wait for it: add --if-running wait. {}", self.how_to_follow(&named))),
                    _ => failure,
                };
                let failure = self.with_near_id(failure, id);
                let failure = failure.with("may_have_taken_effect", reached != Reached::Nothing);
                Err(self.advised(failure, reached, &named))
            }
        }
    }

    async fn list(&self) -> Result<Exit, Failure> {
        let integrations = self.client().list_integrations().all().await?;
        self.settings.cache.remember(&integrations);
        self.output.print(
            || show::integrations(&integrations, self.output),
            || json!({ "integrations": integrations.iter().map(programs::fields).collect::<Vec<_>>() }),
        )?;
        Ok(Exit::Done)
    }

    async fn status(&self, status: Status) -> Result<Exit, Failure> {
        let text = &status.integration.integration;
        let limit = status.limit.unwrap_or(10) as usize;
        let (named, jobs) = self.jobs(text, limit, Lookup::Cache).await?;
        self.output.print(
            || {
                let newest = jobs.first().and_then(|job| self.cause(job, &named));
                show::jobs(&jobs, newest, self.output)
            },
            || json!({"integration_id": named.id, "jobs": jobs.iter().map(programs::fields).collect::<Vec<_>>()}),
        )?;
        Ok(Exit::Done)
    }

    /// Follows the newest job. As JSON each change is one line.
    async fn follow(&self, status: Status) -> Result<Exit, Failure> {
        let text = &status.integration.integration;
        // The exit code must not be that of an integration that had the name before.
        let limit = TimeLimit::new(status.timeout);
        let found = limit.keep(self.jobs(text, 1, Lookup::Server)).await;
        let (named, jobs) = found.unwrap_or_else(|| Err(limit.passed(&self.last_failure())))?;
        let id = named.id;
        let Some(newest) = jobs.first() else {
            let message = "the integration has not been synced yet: there is no sync to follow";
            return Err(Failure::new(Exit::NotFound, "no_sync", message).with("integration_id", id.to_string()));
        };
        let waiting = Waiting::new(Reached::Started, limit, &self.retries, self.output);
        let json = move |job: &Job| json!({"integration_id": id, "job": programs::fields(job)});
        let options = WaitOptions::default().timeout(limit.left()).on_progress({
            let (waiting, output) = (waiting.clone(), self.output.clone());
            move |progress| {
                waiting.note(progress);
                match progress {
                    // The end is printed as the result. Whether this can be printed shows there too.
                    Progress::Job(job) if output.is_json() && !job.is_finished() => {
                        let _ = output.print(String::new, || json(job));
                    }
                    _ => {}
                }
            }
        });
        match waiting.until_done(self.client().wait_for_job(id, newest.sync_start_time, options)).await {
            Ok(job) => {
                self.output.print(|| show::ended(&job, self.output), || json(&job))?;
                Ok(self.ended(&job, &named, false))
            }
            Err(WaitFailure { failure, reached }) => Err(self.advised(failure, reached, &named)),
        }
    }

    /// Why the server has not answered yet.
    fn last_failure(&self) -> String {
        self.retries.last().unwrap_or_else(|| "the server did not answer in time".into())
    }

    /// The exit code for a job that has ended, after saying where to look if it failed or had no rows.
    fn ended(&self, job: &Job, named: &Named, allow_partial: bool) -> Exit {
        let exit = match job.job_status {
            JobStatus::Partial if allow_partial => Exit::Done,
            _ if job.succeeded() => Exit::Done,
            _ => Exit::SyncFailed,
        };
        let advice = match exit {
            // Not in a pipeline, where a sync without rows is usual.
            Exit::Done if job.rows_synced == 0 && self.output.shows_progress() => {
                causes::nothing_new(self.client().base_url(), &named.argument)
            }
            Exit::Done => None,
            _ => self.cause(job, named),
        };
        if let Some(advice) = advice {
            self.output.advise(&advice);
        }
        exit
    }

    fn cause(&self, job: &Job, named: &Named) -> Option<String> {
        causes::advice(job, self.client().base_url(), &named.argument)
    }

    /// A failure, and how to see what has become of the sync.
    fn advised(&self, failure: Failure, reached: Reached, named: &Named) -> Failure {
        let failure = failure.with("integration_id", named.id.to_string());
        match reached {
            Reached::Nothing => failure,
            Reached::Doubt => failure.advise(&format!(
                "Before you trigger again, check: {} status {}",
                self.settings.command, named.argument
            )),
            Reached::Started => failure.advise(&self.how_to_follow(named)),
        }
    }

    fn how_to_follow(&self, named: &Named) -> String {
        format!("To follow it: {} status {} --follow", self.settings.command, named.argument)
    }

    /// A failure, with what can be known about it from the settings.
    fn explained(&self, failure: Failure) -> Failure {
        let Settings { url_origin, key_origin, client, .. } = &self.settings;
        let is_braze = causes::is_braze(client.base_url());
        if failure.kind == "unauthorized" {
            let unknown =
                format!("the server does not know the API key from {key_origin}, or it has expired or was revoked");
            let remedy = if is_braze { "" } else { "A new key works once the OpenCDI server has been restarted." };
            return failure.restated(&unknown, remedy);
        }
        // What has become of a trigger, its own advice says.
        let (problem, why) = match failure.kind {
            "service_unavailable" => (
                "the server is unavailable",
                "It is shutting down, is too slow, or cannot reach its store; its log says which.",
            ),
            "internal_server_error" => ("the server failed", "Its log says why."),
            _ => ("", ""),
        };
        if !problem.is_empty() {
            return failure.restated(problem, if is_braze { "" } else { why });
        }
        let base_url = client.base_url();
        match (failure.kind, failure.status(), failure.lacks(), failure.exit) {
            ("undocumented_answer", Some(404), ..) => failure.reworded(match path_of_the_api(base_url) {
                Some(path) => {
                    format!("remove {path} from the URL {base_url} (from {url_origin}): the server answered 404 Not Found")
                }
                None => format!(
                    "is the URL {base_url} (from {url_origin}) right? The server answered 404 Not Found, and not as OpenCDI \
                     or Braze do"
                ),
            }),
            (_, _, Some(_), _) => failure
                .advise(&format!("Add it to the permissions of the key from {key_origin}, or use another key")),
            (_, _, _, Exit::NotAllowed) => failure.advise(&format!("The key is from {key_origin}")),
            _ => failure,
        }
    }
}

/// The part of a base URL that the client adds itself, `/cdi` and what follows.
fn path_of_the_api(base_url: &str) -> Option<String> {
    let parts: Vec<_> = base_url.split('/').skip(3).collect();
    let begins = parts.iter().position(|part| *part == "cdi")?;
    Some(format!("/{}", parts.get(begins..)?.join("/")))
}

fn completion(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let script = complete::script(shell)?;
    topic(String::from_utf8_lossy(&script).trim())
}

fn topic(text: &str) -> Result<Exit, Failure> {
    output::line(text)?;
    Ok(Exit::Done)
}

fn man(folder: &Path) -> Result<Exit, Failure> {
    if !folder.is_dir() {
        let message = match folder.exists() {
            true => format!("{} is not a folder", folder.display()),
            false => {
                format!("the folder {0} does not exist; mkdir -p {1} makes it", folder.display(), quoted_path(folder))
            }
        };
        return Err(Failure::new(Exit::Usage, "usage", message));
    }
    help::man_pages(<Cli as clap::CommandFactory>::command(), folder).map_err(|error| {
        // What cannot be written where the caller may not write is the caller's mistake; a full disk is not.
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => Exit::Usage,
            _ => Exit::Trouble,
        };
        Failure::new(exit, "output", format!("cannot write to {}: {error}", folder.display()))
    })?;
    Ok(Exit::Done)
}

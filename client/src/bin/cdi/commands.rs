//! What each command does.

use std::path::Path;
use std::time::Duration;

use cdi_client::{Client, IfRunning, Job, JobStatus, Progress, WaitOptions};
use clap::CommandFactory as _;
use serde_json::json;
use uuid::Uuid;

use crate::args::{self, Cli, Command, Online, Status, Trigger};
use crate::failure::{Exit, Failure, Reached, WaitFailure};
use crate::output::{self, Output};
use crate::programs;
use crate::settings::Settings;
use crate::show;
use crate::waiting::Waiting;

/// Runs the command; the exit code of a command that has a result.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let output = Output::new(&cli.common);
    let command = match cli.command {
        Command::Completion { shell } => return completion(shell),
        Command::Man { folder } => return man(&folder),
        Command::Online(command) => command,
    };
    let session = Session { settings: Settings::new(&cli.common)?, output: &output };
    let result = match command {
        Online::Trigger(trigger) => session.trigger(trigger).await,
        Online::List => session.list().await,
        Online::Status(status) if status.follow => session.follow(status).await,
        Online::Status(status) => session.status(status).await,
    };
    result.map_err(|failure| match failure.exit {
        Exit::NotAllowed => failure.advise(&format!("The key is from {}", session.settings.key_origin)),
        _ => failure,
    })
}

/// What the commands that need a server share.
struct Session<'a> {
    settings: Settings,
    output: &'a Output,
}

impl Session<'_> {
    fn client(&self) -> &Client {
        &self.settings.client
    }

    async fn trigger(&self, trigger: Trigger) -> Result<Exit, Failure> {
        let in_turn = trigger.if_running == args::IfRunning::Wait;
        if trigger.timeout.is_some() && !trigger.wait && !in_turn {
            return Err(Failure::new(Exit::Usage, "usage", "--timeout needs --wait or --if-running wait"));
        }
        let id = self.integration(&trigger.integration).await?;
        let waiting = Waiting::new(Reached::Nothing, self.output);
        let options = WaitOptions::default()
            .if_running(if in_turn { IfRunning::Wait } else { IfRunning::Fail })
            .timeout(trigger.timeout.unwrap_or(Duration::from_secs(60 * 60)))
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
                Ok(exit(&job, trigger.allow_partial))
            }
            Ok(None) => {
                self.output.print(
                    || format!("The sync was triggered. {}", self.how_to_follow(id)),
                    || json!({"integration_id": id, "triggered": true}),
                )?;
                Ok(Exit::Done)
            }
            Err(error) if error.failure.exit == Exit::Busy && trigger.if_running == args::IfRunning::Ignore => {
                self.output.print(
                    || format!("Another sync is in progress; nothing was triggered. {}", self.how_to_follow(id)),
                    || json!({"integration_id": id, "triggered": false}),
                )?;
                Ok(Exit::Done)
            }
            Err(WaitFailure { failure, reached }) => {
                let failure = failure.with("may_have_taken_effect", reached != Reached::Nothing);
                Err(self.advised(failure, reached, id))
            }
        }
    }

    async fn list(&self) -> Result<Exit, Failure> {
        let integrations = self.client().list_integrations().all().await?;
        let for_programs = || json!({ "integrations": integrations.iter().map(programs::fields).collect::<Vec<_>>() });
        self.output.print(|| show::integrations(&integrations, self.output), for_programs)?;
        Ok(Exit::Done)
    }

    async fn status(&self, status: Status) -> Result<Exit, Failure> {
        let id = self.integration(&status.integration).await?;
        let limit = status.limit.unwrap_or(10) as usize;
        let mut stream = self.client().job_sync_status(id);
        let mut jobs = Vec::new();
        while jobs.len() < limit {
            match stream.next().await {
                Some(job) => jobs.push(job?),
                None => break,
            }
        }
        let for_programs =
            || json!({"integration_id": id, "jobs": jobs.iter().map(programs::fields).collect::<Vec<_>>()});
        self.output.print(|| show::jobs(&jobs, self.output), for_programs)?;
        Ok(Exit::Done)
    }

    /// Follows the newest job. For programs each change is one line.
    async fn follow(&self, status: Status) -> Result<Exit, Failure> {
        let id = self.integration(&status.integration).await?;
        let Some(newest) = self.client().job_sync_status(id).next().await.transpose()? else {
            let message = "the integration has not been synced yet: there is no sync to follow";
            return Err(Failure::new(Exit::NotFound, "no_sync", message).with("integration_id", id.to_string()));
        };
        let waiting = Waiting::new(Reached::Started, self.output);
        let told = move |job: &Job| json!({"integration_id": id, "job": programs::fields(job)});
        let options = WaitOptions::default().timeout(status.timeout).on_progress({
            let (waiting, for_programs) = (waiting.clone(), self.output.is_for_programs());
            move |progress| {
                waiting.note(progress);
                match progress {
                    // The end is told by the result. Whether this can be written shows there too.
                    Progress::Job(job) if for_programs && !job.is_finished() => {
                        let _ = output::line(&told(job).to_string());
                    }
                    _ => {}
                }
            }
        });
        match waiting.until_done(self.client().wait_for_job(id, newest.sync_start_time, options)).await {
            Ok(job) => {
                self.output.print(|| show::ended(&job, self.output), || told(&job))?;
                Ok(exit(&job, false))
            }
            Err(WaitFailure { failure, reached }) => Err(self.advised(failure, reached, id)),
        }
    }

    /// The ID of an integration that is named by its ID or by its name.
    async fn integration(&self, text: &str) -> Result<Uuid, Failure> {
        // Only the hyphenated form is an ID.
        if let (36, Ok(id)) = (text.len(), text.parse()) {
            return Ok(id);
        }
        let listed = self.client().list_integrations().all().await;
        let listed = listed.map_err(|error| match Failure::from(&error) {
            failure if failure.exit == Exit::NotAllowed => failure.advise(
                "To look an integration up by its name takes the permission cdi.integration_list; an ID needs none",
            ),
            failure => failure,
        })?;
        let named: Vec<_> = listed.iter().filter(|integration| integration.integration_name == text).collect();
        match named.as_slice() {
            [integration] => Ok(integration.integration_id),
            [] => Err(Failure::new(
                Exit::NotFound,
                "integration_not_found",
                format!(
                    "there is no integration named `{text}`, and it is not an ID; `{} list` shows them",
                    self.settings.command
                ),
            )),
            several => {
                let ids: Vec<_> = several.iter().map(|integration| integration.integration_id.to_string()).collect();
                let message =
                    format!("several integrations are named `{text}`; give the ID of one: {}", ids.join(", "));
                Err(Failure::new(Exit::Usage, "ambiguous_name", message))
            }
        }
    }

    /// A failure, and how to see what has become of the sync.
    fn advised(&self, failure: Failure, reached: Reached, id: Uuid) -> Failure {
        let failure = failure.with("integration_id", id.to_string());
        match reached {
            Reached::Nothing => failure,
            Reached::Doubt => failure.advise(&format!("To see: {} status {id}", self.settings.command)),
            Reached::Started => failure.advise(&self.how_to_follow(id)),
        }
    }

    fn how_to_follow(&self, id: Uuid) -> String {
        format!("To follow it: {} status {id} --follow", self.settings.command)
    }
}

fn exit(job: &Job, allow_partial: bool) -> Exit {
    match job.job_status {
        JobStatus::Success => Exit::Done,
        JobStatus::Partial if allow_partial => Exit::Done,
        _ => Exit::SyncFailed,
    }
}

fn completion(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cdi", &mut script);
    output::line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}

fn man(folder: &Path) -> Result<Exit, Failure> {
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        Failure::new(Exit::Trouble, "output", format!("{} cannot be written to: {error}", folder.display()))
    })?;
    Ok(Exit::Done)
}

//! What each command does.

use std::sync::Arc;

use cdi_client::{Client, Job, JobStatus, Progress, WaitError, WaitOptions};
use serde_json::json;

use crate::args::{Cli, Command, Common, Status, Trigger};
use crate::failure::{Exit, Failure};
use crate::show::{self, Ticker};

/// Runs the command; the exit code of a command that has a result.
pub(crate) async fn run(cli: Cli, api_key: Option<String>) -> Result<Exit, Failure> {
    let Cli { common, command } = cli;
    let client = client(&common, api_key)?;
    match command {
        Command::Trigger(trigger) if trigger.wait => trigger_and_wait(&client, &common, trigger).await,
        Command::Trigger(trigger) => trigger_only(&client, &common, trigger).await,
        Command::List => list(&client, &common).await,
        Command::Status(status) if status.follow => follow(&client, &common, status).await,
        Command::Status(status) => self::status(&client, &common, status).await,
    }
}

fn client(common: &Common, api_key: Option<String>) -> Result<Client, Failure> {
    let mut builder = Client::builder().user_agent(concat!("cdi/", env!("CARGO_PKG_VERSION")));
    if let Some(url) = &common.url {
        builder = builder.base_url(url);
    }
    if let Some(key) = api_key {
        builder = builder.api_key(key);
    }
    Ok(builder.build()?)
}

async fn trigger_only(client: &Client, common: &Common, trigger: Trigger) -> Result<Exit, Failure> {
    let id = trigger.integration_id;
    let reply = client.trigger_integration_sync(id).await?;
    if common.json {
        show::json(&json!({"integration_id": id, "message": reply.value.message}))?;
    } else {
        show::line(&format!("The sync was triggered. To follow it: cdi status {id} --follow"))?;
    }
    Ok(Exit::Done)
}

async fn trigger_and_wait(client: &Client, common: &Common, trigger: Trigger) -> Result<Exit, Failure> {
    let id = trigger.integration_id;
    let ticker = Arc::new(Ticker::new());
    let options = WaitOptions::default().timeout(trigger.timeout).on_progress({
        let ticker = ticker.clone();
        move |progress| ticker.show(progress)
    });
    let result = client.trigger_and_wait(id, options).await;
    ticker.clear();
    let job = result?;
    if common.json {
        show::json(&json!({"integration_id": id, "job": job}))?;
    } else {
        show::line(&show::ended(&job))?;
    }
    Ok(exit(&job, trigger.allow_partial))
}

async fn list(client: &Client, common: &Common) -> Result<Exit, Failure> {
    let integrations = client.list_integrations().all().await?;
    if common.json {
        show::json(&integrations)?;
    } else {
        show::line(&show::integrations(&integrations))?;
    }
    Ok(Exit::Done)
}

async fn status(client: &Client, common: &Common, status: Status) -> Result<Exit, Failure> {
    let mut stream = client.job_sync_status(status.integration_id);
    let mut jobs = Vec::new();
    while jobs.len() < status.limit {
        match stream.next().await {
            Some(job) => jobs.push(job?),
            None => break,
        }
    }
    if common.json {
        show::json(&jobs)?;
    } else {
        show::line(&show::jobs(&jobs))?;
    }
    Ok(Exit::Done)
}

/// Follows the newest job. With `--json` each change is one line.
async fn follow(client: &Client, common: &Common, status: Status) -> Result<Exit, Failure> {
    let id = status.integration_id;
    let Some(newest) = client.job_sync_status(id).next().await.transpose()? else {
        if common.json {
            show::json_line(&json!(null))?;
        } else {
            show::line(&show::jobs(&[]))?;
        }
        return Ok(Exit::Done);
    };
    let ticker = Arc::new(Ticker::new());
    let options = WaitOptions::default().timeout(status.timeout).on_progress({
        let (ticker, json) = (ticker.clone(), common.json);
        move |progress| match progress {
            // The last state is told by the result, whose errors are heard.
            Progress::Job(job) if json && job.job_status == JobStatus::Running => drop(show::json_line(job)),
            Progress::Job(_) if json => {}
            _ => ticker.show(progress),
        }
    });
    let result: Result<Job, WaitError> = client.wait_for_job(id, newest.sync_start_time, options).await;
    ticker.clear();
    let job = result?;
    if common.json {
        show::json_line(&job)?;
    } else {
        show::line(&show::ended(&job))?;
    }
    Ok(exit(&job, false))
}

fn exit(job: &Job, allow_partial: bool) -> Exit {
    match job.job_status {
        JobStatus::Success => Exit::Done,
        JobStatus::Partial if allow_partial => Exit::Done,
        JobStatus::Partial | JobStatus::Error | JobStatus::ConfigError | JobStatus::Running => Exit::SyncFailed,
    }
}

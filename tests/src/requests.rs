//! Requests to a server in another process, which may be down.

use std::time::Duration;

use serde_json::Value;

use crate::{INTEGRATION, eventually, within};

/// The API of a server.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    key: String,
    http: reqwest::Client,
}

impl Api {
    /// The API at an address, with a key.
    pub fn new(url: &str, key: &cdi_server::secret::Secret) -> Api {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(15)).build().expect("a client");
        Api { url: url.to_owned(), key: key.expose().to_owned(), http }
    }

    /// Triggers a sync of an integration. Returns the status; `None` if the server does not answer.
    pub async fn trigger(&self, integration: &str) -> Option<u16> {
        let request = self.http.post(format!("{}/cdi/integrations/{integration}/sync", self.url));
        let answer = request.bearer_auth(&self.key).send().await.ok()?;
        Some(answer.status().as_u16())
    }

    /// The same with the body; null if it is not JSON.
    pub async fn trigger_answer(&self, integration: &str) -> Option<(u16, Value)> {
        let url = format!("{}/cdi/integrations/{integration}/sync", self.url);
        answer(self.http.post(url).bearer_auth(&self.key)).await
    }

    /// The status and the body of a GET request; `None` if the server does not answer.
    pub async fn get(&self, path: &str) -> Option<(u16, Value)> {
        answer(self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key)).await
    }

    /// Lists the integrations. Returns the status; `None` if the server does not answer.
    pub async fn list(&self) -> Option<u16> {
        let request = self.http.get(format!("{}/cdi/integrations", self.url));
        Some(request.bearer_auth(&self.key).send().await.ok()?.status().as_u16())
    }

    /// All jobs of an integration, newest first; `None` if any page is not answered.
    pub async fn jobs(&self, integration: &str) -> Option<Vec<Value>> {
        let mut jobs = Vec::new();
        let mut next = Some(format!("/cdi/integrations/{integration}/job_sync_status"));
        while let Some(path) = next {
            let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
            let answer = request.send().await.ok()?.error_for_status().ok()?;
            let links = answer.headers().get("link").and_then(|links| links.to_str().ok()).unwrap_or_default();
            let link = links.split(",<").find(|link| link.ends_with("; rel=\"next\""));
            next = link.and_then(|link| Some(link.trim_start_matches('<').split('>').next()?.to_owned()));
            let page: Value = answer.json().await.ok()?;
            jobs.extend(page["results"].as_array()?.iter().cloned());
        }
        Some(jobs)
    }

    /// Triggers a sync of [`INTEGRATION`], retrying until the answer is 202.
    pub async fn triggered(&self) {
        eventually("a sync is triggered", async || (self.trigger(INTEGRATION).await == Some(202)).then_some(())).await;
    }

    /// Waits until the newest job of an integration has ended, and returns it.
    pub async fn ended(&self, integration: &str, bound: Duration) -> Value {
        within(bound, "the job has ended", async || {
            let job = self.jobs(integration).await?.into_iter().next()?;
            (job["job_status"] != "running").then_some(job)
        })
        .await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    // Whoever is killed in the middle of an answer has not answered.
    let body = answer.bytes().await.ok()?;
    Some((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// TOML of rate limits that no test reaches.
pub fn wide_limits() -> String {
    let limits: Vec<String> =
        cdi_server::api::known().operations.iter().map(|operation| format!("{operation} = 1000000")).collect();
    format!("[[workspaces]]\nid = \"ours\"\nrate_limits = {{ {} }}\n", limits.join(", "))
}

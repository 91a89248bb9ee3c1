//! Messages by e-mail.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use reqwest::Url;
use tokio::time::timeout;

use super::About;
use super::body::{Body, TEST};
use super::channel::{NotSent, place, root};
use super::webhook::is_this_machine;
use crate::secret::Secret;
use crate::store::ClaimedMessage;
use crate::text::counted;

/// How long a mail server may take for each step, and for all of them.
const STEP: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Where e-mail is sent, and by what server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// The sender.
    pub from: Mailbox,
    /// The recipients; empty for the `contact_emails` of the integration.
    pub to: Vec<Mailbox>,
    /// The URL of the mail server, with user and password.
    pub smtp: SmtpUrl,
}

/// The URL of a mail server: `smtp://` or `smtps://`. It may have a password, so it is not printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpUrl(Secret);

/// Why a text is not the URL of a mail server. It does not repeat the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSmtp {
    /// It has another form.
    #[error(
        "is not the URL of a mail server; write `smtps://<user>:<password>@<host>` or `smtp://<host>:587?tls=required`"
    )]
    OtherForm,
    /// It has other parameters.
    #[error("has a parameter other than `tls=required` and `tls=opportunistic`, or one with `smtps`; remove it")]
    Parameter,
    /// It has half of a login.
    #[error("has a user without a password; write `<user>:<password>@`, with `%40` for an `@` in the user")]
    NoPassword,
}

impl SmtpUrl {
    /// Reads a URL.
    pub fn new(url: &Secret) -> Result<SmtpUrl, NotSmtp> {
        let parsed = Url::parse(url.expose().trim()).map_err(|_| NotSmtp::OtherForm)?;
        if !["smtp", "smtps"].contains(&parsed.scheme()) || parsed.host_str().is_none_or(str::is_empty) {
            return Err(NotSmtp::OtherForm);
        }
        match (parsed.scheme(), parsed.query()) {
            (_, None) | ("smtp", Some("tls=required" | "tls=opportunistic")) => {}
            _ => return Err(NotSmtp::Parameter),
        }
        if !parsed.username().is_empty() && parsed.password().is_none() {
            return Err(NotSmtp::NoPassword);
        }
        Ok(SmtpUrl(Secret::new(parsed)))
    }

    /// Host and port. Without a port in the URL it is the usual one of the kind of encryption.
    fn place(&self) -> String {
        let Ok(url) = Url::parse(self.0.expose()) else { return String::new() };
        let usual_port = match (url.scheme(), url.query()) {
            ("smtps", _) => 465,
            (_, Some(_)) => 587,
            (_, None) => 25,
        };
        place(&url, usual_port)
    }

    /// Whether it has a password.
    pub fn has_password(&self) -> bool {
        Url::parse(self.0.expose()).is_ok_and(|url| url.password().is_some())
    }
}

impl Email {
    /// The recipients of messages about an integration.
    pub(super) fn recipients(&self, about: Option<&About>) -> Vec<Mailbox> {
        if !self.to.is_empty() {
            return self.to.clone();
        }
        let contacts = about.map(|about| about.contacts.as_slice()).unwrap_or_default();
        contacts.iter().filter_map(|contact| contact.parse().ok()).collect()
    }

    pub(super) fn warning(&self) -> Option<String> {
        let url = Url::parse(self.smtp.0.expose()).ok()?;
        let host = url.host_str().filter(|host| url.scheme() == "smtp" && !is_this_machine(host))?;
        let advice = "write `smtps://`, or add `?tls=required`";
        match url.query() {
            None => Some(format!("messages are sent to {host} unencrypted; {advice}")),
            Some("tls=opportunistic") => {
                Some(format!("messages are sent to {host} unencrypted if it offers no TLS; {advice}"))
            }
            Some(_) => None,
        }
    }
}

/// Sends e-mail.
pub(super) struct Sender {
    email: Email,
    smtp: AsyncSmtpTransport<Tokio1Executor>,
}

impl std::fmt::Debug for Sender {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sender").field("email", &self.email).finish_non_exhaustive()
    }
}

impl Sender {
    pub fn new(email: &Email) -> Result<Sender, String> {
        let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(email.smtp.0.expose());
        let smtp = smtp.map_err(|error| error.to_string())?.timeout(Some(STEP)).build();
        Ok(Sender { email: email.clone(), smtp })
    }

    pub async fn send(&self, message: &ClaimedMessage, about: Option<&About>) -> Result<(), NotSent> {
        let never = |reason: String| NotSent { is_final: true, ..NotSent::for_now(reason) };
        let body: Body = serde_json::from_str(&message.body).map_err(|error| never(error.to_string()))?;
        let recipients = self.email.recipients(about);
        if recipients.is_empty() {
            return Err(never("there is neither `to` nor a `contact_emails` of the integration to send it to".into()));
        }
        let mut mail = Message::builder()
            .from(self.email.from.clone())
            .message_id(Some(format!("<{}@{}>", message.id, self.email.from.email.domain())))
            .subject(subject(&body))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        for recipient in recipients {
            mail = mail.to(recipient);
        }
        let mail = mail.body(text(&body)).map_err(|error| never(error.to_string()))?;
        match timeout(TIMEOUT, self.smtp.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent::for_now(self.described(&error))),
            Err(_) => Err(NotSent::for_now(self.slow())),
        }
    }

    pub fn receiver(&self, about: &About) -> String {
        let recipients: Vec<String> = self.email.recipients(Some(about)).iter().map(Mailbox::to_string).collect();
        format!("{}, to {}", self.server(), recipients.join(", "))
    }

    /// Connects and logs in.
    pub async fn probe(&self) -> Result<String, String> {
        match timeout(TIMEOUT, self.smtp.test_connection()).await {
            Ok(Ok(true)) => Ok("the mail server is reachable and takes the login; no message was sent".to_owned()),
            Ok(Ok(false)) => Err(format!("{} closed the connection", self.server())),
            Ok(Err(error)) => Err(self.described(&error)),
            Err(_) => Err(self.slow()),
        }
    }

    fn server(&self) -> String {
        format!("the mail server at {}", self.email.smtp.place())
    }

    fn slow(&self) -> String {
        format!("{} did not answer within {TIMEOUT:?}", self.server())
    }

    fn described(&self, error: &lettre::transport::smtp::Error) -> String {
        let server = self.server();
        if error.is_permanent() || error.is_transient() {
            return format!("{server} refuses it: {error}");
        }
        if error.is_response() || error.is_client() || error.is_tls() || error.is_transport_shutdown() {
            return format!("{server} cannot be used: {error}");
        }
        format!("{server} cannot be reached: {}", root(error))
    }
}

fn subject(body: &Body) -> String {
    let (_, event) = body.kind.split_once('.').unwrap_or(("", &body.kind));
    format!("[OpenCDI] {}: {event}", body.data.integration_name)
}

fn text(body: &Body) -> String {
    let data = &body.data;
    let name = &data.integration_name;
    let status = data.status.as_deref().unwrap_or("no sync yet");
    let mut lines = vec![match (body.kind.as_str(), &data.failing_since, &data.last_success) {
        ("integration.recovered", Some(since), _) => {
            format!(
                "The integration {name:?} works again: its last sync ended in {status}. It had failed since {since}."
            )
        }
        ("integration.recovered", None, _) => {
            format!("The integration {name:?} works again: its last sync ended in {status}.")
        }
        ("integration.overdue", _, Some(last)) => {
            format!("The integration {name:?} is overdue: its last successful sync ended at {last}.")
        }
        ("integration.overdue", _, None) => {
            format!("The integration {name:?} is overdue: it has had no successful sync yet.")
        }
        (TEST, ..) => {
            format!("This is a test of a [[notify]] entry about the integration {name:?}. Nothing has happened to it.")
        }
        (_, Some(since), _) => {
            format!("A sync of the integration {name:?} has ended in {status}. Its syncs have failed since {since}.")
        }
        _ => format!("A sync of the integration {name:?} has ended in {status}."),
    }];
    if let Some(refused) = data.rows_refused_while_failing {
        lines.push(format!("Meanwhile it refused {}, not to be sent again by themselves.", counted(refused, "row")));
    }
    if let Some(cause) = &data.cause {
        lines.extend([String::new(), cause.clone()]);
    }
    lines.push(String::new());
    lines.push(format!("Integration: {name} ({}), workspace {}", data.integration_id, data.workspace));
    if let Some(job) = &data.job_id {
        let ended = data.sync_finish_time.as_deref().unwrap_or("in progress");
        let started = data.sync_start_time.as_deref().unwrap_or_default();
        lines.push(format!("Job: {job}, {status}, {started} to {ended}"));
        let (delivered, refused) = (data.rows_synced.unwrap_or(0), data.rows_failed_with_errors.unwrap_or(0));
        lines.push(format!("Rows: {delivered} delivered, {refused} refused"));
    }
    if let Some(next) = &data.next {
        lines.extend([String::new(), format!("See more with: {next}")]);
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(smtp: &str, to: &[&str]) -> Email {
        let to = to.iter().map(|to| to.parse().unwrap()).collect();
        let smtp = SmtpUrl::new(&Secret::new(smtp)).unwrap();
        Email { from: "OpenCDI <cdi@example.com>".parse().unwrap(), to, smtp }
    }

    #[test]
    fn what_is_no_url_of_a_mail_server_is_refused() {
        for (url, expected) in [
            ("smtps://me:pass@mail.example.com", Ok(())),
            ("smtp://mail.example.com:587?tls=required", Ok(())),
            ("smtp://localhost:25", Ok(())),
            ("mail.example.com:587", Err(NotSmtp::OtherForm)),
            ("https://mail.example.com", Err(NotSmtp::OtherForm)),
            ("smtp://", Err(NotSmtp::OtherForm)),
            ("smtp://mail.example.com?tls=yes", Err(NotSmtp::Parameter)),
            ("smtps://mail.example.com?tls=required", Err(NotSmtp::Parameter)),
            ("smtps://me@mail.example.com", Err(NotSmtp::NoPassword)),
        ] {
            assert_eq!(SmtpUrl::new(&Secret::new(url)).map(drop), expected, "{url}");
        }
        assert!(!format!("{:?}", email("smtps://me:hunter2@mail.example.com", &[])).contains("hunter2"));
    }

    #[test]
    fn errors_name_host_and_port() {
        for (url, expected) in [
            ("smtps://me:hunter2@mail.example.com", "mail.example.com:465"),
            ("smtp://mail.example.com?tls=required", "mail.example.com:587"),
            ("smtp://mail.example.com/name", "mail.example.com:25"),
            ("smtp://me:hunter2@[::1]:2525", "[::1]:2525"),
        ] {
            assert_eq!(SmtpUrl::new(&Secret::new(url)).unwrap().place(), expected);
        }
    }

    #[test]
    fn mail_that_leaves_the_machine_unencrypted_is_warned_of() {
        let warning = |url: &str| email(url, &[]).warning().unwrap_or_default();
        assert!(
            warning("smtp://mail.example.com:587").starts_with("messages are sent to mail.example.com unencrypted;")
        );
        assert!(warning("smtp://mail.example.com?tls=opportunistic").contains("if it offers no TLS"));
        for safe in ["smtps://mail.example.com", "smtp://mail.example.com?tls=required", "smtp://127.0.0.1:25"] {
            assert_eq!(warning(safe), "", "{safe}");
        }
    }

    #[test]
    fn recipients_are_those_of_the_entry_or_of_the_integration() {
        let about = |contacts: &[&str]| About {
            name: "Users".into(),
            workspace: "ours".into(),
            contacts: contacts.iter().map(|contact| (*contact).to_owned()).collect(),
            paused: false,
        };
        let recipients = |to: &[&str], about: &About| {
            let recipients = email("smtp://localhost", to).recipients(Some(about));
            recipients.iter().map(Mailbox::to_string).collect::<Vec<_>>()
        };
        assert_eq!(recipients(&["a@example.com"], &about(&["b@example.com"])), ["a@example.com"]);
        assert_eq!(recipients(&[], &about(&["b@example.com", "nobody@"])), ["b@example.com"]);
        assert_eq!(recipients(&[], &about(&[])), [""; 0]);
    }
}

//! The certificate in use. It is replaced when its files have changed, without touching open connections.
//!
//! Both files change together or not at all: a certificate that cannot be used leaves the previous one in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

use super::certificate::{Certificate, CertificateError, TlsFiles, provider};

/// The certificate in use and its files.
#[derive(Debug)]
pub struct Renewal {
    files: TlsFiles,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
    /// Why the files cannot be used, as it was reported.
    problem: Mutex<Option<CertificateError>>,
}

#[derive(Debug)]
struct Current(RwLock<Certificate>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl Renewal {
    /// Reads the files. A certificate that is not valid now is used all the same: the service has other work too.
    pub(super) fn start(files: TlsFiles) -> Result<Renewal, CertificateError> {
        let current = Arc::new(Current(RwLock::new(Certificate::load(&files)?)));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| CertificateError::Unusable {
                path: files.certificate.clone(),
                problem: format!("cannot be used for TLS: {error}"),
            })?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Renewal { files, current, config: Arc::new(config), problem: Mutex::default() })
    }

    /// What makes TLS connections with the certificate in use.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }

    /// Reads the files, and uses the certificate if it has changed and is valid now. Returns whether it has changed.
    pub(super) fn reload(&self) -> Result<bool, CertificateError> {
        let new = Certificate::load(&self.files)?;
        if self.current.0.read().unwrap_or_else(PoisonError::into_inner).is_same(&new) {
            return Ok(false);
        }
        new.check_time(Utc::now())?;
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    /// When the certificate in use expires; `None` if that cannot be read from it.
    pub fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.current.0.read().unwrap_or_else(PoisonError::into_inner).validity.map(|(_, end)| end)
    }

    /// Why the files cannot be used, while an earlier certificate is in use; `None` if the certificate in use is theirs.
    pub fn problem(&self) -> Option<String> {
        self.reported().as_ref().map(CertificateError::to_string)
    }

    fn reported(&self) -> MutexGuard<'_, Option<CertificateError>> {
        // The value is replaced as a whole, so poisoning is ignored.
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the files again and again. Logs each problem once, and when there is none any more.
    pub(super) async fn watch(self: Arc<Renewal>, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = None;
        loop {
            ticks.tick().await;
            let renewal = self.clone();
            // A file may be on a disk that does not answer.
            let Ok(result) = tokio::task::spawn_blocking(move || renewal.reload()).await else { continue };
            let has_changed = result == Ok(true);
            let problem = result.err();
            // The files may be between two writes: what is reported has been so for a whole interval.
            if problem == last || problem.is_none() {
                self.report(problem.clone(), has_changed);
            }
            last = problem;
        }
    }

    /// Logs what has changed since the last report.
    fn report(&self, problem: Option<CertificateError>, has_changed: bool) {
        let mut reported = self.reported();
        match &problem {
            None if has_changed => tracing::info!("the renewed certificate is in use"),
            None if reported.is_some() => {
                tracing::info!("the files of the certificate are right again; they have the one in use");
            }
            Some(error) if problem != *reported => {
                tracing::warn!(%error, "the renewed certificate is not used; the previous one stays in use");
            }
            _ => {}
        }
        *reported = problem;
    }
}

//! A certificate and its key, read from two PEM files, and what can be wrong with them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_cert::der::Decode as _;

use crate::types::read_problem;

/// A certificate that expires sooner should have been renewed: those of 90 days are, 30 days before.
pub const RENEWAL: TimeDelta = TimeDelta::days(7);

/// The two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those that lead to its issuer.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why they cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is not what it should be.
    #[error("{} {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// They do not belong together.
    #[error(
        "the key in {} does not belong to the certificate in {}; the certificate's own must come first there, before those of its issuers",
        key.display(),
        certificate.display()
    )]
    OtherKey {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate is not valid at this time.
    #[error("the certificate in {} {problem}", path.display())]
    NotNow {
        /// The file of the certificate.
        path: PathBuf,
        /// When it is valid.
        problem: String,
    },
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Certificate {
    /// For rustls.
    pub(super) key: Arc<CertifiedKey>,
    /// When it begins and ends to be valid; `None` if that cannot be read from it.
    pub validity: Option<(DateTime<Utc>, DateTime<Utc>)>,
    files: TlsFiles,
    /// The contents of both files.
    source: (Vec<u8>, Vec<u8>),
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificate").field("files", &self.files).field("validity", &self.validity).finish()
    }
}

impl Certificate {
    /// Reads both files. Whether the certificate is valid now, [`Certificate::check_time`] says.
    pub fn load(files: &TlsFiles) -> Result<Certificate, CertificateError> {
        let source = (read(&files.certificate)?, read(&files.key)?);
        let chain = chain(&files.certificate, &source.0)?;
        let validity = chain.first().and_then(validity);
        let key = private_key(&files.key, &source.1)?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                CertificateError::OtherKey { certificate: files.certificate.clone(), key: files.key.clone() }
            }
            Error::InvalidCertificate(_) => unusable(&files.certificate, format!("has no usable certificate: {error}")),
            _ => unusable(&files.key, format!("has no usable private key: {error}")),
        })?;
        Ok(Certificate { key: Arc::new(key), validity, files: files.clone(), source })
    }

    /// Fails if the certificate has expired or is not valid yet.
    pub fn check_time(&self, now: DateTime<Utc>) -> Result<(), CertificateError> {
        let Some((begin, end)) = self.validity else { return Ok(()) };
        let written = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M:%S UTC");
        let problem = if now < begin {
            format!("is not valid before {}; check the clock of this machine", written(begin))
        } else if now > end {
            format!("expired on {}; renew it", written(end))
        } else {
            return Ok(());
        };
        Err(CertificateError::NotNow { path: self.files.certificate.clone(), problem })
    }

    /// Whether it was read from files with the same contents.
    pub(super) fn is_same(&self, other: &Certificate) -> bool {
        self.source == other.source
    }
}

/// The implementation of cryptography, without a default for the process, which other libraries may set.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    std::fs::read(path).map_err(|error| CertificateError::Unreadable {
        path: path.to_owned(),
        reason: match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => read_problem(path, &error),
        },
    })
}

fn unusable(path: &Path, problem: impl Into<String>) -> CertificateError {
    CertificateError::Unusable { path: path.to_owned(), problem: problem.into() }
}

fn chain(path: &Path, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let chain = chain.map_err(|error| unusable(path, format!("is not a PEM file: {error}")))?;
    if chain.is_empty() {
        let problem = if PrivateKeyDer::from_pem_slice(text).is_ok() {
            "has a private key and no certificate; `certificate` and `key` may be swapped"
        } else {
            "has no certificate; it should be a PEM file with `-----BEGIN CERTIFICATE-----`"
        };
        return Err(unusable(path, problem));
    }
    Ok(chain)
}

fn private_key(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let is_encrypted = |marker: &str| memchr::memmem::find(text, marker.as_bytes()).is_some();
    PrivateKeyDer::from_pem_slice(text).map_err(|_| {
        let problem = if ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"].into_iter().any(is_encrypted) {
            "is encrypted; write the key without a passphrase with `openssl pkey`, readable for the service only"
        } else {
            "has no private key; it should be a PEM file with `-----BEGIN PRIVATE KEY-----`"
        };
        unusable(path, problem)
    })
}

/// When a certificate begins and ends to be valid.
fn validity(certificate: &CertificateDer<'static>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    let time = |time: x509_cert::time::Time| {
        DateTime::from_timestamp(i64::try_from(time.to_unix_duration().as_secs()).ok()?, 0)
    };
    Some((time(validity.not_before)?, time(validity.not_after)?))
}

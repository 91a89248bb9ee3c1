//! TLS: handshakes, and certificates that change.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::rig::{Rig, SOON, call, rest};
use crate::front::certificate::provider;
use crate::front::renewal::Renewal;
use crate::front::{Certificate, CertificateError, End, Settings, TlsFiles};

/// A folder with a certificate and its key.
struct Pair {
    _folder: TempDir,
    files: TlsFiles,
}

/// A certificate for these years, in DER.
struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: String,
}

fn made(from: i32, until: i32) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let certificate = parameters.self_signed(&key).unwrap();
    Made { der: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_pem() }
}

impl Pair {
    fn of(made: &Made) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
        let pair = Pair { _folder: folder, files };
        pair.write(made);
        pair
    }

    fn write(&self, made: &Made) {
        std::fs::write(&self.files.certificate, &made.pem).unwrap();
        std::fs::write(&self.files.key, &made.key).unwrap();
    }

    fn problem(&self) -> String {
        let folder = format!("{}/", self._folder.path().display());
        Certificate::load(&self.files).unwrap_err().to_string().replace(&folder, "")
    }
}

/// A handshake that trusts this certificate.
async fn connect(rig: &Rig, trusted: &Made, protocols: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, rig.connect().await).await
}

async fn rig(pair: &Pair, adjust: impl FnOnce(&mut Settings)) -> Rig {
    let files = pair.files.clone();
    Rig::start(|settings| {
        settings.tls = Some(files);
        settings.certificate_interval = Duration::from_millis(10);
        adjust(settings);
    })
    .await
}

#[tokio::test]
async fn callers_with_tls_are_served_by_http_1() {
    let first = made(2020, 2100);
    let pair = Pair::of(&first);
    let rig = rig(&pair, |_| ()).await;
    let (http1, http2): (&[u8], &[u8]) = (b"http/1.1", b"h2");
    for protocols in [&[][..], &[http1], &[http2, http1]] {
        let mut stream = connect(&rig, &first, protocols).await.unwrap();
        call(&mut stream).await;
        call(&mut stream).await;
    }
    assert!(connect(&rig, &first, &[http2]).await.is_err());
    rig.ended(End::BadHandshake, 1).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let first = made(2020, 2100);
    let rig = rig(&Pair::of(&first), |settings| settings.handshake = SOON * 4).await;
    let (mut silent, mut half) = (rig.connect().await, rig.sent("\x16\x03").await);
    call(&mut connect(&rig, &first, &[]).await.unwrap()).await;
    assert_eq!((rest(&mut silent).await, rest(&mut half).await), (String::new(), String::new()));
    rig.ended(End::SlowHandshake, 2).await;
}

#[tokio::test]
async fn plain_http_is_told_that_the_port_takes_https() {
    let rig = rig(&Pair::of(&made(2020, 2100)), |_| ()).await;
    let mut plain = rig.sent("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = rest(&mut plain).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("begins with https://"), "{answer}");
    rig.ended(End::NotTls, 1).await;
}

#[tokio::test]
async fn a_refusal_and_a_slow_request_are_answered_with_tls() {
    let first = made(2020, 2100);
    let rig = rig(&Pair::of(&first), |settings| {
        settings.max_connections = 1;
        settings.request = SOON * 8;
        settings.linger = Duration::from_secs(5);
    })
    .await;
    let mut half = connect(&rig, &first, &[]).await.unwrap();
    half.write_all(b"GET / ").await.unwrap();
    let mut surplus = connect(&rig, &first, &[]).await.unwrap();
    surplus.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let answer = rest(&mut surplus).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let answer = rest(&mut half).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn a_renewed_certificate_is_used_and_open_connections_stay() {
    let (first, second) = (made(2020, 2100), made(2021, 2100));
    let pair = Pair::of(&first);
    let rig = rig(&pair, |_| ()).await;
    let mut open = connect(&rig, &first, &[]).await.unwrap();
    call(&mut open).await;
    pair.write(&second);
    // The front looks at the files itself.
    let renewed = async {
        loop {
            match connect(&rig, &second, &[]).await {
                Ok(stream) => return stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let mut renewed = tokio::time::timeout(Duration::from_secs(30), renewed).await.expect("a renewed certificate");
    call(&mut renewed).await;
    call(&mut open).await;
    assert_eq!(rig.front.reload(), Ok(false), "nothing has changed since");
}

#[tokio::test]
async fn a_broken_renewal_leaves_the_previous_certificate_in_use() {
    let (first, second) = (made(2020, 2100), made(2021, 2100));
    let pair = Pair::of(&first);
    let rig = rig(&pair, |_| ()).await;
    let breaks: [(&str, &dyn Fn()); 4] = [
        ("does not belong to the certificate", &|| std::fs::write(&pair.files.certificate, &second.pem).unwrap()),
        ("has no certificate", &|| std::fs::write(&pair.files.certificate, "").unwrap()),
        ("expired on 2022-01-01", &|| pair.write(&made(2020, 2022))),
        ("there is no such file", &|| std::fs::remove_file(&pair.files.key).unwrap()),
    ];
    for (expected, break_it) in breaks {
        pair.write(&first);
        break_it();
        let error = rig.front.reload().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        call(&mut connect(&rig, &first, &[]).await.unwrap()).await;
    }
    pair.write(&second);
    assert!(rig.front.reload().is_ok());
    call(&mut connect(&rig, &second, &[]).await.unwrap()).await;
}

#[tokio::test]
async fn a_broken_renewal_is_logged_once_and_so_is_its_end() {
    let first = made(2020, 2100);
    let pair = Pair::of(&first);
    let (log, _logging) = crate::testing::logged();
    let year = |renewal: &Renewal| chrono::Datelike::year(&renewal.expires_at().unwrap());
    let renewal = Arc::new(Renewal::start(pair.files.clone()).unwrap());
    tokio::spawn(renewal.clone().watch(Duration::from_millis(1)));
    let logged = async |text: &str, count: usize| {
        let wait = async {
            while log.text().matches(text).count() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("not {count}: {text}"));
    };
    std::fs::write(&pair.files.key, "no key").unwrap();
    logged("has no private key", 1).await;
    std::fs::remove_file(&pair.files.key).unwrap();
    logged("there is no such file", 1).await;
    let second = made(2021, 2100);
    pair.write(&second);
    logged("the renewed certificate is in use", 1).await;
    assert_eq!((renewal.problem(), year(&renewal)), (None, 2100));
    std::fs::write(&pair.files.key, "no key").unwrap();
    logged("has no private key", 2).await;
    assert!(renewal.problem().unwrap().contains("has no private key"));
    std::fs::write(&pair.files.key, &second.key).unwrap();
    logged("the files of the certificate are right again", 1).await;
    assert_eq!(renewal.problem(), None);
    let text = log.text();
    assert_eq!(text.matches("WARN").count(), 3, "{text}");
}

#[test]
fn what_is_wrong_with_the_files_is_said() {
    let first = made(2020, 2100);
    let pair = Pair::of(&first);
    assert!(Certificate::load(&pair.files).unwrap().check_time(chrono::Utc::now()).is_ok());
    let (certificate, key) = (&pair.files.certificate, &pair.files.key);
    std::fs::write(key, made(2020, 2100).key).unwrap();
    assert_eq!(
        pair.problem(),
        "the key in key.pem does not belong to the certificate in cert.pem; the certificate's own must come first there, before \
         those of its issuers"
    );
    std::fs::write(key, &first.pem).unwrap();
    assert!(pair.problem().starts_with("key.pem has no private key; it should be a PEM file"), "{}", pair.problem());
    std::fs::write(key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n").unwrap();
    assert!(
        pair.problem().starts_with("key.pem is encrypted; write the key without a passphrase"),
        "{}",
        pair.problem()
    );
    std::fs::write(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    assert!(pair.problem().starts_with("key.pem has no usable private key"), "{}", pair.problem());
    std::fs::write(certificate, &first.key).unwrap();
    assert!(pair.problem().ends_with("`certificate` and `key` may be swapped"), "{}", pair.problem());
    std::fs::write(certificate, b"\x30\x82").unwrap();
    assert!(pair.problem().starts_with("cert.pem has no certificate; it should be a PEM file"), "{}", pair.problem());
    std::fs::remove_file(certificate).unwrap();
    assert_eq!(pair.problem(), "cert.pem cannot be read: there is no such file");
    for (from, until, expected) in
        [(2020, 2021, "expired on 2021-01-01 00:00:00 UTC; renew it"), (2098, 2099, "is not valid before 2098-01-01")]
    {
        pair.write(&made(from, until));
        let error = Certificate::load(&pair.files).unwrap().check_time(chrono::Utc::now()).unwrap_err();
        assert!(matches!(error, CertificateError::NotNow { .. }) && error.to_string().contains(expected), "{error}");
    }
}

//! The server as strangers reach it: TLS, keys for some addresses only, and what the log says of them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Command;

use contract_tests::process::ServerProcess;
use contract_tests::{Setup, eventually, program};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

fn client(pem: &str) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test]
async fn a_service_with_a_certificate_renews_it_while_it_runs() {
    let mut setup = Setup::with_rows(1);
    setup.server = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"".to_owned();
    setup.more = "[admin]\nlisten = \"127.0.0.1:0\"\n".to_owned();
    let config = setup.write();
    let check = || {
        let output = Command::new(program("cdi-server")).args(["check", "--config"]).arg(&config).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(check().contains("cert.pem cannot be read: there is no such file"), "{}", check());
    let first = setup.certify();
    assert!(check().contains("the certificate is valid until "), "{}", check());
    let server = ServerProcess::start(&config).await;
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let list = async |client: &reqwest::Client| {
        let request = client.get(format!("{}/cdi/integrations", server.url)).bearer_auth(setup.key.expose());
        request.send().await.map(|answer| answer.status().as_u16())
    };
    let old = client(&first);
    assert_eq!(list(&old).await.unwrap(), 200);
    let renewed = client(&setup.certify());
    eventually("the renewed certificate is used", async || list(&renewed).await.ok().filter(|status| *status == 200))
        .await;
    assert_eq!(list(&old).await.unwrap(), 200, "its connection is still open");
    assert_eq!(server.logged("the renewed certificate is in use"), 1);

    // A renewal that went wrong is told until it is right.
    let admin = server.last_logged("health and metrics at ");
    let (_, admin) = admin.split_once("http://").unwrap();
    let told = async |wanted: bool| {
        eventually("the certificate's state is told", async || {
            let ready = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
            assert_eq!(ready.status(), 200);
            let ready: serde_json::Value = ready.json().await.unwrap();
            let warning = ready["checks"]["certificate"]["warning"].as_str().unwrap_or_default();
            let metrics = reqwest::get(format!("http://{admin}/metrics")).await.unwrap().text().await.unwrap();
            assert!(metrics.contains("\ncdi_certificate_expiry_timestamp_seconds "), "{metrics}");
            let has_error = metrics.contains("\ncdi_certificate_error 1");
            (has_error == wanted && warning.contains("key.pem has no private key") == wanted).then_some(())
        })
        .await;
    };
    told(false).await;
    let key = std::fs::read(setup.path("key.pem")).unwrap();
    std::fs::write(setup.path("key.pem"), "no key").unwrap();
    told(true).await;
    std::fs::write(setup.path("key.pem"), key).unwrap();
    told(false).await;
    assert_eq!(server.logged("the files of the certificate are right again"), 1, "{}", server.log());
}

#[tokio::test]
async fn cdi_trusts_a_private_certificate_that_it_is_told_of() {
    let mut setup = Setup::with_rows(1);
    setup.server = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"".to_owned();
    setup.certify();
    let server = ServerProcess::start(&setup.write()).await;
    let list = |trusted: Option<&str>, url: &str| {
        let mut cdi = Command::new(program("cdi"));
        cdi.args(["list", "--quiet"]).env("CDI_URL", url).env("CDI_API_KEY", setup.key.expose());
        cdi.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
        cdi.envs(trusted.map(|file| ("SSL_CERT_FILE", setup.path(file))));
        let output = cdi.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = list(None, &server.url);
    let expected = format!(
        "this machine does not trust the certificate of {}; if it is self-signed or from a private authority, set SSL_CERT_FILE to",
        server.url.trim_start_matches("https://")
    );
    assert!(code == 8 && said.contains(&expected), "{code}: {said}");
    assert_eq!(list(Some("cert.pem"), &server.url), (0, String::new()));
    let (code, said) = list(Some("cert.pem"), &server.url.replace("127.0.0.1", "localhost"));
    assert!(code == 8 && said.contains("the certificate is for other names"), "{code}: {said}");
    for (file, contents) in [("missing.pem", None), ("empty.pem", Some(""))] {
        if let Some(contents) = contents {
            std::fs::write(setup.path(file), contents).unwrap();
        }
        let (code, said) = list(Some(file), &server.url);
        let file = setup.path(file).display().to_string();
        assert!(code == 8 && said.contains(&format!("SSL_CERT_FILE is {file}")), "{code}: {said}");
    }

    // A certificate of a private authority.
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    std::fs::write(setup.path("ca.pem"), authority.pem()).unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(setup.path("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(setup.path("key.pem"), key.serialize_pem()).unwrap();
    eventually("the certificate of the authority is used", async || {
        (list(Some("ca.pem"), &server.url) == (0, String::new())).then_some(())
    })
    .await;

    // What `openssl req -x509` makes is the certificate of an authority.
    std::fs::write(setup.path("cert.pem"), authority.pem()).unwrap();
    std::fs::write(setup.path("key.pem"), authority_key.serialize_pem()).unwrap();
    let said = eventually("the certificate of the authority itself is used", async || {
        let (code, said) = list(Some("ca.pem"), &server.url);
        (code == 8).then_some(said)
    })
    .await;
    assert!(said.contains("CA:TRUE"), "{said}");
}

#[tokio::test]
async fn requests_are_logged_with_their_peer_and_clients_that_leave_in_plain_words() {
    let mut setup = Setup::with_rows(1);
    setup.more = format!(
        "[[keys]]\nname = \"office\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = [\"cdi.integration_list\"]\n\
         addresses = [\"192.0.2.0/24\"]\n\
         [[keys]]\nname = \"slow\"\nworkspace = \"ours\"\nhash = \"{}\"\npermissions = [\"cdi.integration_list\"]\nfault = \"deadline\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n",
        cdi_server::secret::KeyHash::of("office-key"),
        cdi_server::secret::KeyHash::of("slow-key")
    );
    let server = ServerProcess::start(&setup.write()).await;
    let answer = reqwest::Client::new()
        .get(format!("{}/cdi/integrations", server.url))
        .bearer_auth("office-key")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    let line = server.last_logged("unauthorized");
    assert!(line.contains("peer=127.0.0.1") && line.contains("the key may not be used from this address"), "{line}");

    // This request is not answered before its deadline, which gives a client the time to leave.
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut client = TcpStream::connect(&address).unwrap();
    let key = "authorization: Bearer slow-key";
    write!(client, "GET /cdi/integrations?cursor=secret HTTP/1.1\r\nhost: x\r\n{key}\r\n\r\n").unwrap();
    let log = server.log();
    let metrics = log.split("health and metrics at ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    eventually("the request is read", async || {
        let text = reqwest::get(format!("{metrics}/metrics")).await.unwrap().text().await.unwrap();
        text.contains("cdi_http_requests_in_flight 1").then_some(())
    })
    .await;
    drop(client);
    let line = eventually("it is logged", async || {
        Some(server.last_logged("the client disconnected")).filter(|line| !line.is_empty())
    })
    .await;
    assert!(
        line.contains("INFO") && line.contains("path=/cdi/integrations ")
            || line.contains("path=\"/cdi/integrations\""),
        "{line}"
    );
    assert!(!server.log().contains("slog") && !server.log().contains("secret"), "{}", server.log());
}

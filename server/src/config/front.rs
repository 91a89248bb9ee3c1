//! What `[server]` says of connections, and the networks from which a key may be used.

use std::net::IpAddr;

use ipnet::IpNet;
use toml::Spanned;

use super::TlsConfig;
use super::file;
use crate::settings::{Reader, Text};

const MAX_CONNECTIONS: u64 = 2000;
const MAX_CONNECTIONS_PER_ADDRESS: u64 = 200;

/// The limits of connections: in total, and for each address.
pub(super) fn connections(reader: &mut Reader<'_>, server: &mut file::Server) -> (usize, usize) {
    let (total, per_address) = (server.max_connections.take(), server.max_connections_per_address.take());
    let span = per_address.as_ref().map(|number| number.span());
    let total = reader.number(total, MAX_CONNECTIONS, 1..=1_000_000);
    let default = MAX_CONNECTIONS_PER_ADDRESS.min(total);
    let per_address = reader.number(per_address, default, 1..=1_000_000);
    if let Some(span) = span.filter(|_| per_address > total) {
        reader.problem(span, format!("this is more than `max_connections`, which is {total}"));
    }
    (to_usize(total), to_usize(per_address))
}

/// The files of the certificate.
pub(super) fn tls(reader: &mut Reader<'_>, tls: Option<file::Tls>) -> Option<TlsConfig> {
    let file::Tls { certificate, key } = tls?;
    let mut path = |text: Text| {
        let is_given = reader.not_empty(&text);
        let path = reader.path(text.get_ref(), text.span());
        is_given.then_some(path)
    };
    let (certificate, key) = (path(certificate), path(key));
    Some(TlsConfig { certificate: certificate?, key: key? })
}

/// Networks such as `10.0.0.0/8`; an address stands for itself.
pub(super) fn networks(reader: &mut Reader<'_>, networks: Option<Spanned<Vec<Text>>>) -> Vec<IpNet> {
    let Some(networks) = networks else { return Vec::new() };
    if networks.get_ref().is_empty() {
        let message = "there is no address, so the key could not be used; remove `addresses` to allow all, or set `revoked = true`";
        reader.problem(networks.span(), message);
    }
    networks
        .into_inner()
        .into_iter()
        .filter_map(|text| match network(text.get_ref()) {
            Ok(network) => Some(network),
            Err(message) => {
                reader.problem(text.span(), message);
                None
            }
        })
        .collect()
}

fn network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let Ok(network) = text.parse::<IpNet>() else {
        return Err("write an IP address or a network, such as `10.0.0.0/8`, `192.0.2.7` or `2001:db8::/32`".into());
    };
    let whole = network.trunc();
    if whole != network {
        return Err(format!(
            "`{text}` is an address inside a network; write `{whole}` for the network, or `{}`",
            network.addr()
        ));
    }
    Ok(network)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_whole_or_a_single_address() {
        for (text, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), read);
        }
        assert_eq!(
            network("10.1.2.3/8").unwrap_err(),
            "`10.1.2.3/8` is an address inside a network; write `10.0.0.0/8` for the network, or `10.1.2.3`"
        );
        for text in ["", "10.0.0.0/33", "10.*", "example.com", "10.0.0.0-10.0.0.9"] {
            assert!(network(text).unwrap_err().starts_with("write an IP address or a network"), "{text}");
        }
    }
}

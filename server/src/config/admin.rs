//! The section `[admin]`: the operator's address.

use std::net::SocketAddr;

use super::file;
use crate::settings::Reader;

/// The operator's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdminConfig {
    /// Where health and metrics are; `None`: nowhere.
    pub listen: Option<SocketAddr>,
}

/// Reads the section. `api` is the address of the API.
pub(super) fn read(reader: &mut Reader<'_>, admin: file::Admin, api: SocketAddr) -> AdminConfig {
    let Some(written) = admin.listen else { return AdminConfig::default() };
    match written.get_ref().parse() {
        Ok(listen) if overlap(listen, api) => {
            let message = format!(
                "the API listens on {api} (`listen` under `[server]`); choose another port, because health and metrics need no key"
            );
            reader.problem(written.span(), message);
            AdminConfig::default()
        }
        Ok(listen) => AdminConfig { listen: Some(listen) },
        Err(_) => {
            let message = "write an IP address and a port, such as `127.0.0.1:9090`";
            reader.problem(written.span(), message);
            AdminConfig::default()
        }
    }
}

/// Whether two sockets cannot both be bound, or would be one for those who connect.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    // Port 0 stands for any free one.
    one.port() != 0 && one.port() == other.port() && (is_any || one.ip() == other.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_if_they_share_port_and_machine() {
        let overlap = |one: &str, other: &str| overlap(one.parse().unwrap(), other.parse().unwrap());
        assert!(overlap("127.0.0.1:80", "127.0.0.1:80"));
        assert!(overlap("0.0.0.0:80", "127.0.0.1:80") && overlap("127.0.0.1:80", "[::]:80"));
        assert!(!overlap("127.0.0.1:80", "127.0.0.1:81") && !overlap("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!overlap("127.0.0.1:0", "127.0.0.1:0"));
    }
}

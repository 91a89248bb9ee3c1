//! Which errors of the operating system are temporary.

use std::io::{Error, ErrorKind};

use rustix::io::Errno;

/// Whether a file error is temporary: out of file handles, space or memory, or an I/O error of the disk.
pub fn is_transient_file_error(error: &Error) -> bool {
    const SHORTAGES: [Errno; 12] = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::NOMEM,
        Errno::NOBUFS,
        Errno::NOLCK,
        Errno::IO,
        Errno::STALE,
        Errno::BUSY,
        Errno::AGAIN,
        Errno::TIMEDOUT,
    ];
    let is_shortage = |code| SHORTAGES.iter().any(|errno| errno.raw_os_error() == code);
    error.raw_os_error().is_some_and(is_shortage) || error.kind() == ErrorKind::Interrupted
}

/// Whether a connection error is temporary. A name that does not resolve counts as temporary, because the name server
/// may be down.
pub fn is_transient_connection_error(error: &Error) -> bool {
    // A refused certificate is reported as invalid data.
    let lasts = matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::NotFound
    );
    !lasts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortages_are_transient_and_missing_or_forbidden_files_are_not() {
        let error = |errno: Errno| Error::from_raw_os_error(errno.raw_os_error());
        for passing in [Errno::MFILE, Errno::NFILE, Errno::NOSPC, Errno::IO, Errno::INTR, Errno::AGAIN] {
            assert!(is_transient_file_error(&error(passing)), "{passing:?}");
        }
        for lasting in [Errno::NOENT, Errno::ACCESS, Errno::PERM, Errno::ISDIR, Errno::ROFS, Errno::BADF, Errno::FBIG] {
            assert!(!is_transient_file_error(&error(lasting)), "{lasting:?}");
        }
        for passing in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::TIMEDOUT, Errno::HOSTUNREACH, Errno::MFILE] {
            assert!(is_transient_connection_error(&error(passing)), "{passing:?}");
        }
        assert!(is_transient_connection_error(&Error::other("failed to lookup address information")));
        assert!(!is_transient_connection_error(&Error::new(ErrorKind::InvalidData, "invalid peer certificate")));
        assert!(!is_transient_connection_error(&error(Errno::ACCESS)));
    }
}

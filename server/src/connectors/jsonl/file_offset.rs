//! A file offset as it is stored with a job.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

/// An offset in a file: which file, and how many bytes precede the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOffset {
    /// The file.
    pub file: FileIdentity,
    /// The offset in bytes.
    pub offset: u64,
}

/// Identifies a file by its machine, its disk and its inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(pub u128);

/// Hexadecimal digits of an identity. Older versions stored the inode number, which is shorter.
const DIGITS: usize = 32;

impl fmt::Display for FileOffset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:0DIGITS$x}:{}", self.file.0, self.offset)
    }
}

impl FromStr for FileOffset {
    type Err = ();

    fn from_str(text: &str) -> Result<FileOffset, ()> {
        let (file, offset) = text.split_once(':').ok_or(())?;
        if file.len() != DIGITS || !file.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        let file = u128::from_str_radix(file, 16).map_err(drop)?;
        Ok(FileOffset { file: FileIdentity(file), offset: offset.parse().map_err(drop)? })
    }
}

/// The identity of a file. It includes the machine and the creation time, because cloned machines have equal disk and
/// inode numbers, and inode numbers are reused.
pub fn identity(machine: &str, file: &File) -> std::io::Result<FileIdentity> {
    let data = file.metadata()?;
    // Not every file system records the creation time.
    let made = data.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let parts = format!("{machine}\n{}\n{}\n{}", data.dev(), data.ino(), made.as_nanos());
    let digest: [u8; 32] = Sha256::digest(parts).into();
    let (front, _) = digest.split_at(16);
    Ok(FileIdentity(front.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

/// The name of this machine: its machine ID, which clones of one image may share, and its host name, which differs
/// between replicas.
pub fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
        let id = files.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let system = rustix::system::uname();
        format!("{}@{}", id.trim(), system.nodename().to_string_lossy())
    })
}

//! A place in a file as it is kept with a job.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

/// Where in a file: which file in the whole world, and how many bytes are before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileOffset {
    /// The file.
    pub file: FileIdentity,
    /// Bytes.
    pub offset: u64,
}

/// A number for a file: for its machine, its disk there, and its number on that disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(pub u128);

/// Hexadecimal digits of an identity. Older versions wrote the file's number on its disk, which is shorter.
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

/// Which file it is, in the whole world: numbers of files and of disks are the same on machines that were made alike, and
/// that of a file comes again when it is removed.
pub fn identity(machine: &str, file: &File) -> std::io::Result<FileIdentity> {
    let data = file.metadata()?;
    // Where the disk knows when a file was made.
    let made = data.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let parts = format!("{machine}\n{}\n{}\n{}", data.dev(), data.ino(), made.as_nanos());
    let digest: [u8; 32] = Sha256::digest(parts).into();
    let (front, _) = digest.split_at(16);
    Ok(FileIdentity(front.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

/// What this machine is called: its ID, which those that are made of one image may share, and its host name, which replicas
/// do not.
pub fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let files = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
        let id = files.iter().find_map(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let system = rustix::system::uname();
        format!("{}@{}", id.trim(), system.nodename().to_string_lossy())
    })
}

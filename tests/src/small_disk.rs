//! A small file system that only some processes see, so that a test can fill it without affecting the machine.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The file that fills the disk.
const FILLER: &str = "filler";

/// A tmpfs mounted on a folder in its own mount namespace. Removed when dropped.
pub struct SmallDisk {
    folder: PathBuf,
    /// A process that keeps the namespace alive while no server runs in it. It ends when its standard input is closed,
    /// and so with this process.
    keeper: Child,
    /// Whether there is a user namespace as well, which a user who is not root needs to mount.
    user: bool,
}

impl SmallDisk {
    /// Mounts a file system of this size on a folder.
    pub fn mount(folder: PathBuf, bytes: usize) -> SmallDisk {
        std::fs::create_dir_all(&folder).expect("a folder to mount on");
        let user = !rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if user {
            command.args(["--user", "--map-root-user"]);
        }
        let script = "mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" && echo mounted && exec cat";
        command.args(["sh", "-c", script, "sh", &bytes.to_string()]).arg(&folder);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut keeper = spawned.unwrap_or_else(|error| panic!("`unshare` of util-linux cannot be run: {error}"));
        let mut said = String::new();
        let output = keeper.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut said).expect("its output can be read");
        if said != "mounted\n" {
            let output = keeper.wait_with_output().expect("it has ended");
            panic!(
                "this test needs a small file system of its own, as root or in a user namespace (sysctl kernel.unprivileged_userns_clone, \
                 kernel.apparmor_restrict_unprivileged_userns), and gets none: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        SmallDisk { folder, keeper, user }
    }

    /// The folder, as processes in the namespace see it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file on the disk, as this process sees it.
    pub fn path(&self, name: &str) -> PathBuf {
        let inside = self.folder.strip_prefix("/").expect("an absolute folder");
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(inside).join(name)
    }

    /// Wraps a command so that it runs in the namespace. The new process becomes the program itself.
    pub fn command(&self, inner: &Command) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.keeper.id().to_string(), "--mount"]);
        if self.user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(inner.get_program()).args(inner.get_args());
        command
    }

    /// Fills the remaining space.
    pub fn fill(&self) {
        let mut filler = File::create(self.path(FILLER)).expect("a file that fills the disk");
        let mut chunk = vec![b'x'; 65536];
        while !chunk.is_empty() {
            match filler.write_all(&chunk) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => chunk.truncate(chunk.len() / 2),
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
    }

    /// Frees the space again.
    pub fn free(&self) {
        std::fs::remove_file(self.path(FILLER)).expect("the disk is filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

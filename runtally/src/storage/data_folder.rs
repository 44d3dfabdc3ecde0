//! The folder of `runtally serve`: only its owner can open it, and one server at a time can use it.

use crate::result::{Fault, Hinted};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

const LOCK: &str = "serve.lock";

/// Keeps other servers out of a folder until it is dropped or its process ends in any way.
#[derive(Debug)]
pub(crate) struct DataFolder {
    _lock: File,
}

impl DataFolder {
    /// Creates the folder if needed, and takes it.
    ///
    /// # Errors
    /// When another server has it, or it cannot be written.
    pub(crate) fn take(path: &Path) -> Result<Self, Fault> {
        let named = |error: io::Error| {
            let message = format!("the folder {}: {error}", path.display());
            Hinted::new(message, "name a folder that you can write with --data")
        };
        make_private_folder(path).map_err(named)?;
        let lock = private_file(&path.join(LOCK)).map_err(named)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Hinted::new(
                format!("another `runtally serve` uses the folder {}", path.display()),
                "stop it, or give this one a folder of its own with --data",
            )),
            Err(TryLockError::Error(error)) => Err(named(error)),
        }
    }
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// Opens a file that only its owner can read, and creates it if needed. Existing content is kept.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_for_one_server_until_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = DataFolder::take(&data).unwrap();
        let error = DataFolder::take(&data).unwrap_err().to_string();
        assert!(error.starts_with("another `runtally serve` uses the folder "), "{error}");
        drop(first);
        DataFolder::take(&data).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, PermissionsExt::from_mode(0o755)).unwrap();
        let _taken = DataFolder::take(&data).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join(LOCK)), 0o600);
    }
}

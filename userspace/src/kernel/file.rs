// SPDX-License-Identifier: MIT OR Apache-2.0

//! Files that may be on a file system that does not answer.

use std::mem::MaybeUninit;
use std::path::Path;

use nix::errno::Errno;
use nix::{NixPath, libc};

/// The device of the file system that a file is on, as stat(2) has it, and as it is
/// known without asking that file system (statx(2), `AT_STATX_DONT_SYNC`): one of
/// another process, or of another machine, may let who asks wait for ever.
pub fn known_device(path: &Path) -> nix::Result<u64> {
    let mut known = MaybeUninit::<libc::statx>::uninit();
    let asked = path.with_nix_path(|path| {
        // SAFETY: the path is a live string, and the kernel writes into a live structure
        // of this type.
        unsafe {
            libc::statx(
                libc::AT_FDCWD,
                path.as_ptr(),
                libc::AT_STATX_DONT_SYNC,
                0,
                known.as_mut_ptr(),
            )
        }
    })?;
    Errno::result(asked)?;
    // SAFETY: the kernel has filled all of it in.
    let known = unsafe { known.assume_init() };
    Ok(libc::makedev(known.stx_dev_major, known.stx_dev_minor))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_is_what_stat_says() {
        for path in ["/", "/proc/self", "/proc/self/ns/net", "/dev/null"] {
            let expected = fs::metadata(path).unwrap().dev();
            assert_eq!(known_device(Path::new(path)), Ok(expected), "{path}");
        }
        assert_eq!(known_device(Path::new("/nowhere")), Err(Errno::ENOENT));
    }
}

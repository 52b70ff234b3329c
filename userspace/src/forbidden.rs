// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the caller may not do, as against what went wrong.

use std::io::{self, ErrorKind};

use anyhow::Error;
use nix::errno::Errno;

use crate::netlink::Refusal;

/// Whether something failed because the caller has not the rights for it.
pub fn is(error: &Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let errno = cause.downcast_ref::<Errno>().copied();
        let refusal = cause.downcast_ref::<Refusal>();
        io.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
            || matches!(
                errno.or(refusal.map(|refusal| refusal.errno)),
                Some(Errno::EPERM | Errno::EACCES)
            )
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn rights_are_told_from_what_went_wrong() {
        let of = |errno: Errno| Error::new(errno).context("cannot enter");
        let io = |errno: Errno| Error::new(io::Error::from(errno)).context("cannot open");
        for errno in [Errno::EPERM, Errno::EACCES] {
            assert!(is(&of(errno)) && is(&io(errno)));
        }
        for errno in [Errno::EMFILE, Errno::ENOMEM, Errno::ENOENT] {
            assert!(!is(&of(errno)) && !is(&io(errno)));
        }
        let refusal = Refusal {
            errno: Errno::EPERM,
            message: None,
        };
        assert!(is(&Err::<(), _>(refusal).context("x").unwrap_err()));
    }
}

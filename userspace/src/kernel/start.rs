// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the process begins.
//!
//! The standard library does a number of things before `main` that this tool has
//! no use for: it looks for the main thread's stack in /proc/self/maps, and makes
//! a second one for a handler of its overflow. That takes a tenth of a millisecond,
//! which is what it takes to enter a node and run a command there. What is needed
//! of it is done here.

use nix::libc::{self, c_int};

/// What the C library calls. It has kept the arguments where `std::env` finds them.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    open_standard_descriptors();
    // A reader that stops is an error of writing, not the end of this process.
    // SAFETY: to ignore a signal runs no code of this program.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    // With what is left to be written, and what the C library does at an exit.
    std::process::exit(crate::run().into())
}

/// Makes sure that there are three: what is opened later would take the place of
/// one that is missing, and be written to as if it were a terminal.
fn open_standard_descriptors() {
    let closed = |fd: c_int| {
        // SAFETY: it has no conditions on memory.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        flags == -1
    };
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        if closed(fd) {
            // The lowest number that is free is this one.
            // SAFETY: the path is a C string that lives for ever.
            let opened = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
            if opened != fd {
                std::process::abort();
            }
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! Children: making them, with or without namespaces of their own, and what
//! became of them.
//!
//! The tool has one thread whenever it makes a child: what spreads work over
//! threads waits until they have ended. That is what makes a child that goes on
//! running Rust code sound, since no other thread can have held a lock, the
//! allocator's say, at the moment of the copy.

use std::fs;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{self, c_int, c_uint};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{self, CloneFlags};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::stat::fstat;
use nix::sys::statfs::{FsType, fstatfs};
use nix::unistd::{self, ForkResult, Pid};

use super::descriptor;
use super::stack::Stack;

/// What a child that lives on keeps of its parent's.
pub trait Inherited {
    /// Every descriptor in it; all others are closed in the child.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;
}

/// Makes a child in new namespaces as `flags` say (clone(2)), which runs `child`
/// and ends with the exit status that this returns. It shares nothing else with
/// its parent, and keeps none of its descriptors but the standard three and
/// those inherited: being a plain function, it knows of no others. Returns the
/// child's pid as the caller sees it.
pub fn clone<T: Inherited>(
    flags: CloneFlags,
    inherited: T,
    child: fn(T) -> u8,
) -> nix::Result<Pid> {
    one_thread();
    let mut inherited = Some(inherited);
    let body = Box::new(move || {
        let status = inherited.take().map_or(0, |inherited| {
            descriptor::close_others(&inherited.descriptors());
            child(inherited)
        });
        leave(status)
    });
    let mut stack = Stack::new()?;
    // SAFETY: without CLONE_VM, which the mask takes away, the child has a copy
    // of all memory, the stack among it; there is one thread (see above).
    unsafe { sched::clone(body, stack.room(), flags & NAMESPACES, Some(libc::SIGCHLD)) }
}

/// The flags of clone(2) that give a child a namespace and share nothing.
const NAMESPACES: CloneFlags = CloneFlags::CLONE_NEWNS
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWUSER)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWNET)
    .union(CloneFlags::CLONE_NEWCGROUP);

/// Makes a child and runs `child` in it; what that returns is its exit status.
pub fn fork(child: impl FnOnce() -> u8) -> nix::Result<Pid> {
    one_thread();
    // SAFETY: there is one thread (see above).
    match unsafe { unistd::fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => leave(child()),
    }
}

/// Makes a child that is to become another program, and runs `child` in it; what
/// that returns is its exit status, when it did not. Until then this process
/// sleeps, since the child has its memory (vfork(2)): nothing is copied, which is
/// most of what fork(2) takes. What the child does to files, directory and signals
/// is its own all the same.
pub fn spawn(mut child: impl FnMut() -> u8) -> nix::Result<Pid> {
    one_thread();
    let body = Box::new(|| leave(child()));
    // Not given back: to take memory away from two processes that share it costs
    // more than all the rest here, and this one has little else to do.
    let mut stack = ManuallyDrop::new(Stack::new()?);
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK;
    // SAFETY: the child has the only thread that runs in this memory, on a stack
    // of its own; it never returns to the caller's, and what it borrows is there,
    // and used by nobody else, until this process goes on.
    unsafe { sched::clone(body, stack.room(), flags, Some(libc::SIGCHLD)) }
}

fn one_thread() {
    let is_alone = |_| {
        let alone = fs::read_dir("/proc/self/task").map_or(1, Iterator::count) == 1;
        // One that was waited for is listed a moment longer.
        if !alone {
            thread::sleep(Duration::from_millis(1));
        }
        alone
    };
    debug_assert!(
        (0..1000).any(is_alone),
        "a second thread makes a copy of this process unsound"
    );
}

/// Ends a child without running what its parent meant to do at its own end.
fn leave(status: u8) -> ! {
    // SAFETY: it has no conditions.
    unsafe { libc::_exit(status.into()) }
}

/// Gives memory that is free, and was not while this process was larger, back to
/// the kernel: what a child has a copy of, it would keep for ever.
pub fn release_free_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it has no conditions.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// A child that changed state: its pid and its status, in wait(2)'s encoding.
/// None when no child has. Unlike nix's, it knows of real-time signals.
pub fn reap(pid: Option<Pid>, flags: c_int) -> nix::Result<Option<(Pid, c_int)>> {
    let mut status = 0;
    let which = pid.map_or(-1, Pid::as_raw);
    loop {
        // SAFETY: the pointer is to a live integer.
        match Errno::result(unsafe { libc::waitpid(which, &raw mut status, flags) }) {
            Err(Errno::EINTR) => {}
            Ok(0) => return Ok(None),
            found => return found.map(|pid| Some((Pid::from_raw(pid), status))),
        }
    }
}

/// What a wait(2) status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Exited(u8),
    Killed(c_int),
}

impl Ended {
    pub fn from_status(status: c_int) -> Self {
        match status & 0x7f {
            0 => Ended::Exited((status >> 8) as u8),
            signal => Ended::Killed(signal),
        }
    }

    /// As shells say it.
    pub fn exit_status(self) -> u8 {
        match self {
            Ended::Exited(status) => status,
            Ended::Killed(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

/// Sends any signal, real-time ones included, to a process, or to a group where
/// `pid` is negative (kill(2)).
pub fn kill(pid: Pid, signal: c_int) -> nix::Result<()> {
    // SAFETY: it has no conditions on memory.
    Errno::result(unsafe { libc::kill(pid.as_raw(), signal) }).map(drop)
}

/// Gives every signal its usual effect again and lets all of them through, as a
/// command expects to find them. To be called in a child, before exec(2).
pub fn default_signals() {
    for signal in 1..=libc::SIGRTMAX() {
        // The two that cannot be changed, and the two that glibc keeps for
        // itself, refuse; they have their usual effect anyway.
        // SAFETY: the default action runs no code of this program.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// Lets go of the capabilities that a process which is not root's would keep over
/// exec(2).
pub fn forget_capabilities() -> nix::Result<()> {
    let (clear, unused) = (libc::PR_CAP_AMBIENT_CLEAR_ALL, 0);
    // SAFETY: it has no conditions on memory.
    let forgotten = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, clear, unused, unused, unused) };
    Errno::result(forgotten).map(drop)
}

/// Lets children stay until they are waited for, even where the caller did not
/// want to know of its own.
pub fn keep_children() {
    // SAFETY: the default action runs no code of this program.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

/// `PID_FS_MAGIC` of linux/magic.h.
const PID_FS: FsType = FsType(0x5049_4446);

/// A hold on a process: its pid means no other one as long as this is open.
#[derive(Debug)]
pub struct Pidfd(OwnedFd);

impl Pidfd {
    /// A hold on the process that has this pid now (pidfd_open(2)).
    pub fn open(pid: Pid) -> nix::Result<Self> {
        let flags: c_uint = 0;
        // SAFETY: it has no conditions on memory.
        let fd =
            Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), flags) })?;
        let fd = RawFd::try_from(fd).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it for this process.
        Ok(Pidfd(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends a signal (pidfd_send_signal(2)); ESRCH when the process has ended.
    pub fn signal(&self, signal: c_int) -> nix::Result<()> {
        let (fd, flags) = (self.0.as_raw_fd(), 0 as c_uint);
        let no_info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: without further information nothing is read from memory.
        let sent =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, no_info, flags) };
        Errno::result(sent).map(drop)
    }

    /// A copy of a descriptor that the process has open (pidfd_getfd(2)).
    pub fn descriptor(&self, number: RawFd) -> nix::Result<OwnedFd> {
        let (fd, flags) = (self.0.as_raw_fd(), 0 as c_uint);
        // SAFETY: it has no conditions on memory.
        let copy = unsafe { libc::syscall(libc::SYS_pidfd_getfd, fd, number, flags) };
        let copy = RawFd::try_from(Errno::result(copy)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it for this process.
        Ok(unsafe { OwnedFd::from_raw_fd(copy) })
    }

    /// Waits until the process has ended; false when it has not by then.
    pub fn wait(&self, timeout: PollTimeout) -> nix::Result<bool> {
        let mut ready = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut ready, timeout)? > 0)
    }

    /// A number that no other process has until the next boot; nothing where the
    /// kernel has none (before Linux 6.9, descriptors of all processes are alike).
    pub fn identity(&self) -> nix::Result<Option<u64>> {
        if fstatfs(&self.0)?.filesystem_type() != PID_FS {
            return Ok(None);
        }
        Ok(Some(fstat(&self.0)?.st_ino))
    }

    pub fn has_ended(&self) -> nix::Result<bool> {
        self.wait(PollTimeout::ZERO)
    }
}

impl AsFd for Pidfd {
    /// Readable when the process has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_as_wait_writes_them() {
        assert_eq!(Ended::from_status(0x0500), Ended::Exited(5));
        assert_eq!(Ended::from_status(9), Ended::Killed(9));
        assert_eq!(Ended::from_status(0x8b), Ended::Killed(11));
        assert_eq!(Ended::from_status(0xff00), Ended::Exited(255));
        assert_eq!(Ended::Killed(15).exit_status(), 143);
        assert_eq!(Ended::Killed(64).exit_status(), 192);
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! The tool, stopped before the Nth step of what it does (ptrace(2)). A step is a
//! system call that changes something, of the tool or of a process that it made.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::lab::PERNET;

/// System calls that change nothing but the process itself: its memory, its
/// descriptors, what it waits for, and where its own namespaces' doors are. Every
/// other call is a step, so one that nobody thought of is one, too.
const NO_STEPS: &[libc::c_long] = &[
    libc::SYS_accept4,
    libc::SYS_brk,
    libc::SYS_chdir,
    libc::SYS_clock_nanosleep,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_futex,
    libc::SYS_getdents64,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getsockname,
    libc::SYS_getsockopt,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_lseek,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_newfstatat,
    libc::SYS_pidfd_open,
    libc::SYS_ppoll,
    libc::SYS_prctl,
    libc::SYS_pread64,
    libc::SYS_prlimit64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_setsid,
    libc::SYS_setsockopt,
    libc::SYS_sigaltstack,
    libc::SYS_signalfd4,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_umask,
    libc::SYS_uname,
    libc::SYS_wait4,
    libc::SYS_waitid,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_dup2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
];

/// Starts the tool, stopped before its first step, and traced.
fn start(arguments: &[&str]) -> Pid {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -STOP $$; exec \"$@\"", "sh", PERNET]);
    #[expect(clippy::zombie_processes, reason = "waitpid is called below")]
    let child = command.args(arguments).spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();
    pid
}

/// The tool before one of its steps.
pub struct Stopped {
    tool: Pid,
    /// Whose step it is: the tool's, or that of a process that it made.
    acting: Pid,
}

/// Runs the tool up to its step number `last`; nothing when it ended before.
pub fn stopped_at(arguments: &[&str], last: usize) -> Option<Stopped> {
    stopped_where(arguments, last, |_, _| true)
}

/// Runs the tool until a process that it made comes to its step number `last`. Whose
/// turn it is, the tool's or that one's, is otherwise a matter of luck.
pub fn child_stopped_at(arguments: &[&str], last: usize) -> Option<Stopped> {
    stopped_where(arguments, last, |tool, acting| acting != tool)
}

fn stopped_where(
    arguments: &[&str],
    last: usize,
    counts: impl Fn(Pid, Pid) -> bool,
) -> Option<Stopped> {
    let tool = start(arguments);
    let (mut steps, mut begun, mut entered) = (0, false, BTreeSet::new());
    loop {
        let status = waitpid(None::<Pid>, Some(WaitPidFlag::__WALL)).unwrap();
        let pid = status.pid().unwrap();
        match status {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                if pid == tool {
                    return None;
                }
            }
            WaitStatus::PtraceSyscall(_) => {
                // Entries and returns take turns.
                let entry = entered.insert(pid) || !entered.remove(&pid);
                if entry && begun && counts(tool, pid) && is_step(pid) {
                    steps += 1;
                    if steps == last {
                        return Some(Stopped { tool, acting: pid });
                    }
                }
                go_on(pid, None);
            }
            WaitStatus::PtraceEvent(_, _, event) => {
                // The shell has become the tool.
                begun |= event == libc::PTRACE_EVENT_EXEC;
                go_on(pid, None);
            }
            WaitStatus::Stopped(_, Signal::SIGSTOP | Signal::SIGTRAP) => go_on(pid, None),
            WaitStatus::Stopped(_, signal) => go_on(pid, Some(signal)),
            _ => go_on(pid, None),
        }
    }
}

fn go_on(pid: Pid, signal: Option<Signal>) {
    // It may have been killed meanwhile, by the tool itself say.
    let _ = ptrace::syscall(pid, signal);
}

#[cfg(target_arch = "x86_64")]
fn is_step(pid: Pid) -> bool {
    ptrace::getregs(pid).is_ok_and(|registers| {
        let call = registers.orig_rax as libc::c_long;
        // Opening a file is one only where that may make it.
        let makes = call != libc::SYS_openat || registers.rdx & libc::O_CREAT as u64 != 0;
        !NO_STEPS.contains(&call) && makes
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn is_step(_: Pid) -> bool {
    true
}

impl Stopped {
    /// Kills the tool. What it has made goes on by itself.
    pub fn kill(self) {
        kill(self.tool, Signal::SIGKILL).unwrap();
        if self.acting != self.tool {
            // It is let go before it can be stopped once more.
            let _ = ptrace::detach(self.acting, None);
        }
        while !has_ended(wait(self.tool)) {}
        self.let_go();
    }

    /// Kills the process whose step it is, and lets the tool go on where that is
    /// another; returns how the tool ended.
    pub fn kill_acting(self) -> WaitStatus {
        kill(self.acting, Signal::SIGKILL).unwrap();
        // Its parent hears of that after who traces it.
        let mut status = wait(self.acting);
        while !has_ended(status) {
            status = wait(self.acting);
        }
        self.let_go();
        match self.acting == self.tool {
            true => status,
            false => self.end(),
        }
    }

    /// Sends the tool a signal and lets it go on; returns how it ended.
    pub fn signal(self, signal: Signal) -> WaitStatus {
        kill(self.tool, signal).unwrap();
        let _ = ptrace::detach(self.acting, None);
        self.let_go();
        self.end()
    }

    /// How the tool ends.
    fn end(&self) -> WaitStatus {
        loop {
            let status = wait(self.tool);
            if has_ended(status) {
                return status;
            }
        }
    }

    /// Lets the step fail with this error, without its being done, and all go on;
    /// returns which call it was, and how the tool ended.
    #[cfg(target_arch = "x86_64")]
    pub fn fail(self, errno: i32) -> (libc::c_long, WaitStatus) {
        let mut registers = ptrace::getregs(self.acting).unwrap();
        let call = registers.orig_rax as libc::c_long;
        registers.orig_rax = u64::MAX;
        ptrace::setregs(self.acting, registers).unwrap();
        ptrace::syscall(self.acting, None).unwrap();
        let returned = wait(self.acting);
        assert_eq!(returned, WaitStatus::PtraceSyscall(self.acting));
        registers.rax = i64::from(-errno) as u64;
        ptrace::setregs(self.acting, registers).unwrap();
        let _ = ptrace::detach(self.acting, None);
        self.let_go();
        loop {
            let status = wait(self.tool);
            if has_ended(status) {
                return (call, status);
            }
        }
    }

    /// Lets all go on by themselves that are traced.
    fn let_go(&self) {
        for pid in processes().into_iter().filter(|pid| is_traced(*pid)) {
            let _ = ptrace::interrupt(pid);
            if !has_ended(wait(pid)) {
                match ptrace::detach(pid, None) {
                    // One that was let go before has killed it meanwhile.
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(error) => panic!("cannot let go of process {pid}: {error}"),
                }
            }
        }
    }
}

fn wait(pid: Pid) -> WaitStatus {
    waitpid(pid, Some(WaitPidFlag::__WALL)).unwrap()
}

fn has_ended(status: WaitStatus) -> bool {
    matches!(status, WaitStatus::Signaled(..) | WaitStatus::Exited(..))
}

fn is_traced(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let tracer = format!("TracerPid:\t{}\n", std::process::id());
    status.contains(&tracer)
}

/// Reaps what ended, as the first process of a pid namespace must.
pub fn reap() {
    while let Ok(status) = waitpid(
        None::<Pid>,
        Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL),
    ) {
        if status == WaitStatus::StillAlive {
            return;
        }
    }
}

/// The processes there are, but this one.
pub fn processes() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pid = |entry: fs::DirEntry| Some(Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let mut pids: Vec<_> = entries.filter_map(pid).collect();
    pids.retain(|pid| *pid != nix::unistd::getpid());
    pids
}

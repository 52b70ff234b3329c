// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet top` in a terminal of tmux, without the module.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::full;
use crate::lab::{Lab, PERNET, eventually};

/// A terminal of a tmux of its own, and what is in it.
struct Terminal {
    socket: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux")
            .args(["-S", &self.socket, "kill-server"])
            .status();
    }
}

impl Terminal {
    /// Runs a shell's words in a terminal of this size.
    fn run(words: &str, (width, height): (u16, u16), environment: &[(&str, &str)]) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let socket = format!("/run/tmux-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let (width, height) = (width.to_string(), height.to_string());
        let created = Command::new("tmux")
            .args(["-u", "-S", &socket, "-f", "/dev/null", "new-session", "-d"])
            .args(["-s", "t", "-x", &width, "-y", &height, words])
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .status();
        assert!(created.unwrap().success());
        Terminal { socket }
    }

    /// `pernet top`, and then what became of the terminal.
    fn top(arguments: &str, size: (u16, u16), environment: &[(&str, &str)]) -> Self {
        let after =
            "echo status=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e -icanon -e icanon; sleep 1000";
        Self::run(
            &format!("{PERNET} top {arguments}; {after}"),
            size,
            environment,
        )
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-S", &self.socket])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "t"])
    }

    fn types(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "t"], keys].concat());
    }

    /// Waits until the screen is like this.
    fn is(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        let mut screen = String::new();
        for _ in 0..200 {
            screen = self.screen();
            if condition(&screen) {
                return screen;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("not within 10 s: {what}, but\n{screen}");
    }

    fn shows(&self, text: &str) -> String {
        self.is(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// It has ended in this way, and the terminal is the shell's again.
    fn has_ended(&self, status: i32) {
        let screen = self.shows("icanon");
        assert!(screen.contains(&format!("status={status}\n")), "{screen}");
        assert!(!screen.contains("-icanon"), "{screen}");
        let modes = self.tmux(&["display", "-p", "-t", "t", "#{alternate_on}#{cursor_flag}"]);
        assert_eq!(modes, "01\n");
    }

    /// The tool that runs in it.
    fn process(&self) -> Pid {
        let shell = self.tmux(&["display", "-p", "-t", "t", "#{pane_pid}"]);
        let children = format!("/proc/{0}/task/{0}/children", shell.trim());
        let mut child = None;
        eventually("the tool runs", || {
            let text = std::fs::read_to_string(&children).unwrap();
            child = text
                .split_whitespace()
                .next()
                .and_then(|it| it.parse().ok());
            child.is_some()
        });
        Pid::from_raw(child.unwrap())
    }
}

/// Two nodes, of which the second gets many packets from the first and from itself.
fn busy(lab: &Lab) {
    full::node(lab, "quiet");
    full::node(lab, "busy");
    lab.pernet(&[
        "link",
        "add",
        "quiet:eth0=10.0.0.1/24",
        "busy:eth0=10.0.0.2/24",
    ]);
    for (node, address) in [("quiet", "10.0.0.2"), ("busy", "10.0.0.2")] {
        lab.pernet(&[
            "exec", "--detach", node, "--", "ping", "-q", "-i", "0.05", address,
        ]);
    }
}

pub fn the_busiest_is_first_on_80_columns(lab: &Lab) {
    busy(lab);
    let terminal = Terminal::top("-d 0.5", (80, 24), &[]);
    let first = |screen: &str| screen.lines().nth(2).unwrap_or_default().to_owned();
    let screen = terminal.is("the busiest is first", |screen| {
        first(screen).starts_with("busy ") && screen.contains('█')
    });
    let lines: Vec<_> = screen.lines().collect();
    assert!(lines[0].starts_with("pernet top  3 namespaces, counted by the kernel itself"));
    assert!(lines[1].starts_with("NAMESPACE "), "{screen}");
    assert_eq!(lines.len(), 24, "{screen}");
    assert!(lines[23].starts_with("q quit  Enter look into"), "{screen}");
    assert!(
        lines.iter().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    // Requests of the other and of its own, and replies to these; the other gets no
    // more than replies. How many in a second is the machine's business.
    let rate = |line: &str| -> f64 { line.split_whitespace().nth(1).unwrap().parse().unwrap() };
    assert!(rate(lines[2]) > rate(lines[3]), "{screen}");
    terminal.types(&["n"]);
    terminal.is("sorted by name", |screen| {
        first(screen).starts_with("busy ")
    });
    terminal.types(&["I"]);
    terminal.is("inverted", |screen| first(screen).starts_with("quiet "));
    terminal.types(&["q"]);
    terminal.has_ended(0);
}

pub fn keys_lead_into_a_namespace_and_back(lab: &Lab) {
    busy(lab);
    let terminal = Terminal::top("-d 0.5 --sort name", (80, 24), &[]);
    terminal.shows("quiet ");
    terminal.types(&["/"]);
    terminal.shows("filter: _");
    terminal.types(&["qui", "Enter"]);
    terminal.is("filtered", |screen| {
        screen.contains("quiet") && !screen.contains("busy")
    });
    terminal.types(&["Enter"]);
    terminal.shows("quiet  cookie ");
    terminal.shows("ipv4 received");
    terminal.types(&["Tab"]);
    let screen = terminal.is("a device with its rates", |screen| {
        let line = screen.lines().find(|line| line.starts_with("eth0 "));
        line.is_some_and(|line| !line.split_whitespace().nth(1).unwrap().starts_with('0'))
    });
    assert!(
        screen.lines().any(|line| line.starts_with("lo ")),
        "{screen}"
    );
    terminal.types(&["Tab"]);
    terminal.shows("reason");
    terminal.types(&["?"]);
    terminal.shows("move");
    terminal.types(&["x", "Escape"]);
    terminal.is("all again", |screen| {
        screen.contains("busy") && screen.contains("quiet")
    });
    // What is looked at goes.
    terminal.types(&["g", "Enter"]);
    terminal.shows("busy  cookie ");
    lab.pernet(&["node", "del", "busy"]);
    terminal.shows("is gone; Esc leads back");
    terminal.types(&["C-c"]);
    terminal.has_ended(0);
}

pub fn the_terminal_is_given_back_at_a_signal(_: &Lab) {
    for (signal, status) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGQUIT, 131),
    ] {
        let terminal = Terminal::top("", (80, 24), &[]);
        terminal.shows("q quit");
        kill(terminal.process(), signal).unwrap();
        terminal.has_ended(status);
    }
}

pub fn it_stops_and_goes_on_as_other_programs(_: &Lab) {
    let shell = "PS1='here: ' exec bash --norc --noprofile -i";
    let terminal = Terminal::run(shell, (80, 24), &[]);
    terminal.shows("here:");
    terminal.types(&[&format!("{PERNET} top"), "Enter"]);
    terminal.shows("q quit");
    terminal.types(&["C-z"]);
    terminal.is("it is stopped", |screen| {
        screen.contains("Stopped") && !screen.contains("q quit")
    });
    terminal.types(&["fg", "Enter"]);
    terminal.shows("q quit");
    terminal.types(&["q"]);
    // What is typed until then is the tool's.
    terminal.is("it has ended", |screen| !screen.contains("q quit"));
    terminal.types(&["echo status=$?", "Enter"]);
    terminal.shows("status=0");
}

pub fn colours_are_for_who_wants_them(_: &Lab) {
    // Numbers of colours in escape sequences, of the text and of what is behind it.
    let coloured = |text: &str| {
        let sequences = text.split("\x1b[").skip(1);
        let numbers = sequences.filter_map(|it| it.split_once('m').map(|(numbers, _)| numbers));
        let mut numbers = numbers
            .flat_map(|it| it.split(';'))
            .flat_map(str::parse::<u8>);
        numbers.any(|it| (30..39).contains(&it) || (40..49).contains(&it))
    };
    for (environment, expected) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let terminal = Terminal::top("", (80, 24), environment);
        terminal.shows("q quit");
        let screen = terminal.tmux(&["capture-pane", "-e", "-p", "-t", "t"]);
        assert_eq!(coloured(&screen), expected, "{screen:?}");
    }
}

pub fn it_follows_the_size_of_the_terminal(lab: &Lab) {
    full::node(lab, "a-name-that-is-longer-than-its-column");
    let terminal = Terminal::top("", (80, 24), &[("LC_ALL", "C")]);
    terminal.shows("a-name-that-is-longer~ ");
    terminal.tmux(&["resize-window", "-t", "t", "-x", "120", "-y", "40"]);
    let screen = terminal.shows("a-name-that-is-longer-than-its-column ");
    assert!(screen.is_ascii(), "{screen}");
    terminal.tmux(&["resize-window", "-t", "t", "-x", "20", "-y", "5"]);
    terminal.is("it is small", |screen| screen.lines().count() <= 5);
    terminal.types(&["q"]);
    terminal.is("it has ended", |screen| screen.contains("icanon"));
}

pub fn without_a_terminal_it_says_what_to_use(lab: &Lab) {
    lab.refuses(&["top"], "`pernet stat --json`");
    for interval in ["0", "0.1", "x", "1e9", "NaN"] {
        lab.refuses(&["top", "-d", interval], "second");
    }
}

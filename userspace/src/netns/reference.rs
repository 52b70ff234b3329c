// SPDX-License-Identifier: MIT OR Apache-2.0

//! How people write which network namespace they mean:
//!
//! ```text
//! NS = "name:" NAME                 a name under /run/netns
//!    | "pid:" NUMBER                a process in it
//!    | "cookie:" NUMBER             its cookie
//!    | "nsid:" NUMBER               its id in the namespace of who asks
//!    | "inode:" NUMBER              the number of its file
//!    | "net:[" NUMBER "]"           the same, as /proc shows it
//!    | PATH                         a file that it is bound to; has a "/"
//!    | WORD                         a name; where it is a number, any of these
//! ```
//!
//! A name may have any character in it but `/` and those that control a
//! terminal, so it may look like another form: a namespace called `pid:5` is
//! `name:pid:5`. A file in the working directory is `./FILE`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use nix::unistd::Pid;

use super::Name;

/// What was said of a namespace; `resolve` finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A word alone: a name, or all that its number can be.
    Word(Name),
    Name(Name),
    Path(PathBuf),
    Pid(Pid),
    Cookie(u64),
    Nsid(i32),
    Inode(u64),
}

impl FromStr for Reference {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(inode) = text.strip_prefix("net:[") {
            let inode = inode.strip_suffix(']').and_then(number);
            return inode
                .map(Reference::Inode)
                .ok_or_else(|| wrong_number(text, "inode"));
        }
        match text.split_once(':') {
            Some(("name", name)) => return Ok(Reference::Name(name.parse()?)),
            Some((form @ ("pid" | "cookie" | "nsid" | "inode"), value)) => {
                return numbered(form, value).ok_or_else(|| wrong_number(text, form));
            }
            _ => {}
        }
        match text.contains('/') {
            true => Ok(Reference::Path(PathBuf::from(text))),
            false => Ok(Reference::Word(text.parse()?)),
        }
    }
}

fn numbered(form: &str, value: &str) -> Option<Reference> {
    match form {
        "pid" => number(value).map(Pid::from_raw).map(Reference::Pid),
        "cookie" => number(value).map(Reference::Cookie),
        "nsid" => number(value).map(Reference::Nsid),
        "inode" => number(value).map(Reference::Inode),
        _ => None,
    }
}

/// A number that `T` has room for, without a sign.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn wrong_number(text: &str, form: &str) -> anyhow::Error {
    anyhow!(
        "{text:?} gives no valid {form}, which is a number; a namespace of that name is written `name:NAME`"
    )
}

impl Reference {
    /// What a word may mean besides a name: where it is a number, each kind of
    /// number that it is not too large for.
    pub(super) fn numbers(word: &Name) -> Vec<Reference> {
        ["pid", "cookie", "nsid", "inode"]
            .into_iter()
            .filter_map(|form| numbered(form, word.as_str()))
            .collect()
    }
}

/// As it can be typed again.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Reference::Word(name) => write!(f, "{name}"),
            Reference::Name(name) => write!(f, "name:{name}"),
            Reference::Path(path) => write!(f, "{}", path.display()),
            Reference::Pid(pid) => write!(f, "pid:{pid}"),
            Reference::Cookie(cookie) => write!(f, "cookie:{cookie}"),
            Reference::Nsid(nsid) => write!(f, "nsid:{nsid}"),
            Reference::Inode(inode) => write!(f, "inode:{inode}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Reference, String> {
        text.parse()
            .map_err(|error: anyhow::Error| format!("{error:#}"))
    }

    #[test]
    fn every_form_is_told_from_the_others_and_written_back() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        for (text, reference) in [
            ("n1", Reference::Word(name("n1"))),
            ("5", Reference::Word(name("5"))),
            ("-5", Reference::Word(name("-5"))),
            ("pid", Reference::Word(name("pid"))),
            ("a:b", Reference::Word(name("a:b"))),
            ("net:5", Reference::Word(name("net:5"))),
            ("Pid:5", Reference::Word(name("Pid:5"))),
            ("name:n1", Reference::Name(name("n1"))),
            ("name:5", Reference::Name(name("5"))),
            ("name:pid:5", Reference::Name(name("pid:5"))),
            ("name:name:n1", Reference::Name(name("name:n1"))),
            ("name:net:[5]", Reference::Name(name("net:[5]"))),
            ("pid:5", Reference::Pid(Pid::from_raw(5))),
            ("cookie:18446744073709551615", Reference::Cookie(u64::MAX)),
            ("nsid:0", Reference::Nsid(0)),
            ("nsid:2147483647", Reference::Nsid(i32::MAX)),
            ("inode:4026531840", Reference::Inode(4_026_531_840)),
            ("./n1", Reference::Path("./n1".into())),
            ("/proc/5/ns/net", Reference::Path("/proc/5/ns/net".into())),
            ("a:b/c", Reference::Path("a:b/c".into())),
        ] {
            assert_eq!(parse(text).as_ref(), Ok(&reference), "{text}");
            assert_eq!(reference.to_string(), text);
        }
        assert_eq!(parse("net:[5]"), Ok(Reference::Inode(5)));
    }

    #[test]
    fn a_wrong_form_says_what_is_wrong() {
        for (text, says) in [
            ("", "name is empty"),
            ("..", "is a directory"),
            ("a\nb", r"'\n'"),
            ("name:", "name is empty"),
            ("name:a/b", "'/'"),
            ("pid:", "valid pid"),
            ("pid:a", "`name:NAME`"),
            ("pid:+5", "valid pid"),
            ("pid:-5", "valid pid"),
            ("pid:5/ns/net", "valid pid"),
            ("pid:2147483648", "valid pid"),
            ("nsid:-1", "valid nsid"),
            ("cookie:18446744073709551616", "valid cookie"),
            ("inode:0x5", "valid inode"),
            ("net:[", "valid inode"),
            ("net:[5", "valid inode"),
            ("net:[]", "valid inode"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_number_may_be_all_that_it_is_not_too_large_for() {
        let numbers = |word: &str| {
            let numbers = Reference::numbers(&word.parse().unwrap());
            numbers.iter().map(Reference::to_string).collect::<Vec<_>>()
        };
        assert_eq!(numbers("5"), ["pid:5", "cookie:5", "nsid:5", "inode:5"]);
        assert_eq!(
            numbers("4026531840"),
            ["cookie:4026531840", "inode:4026531840"]
        );
        for word in ["n1", "18446744073709551616", "+5", "-5", "5a"] {
            assert_eq!(numbers(word), Vec::<String>::new(), "{word}");
        }
    }
}

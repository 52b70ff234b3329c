// SPDX-License-Identifier: MIT OR Apache-2.0

//! From what was said of a namespace to the namespace.

use std::os::fd::AsFd;

use anyhow::{Error, Result, anyhow, bail};
use nix::unistd::Pid;

use super::discover::{self, Found};
use super::named::{self, Entry};
use super::{Name, Netns, Reference, process};
use crate::netlink::{Socket, nsid};

/// A namespace that was asked for.
#[derive(Debug)]
pub struct Resolved {
    pub netns: Netns,
    /// What was meant: never a word, whose kind is known by now. A number that
    /// means the same namespace in several ways is a name before all else.
    pub meaning: Reference,
}

impl Resolved {
    /// Its name, if that is how it was asked for.
    pub fn name(&self) -> Option<&Name> {
        match &self.meaning {
            Reference::Name(name) => Some(name),
            _ => None,
        }
    }
}

impl Reference {
    /// Finds the one namespace that this stands for.
    pub fn resolve(&self) -> Result<Resolved> {
        let netns = match self {
            Reference::Word(word) => return resolve_word(word),
            // A name costs no more than to open its file.
            Reference::Name(name) => named::open(name)?,
            Reference::Path(path) => Netns::open(path)?,
            Reference::Pid(pid) => process::open(*pid)?,
            Reference::Cookie(cookie) => match Netns::with_cookie(*cookie) {
                Some(netns) => netns,
                None => search_one(self)?,
            },
            Reference::Nsid(_) | Reference::Inode(_) => search_one(self)?,
        };
        Ok(Resolved {
            netns,
            meaning: self.clone(),
        })
    }
}

fn resolve_word(word: &Name) -> Result<Resolved> {
    let name = Reference::Name(word.clone());
    let numbers = Reference::numbers(word);
    if numbers.is_empty() {
        return name.resolve();
    }
    let mut candidates = Vec::new();
    match named::look(word)? {
        Entry::Bound(netns) => candidates.push(Candidate::named(name, netns)),
        // Whoever means the file is told about it; no number is meant by it.
        Entry::Empty => return name.resolve(),
        Entry::Nothing => {}
    }
    for meaning in &numbers {
        if let Reference::Pid(pid) = *meaning {
            candidates.extend(Candidate::process(pid));
        }
    }
    let found = search(&numbers, &discover::everything()?)?;
    candidates.extend(found.candidates);
    decide(word, candidates)?.ok_or_else(|| {
        let what = format!(
            "no network namespace is called `{word}`, and none that can be found has the cookie, nsid or inode {word} or a process with that pid; {WHERE_LISTED}"
        );
        explain(what, found.hidden)
    })
}

const WHERE_LISTED: &str = "`pernet ls` lists them";

/// Something that a number may mean.
struct Candidate {
    meaning: Reference,
    /// A process may have a namespace that may not be opened.
    netns: Result<Netns>,
    /// What helps to tell it from the others.
    hint: String,
}

impl Candidate {
    fn named(meaning: Reference, netns: Netns) -> Self {
        let hint = (netns.cookie().map(|cookie| format!("cookie {cookie}")))
            .or_else(|_| netns.inode().map(|inode| format!("inode {}", inode.number)));
        Candidate {
            meaning,
            netns: Ok(netns),
            hint: hint.unwrap_or_default(),
        }
    }

    /// Nothing, where there is no such process.
    fn process(pid: Pid) -> Option<Self> {
        Some(Candidate {
            netns: process::look(pid).transpose()?,
            meaning: Reference::Pid(pid),
            hint: process::command(pid),
        })
    }
}

/// What all candidates lead to, if there are any.
fn decide(word: &Name, candidates: Vec<Candidate>) -> Result<Option<Resolved>> {
    let inodes: Vec<_> = (candidates.iter())
        .map(|candidate| candidate.netns.as_ref().ok()?.inode().ok())
        .collect();
    // One that could not be opened may be the same as another, or not.
    let agree = inodes
        .iter()
        .all(|inode| inode.is_some() && *inode == inodes[0]);
    if candidates.len() > 1 && !agree {
        let list: Vec<_> = (candidates.iter())
            .map(|Candidate { meaning, hint, .. }| format!("{meaning} ({hint})"))
            .collect();
        bail!(
            "`{word}` may mean several network namespaces; write which: {}",
            list.join(", ")
        );
    }
    let Some(first) = candidates.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Resolved {
        netns: first.netns?,
        meaning: first.meaning,
    }))
}

/// What a search came to.
struct Search {
    candidates: Vec<Candidate>,
    /// Why a namespace could not be looked at.
    hidden: Option<Error>,
}

fn search_one(meaning: &Reference) -> Result<Netns> {
    let meanings = std::slice::from_ref(meaning);
    let mut found = search(meanings, &discover::all()?)?;
    if found.candidates.is_empty() {
        found = search(meanings, &discover::everything()?)?;
    }
    match found.candidates.into_iter().next() {
        Some(candidate) => candidate.netns,
        None => {
            let what =
                format!("no network namespace that can be found is {meaning}; {WHERE_LISTED}");
            Err(explain(what, found.hidden))
        }
    }
}

fn explain(what: String, hidden: Option<Error>) -> Error {
    match hidden {
        Some(error) => error.context(format!("{what}; not all could be looked at")),
        None => anyhow!(what),
    }
}

/// Looks at namespaces for those that one of `meanings` is about.
fn search(meanings: &[Reference], among: &[Found]) -> Result<Search> {
    let mut socket = Socket::route()?;
    let mut search = Search {
        candidates: Vec::new(),
        hidden: None,
    };
    for found in among {
        for meaning in meanings {
            match is_meant(meaning, found, &mut socket) {
                Ok(Some(netns)) => search.candidates.push(Candidate {
                    meaning: meaning.clone(),
                    netns: Ok(netns),
                    hint: found.describe(),
                }),
                Ok(None) => {}
                Err(error) => search.hidden = Some(error),
            }
        }
    }
    Ok(search)
}

/// The namespace that was found, if `meaning` is about it.
fn is_meant(meaning: &Reference, found: &Found, socket: &mut Socket) -> Result<Option<Netns>> {
    if let Reference::Inode(number) = *meaning {
        return match number == found.inode.number {
            true => found.open(),
            false => Ok(None),
        };
    }
    let Some(netns) = found.open()? else {
        return Ok(None);
    };
    let is_it = match *meaning {
        Reference::Cookie(cookie) => netns.cookie()? == cookie,
        Reference::Nsid(id) => nsid::of(socket, netns.as_fd())? == Some(id),
        _ => false,
    };
    Ok(is_it.then_some(netns))
}

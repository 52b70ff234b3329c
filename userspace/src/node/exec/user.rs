// SPDX-License-Identifier: MIT OR Apache-2.0

//! Who a command runs as, by the files that say so where it runs. They are read
//! here and not by the C library, which would load other libraries for it: those
//! of the caller, into what may be a program without any.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};

use crate::kernel::process::forget_capabilities;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

/// `USER[:GROUP]`, each a name or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    user: String,
    group: Option<String>,
}

/// What a user is to the kernel.
#[derive(Debug, PartialEq, Eq)]
pub struct Account {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl FromStr for User {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (text, None),
        };
        ensure!(
            !user.is_empty() && group.is_none_or(|group| !group.is_empty() && !group.contains(':')),
            "{text:?} is not USER or USER:GROUP"
        );
        Ok(User {
            user: user.to_owned(),
            group: group.map(str::to_owned),
        })
    }
}

/// The group of this name or number, where this process is.
pub fn group(name: &str) -> Result<Gid> {
    find_group(name, &read(GROUP)?).map(Gid::from_raw)
}

fn read(path: &str) -> Result<String> {
    let text = match Path::new(path).exists() {
        true => fs::read(path).with_context(|| format!("cannot read {path}"))?,
        // Numbers need none.
        false => Vec::new(),
    };
    Ok(String::from_utf8_lossy(&text).into_owned())
}

impl User {
    /// Looks the user up where this process is.
    pub fn find(&self) -> Result<Account> {
        self.find_in(&read(PASSWD)?, &read(GROUP)?)
    }

    fn find_in(&self, passwd: &str, group: &str) -> Result<Account> {
        let number = id(&self.user);
        let users = || passwd.lines().filter_map(Entry::user);
        // A name that is a number comes before the number, as with chown(1).
        let entry = users()
            .find(|entry| entry.name == self.user)
            .or_else(|| users().find(|entry| Some(entry.id) == number));
        let uid = (entry.as_ref().map(|entry| entry.id).or(number)).with_context(|| {
            format!(
                "there is no user `{}` in {PASSWD} there; a number needs no entry",
                self.user
            )
        })?;
        let gid = match &self.group {
            Some(name) => find_group(name, group)?,
            None => entry.as_ref().map(|entry| entry.group).with_context(|| {
                format!("user {uid} is not in {PASSWD} there; say its group too, as in {uid}:{uid}")
            })?,
        };
        let mut groups = vec![Gid::from_raw(gid)];
        if let Some(user) = entry {
            let others = (group.lines().filter_map(Entry::group))
                .filter(|(entry, members)| entry.id != gid && members.contains(&user.name));
            groups.extend(others.map(|(entry, _)| Gid::from_raw(entry.id)));
        }
        Ok(Account {
            uid: Uid::from_raw(uid),
            gid: Gid::from_raw(gid),
            groups,
        })
    }
}

fn find_group(name: &str, group: &str) -> Result<u32> {
    let mut groups = group.lines().filter_map(Entry::group);
    (groups.find(|(entry, _)| entry.name == name))
        .map(|(entry, _)| entry.id)
        .or_else(|| id(name))
        .with_context(|| {
            format!("there is no group `{name}` in {GROUP} there; a number needs no entry")
        })
}

/// A user's or a group's number; the highest means nobody at all to the kernel.
fn id(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let id = digits.then(|| text.parse().ok()).flatten();
    id.filter(|&id| id != u32::MAX)
}

/// A comment has none, nor has a line that stands for entries from elsewhere.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['#', '+', '-'])
}

/// A line of one of the files. Lines of another form are about nobody.
struct Entry<'a> {
    name: &'a str,
    id: u32,
    /// A user's own group.
    group: u32,
}

impl<'a> Entry<'a> {
    /// passwd(5)
    fn user(line: &'a str) -> Option<Self> {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, uid, gid, _, _, _] = fields[..] else {
            return None;
        };
        is_name(name).then_some(Entry {
            name,
            id: id(uid)?,
            group: id(gid)?,
        })
    }

    /// group(5), and the names of the members
    fn group(line: &'a str) -> Option<(Self, Vec<&'a str>)> {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, gid, members] = fields[..] else {
            return None;
        };
        let id = id(gid)?;
        let group = Entry {
            name,
            id,
            group: id,
        };
        is_name(name).then(|| (group, members.split(',').collect()))
    }
}

impl Account {
    /// Makes this process the user's. One that is not root's has no capabilities
    /// from its next exec(2) on.
    pub fn become_it(&self) -> Result<()> {
        let Account { uid, gid, groups } = self;
        let becoming = || format!("cannot become user {uid} with group {gid}");
        match setgroups(groups) {
            // The groups of a user namespace may be for nobody in it to change;
            // without a right to, becoming the user fails as well.
            Err(Errno::EPERM) if groups_are_fixed() => {}
            set => set.with_context(becoming)?,
        }
        setresgid(*gid, *gid, *gid).with_context(becoming)?;
        setresuid(*uid, *uid, *uid).with_context(becoming)?;
        if !uid.is_root() {
            forget_capabilities().with_context(becoming)?;
        }
        Ok(())
    }
}

fn groups_are_fixed() -> bool {
    fs::read("/proc/self/setgroups").is_ok_and(|word| word.starts_with(b"deny"))
}

/// In a user namespace that was entered: from nobody to its root, if it has one.
pub fn become_root() -> Result<()> {
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    if !geteuid().is_root() || getegid() != gid {
        let root = Account {
            uid,
            gid,
            groups: vec![gid],
        };
        root.become_it()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        # daemon:x:9:9::/:\n\
        ann:x:1000:100:Ann,,,:/home/ann:/bin/sh\n\
        +::::::\n\
        short:x:7:7\n\
        no-number:x:x:7:::\n\
        1001:x:1000:100:::\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:ann\nwheel:x:10:bob,ann\nannex:x:11:annex\n";

    fn find(text: &str) -> Result<(u32, u32, Vec<u32>), String> {
        let account = text
            .parse::<User>()
            .and_then(|user| user.find_in(PASSWD, GROUP));
        account
            .map(|Account { uid, gid, groups }| {
                let groups = groups.into_iter().map(Gid::as_raw).collect();
                (uid.as_raw(), gid.as_raw(), groups)
            })
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn names_and_numbers_lead_to_users_and_their_groups() {
        for (text, account) in [
            ("root", (0, 0, vec![0])),
            ("ann", (1000, 100, vec![100, 10])),
            ("1000", (1000, 100, vec![100, 10])),
            ("ann:0", (1000, 0, vec![0, 100, 10])),
            ("ann:wheel", (1000, 10, vec![10, 100])),
            ("77:88", (77, 88, vec![88])),
            ("1001", (1000, 100, vec![100])),
        ] {
            assert_eq!(find(text), Ok(account), "{text}");
        }
    }

    #[test]
    fn who_is_not_there_is_nobody() {
        for (text, says) in [
            ("", "USER:GROUP"),
            ("ann:", "USER:GROUP"),
            (":users", "USER:GROUP"),
            ("a:b:c", "USER:GROUP"),
            ("bob", "no user `bob`"),
            ("short", "no user `short`"),
            ("no-number", "no user"),
            ("# daemon", "no user"),
            ("-1", "no user"),
            ("4294967295:0", "no user"),
            ("77", "77:77"),
            ("ann:nothing", "no group `nothing`"),
        ] {
            let error = find(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}

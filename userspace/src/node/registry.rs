// SPDX-License-Identifier: MIT OR Apache-2.0

//! What pernet made: one small file for each thing, written before the thing
//! is made and removed after it is gone.

use std::env;
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files;
use super::process::Process;
use crate::netns::Name;

/// Where root's records are.
const DIRECTORY: &str = "/run/pernet";
/// What is being written, in it.
const DRAFT: &str = "draft";
/// Records of nodes, in it.
const NODES: &str = "nodes";
/// Names the directory in which others have theirs.
const OWN: &str = "XDG_RUNTIME_DIR";

/// What a node is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Namespaces of every kind that a node has of its own, with a first process.
    Full,
    /// A network namespace, and nothing else.
    NetOnly,
    /// A network namespace that was there already.
    Adopted,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Kind::Full => "full",
            Kind::NetOnly => "net-only",
            Kind::Adopted => "adopted",
        })
    }
}

/// A node that pernet made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecord {
    pub kind: Kind,
    /// The network namespace's identity, once there is one: a name may come to
    /// mean another.
    pub cookie: Option<u64>,
    /// The first process of a full node, once there is one.
    pub process: Option<Process>,
    /// It has a user namespace of its own.
    pub user: bool,
    /// The name in /run/netns is ours.
    pub named: bool,
    /// Its host name, where that is not its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
}

/// A node that vnoded made, under what the names of its drafts have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VnodedRecord {
    pub control: PathBuf,
    pub pid_file: Option<PathBuf>,
    /// Device and number of the channel's inode, once it has one.
    pub socket: Option<(u64, u64)>,
    /// Its first process, once there is one.
    pub process: Option<Process>,
}

/// A link that pernet made, under each of its ends: the cookie of the namespace
/// and the Ethernet address that the end was made with there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRecord {
    pub ends: [EndRecord; 2],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndRecord {
    pub netns_cookie: u64,
    pub mac: String,
    /// Its index there, once it has one.
    pub index: Option<i32>,
    /// Its name when it was made.
    pub name: String,
}

/// A bridge that pernet made, under its Ethernet address, which was drawn for
/// it: neither another name nor another device with its name confuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeRecord {
    /// The namespace that it is in.
    pub netns_cookie: u64,
    /// Its index there, once it has one.
    pub index: Option<i32>,
    /// Its name when it was made.
    pub name: String,
}

/// The records; to be changed, locked as long as this value lives, and those of its
/// hands.
pub struct Registry {
    directory: PathBuf,
    boot: String,
    draft: String,
    /// None where they are only looked at.
    _lock: Option<Arc<Flock<File>>>,
}

/// The records of one kind.
pub struct Shelf<'a> {
    registry: &'a Registry,
    directory: PathBuf,
}

/// A record as it is on disk. Cookies begin anew with each boot, so a record
/// of another boot, left where /run is not emptied, is about nothing.
#[derive(Serialize, Deserialize)]
struct Filed<T> {
    boot: String,
    #[serde(flatten)]
    record: T,
}

impl<T: DeserializeOwned> Filed<T> {
    fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let filed = serde_json::from_slice(&text).with_context(|| {
            format!(
                "cannot understand {}; remove it if you did not mean to keep it",
                path.display()
            )
        })?;
        Ok(Some(filed))
    }
}

impl<T> Filed<T> {
    fn of_boot(self, boot: &str) -> Option<T> {
        (self.boot == boot).then_some(self.record)
    }
}

fn this_boot() -> Result<String> {
    static BOOT: OnceLock<String> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(boot.clone());
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let boot = boot.context("cannot identify this boot")?;
    Ok(BOOT.get_or_init(|| boot.trim_end().to_owned()).clone())
}

/// Where the caller's records are.
pub fn place() -> Result<PathBuf> {
    if geteuid().is_root() {
        return Ok(DIRECTORY.into());
    }
    let own = env::var_os(OWN)
        .map(PathBuf::from)
        .filter(|own| own.is_absolute());
    let own = own.with_context(|| {
        format!("there is no place for records: {OWN} names no directory; log in anew, or set it to one that is yours alone")
    })?;
    let found = fs::metadata(&own).with_context(|| format!("cannot examine {}", own.display()))?;
    ensure!(
        found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0,
        "there is no place for records: {OWN} names {}, where others can write",
        own.display()
    );
    Ok(own.join("pernet"))
}

impl Registry {
    /// The records, to be changed; nobody else reads or changes them meanwhile.
    pub fn change() -> Result<Self> {
        Self::create(&place()?)
    }

    /// The records, to be read; nothing where there are none.
    pub fn read() -> Result<Option<Self>> {
        let directory = match place() {
            Ok(directory) => directory,
            // Who has no place for records has none.
            Err(_) => return Ok(None),
        };
        let there = fs::exists(&directory);
        match there.with_context(|| format!("cannot examine {}", directory.display()))? {
            true => Self::lock(&directory, FlockArg::LockShared).map(Some),
            false => Ok(None),
        }
    }

    /// The records, to be read, also where there are none yet.
    pub fn look() -> Result<Self> {
        match Self::read()? {
            Some(registry) => Ok(registry),
            None => Ok(Registry {
                directory: place()?,
                boot: this_boot()?,
                draft: DRAFT.to_owned(),
                _lock: None,
            }),
        }
    }

    /// The records that the caller may read, his own and root's, without waiting for
    /// who changes them: each is whole, and they may be of different moments.
    pub fn glance() -> Result<Vec<Self>> {
        let own = place().ok();
        let roots = (!geteuid().is_root()).then(|| PathBuf::from(DIRECTORY));
        let mut registries = Vec::new();
        for directory in own.into_iter().chain(roots) {
            let hidden = |error: io::Error| error.kind() == ErrorKind::PermissionDenied;
            if !fs::read_dir(directory.join(NODES)).is_err_and(hidden) {
                registries.push(Registry {
                    directory,
                    boot: this_boot()?,
                    draft: DRAFT.to_owned(),
                    _lock: None,
                });
            }
        }
        Ok(registries)
    }

    /// The record of one node. It is replaced as a whole, so who changes nothing
    /// and wants one answer, fast, can do without the lock.
    pub fn look_up(name: &Name) -> Result<Option<NodeRecord>> {
        let Ok(directory) = place() else {
            return Ok(None);
        };
        let filed: Option<Filed<NodeRecord>> =
            Filed::read(&directory.join(NODES).join(name.as_str()))?;
        match filed {
            // A process is known by its start too, so its record needs no more.
            Some(Filed { record, .. }) if record.process.is_some() => Ok(Some(record)),
            Some(filed) => Ok(filed.of_boot(&this_boot()?)),
            None => Ok(None),
        }
    }

    fn create(directory: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        Self::lock(directory, FlockArg::LockExclusive)
    }

    fn lock(directory: &Path, how: FlockArg) -> Result<Self> {
        let locking = || format!("cannot lock {}", directory.display());
        let file = File::open(directory).with_context(locking)?;
        let lock = Flock::lock(file, how)
            .map_err(|(_, errno)| errno)
            .with_context(locking)?;
        Ok(Registry {
            directory: directory.to_owned(),
            boot: this_boot()?,
            draft: DRAFT.to_owned(),
            _lock: Some(Arc::new(lock)),
        })
    }

    /// The records under the same lock, to be changed beside this by another thread
    /// or process; each has a number of its own.
    pub fn hand(&self, number: usize) -> Self {
        Registry {
            directory: self.directory.clone(),
            boot: self.boot.clone(),
            draft: format!("{DRAFT}.{number}"),
            _lock: self._lock.clone(),
        }
    }

    /// Where the records are, and other files of what is recorded.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Removes what a run left behind that died while it wrote a record.
    pub fn discard_drafts(&self) -> Result<()> {
        let listing = || format!("cannot list {}", self.directory.display());
        for entry in fs::read_dir(&self.directory).with_context(listing)? {
            let entry = entry.with_context(listing)?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(DRAFT.as_bytes())
            {
                files::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Every writer has a name of its own for what is not ready.
    fn draft(&self) -> PathBuf {
        self.directory.join(&self.draft)
    }

    /// Records of nodes that vnoded made, under their control channels.
    pub fn vnoded(&self) -> Shelf<'_> {
        self.shelf("vnoded")
    }

    /// Records of links, under their ends.
    pub fn links(&self) -> Shelf<'_> {
        self.shelf("links")
    }

    /// Records of nodes, under their names.
    pub fn nodes(&self) -> Shelf<'_> {
        self.shelf(NODES)
    }

    /// Records of bridges, under their addresses.
    pub fn bridges(&self) -> Shelf<'_> {
        self.shelf("bridges")
    }

    /// Records of labs, under their names.
    pub fn labs(&self) -> Shelf<'_> {
        self.shelf("labs")
    }

    fn shelf(&self, kind: &str) -> Shelf<'_> {
        Shelf {
            registry: self,
            directory: self.directory.join(kind),
        }
    }
}

impl Shelf<'_> {
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let filed = Filed::read(&self.directory.join(key))?;
        Ok(filed.and_then(|filed| filed.of_boot(&self.registry.boot)))
    }

    /// Every record that can be read, by key.
    pub fn all<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>> {
        let keys = self.keys()?.into_iter();
        Ok(keys
            .filter_map(|key| Some((self.get(&key).ok()??, key)))
            .map(|(record, key)| (key, record))
            .collect())
    }

    /// Files that no record can be read from: what they were about is not known.
    pub fn unreadable<T: DeserializeOwned>(&self) -> Result<Vec<PathBuf>> {
        let keys = self.keys()?.into_iter();
        Ok(keys
            .filter(|key| self.get::<T>(key).is_err())
            .map(|key| self.path(&key))
            .collect())
    }

    /// Where the record of `key` is, or would be.
    pub fn path(&self, key: &str) -> PathBuf {
        self.directory.join(key)
    }

    pub fn put<T: Serialize>(&self, key: &str, record: &T) -> Result<()> {
        let path = self.directory.join(key);
        let writing = || format!("cannot write {}", path.display());
        let boot = self.registry.boot.clone();
        let text = serde_json::to_vec(&Filed { boot, record })?;
        // Readers see the old record or the new one, whole.
        let draft = self.registry.draft();
        let written = fs::write(&draft, text).and_then(|()| self.publish(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.with_context(writing)
    }

    fn publish(&self, draft: &Path, path: &Path) -> io::Result<()> {
        match fs::rename(draft, path) {
            // It is the first of its kind.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut directory = DirBuilder::new();
                directory.recursive(true).mode(0o700);
                directory.create(&self.directory)?;
                fs::rename(draft, path)
            }
            renamed => renamed,
        }
    }

    pub fn remove(&self, key: &str) -> Result<()> {
        files::remove(&self.directory.join(key))
    }

    /// What there are records of, in order.
    pub fn keys(&self) -> Result<Vec<String>> {
        let listing = || format!("cannot list {}", self.directory.display());
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(listing)?,
        };
        let mut keys = Vec::new();
        for entry in entries {
            let key = entry.with_context(listing)?.file_name().into_string();
            ensure!(
                key.is_ok(),
                "{}: a file there is not a record",
                self.directory.display()
            );
            keys.extend(key);
        }
        keys.sort();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own for each test, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(test: &str) -> Self {
            let directory =
                std::env::temp_dir().join(format!("pernet-{test}-{}", std::process::id()));
            Scratch(directory)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn node(cookie: u64) -> NodeRecord {
        NodeRecord {
            kind: Kind::NetOnly,
            cookie: Some(cookie),
            process: None,
            user: false,
            named: true,
            host_name: None,
        }
    }

    #[test]
    fn records_are_kept_replaced_and_removed() {
        let scratch = Scratch::new("records");
        let registry = Registry::create(&scratch.0).unwrap();
        let nodes = registry.nodes();
        assert_eq!(nodes.keys().unwrap(), Vec::<String>::new());
        assert_eq!(nodes.get::<NodeRecord>("n1").unwrap(), None);
        for cookie in [u64::MAX, 1] {
            nodes.put("n1", &node(cookie)).unwrap();
            assert_eq!(nodes.get("n1").unwrap(), Some(node(cookie)));
        }
        nodes.put("a", &node(2)).unwrap();
        assert_eq!(nodes.keys().unwrap(), ["a", "n1"]);
        assert_eq!(registry.bridges().keys().unwrap(), Vec::<String>::new());
        nodes.remove("a").unwrap();
        nodes.remove("a").unwrap();
        assert_eq!(nodes.keys().unwrap(), ["n1"]);
    }

    #[test]
    fn records_of_another_boot_are_about_nothing() {
        let scratch = Scratch::new("boot");
        let mut registry = Registry::create(&scratch.0).unwrap();
        registry.nodes().put("n1", &node(1)).unwrap();
        registry.boot = "another".to_owned();
        assert_eq!(registry.nodes().get::<NodeRecord>("n1").unwrap(), None);
    }

    #[test]
    fn a_record_that_makes_no_sense_is_an_error_that_names_it() {
        let scratch = Scratch::new("nonsense");
        let registry = Registry::create(&scratch.0).unwrap();
        registry.nodes().put("n1", &node(1)).unwrap();
        for text in [
            "",
            "{}",
            r#"{"boot":"x"}"#,
            r#"{"boot":"x","cookie":-1}"#,
            "\0",
        ] {
            fs::write(scratch.0.join("nodes/n1"), text).unwrap();
            let error = registry.nodes().get::<NodeRecord>("n1").unwrap_err();
            assert!(format!("{error:#}").contains("nodes/n1"), "{error:#}");
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! Making nodes, and giving a namespace that is there already a node's name.

use anyhow::{Context, Error, Result, anyhow, bail, ensure};
use nix::libc;
use nix::sched::CloneFlags;
use nix::unistd::{getegid, geteuid};

use super::{Node, check_distinct, end};
use crate::channel::{Access, Draft, Listener};
use crate::netns::named::{self, Entry};
use crate::netns::{Name, Netns, Reference, own_cookie, process};
use crate::node::files::Files;
use crate::node::init::birth::Unborn;
use crate::node::init::environment::{Environment, Ipv6, raise_loopback};
use crate::node::init::server::Parts;
use crate::node::interrupt::Deferred;
use crate::node::mounts;
use crate::node::process::Process;
use crate::node::registry::{Kind, NodeRecord, Registry};

/// The longest name that a host may have: `__NEW_UTS_LEN` of linux/utsname.h.
const LONGEST_HOST_NAME: usize = 64;

/// Nodes that are asked for.
pub struct Request {
    pub names: Vec<Name>,
    /// A network namespace is all that they need.
    pub net_only: bool,
    /// In user namespaces of their own.
    pub user: bool,
}

/// Makes nodes of these names: all of them, or none. `note` hears of what they
/// have to do without.
pub fn add(request: &Request, note: impl Fn(String)) -> Result<()> {
    check(request)?;
    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    if is_named(request) {
        named::share_directory()?;
    }
    for name in &request.names {
        make_free(&registry, name)?;
    }
    for (made, name) in request.names.iter().enumerate() {
        let step = signals.check().and_then(|()| match request.net_only {
            true => make_net_only(&registry, name, || Ok(())),
            false => make(&registry, name, &Plan::new(request), &note),
        });
        if let Err(error) = step {
            let error = error.context(format!("cannot make node {name}"));
            return Err(undo(&registry, &request.names[..made], error));
        }
    }
    signals
        .check()
        .map_err(|error| undo(&registry, &request.names, error))
}

fn check(request: &Request) -> Result<()> {
    check_distinct(&request.names)?;
    if !request.net_only {
        request.names.iter().try_for_each(check_host_name)?;
    }
    ensure!(
        geteuid().is_root() || request.user,
        "only root makes nodes that others can see; `pernet node add --user` makes one of your own"
    );
    Ok(())
}

fn check_host_name(name: &Name) -> Result<()> {
    let length = name.as_str().len();
    ensure!(
        length <= LONGEST_HOST_NAME,
        "name {name} is {length} bytes long, and the host name of a node can have {LONGEST_HOST_NAME}; with --net-only it has none"
    );
    Ok(())
}

/// Only root has a place for names that everybody sees.
fn is_named(_: &Request) -> bool {
    geteuid().is_root()
}

/// Makes sure that nothing has the name; leftovers of ours under it go.
pub fn make_free(registry: &Registry, name: &Name) -> Result<()> {
    let left = look_free(registry, name)?;
    left.map_or(Ok(()), |node| node.forget(registry))
}

/// Fails where something has the name; returns what is left of a node of ours.
pub fn look_free(registry: &Registry, name: &Name) -> Result<Option<Node>> {
    let node = Node::find(registry, name)?;
    if let Some(node) = node.as_ref().filter(|node| node.exists()) {
        bail!(
            "node {name} exists already and is {}; `pernet node del {name}` deletes it",
            node.state()
        );
    }
    match (named::look(name)?, &node) {
        (Entry::Bound(_), _) => bail!(
            "a network namespace called {name} exists already; `ip netns del {name}` deletes it, `pernet node adopt {name}` makes it a node"
        ),
        (Entry::Empty, None) => {
            let path = named::path(name);
            bail!(
                "file {} is in the way of node {name}; no namespace is bound to it",
                path.display()
            )
        }
        (_, Some(_)) | (Entry::Nothing, None) => Ok(node),
    }
}

/// One node of many, on its way, whose name nothing has.
pub struct Birth<'a> {
    pub name: &'a Name,
    pub host_name: &'a Name,
    pub net_only: bool,
    pub ipv6: Ipv6,
}

impl Birth<'_> {
    /// Makes the node, or nothing.
    pub fn happen(&self, registry: &Registry, note: &impl Fn(String)) -> Result<()> {
        let made = match self.net_only {
            true => make_net_only(registry, self.name, || self.ipv6.prepare()),
            false => make(registry, self.name, &Plan::of(self), note),
        };
        made.with_context(|| format!("cannot make node {}", self.name))
    }
}

/// Makes a network namespace with a name, or nothing. In it `prepare` is called
/// before its loopback device is up.
fn make_net_only(
    registry: &Registry,
    name: &Name,
    prepare: impl FnOnce() -> Result<()>,
) -> Result<()> {
    Netns::create(|netns| {
        let record = NodeRecord {
            kind: Kind::NetOnly,
            cookie: Some(own_cookie()?),
            process: None,
            user: false,
            named: true,
            host_name: None,
        };
        registry.nodes().put(name.as_str(), &record)?;
        let named =
            (prepare().and_then(|()| raise_loopback())).and_then(|()| named::bind(name, netns));
        named.map_err(|error| take_back(registry, name, error))
    })
}

/// How a full node is made.
pub(super) struct Plan {
    pub user: bool,
    pub named: bool,
    /// The network namespace that it lives in, if that is there already.
    pub network: Option<Netns>,
    /// Its host name, where that is not its name.
    pub host_name: Option<String>,
    pub ipv6: Ipv6,
}

impl Plan {
    fn new(request: &Request) -> Self {
        Plan {
            user: request.user,
            named: is_named(request),
            network: None,
            host_name: None,
            ipv6: Ipv6::Usual,
        }
    }

    fn of(birth: &Birth) -> Self {
        let differs = birth.host_name != birth.name;
        Plan {
            user: false,
            named: true,
            network: None,
            host_name: differs.then(|| birth.host_name.to_string()),
            ipv6: birth.ipv6,
        }
    }

    fn namespaces(&self) -> CloneFlags {
        let mut flags = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWPID;
        flags.set(CloneFlags::CLONE_NEWNET, self.network.is_none());
        flags.set(CloneFlags::CLONE_NEWUSER, self.user);
        flags
    }

    fn environment(&self, name: &Name) -> Result<Environment> {
        Ok(Environment {
            root: self.user.then(|| (geteuid(), getegid())),
            network: self.network.as_ref().map(Netns::try_clone).transpose()?,
            host_name: Some(self.host_name.clone().unwrap_or_else(|| name.to_string())),
            ipv6: self.ipv6,
            loopback_up: true,
            own_etc: Some(mounts::own_etc(name)),
            names_hidden: true,
        })
    }
}

/// Makes a full node, or nothing.
pub(super) fn make(
    registry: &Registry,
    name: &Name,
    plan: &Plan,
    note: &impl Fn(String),
) -> Result<()> {
    let mut record = NodeRecord {
        kind: Kind::Full,
        cookie: plan.network.as_ref().map(Netns::cookie).transpose()?,
        process: None,
        user: plan.user,
        named: plan.named,
        host_name: plan.host_name.clone(),
    };
    let kept = plan.network.is_some();
    let put = |record: &NodeRecord| registry.nodes().put(name.as_str(), record);
    put(&record)?;
    let files = Files::of(registry, name);
    let made = files.create().and_then(|log| {
        let unborn = Unborn {
            namespaces: plan.namespaces(),
            environment: plan.environment(name)?,
            server: Parts {
                listener: Listener::bind(
                    &files.control,
                    Access::default(),
                    &Draft::draw()?,
                    |_| Ok(()),
                )?,
                files: Vec::new(),
                verbose: false,
            },
            log,
            directory: None,
        };
        let born = unborn.bear(
            |pid| {
                record.process = Some(Process::of(pid)?);
                put(&record)
            },
            |text| note(format!("node {name}: {text}")),
        )?;
        record.cookie = Some(born.cookie);
        let named = put(&record).and_then(|()| match plan.named && !kept {
            true => named::bind(name, &process::open(born.pid)?),
            false => Ok(()),
        });
        named.inspect_err(|_| {
            let _ = crate::kernel::process::kill(born.pid, libc::SIGKILL);
            let _ = crate::kernel::process::reap(Some(born.pid), 0);
        })
    });
    made.map_err(|error| match kept {
        // It is what it was: stopped.
        true => error,
        false => take_back(registry, name, error),
    })
}

/// Removes what was made for a node that could not be.
fn take_back(registry: &Registry, name: &Name, reason: Error) -> Error {
    let removed =
        (Files::of(registry, name).remove()).and_then(|()| registry.nodes().remove(name.as_str()));
    match removed {
        Ok(()) => reason,
        Err(failure) => anyhow!("{reason:#}; its record is left behind: {failure:#}"),
    }
}

/// Takes back what was made, last first, and returns the reason for it.
fn undo(registry: &Registry, made: &[Name], reason: Error) -> Error {
    let failed: Vec<String> = (made.iter().rev())
        .filter_map(|name| {
            let node = Node::find(registry, name).transpose()?;
            let removed = node.and_then(|node| {
                node.process.as_ref().map_or(Ok(()), end::kill)?;
                node.forget(registry)
            });
            Some(format!("{:#}", removed.err()?))
        })
        .collect();
    match failed.is_empty() {
        true => reason,
        false => anyhow!("{reason:#}; not all could be undone: {}", failed.join("; ")),
    }
}

/// Makes a node of a namespace that is there already: of the one that has this
/// name, or of another, which is given it.
pub fn adopt(name: &Name, reference: Option<&Reference>) -> Result<()> {
    ensure!(
        geteuid().is_root(),
        "only root can give a network namespace a name"
    );
    let found = match reference {
        Some(reference) => reference.resolve()?.netns,
        None => named::open(name)?,
    };
    let registry = Registry::change()?;
    let signals = Deferred::hold()?;
    let cookie = found.cookie()?;
    let bind = match named::look(name)? {
        Entry::Bound(netns) if netns.cookie()? == cookie => {
            ensure!(
                Node::find(&registry, name)?.is_none_or(|node| !node.exists()),
                "{name} is a node already"
            );
            false
        }
        _ => {
            named::share_directory()?;
            make_free(&registry, name)?;
            true
        }
    };
    let record = NodeRecord {
        kind: Kind::Adopted,
        cookie: Some(cookie),
        process: None,
        user: false,
        named: bind,
        host_name: None,
    };
    registry.nodes().put(name.as_str(), &record)?;
    let named = match bind {
        true => named::bind(name, &found),
        false => Ok(()),
    };
    named
        .map_err(|error| take_back(&registry, name, error))
        .with_context(|| format!("cannot adopt {name}"))?;
    signals
        .check()
        .map_err(|error| undo(&registry, std::slice::from_ref(name), error))
}

/// Gives a stopped node a first process again, in the network namespace that it
/// has kept.
pub fn start(name: &Name, note: impl Fn(String)) -> Result<()> {
    let registry = Registry::change()?;
    let node = super::existing(&registry, name)?;
    let Some(network) = node
        .named
        .as_ref()
        .filter(|_| node.record.kind == Kind::Full)
    else {
        bail!("node {name} is {} and has nothing to start", node.state());
    };
    ensure!(node.process.is_none(), "node {name} is running already");
    ensure!(
        !node.record.user,
        "node {name} had a user namespace of its own, which has gone with its processes; delete it and make it anew"
    );
    let signals = Deferred::hold()?;
    let plan = Plan {
        user: false,
        named: true,
        network: Some(network.try_clone()?),
        host_name: node.record.host_name.clone(),
        ipv6: Ipv6::Usual,
    };
    make(&registry, name, &plan, &note).with_context(|| format!("cannot start node {name}"))?;
    signals.check().map_err(|error| {
        match super::existing(&registry, name)
            .and_then(|node| node.process.as_ref().map_or(Ok(()), end::kill))
        {
            Ok(()) => error,
            Err(failure) => anyhow!("{error:#}; {failure:#}"),
        }
    })
}

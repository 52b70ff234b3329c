// SPDX-License-Identifier: MIT OR Apache-2.0

//! Taking addresses from pools.
//!
//! A pool is a network, or one of each family. Cut into `subnet`s, each segment
//! that takes from it gets the next one; whole, it is one bridged segment's, or
//! is cut into networks for two where links between nodes take from it. What is
//! written in the file is never given to another.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::super::draft::{Draft, Pool, PoolPart, PoolReference};
use super::super::problem::{At, Report};
use super::name::Owner;
use super::segment::Segment;
use super::{EndIndex, Wiring, subject};
use crate::netlink::Address;

/// The prefix lengths of the networks that links between two nodes get.
const PAIR_V4: u8 = 30;
const PAIR_V6: u8 = 64;

/// A pool's network, and what has been taken from it.
struct Part {
    network: IpNet,
    subnet: Option<u8>,
    /// The prefix length of what segments get, if they do not get all.
    cut: u8,
    /// Numbers of subnets in which there are addresses that are written.
    occupied: HashSet<u128>,
    next: u128,
    /// The segments that have one already.
    given: HashMap<Segment, IpNet>,
    /// Where the next address of a network is taken.
    hosts: HashMap<IpNet, u128>,
    /// That it has run out was said.
    exhausted: bool,
}

/// Gives every end its addresses: those that are written, and where it takes from
/// a pool, one of each family that is not among these.
pub fn take_addresses(draft: &Draft, wiring: &mut Wiring, report: &Report) {
    let pools = of_links(draft, wiring, report);
    let mut parts = parts(draft, &pools, report);
    let written = written(draft);
    reserve(draft, wiring, &pools, &mut parts, report);
    let ends: Vec<_> = wiring.node_ends().map(|(end, _)| end).collect();
    for EndIndex { link, end } in ends {
        let drafted = &draft.links[link].ends[end];
        let mut addresses = drafted.addresses.clone().unwrap_or_default();
        // A list that is there and empty is a wish for none.
        let wanted = drafted
            .addresses
            .as_ref()
            .is_none_or(|list| !list.is_empty());
        let pool = pools[link].as_ref().filter(|_| wanted);
        for part in pool.iter().flat_map(|pool| &pool.value.0) {
            if addresses
                .iter()
                .any(|address| same_family(address.value.ip, part.network))
            {
                continue;
            }
            let index = parts.binary_search_by_key(&part.network, |part| part.network);
            let Ok(index) = index else { continue };
            let place = || {
                format!(
                    "{}{}",
                    subject(&draft.links[link]),
                    wiring.place(draft, EndIndex { link, end })
                )
            };
            let segment = wiring.segments.of_links[link];
            let taken = (parts[index].network_for(segment))
                .and_then(|network| parts[index].address_in(network, &written));
            match taken {
                Ok(address) => addresses.push(At::new(address, draft.links[link].at)),
                Err(None) => {}
                Err(Some(what)) => report.add(draft.links[link].at, format!("{}: {what}", place())),
            }
        }
        wiring.addresses[link][end] = addresses;
    }
}

/// The pool that each link takes from: its own, or that of its bridge.
fn of_links<'a>(draft: &'a Draft, wiring: &Wiring, report: &Report) -> Vec<Option<At<&'a Pool>>> {
    let named: HashMap<&str, &Pool> = (draft.pools.iter())
        .map(|(name, pool)| (&*name.value, pool))
        .collect();
    let of = |reference: &'a At<PoolReference>, subject: String| {
        let pool = match &reference.value {
            PoolReference::Written(pool) => pool,
            PoolReference::Named(name) => match named.get(&**name) {
                Some(pool) => pool,
                None => {
                    let meant = report.suggestion(name, named.keys().copied());
                    report.add(
                        reference.at,
                        format!("{subject}there is no pool `{name}`{meant}"),
                    );
                    return None;
                }
            },
        };
        Some(At::new(pool, reference.at))
    };
    let bridges: Vec<_> = (draft.bridges.iter())
        .map(|bridge| {
            let subject = || format!("bridge `{}`: ", bridge.name.value);
            bridge
                .settings
                .pool
                .as_ref()
                .and_then(|reference| of(reference, subject()))
        })
        .collect();
    let links = draft.links.iter().zip(&wiring.owners);
    links
        .map(|(link, owners)| {
            let bridge = owners.iter().find_map(|owner| match owner {
                Owner::Bridge(bridge) => bridges[*bridge],
                Owner::Node(_) => None,
            });
            match &link.settings.pool {
                Some(reference) => of(reference, subject(link)),
                None => bridge,
            }
        })
        .collect()
}

/// The networks of all pools, in their order. None is in another.
fn parts(draft: &Draft, used: &[Option<At<&Pool>>], report: &Report) -> Vec<Part> {
    let declared = draft
        .pools
        .iter()
        .map(|(name, pool)| At::new(pool, name.at));
    let all = declared.chain(used.iter().flatten().copied());
    let mut parts: Vec<At<PoolPart>> = all
        .flat_map(|At { value, at }| value.0.iter().map(move |part| At::new(*part, at)))
        .collect();
    parts.sort_by_key(|part| (part.value.network, part.value.subnet, part.at));
    parts.dedup_by_key(|part| part.value);
    let mut widest: Option<At<PoolPart>> = None;
    for part in &parts {
        match widest {
            Some(wide) if wide.value.network.contains(&part.value.network) => {
                let what = format!(
                    "pool {} overlaps pool {} of line {}",
                    part.value.network,
                    wide.value.network,
                    report.line(wide.at)
                );
                report.add(part.at, what);
            }
            _ => widest = Some(*part),
        }
    }
    parts.dedup_by_key(|part| part.value.network);
    parts.iter().map(|part| Part::new(part.value)).collect()
}

/// All addresses that are in the file.
fn written(draft: &Draft) -> HashSet<IpAddr> {
    let ends = draft.links.iter().flat_map(|link| &link.ends);
    let of_ends = ends.flat_map(|end| end.addresses.iter().flatten());
    let of_nodes = draft.nodes.iter().flat_map(|node| &node.settings.loopback);
    of_ends
        .chain(of_nodes)
        .map(|address| address.value.ip)
        .collect()
}

/// Keeps the subnets of addresses that are written for where they are.
fn reserve(
    draft: &Draft,
    wiring: &Wiring,
    pools: &[Option<At<&Pool>>],
    parts: &mut [Part],
    report: &Report,
) {
    let of_nodes = draft.nodes.iter().flat_map(|node| &node.settings.loopback);
    for address in of_nodes {
        if let Some(part) = part_of(parts, address.value.ip) {
            part.occupy(address.value.ip);
        }
    }
    for (index, link) in draft.links.iter().enumerate() {
        let segment = wiring.segments.of_links[index];
        let written = link
            .ends
            .iter()
            .flat_map(|end| end.addresses.iter().flatten());
        for address in written {
            let ip = address.value.ip;
            let own = pools[index].map(|pool| {
                let mut own = pool.value.0.iter();
                own.find(|part| same_family(ip, part.network))
            });
            let own = own.flatten();
            if let Some(own) = own.filter(|own| !own.network.contains(&ip)) {
                let what = format!(
                    "{}address {} is outside its pool {}",
                    subject(link),
                    address.value,
                    own.network
                );
                report.add(address.at, what);
            }
            let Some(part) = part_of(parts, ip) else {
                continue;
            };
            part.occupy(ip);
            let is_own = own.is_some_and(|own| own.network == part.network);
            if is_own && (part.subnet.is_some() || !segment.bridged) {
                let subnet = part.subnet_at(part.number_of(ip));
                part.given.entry(segment).or_insert(subnet);
            }
        }
    }
}

fn part_of(parts: &mut [Part], ip: IpAddr) -> Option<&mut Part> {
    let after = parts.partition_point(|part| {
        let first = part.network.network();
        first.is_ipv4() && ip.is_ipv6() || first.is_ipv4() == ip.is_ipv4() && first <= ip
    });
    let part = parts.get_mut(after.checked_sub(1)?)?;
    part.network.contains(&ip).then_some(part)
}

fn same_family(ip: IpAddr, network: IpNet) -> bool {
    ip.is_ipv4() == network.addr().is_ipv4()
}

impl Part {
    fn new(part: PoolPart) -> Self {
        let PoolPart { network, subnet } = part;
        let pair = if network.addr().is_ipv4() {
            PAIR_V4
        } else {
            PAIR_V6
        };
        Part {
            network,
            subnet,
            cut: subnet.unwrap_or(pair.max(network.prefix_len())),
            occupied: HashSet::new(),
            next: 0,
            given: HashMap::new(),
            hosts: HashMap::new(),
            exhausted: false,
        }
    }

    /// How many bits of an address are behind a prefix of this length.
    fn behind(&self, prefix: u8) -> u32 {
        u32::from(self.network.max_prefix_len() - prefix)
    }

    /// Which subnet an address of the network is in.
    fn number_of(&self, ip: IpAddr) -> u128 {
        let offset = number(ip) - number(self.network.network());
        offset.checked_shr(self.behind(self.cut)).unwrap_or(0)
    }

    fn subnet_at(&self, index: u128) -> IpNet {
        let offset = index.checked_shl(self.behind(self.cut)).unwrap_or(0);
        let first = address(number(self.network.network()) + offset, self.network);
        IpNet::new(first, self.cut).unwrap_or(self.network)
    }

    fn occupy(&mut self, ip: IpAddr) {
        self.occupied.insert(self.number_of(ip));
    }

    /// The network of a segment. The error is nothing where it was said before.
    fn network_for(&mut self, segment: Segment) -> Result<IpNet, Option<String>> {
        if let Some(given) = self.given.get(&segment) {
            return Ok(*given);
        }
        let whole = self.subnet.is_none() && segment.bridged;
        let given_whole = self.given.values().next() == Some(&self.network);
        if self.subnet.is_none()
            && !self.given.is_empty()
            && (whole || given_whole && self.cut != self.network.prefix_len())
        {
            return self.fail(format!(
                "pool {} is one network, and something else has it or parts of it; give the pool a `subnet`, or use another",
                self.network
            ));
        }
        let network = match whole {
            true => self.network,
            false => self.next_subnet()?,
        };
        self.given.insert(segment, network);
        Ok(network)
    }

    fn next_subnet(&mut self) -> Result<IpNet, Option<String>> {
        while self.occupied.contains(&self.next) {
            self.next += 1;
        }
        let bits = u32::from(self.cut - self.network.prefix_len());
        if 1_u128
            .checked_shl(bits)
            .is_some_and(|count| self.next >= count)
        {
            let (network, cut) = (self.network, self.cut);
            return self.fail(format!("pool {network} has no /{cut} left"));
        }
        self.next += 1;
        Ok(self.subnet_at(self.next - 1))
    }

    fn fail<T>(&mut self, what: String) -> Result<T, Option<String>> {
        let first = !std::mem::replace(&mut self.exhausted, true);
        Err(first.then_some(what))
    }

    fn address_in(
        &mut self,
        network: IpNet,
        written: &HashSet<IpAddr>,
    ) -> Result<Address, Option<String>> {
        let (first, last) = hosts(network);
        let next = self.hosts.entry(network).or_insert(first);
        while *next <= last {
            let ip = address(*next, network);
            *next += 1;
            if !written.contains(&ip) {
                let prefix = network.prefix_len();
                return Ok(Address { ip, prefix });
            }
        }
        let room = last - first + 1;
        self.fail(format!(
            "pool {network} has no address left; there is room for {room}"
        ))
    }
}

/// The first and the last address that a device may have.
fn hosts(network: IpNet) -> (u128, u128) {
    let (first, last) = (number(network.network()), number(network.broadcast()));
    let few = network.max_prefix_len() - network.prefix_len() < 2;
    match network {
        _ if few => (first, last),
        IpNet::V4(_) => (first + 1, last - 1),
        // The first one is that of all its routers.
        IpNet::V6(_) => (first + 1, last),
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

/// The address with this number, of the family of `network`.
fn address(number: u128, network: IpNet) -> IpAddr {
    match network {
        IpNet::V4(_) => IpAddr::V4(u32::try_from(number).unwrap_or(u32::MAX).into()),
        IpNet::V6(_) => IpAddr::V6(number.into()),
    }
}

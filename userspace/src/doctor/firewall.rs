// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rules that would drop frames on their way over a bridge. They meet the rules for
//! bridges, and where `bridge-nf-call-*` is on also those for IP packets that are
//! forwarded, which others (Docker) wrote for something else.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Finding, failure, ok, unseen, warning};
use crate::netlink::nftables::{self, Chain};
use crate::netns::sysctl;

const CHECK: &str = "firewall";

/// `NFPROTO_` and `NF_INET_` numbers of linux/netfilter.h.
const INET: u8 = 1;
const IPV4: u8 = 2;
const ARP: u8 = 3;
const BRIDGE: u8 = 7;
const IPV6: u8 = 10;
const FORWARD: u32 = 2;

/// Whose rules bridged frames meet, besides those for bridges.
struct Call {
    setting: &'static str,
    families: &'static [u8],
    /// The tables that the legacy iptables of this family has in use.
    legacy: &'static str,
    command: &'static str,
}

const CALLS: [Call; 3] = [
    Call {
        setting: "bridge-nf-call-iptables",
        families: &[INET, IPV4],
        legacy: "/proc/net/ip_tables_names",
        command: "iptables",
    },
    Call {
        setting: "bridge-nf-call-ip6tables",
        families: &[INET, IPV6],
        legacy: "/proc/net/ip6_tables_names",
        command: "ip6tables",
    },
    Call {
        setting: "bridge-nf-call-arptables",
        families: &[ARP],
        legacy: "/proc/net/arp_tables_names",
        command: "arptables",
    },
];

pub fn examine() -> Result<Vec<Finding>> {
    let mut called = Vec::new();
    for call in &CALLS {
        let name = format!("net/bridge/{}", call.setting);
        // Without the module br_netfilter nothing is called.
        if sysctl::exists(&name) && sysctl::read(&name)? != "0" {
            called.push(call);
        }
    }
    let chains = match nftables::base_chains() {
        Ok(chains) => chains,
        // A kernel without nftables has no chains either.
        Err(_) if !Path::new("/proc/net/netfilter").exists() => Vec::new(),
        Err(error) => return Ok(vec![unseen(CHECK, &error)]),
    };
    Ok(judge(&called, &chains, |call| {
        fs::read_to_string(call.legacy).is_ok_and(|tables| !tables.trim().is_empty())
    }))
}

fn judge(called: &[&Call], chains: &[Chain], is_legacy: impl Fn(&Call) -> bool) -> Vec<Finding> {
    let at_forward = |families: &[u8]| -> Vec<&Chain> {
        (chains.iter())
            .filter(|chain| chain.hook == FORWARD && families.contains(&chain.family))
            .collect()
    };
    let mut findings: Vec<_> = (at_forward(&[BRIDGE]).into_iter())
        .filter(|chain| chain.drops)
        .map(|chain| {
            failure(
                CHECK,
                format!("frames on bridges meet {}, whose policy is drop", named(chain)),
                format!("let frames of your bridges pass there: `nft add rule bridge {} {} meta ibrname NAME accept`", chain.table, chain.name),
            )
        })
        .collect();
    for call in called {
        findings.extend(call.judge(&at_forward(call.families), is_legacy(call)));
    }
    if findings.is_empty() {
        let settings: Vec<_> = called.iter().map(|call| call.setting).collect();
        findings.push(ok(
            CHECK,
            match &settings[..] {
                [] => "bridged frames meet no rules for IP packets".to_owned(),
                on => format!("{} on, and there are no rules to meet", on.join(", ")),
            },
        ));
    }
    findings
}

impl Call {
    /// What bridged frames meet for this setting, if they meet anything.
    fn judge(&self, chains: &[&Chain], legacy: bool) -> Option<Finding> {
        let Call {
            setting, command, ..
        } = self;
        let off = format!("`sysctl -w net.bridge.{setting}=0`");
        if let Some(chain) = chains.iter().find(|chain| chain.drops) {
            return Some(failure(
                CHECK,
                format!(
                    "{setting} is on, and bridged frames meet {}, whose policy is drop",
                    named(chain)
                ),
                format!(
                    "{off}; or let them pass: `{command} -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT`"
                ),
            ));
        }
        if let Some(chain) = chains.first() {
            return Some(warning(
                CHECK,
                format!(
                    "{setting} is on, and bridged frames meet the rules of {}",
                    named(chain)
                ),
                format!("{off}, unless these rules are for them"),
            ));
        }
        legacy.then(|| {
            warning(
                CHECK,
                format!("{setting} is on, and bridged frames meet the rules of legacy {command}, which are not looked at"),
                format!("see `{command}-legacy -S FORWARD`; {off}, unless these rules are for them"),
            )
        })
    }
}

fn named(chain: &Chain) -> String {
    format!("chain {} of table {}", chain.name, chain.table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn chain(family: u8, hook: u32, drops: bool) -> Chain {
        Chain {
            family,
            table: "filter".to_owned(),
            name: "FORWARD".to_owned(),
            hook,
            drops,
        }
    }

    fn level(called: &[&Call], chains: &[Chain], legacy: bool) -> Level {
        let findings = judge(called, chains, |_| legacy);
        (findings.iter().map(|finding| finding.level))
            .max()
            .unwrap()
    }

    #[test]
    fn rules_for_packets_matter_where_they_are_called() {
        let [v4, v6, arp] = &CALLS;
        let docker = [chain(IPV4, FORWARD, true)];
        assert_eq!(level(&[], &docker, true), Level::Ok);
        assert_eq!(level(&[v6, arp], &docker, false), Level::Ok);
        assert_eq!(level(&[v4], &docker, false), Level::Failure);
        assert_eq!(
            level(&[v6], &[chain(INET, FORWARD, true)], false),
            Level::Failure
        );
        assert_eq!(
            level(&[v4], &[chain(IPV4, FORWARD, false)], false),
            Level::Warning
        );
        assert_eq!(level(&[v4], &[chain(IPV4, 1, true)], false), Level::Ok);
        assert_eq!(level(&[v4], &[], false), Level::Ok);
        assert_eq!(level(&[v4], &[], true), Level::Warning);
    }

    #[test]
    fn rules_for_bridges_matter_always() {
        assert_eq!(
            level(&[], &[chain(BRIDGE, FORWARD, true)], false),
            Level::Failure
        );
        assert_eq!(
            level(&[], &[chain(BRIDGE, FORWARD, false)], false),
            Level::Ok
        );
        assert_eq!(level(&[], &[chain(BRIDGE, 0, true)], false), Level::Ok);
    }
}

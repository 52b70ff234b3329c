// SPDX-License-Identifier: MIT OR Apache-2.0

//! The labs of docs/labs.

use std::fs;
use std::path::{Path, PathBuf};

use super::ends;
use crate::lab::file::load;
use crate::lab::model::{Kind, Lab, Ready};

pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/labs")
}

pub fn all() -> Vec<(PathBuf, Lab)> {
    let entries = fs::read_dir(directory()).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let load = |path: PathBuf| {
        let lab = load(&path).unwrap_or_else(|error| panic!("{error:#}"));
        (path, lab)
    };
    paths.into_iter().map(load).collect()
}

fn example(name: &str) -> Lab {
    load(&directory().join(format!("{name}.toml"))).unwrap()
}

#[test]
fn examples_are_right_and_named_after_their_files() {
    let all = all();
    assert!(all.len() >= 11, "{}", all.len());
    for (path, lab) in all {
        assert_eq!(path.file_stem().unwrap().to_str(), Some(lab.name.as_str()));
    }
}

#[test]
fn the_wikis_lab_has_the_wikis_names() {
    let lab = example("wiki");
    assert_eq!(ends(&lab), ["n1:eth0 10.0.0.1/24", "n2:eth0 10.0.0.2/24"]);
    assert_eq!(lab.bridges[0].device.name.as_str(), "b.1.1");
    assert_eq!(lab.bridges[0].forward_delay, 0);
    let ports = lab.links.iter().flat_map(|link| link.ports());
    let ports: Vec<_> = ports.map(|port| port.device.name.to_string()).collect();
    assert_eq!(ports, ["n1.0.1", "n2.0.1"]);
    assert_eq!(lab.nodes[0].netns.as_str(), "n1");
    assert!(lab.nodes.iter().all(|node| !node.ipv6));
}

#[test]
fn a_lines_nodes_know_their_ways() {
    let lab = example("line");
    assert_eq!(
        ends(&lab),
        [
            "n1:eth0 10.0.0.1/30",
            "n2:eth0 10.0.0.2/30",
            "n2:eth1 10.0.0.5/30",
            "n3:eth0 10.0.0.6/30",
            "n3:eth1 10.0.0.9/30",
            "n4:eth0 10.0.0.10/30",
        ]
    );
    let route = |node: usize| &lab.nodes[node].routes[0];
    assert_eq!(route(0).to.to_string(), "0.0.0.0/0");
    assert_eq!(route(0).via, Some("10.0.0.2".parse().unwrap()));
    assert_eq!(route(1).via, Some("10.0.0.6".parse().unwrap()));
    assert_eq!(lab.nodes[1].sysctls["net/ipv4/ip_forward"], "1");
    assert_eq!(lab.nodes[0].netns.as_str(), "line.n1");
}

#[test]
fn services_say_when_they_are_ready() {
    let lab = example("services");
    let server = lab
        .nodes
        .iter()
        .find(|node| node.name.as_str() == "server")
        .unwrap();
    let [content, web] = &server.commands[..] else {
        panic!("{:?}", server.commands);
    };
    assert_eq!(content.ready, Ready::Exit);
    assert_eq!(content.run[..2], ["sh", "-c"]);
    assert_eq!(web.ready, Ready::Tcp(80));
    assert_eq!(web.run.len(), 4);
    assert_eq!(web.timeout.as_secs(), 10);
    assert_eq!(server.counting.drops, Some(true));
}

#[test]
fn ipv6_is_where_it_is_wanted() {
    let lab = example("ipv6");
    assert!(lab.nodes.iter().all(|node| node.ipv6));
    assert_eq!(
        ends(&lab),
        [
            "router:left fd00:1::1/64",
            "router:right fd00:2::1/64",
            "a:eth0 fd00:1::2/64",
            "b:eth0 fd00:2::2/64",
            "c:eth0",
        ]
    );
    assert!(lab.ends().all(|(_, end)| end.link_local));
    let dad: Vec<_> = lab.nodes.iter().map(|node| node.dad).collect();
    assert_eq!(dad, [true, false, false, false]);
}

#[test]
fn impairments_are_of_a_direction_or_both() {
    let lab = example("impaired");
    let of = |place: &str| {
        let (_, end) = lab
            .ends()
            .find(|(_, end)| end.place().to_string() == place)
            .unwrap();
        end.impairment.clone().unwrap()
    };
    assert_eq!(of("home:eth0").rate, Some(10_000_000));
    assert_eq!(of("provider:eth0").rate, Some(50_000_000));
    assert_eq!(of("home:eth1"), of("satellite:eth0"));
    assert_eq!(of("home:eth1").jitter.as_millis(), 20);
    assert_eq!(of("home:eth1").loss.to_string(), "0.5%");
}

#[test]
fn long_names_are_hashed_and_kept_beside() {
    let lab = example("vlans");
    let (_, end) = lab.ends().next().unwrap();
    assert_eq!(end.device.logical, "uplink-to-the-switch");
    assert_eq!(end.device.altname.as_deref(), Some("uplink-to-the-switch"));
    assert_eq!(end.device.name.as_str().len(), 15);
    let bridge = &lab.bridges[0].device;
    assert_eq!(
        bridge.altname.as_deref(),
        Some("vlans.switch-in-the-cellar")
    );
    assert_eq!(lab.nodes[2].kind, Kind::NetOnly);
}

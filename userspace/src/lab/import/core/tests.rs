// SPDX-License-Identifier: MIT OR Apache-2.0

use super::import;
use crate::lab::file::parse;
use crate::lab::model::{Ends, Lab};

const SESSION: &str = r#"<?xml version='1.0' encoding='UTF-8'?>
<scenario name="/tmp/office">
  <networks>
    <network id="1" name="floor" type="SWITCH"/>
    <network id="2" name="old" type="HUB"/>
    <network id="3" name="air" type="WIRELESS_LAN" model="basic_range"><position x="1" y="2"/></network>
    <network id="4" name="outside" type="RJ45"/>
  </networks>
  <devices>
    <device id="10" name="gate" type="router" class="" image="">
      <services><service name="IPForward"/><service name="OSPFv2"/></services>
    </device>
    <device id="11" name="desk" type="PC"/>
    <device id="12" name="box" type="docker" class="docker" image="alpine">
      <services><service name="OSPFv2"/></services>
    </device>
  </devices>
  <links>
    <link node1="1" node2="10">
      <iface2 id="0" name="eth0" mac="02:00:00:00:00:01" ip4="10.0.0.1" ip4_mask="24" ip6="fd00::1" ip6_mask="64"/>
      <options delay="2500" bandwidth="100000000" loss="0.5" dup="1" jitter="100" unidirectional="0" buffer="50"/>
    </link>
    <link node1="11" node2="1">
      <iface1 id="0" ip4="10.0.0.20" ip4_mask="24" ip6="fd00::20" ip6_mask="64"/>
      <options delay="0" bandwidth="0" loss="0.0" dup="0" jitter="0"/>
    </link>
    <link node1="10" node2="12">
      <iface1 id="1" name="eth1" ip4="10.0.1.1" ip4_mask="24"/>
      <iface2 id="0" name="eth0" ip4="10.0.1.2" ip4_mask="24"/>
      <options delay="1000" unidirectional="1"/>
    </link>
    <link node1="12" node2="10">
      <iface1 id="0" name="eth0" ip4="10.0.1.2" ip4_mask="24"/>
      <iface2 id="1" name="eth1" ip4="10.0.1.1" ip4_mask="24"/>
      <options delay="9000" unidirectional="1"/>
    </link>
    <link node1="1" node2="2"/>
    <link node1="12" node2="3"><iface1 id="1" ip4="10.9.0.1" ip4_mask="32"/></link>
    <link node1="4" node2="12"><iface1 id="0" name="unassigned"/><iface2 id="2" name="eth2"/></link>
  </links>
  <mobility_configurations>
    <mobility_configuration node="3" model="basic_range"><configuration name="range" value="275"/></mobility_configuration>
  </mobility_configurations>
  <session_origin lat="1" lon="2" alt="3" scale="4"/>
  <session_options>
    <configuration name="controlnet" value="172.16.0.0/24"/>
    <configuration name="mtu" value="0"/>
  </session_options>
  <session_hooks><hook name="x" state="4">echo</hook></session_hooks>
  <default_services>
    <node type="PC"><service name="DefaultRoute"/><service name="SSH"/></node>
  </default_services>
</scenario>"#;

fn lab(text: &str) -> Lab {
    parse(text, "session").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

#[test]
fn a_session_becomes_a_lab() {
    let lab = lab(&import(SESSION, "office.xml").unwrap().text);
    assert_eq!(lab.name.as_str(), "office");
    let ends: Vec<_> = lab.ends().map(|(_, end)| end.place().to_string()).collect();
    assert_eq!(
        ends,
        [
            "gate:eth0",
            "desk:eth0",
            "gate:eth1",
            "box:eth0",
            "box:eth1"
        ]
    );
    let bridges: Vec<_> = lab.bridges.iter().map(|bridge| &*bridge.name).collect();
    assert_eq!(bridges, ["floor", "old", "air"]);
    let gate = lab.ends().next().unwrap().1;
    assert_eq!(gate.mac.unwrap().to_string(), "02:00:00:00:00:01");
    let impairment = gate.impairment.as_ref().unwrap();
    assert_eq!(
        (impairment.delay.as_micros(), impairment.jitter.as_micros()),
        (2500, 100)
    );
    assert_eq!((impairment.loss.0, impairment.duplicate.0), (5_000, 10_000));
    assert_eq!((impairment.rate, impairment.limit), (Some(100_000_000), 50));
}

#[test]
fn services_that_set_up_the_network_are_kept() {
    let lab = lab(&import(SESSION, "office.xml").unwrap().text);
    assert_eq!(lab.nodes[0].sysctls["net/ipv4/conf/all/forwarding"], "1");
    assert!(lab.nodes[1].sysctls.is_empty());
    let routes: Vec<_> = (lab.nodes[1].routes.iter())
        .map(|route| format!("{} {}", route.to, route.via.unwrap()))
        .collect();
    assert_eq!(routes, ["0.0.0.0/0 10.0.0.1", "::/0 fd00::1"]);
}

#[test]
fn directions_that_differ_are_one_link() {
    let lab = lab(&import(SESSION, "office.xml").unwrap().text);
    let Ends::PointToPoint([a, b]) = &lab.links[2].ends else {
        panic!("{:?}", lab.links[2]);
    };
    let delay = |end: &crate::lab::model::End| end.impairment.as_ref().unwrap().delay.as_micros();
    assert_eq!((delay(a), delay(b)), (1000, 9000));
}

#[test]
fn what_a_lab_has_not_is_named_once() {
    let left_out = import(SESSION, "office.xml").unwrap().left_out;
    assert_eq!(
        left_out,
        [
            "hub old becomes a bridge, which sends a packet only where it goes",
            "air is radio (WIRELESS_LAN): it becomes a bridge, on which all hear each other at all times",
            "outside (RJ45), with its links",
            "class docker of box: it becomes a node like others",
            "image alpine of box: it becomes a node like others",
            "service OSPFv2 of gate, box; a node's `commands` start programs",
            "service SSH of desk; a node's `commands` start programs",
            "settings `basic_range` of the radio air",
            "session option controlnet = 172.16.0.0/24",
            "<session_hooks>",
        ]
    );
}

#[test]
fn what_is_no_session_says_so() {
    for (text, says) in [
        ("", "it is not XML"),
        ("<a/>", "its root is `a`, not `scenario`"),
        (
            "<scenario><devices><device name=\"a\"/></devices></scenario>",
            "has no id",
        ),
        (
            "<scenario><devices><device id=\"1\" name=\"a/b\"/></devices></scenario>",
            "device `a/b` cannot be a node",
        ),
        (
            "<scenario><links><link node1=\"1\" node2=\"2\"/></links></scenario>",
            "leads to number 1, which it has not",
        ),
        (
            "<scenario><devices><device id=\"1\" name=\"a\"/><device id=\"2\" name=\"b\"/></devices><links><link node1=\"1\" node2=\"2\"/></links></scenario>",
            "does not say which interface",
        ),
        (
            "<scenario><devices><device id=\"1\" name=\"a\"/></devices><links><link node1=\"1\" node2=\"1\"><iface1 ip4=\"10.0.0.1\" ip4_mask=\"24\"/><iface2 id=\"1\" ip4=\"10.0.0.1\" ip4_mask=\"24\"/></link></links></scenario>",
            "address 10.0.0.1 twice",
        ),
    ] {
        let error = format!("{:#}", import(text, "x.xml").unwrap_err());
        assert!(error.contains(says), "{text}: {error}");
    }
}

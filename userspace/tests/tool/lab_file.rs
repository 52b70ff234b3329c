// SPDX-License-Identifier: MIT OR Apache-2.0

//! Lab files: checked, drawn, and made from what others have.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::lab::Lab;

const SESSION: &str = r#"<scenario>
  <networks><network id="1" name="air" type="WIRELESS_LAN"/></networks>
  <devices>
    <device id="2" name="n2"><services><service name="zebra"/></services></device>
    <device id="3" name="n3"/>
  </devices>
  <links>
    <link node1="2" node2="1"><iface1 name="eth0" ip4="10.0.0.1" ip4_mask="24"/></link>
    <link node1="3" node2="1"><iface1 name="eth0" ip4="10.0.0.2" ip4_mask="24"/></link>
  </links>
</scenario>"#;

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
}

fn write(name: &str, text: &str) -> String {
    let path = format!("/run/{name}");
    fs::write(&path, text).unwrap();
    path
}

pub fn a_file_is_checked_and_nothing_made(lab: &Lab) {
    let right = write(
        "right.toml",
        "shapes = [{ shape = \"star\", size = 3, pool = \"10.0.0.0/24\" }]",
    );
    let before = lab.state();
    assert_eq!(
        lab.pernet(&["check", &right]),
        "lab right: 3 nodes, 1 bridge, 3 links\n"
    );
    let json = lab.json(&["check", "--json", &right]);
    assert_eq!(json["nodes"][2]["netns"], "right.n3");
    assert_eq!(
        json["links"][2]["ends"]["bridged"]["end"]["addresses"],
        json!(["10.0.0.3/24"])
    );
    assert_eq!(lab.state(), before);
}

pub fn all_that_is_wrong_is_told_at_once(lab: &Lab) {
    let text = "nodes = { a = {}, a2 = {} }\n[[links]]\nends = [\"a:eth/0\", \"a2\"]\n[[links]]\nends = [\"a\", \"a3\"]\nmtu = 9\n";
    let wrong = write("wrong.toml", text);
    let before = lab.state();
    let outcome = lab.run(&["check", &wrong]);
    assert_eq!((outcome.status, &*outcome.out), (1, ""));
    assert_eq!(
        outcome.err,
        "pernet: /run/wrong.toml has 3 errors:\n\
         /run/wrong.toml:3:12: link 1: device name \"eth/0\" has '/' in it, which is not allowed there\n\
         /run/wrong.toml:5:15: link 2: there is no node or bridge `a3`; did you mean `a2`?\n\
         /run/wrong.toml:6:7: link 2: `mtu` takes a whole number, 68 to 65535, not 9\n"
    );
    lab.refuses(
        &["check", "/run/missing.toml"],
        "cannot read /run/missing.toml",
    );
    fs::write("/run/bytes.toml", b"name = \"a\"\n# \xff").unwrap();
    lab.refuses(
        &["check", "/run/bytes.toml"],
        "/run/bytes.toml:2: there are bytes",
    );
    assert_eq!(
        lab.state().difference(&before).collect::<Vec<_>>(),
        ["/run/bytes.toml"]
    );
}

pub fn the_examples_are_right(lab: &Lab) {
    for entry in fs::read_dir(docs().join("labs")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let out = lab.pernet(&["check", path.to_str().unwrap()]);
        assert!(out.starts_with(&format!("lab {name}: ")), "{out}");
    }
}

pub fn the_schema_is_the_published_one(lab: &Lab) {
    let published = fs::read_to_string(docs().join("lab.schema.json")).unwrap();
    assert_eq!(lab.pernet(&["schema"]), published);
}

pub fn a_session_of_core_becomes_a_file(lab: &Lab) {
    let session = write("session.xml", SESSION);
    let outcome = lab.run(&["import", &session]);
    assert_eq!(outcome.status, 0, "{}", outcome.err);
    let lines: Vec<_> = outcome.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", outcome.err);
    assert!(lines[0].contains("air is radio"), "{}", lines[0]);
    assert!(lines[1].contains("service zebra of n2"), "{}", lines[1]);
    let file = write("imported.toml", &outcome.out);
    assert_eq!(
        lab.pernet(&["check", &file]),
        "lab session: 2 nodes, 1 bridge, 2 links\n"
    );
    lab.refuses(&["import", &file], "it is not XML");
    lab.refuses(
        &["import", "/run/missing.xml"],
        "cannot read /run/missing.xml",
    );
}

pub fn a_shape_of_mininet_becomes_a_file(lab: &Lab) {
    let file = write(
        "tree.toml",
        &lab.pernet(&["import", "tree,depth=2,fanout=3"]),
    );
    assert_eq!(
        lab.pernet(&["check", &file]),
        "lab tree: 9 nodes, 4 bridges, 12 links\n"
    );
    lab.refuses(&["import", "tree,deep=2"], "no `deep`, but depth, fanout");
    lab.refuses(&["import", "blob,3"], "which is no shape either");
}

pub fn a_lab_is_drawn(lab: &Lab) {
    let wiki = docs().join("labs/wiki.toml");
    let wiki = wiki.to_str().unwrap();
    let picture = lab.pernet(&["graph", wiki]);
    assert!(
        picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
        "{picture}"
    );
    assert!(picture.contains(">10.0.0.1/24</text>"), "{picture}");
    let text = lab.pernet(&["graph", "--format", "mermaid", wiki]);
    assert!(text.contains("v0 ---|\"eth0 10.0.0.1/24\"| v2\n"), "{text}");
}

// SPDX-License-Identifier: MIT OR Apache-2.0

use super::layout::{Point, positions};
use super::{Counters, Counts, mermaid, svg};
use crate::lab::file::parse;
use crate::lab::model::Lab;

fn lab(text: &str) -> Lab {
    parse(text, "lab.toml").unwrap_or_else(|problems| panic!("{problems}"))
}

fn pair() -> Lab {
    lab(r#"
        nodes = { a = {}, "b<&>\"" = {} }
        bridges = { s = { stp = true } }
        [[links]]
        ends = ["a=10.0.0.1/24", "b<&>\"=10.0.0.2/24"]
        impairment = { delay = "10ms", jitter = "500us", loss = "0.1%", rate = "64kbit" }
        mtu = 1400
        [[links]]
        ends = ["a", "s"]"#)
}

fn counters() -> Counters {
    let counts = Counts {
        packets: 123_456,
        drops: Some(7),
    };
    Counters::from([("a".to_owned(), counts)])
}

#[test]
fn a_picture_says_what_is_in_the_lab() {
    let picture = svg::render(&pair(), &counters());
    let document = roxmltree::Document::parse(&picture).unwrap();
    let texts: Vec<_> = (document.descendants())
        .filter(|element| element.has_tag_name("text"))
        .filter_map(|element| element.text())
        .collect();
    for text in [
        "a",
        "b<&>\"",
        "s",
        "STP",
        "123k packets, 7 dropped",
        "eth0",
        "10.0.0.1/24",
        "10.0.0.2/24",
        "10ms±500us, 64kbit",
        "0.1% lost",
        "MTU 1400",
    ] {
        assert!(texts.contains(&text), "{text} is not among {texts:?}");
    }
    assert!(picture.contains("prefers-color-scheme:dark"));
}

#[test]
fn a_picture_is_the_same_each_time() {
    let lab = lab("shapes = [{ shape = \"mesh\", size = 7 }]");
    let once = svg::render(&lab, &Counters::new());
    assert_eq!(once, svg::render(&lab, &Counters::new()));
    assert!(!once.contains("NaN") && !once.contains("inf"));
}

#[test]
fn what_is_nothing_or_huge_has_a_picture_too() {
    for text in [
        "",
        "nodes.a = {}",
        "nodes.a = {}\nlinks = [{ ends = [\"a\", \"a\"] }]",
        "shapes = [{ shape = \"star\", size = 1000 }]",
    ] {
        let picture = svg::render(&lab(text), &Counters::new());
        assert!(
            !picture.contains("NaN") && !picture.contains("inf"),
            "{text}"
        );
        roxmltree::Document::parse(&picture).unwrap();
    }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[test]
fn a_grid_is_level() {
    // 0 1 2
    // 3 4 5
    let edges = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)];
    let points = positions(6, &edges, 100.0);
    let level = |a: usize, b: usize| (points[a].y - points[b].y).abs() < 15.0;
    assert!(level(0, 1) && level(1, 2) && level(3, 5), "{points:?}");
    assert!(points[0].y < points[3].y && points[0].x < points[2].x);
}

#[test]
fn edges_are_as_long_as_they_should_be() {
    let edges: Vec<_> = (1..9).map(|leaf| (0, leaf)).collect();
    let points = positions(9, &edges, 100.0);
    for (_, leaf) in &edges {
        let length = distance(points[0], points[*leaf]);
        assert!((70.0..160.0).contains(&length), "{length}");
    }
    // Nothing is on top of anything else.
    for a in 0..9 {
        assert!((0..a).all(|b| distance(points[a], points[b]) > 50.0));
    }
}

#[test]
fn parts_that_are_not_connected_are_apart() {
    let points = positions(5, &[(0, 1), (2, 3)], 100.0);
    for (a, b) in [(0, 2), (1, 2), (1, 3), (0, 4), (3, 4)] {
        assert!(distance(points[a], points[b]) > 90.0, "{points:?}");
    }
}

#[test]
fn mermaid_has_it_too() {
    assert_eq!(
        mermaid::render(&pair(), &counters()),
        r#"---
title: "lab lab"
---
graph LR
  v0("a<br/>123k packets, 7 dropped"):::node
  v1("b#60;#38;#62;#34;"):::node
  v2["s<br/>STP"]:::bridge
  v0 -.-|"eth0 10.0.0.1/24<br/>eth0 10.0.0.2/24<br/>10ms±500us, 64kbit<br/>0.1% lost<br/>MTU 1400"| v1
  v0 ---|"eth1"| v2
  classDef node fill:#e8f0fe,stroke:#3367d6,color:#202124
  classDef bridge fill:#fef3d8,stroke:#b06000,color:#202124
"#
    );
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! `[[shapes]]`: which shape, how large, and what its parts are called.

use anyhow::{Result, ensure};

use super::super::draft::LinkSettings;
use super::super::expand::{Form, Inner, Shape};
use super::super::problem::At;
use super::super::table::{Keys, Subject, Table};
use super::link;
use crate::netlink::DeviceName;
use crate::netns::Name;

pub const SHAPE: Keys = &[
    "shape",
    "size",
    "width",
    "height",
    "depth",
    "fanout",
    "wrap",
    "inner",
    "nodes",
    "bridges",
    "pool",
    "mtu",
    "impairment",
];

/// The keys that say how large a shape is, for each of them.
const FORMS: &[(&str, &[&str])] = &[
    ("line", &["size"]),
    ("ring", &["size"]),
    ("star", &["size", "inner", "bridges"]),
    ("mesh", &["size"]),
    ("tree", &["depth", "fanout", "inner", "bridges"]),
    ("grid", &["width", "height", "wrap"]),
];
const ALL_FORMS: &[&str] = &["shape", "nodes", "pool", "mtu", "impairment"];

/// More nodes than a machine can hold are a mistake in the file.
const MAX_SIZE: u32 = 100_000;

pub fn all(table: &Table) -> Vec<Shape> {
    let values = table.list("shapes").into_iter().flatten();
    let read = values.enumerate().filter_map(|(index, value)| {
        let subject = Subject::Shape(index + 1);
        one(&Table::read(value, SHAPE, subject, table.report)?)
    });
    read.collect()
}

fn one(table: &Table) -> Option<Shape> {
    if table.get("shape").is_none() {
        let names: Vec<_> = FORMS.iter().map(|(name, _)| *name).collect();
        table.problem(
            table.at,
            format!("`shape` is missing; it is one of {}", names.join(", ")),
        );
    }
    let name = table.text("shape")?;
    let Some((_, keys)) = FORMS.iter().find(|(form, _)| *form == name.value) else {
        let meant = table
            .report
            .suggestion(name.value, FORMS.iter().map(|(name, _)| *name));
        table.problem(
            name.at,
            format!("there is no shape `{}`{meant}", name.value),
        );
        return None;
    };
    for key in SHAPE.iter().filter(|key| table.get(key).is_some()) {
        if !keys.contains(key) && !ALL_FORMS.contains(key) {
            let what = format!("a {} has no `{key}`, but {}", name.value, keys.join(", "));
            table.problem(table.place_of(key), what);
        }
    }
    let mut settings = LinkSettings::default();
    link::settings(table, &mut settings);
    Some(Shape {
        at: table.at,
        form: form(table, name.value)?,
        nodes: (table.parsed("nodes", node_names)).map_or("n".to_owned(), |names| names.value),
        bridges: (table.parsed("bridges", bridge_names))
            .map_or("b".to_owned(), |names| names.value),
        settings,
        subject: table.subject.to_string(),
    })
}

fn form(table: &Table, name: &str) -> Option<Form> {
    let size = |key: &str, least: u32| {
        if table.get(key).is_none() {
            table.problem(table.at, format!("a {name} needs its `{key}`"));
        }
        table
            .number::<usize>(key, least..=MAX_SIZE)
            .map(|size| size.value)
    };
    let inner = || match table.parsed("inner", inner) {
        Some(At { value, .. }) => value,
        None => Inner::Bridge,
    };
    Some(match name {
        "line" => Form::Line(size("size", 1)?),
        "ring" => Form::Ring(size("size", 3)?),
        "mesh" => Form::Mesh(size("size", 1)?),
        "star" => Form::Star(size("size", 1)?, inner()),
        "tree" => {
            let (depth, fanout) = (size("depth", 1), size("fanout", 1));
            Form::Tree {
                depth: depth?,
                fanout: fanout?,
                inner: inner(),
            }
        }
        _ => {
            let (width, height) = (size("width", 1), size("height", 1));
            Form::Grid {
                width: width?,
                height: height?,
                wrap: table.boolean("wrap").is_some_and(|wrap| wrap.value),
            }
        }
    })
}

fn inner(text: &str) -> Result<Inner> {
    ensure!(
        ["bridge", "node"].contains(&text),
        "`inner` is \"bridge\" or \"node\", not `{text}`"
    );
    Ok(if text == "node" {
        Inner::Node
    } else {
        Inner::Bridge
    })
}

fn node_names(text: &str) -> Result<String> {
    format!("{text}1").parse::<Name>()?;
    Ok(text.to_owned())
}

fn bridge_names(text: &str) -> Result<String> {
    DeviceName::check(&format!("{text}1"))?;
    Ok(text.to_owned())
}

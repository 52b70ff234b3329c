// SPDX-License-Identifier: MIT OR Apache-2.0

//! The part of YNL that the family's specification uses.
//!
//! Every structure refuses unknown keys: a specification that says more than
//! this generator understands is an error, not half a contract.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// A whole specification, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Spec {
    pub name: String,
    #[expect(dead_code, reason = "reading it is the check")]
    protocol: Protocol,
    #[serde(default)]
    pub doc: String,
    #[serde(default)]
    pub definitions: Vec<Definition>,
    pub attribute_sets: Vec<AttributeSet>,
    pub operations: Operations,
    #[serde(default)]
    pub mcast_groups: Groups,
}

/// The groups that events are sent to; found by name, they have no numbers here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    pub list: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Genetlink,
}

/// An enumeration; of YNL's kinds of definition the only one in use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub name: String,
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "reading it is the check")]
    kind: DefinitionKind,
    #[serde(default)]
    pub doc: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DefinitionKind {
    Enum,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub value: Option<u64>,
    #[serde(default)]
    pub doc: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSet {
    pub name: String,
    #[serde(default)]
    pub doc: String,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attribute {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AttributeKind,
    pub value: Option<u64>,
    #[serde(default)]
    pub doc: String,
    #[serde(rename = "enum")]
    pub enumeration: Option<String>,
    pub nested_attributes: Option<String>,
    pub checks: Option<Checks>,
    /// Whether it may occur more than once.
    #[serde(default)]
    pub multi_attr: bool,
}

/// What a value must be like beyond its type; of YNL's checks the one in use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Checks {
    /// The module says it in its policy; a test in the VM compares the two.
    pub max_len: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttributeKind {
    U8,
    U16,
    U32,
    U64,
    S32,
    Uint,
    String,
    Flag,
    Nest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    pub list: Vec<Operation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operation {
    pub name: String,
    pub value: Option<u64>,
    #[serde(default)]
    pub doc: String,
    pub attribute_set: String,
    #[serde(rename = "do")]
    pub doit: Option<Exchange>,
    pub dump: Option<Exchange>,
    /// What the kernel sends without being asked, and to which group.
    pub event: Option<Message>,
    pub mcgrp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    pub request: Option<Message>,
    pub reply: Option<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub attributes: Vec<String>,
}

/// A name with its number, ready to be written down.
pub struct Constant<'a> {
    pub name: &'a str,
    pub doc: &'a str,
    pub value: u64,
}

impl Spec {
    /// Reads a specification and checks that it is one this generator
    /// understands in full.
    pub fn parse(text: &str) -> Result<Self> {
        let spec: Spec = yaml_serde::from_str(text).context("not understood by this generator")?;
        spec.check()?;
        Ok(spec)
    }

    /// The integer type of an enumeration: that of the attributes that carry it.
    pub fn enum_type(&self, name: &str) -> Result<&'static str> {
        let mut carriers = (self.attribute_sets.iter())
            .flat_map(|set| &set.attributes)
            .filter(|attribute| attribute.enumeration.as_deref() == Some(name))
            .map(|attribute| attribute.kind);
        let kind = carriers.next().with_context(|| {
            format!("enum `{name}`: no attribute carries it, so its type is unknown")
        })?;
        ensure!(
            carriers.all(|other| other == kind),
            "enum `{name}`: the attributes that carry it differ in type"
        );
        match kind {
            AttributeKind::U8 => Ok("u8"),
            AttributeKind::U16 => Ok("u16"),
            AttributeKind::U32 => Ok("u32"),
            _ => bail!("enum `{name}`: carried by an attribute that is not u8, u16 or u32"),
        }
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_unique(
            "definition, attribute set, `cmd` or `group`",
            (self.definitions.iter().map(|definition| &*definition.name))
                .chain(self.attribute_sets.iter().map(|set| &*set.name))
                .chain(["cmd", "group"]),
        )?;
        check_unique(
            "multicast group",
            self.mcast_groups.list.iter().map(|group| &*group.name),
        )?;
        for set in &self.attribute_sets {
            self.check_set(set)
                .with_context(|| format!("attribute set `{}`", set.name))?;
        }
        for definition in &self.definitions {
            let in_enum = || format!("enum `{}`", definition.name);
            let max = match self.enum_type(&definition.name)? {
                "u8" => u8::MAX.into(),
                "u16" => u16::MAX.into(),
                _ => u32::MAX.into(),
            };
            check_values(&definition.constants(), max).with_context(in_enum)?;
        }
        check_values(&self.operations.constants(), u8::MAX.into()).context("operations")?;
        for operation in &self.operations.list {
            self.check_operation(operation)
                .with_context(|| format!("operation `{}`", operation.name))?;
        }
        Ok(())
    }

    fn check_set(&self, set: &AttributeSet) -> Result<()> {
        ensure!(
            set.constants().iter().all(|constant| constant.value != 0),
            "the first attribute is 1, 0 is none"
        );
        // The two top bits of an attribute's type are flags.
        check_values(&set.constants(), 0x3fff)?;
        for attribute in &set.attributes {
            let name = &attribute.name;
            ensure!(
                name != "max",
                "attribute `max`: the name is taken for the highest number"
            );
            if let Some(wanted) = &attribute.enumeration {
                ensure!(
                    self.definitions
                        .iter()
                        .any(|definition| definition.name == *wanted),
                    "attribute `{name}`: no enum `{wanted}`"
                );
            }
            ensure!(
                attribute.checks.is_none() || attribute.kind == AttributeKind::String,
                "attribute `{name}`: has a length to check and is no string"
            );
            match &attribute.nested_attributes {
                Some(wanted) => {
                    ensure!(
                        attribute.kind == AttributeKind::Nest,
                        "attribute `{name}`: has nested attributes and is not a nest"
                    );
                    self.set(wanted)
                        .with_context(|| format!("attribute `{name}`"))?;
                }
                None => ensure!(
                    attribute.kind != AttributeKind::Nest,
                    "attribute `{name}`: a nest of what?"
                ),
            }
        }
        Ok(())
    }

    fn check_operation(&self, operation: &Operation) -> Result<()> {
        ensure!(
            operation.value != Some(0),
            "the first operation is 1, 0 is none"
        );
        let set = self.set(&operation.attribute_set)?;
        let exchanges = [("do", &operation.doit), ("dump", &operation.dump)];
        let event = [("event", operation.event.as_ref())];
        let messages: Vec<_> = (exchanges.iter())
            .filter_map(|(verb, exchange)| Some((*verb, exchange.as_ref()?)))
            .flat_map(|(verb, exchange)| [(verb, &exchange.request), (verb, &exchange.reply)])
            .filter_map(|(verb, message)| Some((verb, message.as_ref()?)))
            .chain((event.iter()).filter_map(|(verb, message)| Some((*verb, (*message)?))))
            .collect();
        ensure!(
            operation.event.is_some() || exchanges.iter().any(|(_, exchange)| exchange.is_some()),
            "none of `do`, `dump` and `event`"
        );
        ensure!(
            operation.event.is_some() == operation.mcgrp.is_some(),
            "an `event` goes to an `mcgrp`, and nothing else does"
        );
        if let Some(wanted) = &operation.mcgrp {
            ensure!(
                (self.mcast_groups.list.iter()).any(|group| group.name == *wanted),
                "no multicast group `{wanted}`"
            );
        }
        for (verb, message) in messages {
            for wanted in &message.attributes {
                ensure!(
                    set.attributes
                        .iter()
                        .any(|attribute| attribute.name == *wanted),
                    "{verb}: no attribute `{wanted}` in set `{}`",
                    set.name
                );
            }
        }
        Ok(())
    }

    /// The attribute set of this name.
    pub fn set(&self, name: &str) -> Result<&AttributeSet> {
        (self.attribute_sets.iter())
            .find(|set| set.name == name)
            .with_context(|| format!("no attribute set `{name}`"))
    }
}

impl Definition {
    pub fn constants(&self) -> Vec<Constant<'_>> {
        count_up(0, &self.entries, |entry| {
            (&entry.name, &entry.doc, entry.value)
        })
    }
}

impl AttributeSet {
    pub fn constants(&self) -> Vec<Constant<'_>> {
        count_up(1, &self.attributes, |attribute| {
            (&attribute.name, &attribute.doc, attribute.value)
        })
    }
}

impl Operations {
    pub fn constants(&self) -> Vec<Constant<'_>> {
        count_up(1, &self.list, |operation| {
            (&operation.name, &operation.doc, operation.value)
        })
    }
}

/// YNL's rule for numbers: what has none is one more than what precedes it.
fn count_up<'a, T>(
    first: u64,
    items: &'a [T],
    parts: impl Fn(&'a T) -> (&'a String, &'a String, Option<u64>),
) -> Vec<Constant<'a>> {
    let mut next = first;
    let number = |item| {
        let (name, doc, value) = parts(item);
        let value = value.unwrap_or(next);
        next = value.saturating_add(1);
        Constant { name, doc, value }
    };
    items.iter().map(number).collect()
}

fn check_values(constants: &[Constant], max: u64) -> Result<()> {
    ensure!(!constants.is_empty(), "is empty");
    check_unique("name", constants.iter().map(|constant| constant.name))?;
    let mut seen = BTreeMap::new();
    for Constant { name, value, .. } in constants {
        ensure!(
            *value <= max,
            "`{name}` is {value}, the highest possible is {max}"
        );
        if let Some(other) = seen.insert(value, name) {
            bail!("`{other}` and `{name}` are both {value}");
        }
    }
    Ok(())
}

fn check_unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        check_name(name)?;
        ensure!(seen.insert(name), "two of one name: {what} `{name}`");
    }
    Ok(())
}

/// YNL's names, less those that would not make an identifier.
fn check_name(name: &str) -> Result<()> {
    ensure!(
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && (name.bytes()).all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "name `{name}`: a letter first, then lowercase letters, digits and `-`"
    );
    Ok(())
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! The family for people: a page of the guide.

use std::fmt::Write;

use crate::model::{
    Attribute, AttributeKind, AttributeSet, Constant, Definition, Message, Operation, Spec,
};

/// A reference of the family, in Markdown.
pub fn reference(spec: &Spec) -> String {
    let mut out = format!(
        "\
<!-- Generated from docs/netlink/pernet.yaml by `make spec`; do not edit. -->

# The netlink family

Generic netlink, family `{}`, version 1.

{}

## Operations
",
        spec.name,
        spec.doc.trim_end()
    );
    for (described, constant) in (spec.operations.list.iter()).zip(spec.operations.constants()) {
        operation(&mut out, described, &constant);
    }
    out += "\n## Attributes\n";
    for set in &spec.attribute_sets {
        attributes(&mut out, set);
    }
    out += "\n## Values\n";
    for definition in &spec.definitions {
        values(&mut out, definition);
    }
    if !spec.mcast_groups.list.is_empty() {
        out += "\n## Multicast groups\n\n";
        for group in &spec.mcast_groups.list {
            let _ = writeln!(out, "* `{}`", group.name);
        }
    }
    out
}

fn operation(out: &mut String, operation: &Operation, constant: &Constant) {
    let set = &operation.attribute_set;
    let _ = write!(
        out,
        "\n### Operation `{}`\n\nNumber {}. {}\n\n| message | [attributes of `{set}`](#attributes-{set}) |\n| --- | --- |\n",
        operation.name,
        constant.value,
        operation.doc.trim_end(),
    );
    for (verb, exchange) in [("do", &operation.doit), ("dump", &operation.dump)] {
        let Some(exchange) = exchange else { continue };
        message(
            out,
            &format!("`{verb}`, request"),
            exchange.request.as_ref(),
        );
        message(out, &format!("`{verb}`, reply"), exchange.reply.as_ref());
    }
    if let (Some(event), Some(group)) = (&operation.event, &operation.mcgrp) {
        message(out, &format!("to the group `{group}`"), Some(event));
    }
}

fn message(out: &mut String, what: &str, message: Option<&Message>) {
    let names: Vec<_> = (message.iter())
        .flat_map(|message| &message.attributes)
        .map(|name| format!("`{name}`"))
        .collect();
    let names = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    let _ = writeln!(out, "| {what} | {names} |");
}

fn attributes(out: &mut String, set: &AttributeSet) {
    let _ = write!(
        out,
        "\n### Attributes `{}`\n\n{}\n\n| | name | type | |\n| --- | --- | --- | --- |\n",
        set.name,
        set.doc.trim_end()
    );
    for (attribute, constant) in set.attributes.iter().zip(set.constants()) {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} |",
            constant.value,
            constant.name,
            kind(attribute),
            cell(constant.doc)
        );
    }
}

/// What an attribute holds.
fn kind(attribute: &Attribute) -> String {
    let integer = match attribute.kind {
        AttributeKind::U8 => "u8",
        AttributeKind::U16 => "u16",
        AttributeKind::U32 => "u32",
        AttributeKind::U64 => "u64",
        AttributeKind::S32 => "s32",
        AttributeKind::Uint => "uint",
        AttributeKind::String => "string",
        AttributeKind::Flag => "flag",
        AttributeKind::Nest => "nest",
    };
    let mut out = match (&attribute.enumeration, &attribute.nested_attributes) {
        (Some(name), _) => format!("{integer}, [`{name}`](#values-{name})"),
        (_, Some(name)) => format!("{integer} of [`{name}`](#attributes-{name})"),
        _ => integer.to_owned(),
    };
    if let Some(checks) = &attribute.checks {
        let _ = write!(out, ", {} bytes at most", checks.max_len);
    }
    if attribute.multi_attr {
        out += ", several";
    }
    out
}

fn values(out: &mut String, definition: &Definition) {
    let _ = write!(
        out,
        "\n### Values `{}`\n\n{}\n\n| | name | |\n| --- | --- | --- |\n",
        definition.name,
        definition.doc.trim_end()
    );
    for Constant { name, doc, value } in definition.constants() {
        let _ = writeln!(out, "| {value} | `{name}` | {} |", cell(doc));
    }
}

/// A text on the one line that a table's cell has.
fn cell(doc: &str) -> String {
    let words: Vec<_> = doc.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

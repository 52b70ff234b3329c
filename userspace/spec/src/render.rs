// SPDX-License-Identifier: MIT OR Apache-2.0

//! The two files of constants, as rustfmt would leave them.

use std::fmt::{Display, Write};

use anyhow::Result;

use crate::model::{Constant, Spec};

const HEAD: &str = "\
// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)

// Generated from docs/netlink/pernet.yaml by `make spec`; do not edit.

";

/// Neither side is told off for what it has no use for.
const WHOLE: &str = "\
#![allow(
    dead_code,
    reason = \"the contract is whole, whatever this side of it uses\"
)]
";

/// The constants for the kernel module: one module of integers for each list.
pub fn kernel(spec: &Spec) -> Result<String> {
    let mut out = head(spec);
    out += WHOLE;
    out += "\nuse kernel::prelude::*;\n";
    family(&mut out, "CStr", "c", spec);
    groups(&mut out, "super::CStr", "c", spec);

    module(
        &mut out,
        "Operations of the family.",
        "cmd",
        "u8",
        &spec.operations.constants(),
    );
    close(&mut out);
    for definition in &spec.definitions {
        let integer = spec.enum_type(&definition.name)?;
        module(
            &mut out,
            &definition.doc,
            &definition.name,
            integer,
            &definition.constants(),
        );
        close(&mut out);
    }
    for set in &spec.attribute_sets {
        let constants = set.constants();
        module(&mut out, &set.doc, &set.name, "u16", &constants);
        comment(&mut out, 1, "///", "The highest number in use.");
        constant(&mut out, "MAX", "u16", highest(&constants));
        close(&mut out);
    }
    Ok(out)
}

/// The constants for the tool: one enumeration for each list, in the form that
/// neli reads and writes.
pub fn tool(spec: &Spec) -> Result<String> {
    let mut out = head(spec);
    out += WHOLE;
    out += "\nuse neli::consts::genl::{Cmd as CmdType, NlAttrType};\nuse neli::neli_enum;\n";
    family(&mut out, "str", "", spec);
    groups(&mut out, "str", "", spec);

    enumeration(
        &mut out,
        "Operations of the family.",
        "cmd",
        "u8",
        &spec.operations.constants(),
    );
    out += "\nimpl CmdType for Cmd {}\n";
    for definition in &spec.definitions {
        let integer = spec.enum_type(&definition.name)?;
        let constants = definition.constants();
        enumeration(
            &mut out,
            &definition.doc,
            &definition.name,
            integer,
            &constants,
        );
        names(&mut out, &definition.name, &constants);
    }
    for set in &spec.attribute_sets {
        enumeration(&mut out, &set.doc, &set.name, "u16", &set.constants());
        let _ = write!(out, "\nimpl NlAttrType for {} {{}}\n", camel(&set.name));
    }
    Ok(out)
}

fn head(spec: &Spec) -> String {
    let mut out = HEAD.to_owned();
    let text = format!(
        "Numbers of the netlink family `{}`.\n\n{}",
        spec.name, spec.doc
    );
    comment(&mut out, 0, "//!", &text);
    out += "\n";
    out
}

fn family(out: &mut String, string: &str, prefix: &str, spec: &Spec) {
    let _ = write!(
        out,
        "\n/// The family's name, to find its number by.\n\
         pub(crate) const FAMILY_NAME: &{string} = {prefix}\"{}\";\n\
         \n/// The family's version.\n\
         pub(crate) const FAMILY_VERSION: u8 = 1;\n",
        spec.name
    );
}

fn groups(out: &mut String, string: &str, prefix: &str, spec: &Spec) {
    if spec.mcast_groups.list.is_empty() {
        return;
    }
    *out +=
        "\n/// Multicast groups of the family, to find their numbers by.\npub(crate) mod group {\n";
    for group in &spec.mcast_groups.list {
        let _ = writeln!(
            out,
            "    pub(crate) const {}: &{string} = {prefix}\"{}\";",
            snake(&group.name).to_uppercase(),
            group.name
        );
    }
    close(out);
}

/// Opens a module of integers; [`close`] ends it.
fn module(out: &mut String, doc: &str, name: &str, integer: &str, constants: &[Constant]) {
    *out += "\n";
    comment(out, 0, "///", doc);
    let _ = writeln!(out, "pub(crate) mod {} {{", snake(name));
    for Constant { name, doc, value } in constants {
        comment(out, 1, "///", doc);
        constant(out, &snake(name).to_uppercase(), integer, *value);
    }
}

fn constant(out: &mut String, name: &str, integer: &str, value: impl Display) {
    let _ = writeln!(out, "    pub(crate) const {name}: {integer} = {value};");
}

fn close(out: &mut String) {
    *out += "}\n";
}

fn enumeration(out: &mut String, doc: &str, name: &str, integer: &str, constants: &[Constant]) {
    *out += "\n";
    comment(out, 0, "///", doc);
    let _ = writeln!(out, "#[neli_enum(serialized_type = \"{integer}\")]");
    let _ = writeln!(out, "pub(crate) enum {} {{", camel(name));
    for Constant { name, doc, value } in constants {
        comment(out, 1, "///", doc);
        let _ = writeln!(out, "    {} = {value},", camel(name));
    }
    close(out);
}

/// What people read for the values of an enumeration.
fn names(out: &mut String, name: &str, constants: &[Constant]) {
    let variants: Vec<_> = (constants.iter())
        .map(|constant| format!("Self::{}", camel(constant.name)))
        .collect();
    let arms: String = (constants.iter().zip(&variants))
        .map(|(constant, variant)| {
            format!("            {variant} => Some(\"{}\"),\n", constant.name)
        })
        .collect();
    let _ = write!(
        out,
        "
impl {} {{
    /// What the specification names, in its order.
    pub(crate) const ALL: [Self; {}] = {};

    /// The name in the specification; none for a value it does not have.
    pub(crate) fn name(self) -> Option<&'static str> {{
        match self {{
{arms}            Self::UnrecognizedConst(_) => None,
        }}
    }}
}}
",
        camel(name),
        constants.len(),
        array(&variants)
    );
}

/// An array in an associated constant: on one line where rustfmt leaves it so.
fn array(items: &[String]) -> String {
    let line = format!("[{}]", items.join(", "));
    if line.len() <= 60 {
        return line;
    }
    let lines: String = (items.iter())
        .map(|item| format!("        {item},\n"))
        .collect();
    format!("[\n{lines}    ]")
}

fn comment(out: &mut String, depth: usize, mark: &str, text: &str) {
    for line in text.trim_end().lines() {
        let line = format!("{:1$}{mark} {line}", "", 4 * depth);
        *out += line.trim_end();
        *out += "\n";
    }
}

fn highest(constants: &[Constant]) -> u64 {
    (constants.iter().map(|constant| constant.value))
        .max()
        .unwrap_or_default()
}

fn snake(name: &str) -> String {
    name.replace('-', "_")
}

fn camel(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    };
    name.split('-').map(word).collect()
}

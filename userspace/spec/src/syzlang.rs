// SPDX-License-Identifier: MIT OR Apache-2.0

//! The family for syzkaller: what it may be asked, in syzkaller's own language.

use std::fmt::Write;

use anyhow::{Context, Result};

use crate::model::{Attribute, AttributeKind, AttributeSet, Constant, Exchange, Operation, Spec};

/// A description that syzkaller takes as a file of its sys/linux/.
pub fn description(spec: &Spec) -> Result<String> {
    let writer = Writer { spec };
    let mut body = writer.calls();
    writer.policies(&mut body)?;
    writer.enumerations(&mut body);
    Ok(writer.head() + &writer.numbers(&body) + &body)
}

/// A request: the operation, `do` or `dump`, and the attributes that it may carry.
type Request<'a> = (&'a Operation, &'static str, &'a Exchange);

struct Writer<'a> {
    spec: &'a Spec,
}

impl Writer<'_> {
    fn head(&self) -> String {
        let family = &self.spec.name;
        format!(
            "\
# SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
#
# Generated from docs/netlink/pernet.yaml by `make spec`; do not edit.
#
# What the netlink family `{family}` may be asked, for syzkaller: a file for its
# sys/linux/, where `make extract` and `make generate` take it in.

include <linux/net.h>
include <uapi/linux/netlink.h>
include <uapi/linux/genetlink.h>

"
        )
    }

    /// The numbers that `body` uses. They are in no header of the kernel's.
    fn numbers(&self, body: &str) -> String {
        let mut out = String::new();
        let mut define = |name: String, constant: &Constant| {
            if body.contains(&format!("[{name}, ")) {
                let _ = writeln!(out, "define {name}\t{}", constant.value);
            }
        };
        for constant in self.spec.operations.constants() {
            define(self.command(constant.name), &constant);
        }
        for set in &self.spec.attribute_sets {
            for constant in set.constants() {
                define(self.attribute(&set.name, constant.name), &constant);
            }
        }
        out
    }

    fn calls(&self) -> String {
        let family = &self.spec.name;
        let mut out = format!(
            "
resource genl_{family}_family_id[int16]

type msghdr_{family}[CMD, POLICY] msghdr_netlink[netlink_msg_t[genl_{family}_family_id, genlmsghdr_t[CMD], POLICY]]

syz_genetlink_get_family_id${family}(name ptr[in, string[\"{family}\"]], fd sock_nl_generic) genl_{family}_family_id

"
        );
        for (operation, verb, _) in self.requests() {
            let command = self.command(&operation.name);
            let policy = self.policy(&operation.name, verb);
            let _ = writeln!(
                out,
                "sendmsg${command}_{verb}(fd sock_nl_generic, msg ptr[in, msghdr_{family}[{command}, {policy}]], f flags[send_flags])"
            );
        }
        out
    }

    /// What each request may carry, then what may be in the nests of these.
    fn policies(&self, out: &mut String) -> Result<()> {
        let mut nests = Vec::new();
        for (operation, verb, exchange) in self.requests() {
            let set = self.spec.set(&operation.attribute_set)?;
            let wanted = exchange.request.iter().flat_map(|it| &it.attributes);
            let attributes = wanted
                .map(|wanted| {
                    (set.attributes.iter())
                        .find(|attribute| attribute.name == *wanted)
                        .with_context(|| format!("no attribute `{wanted}`"))
                })
                .collect::<Result<Vec<_>>>()?;
            self.union(out, &self.policy(&operation.name, verb), set, &attributes);
            nests.extend((attributes.iter()).filter_map(|it| it.nested_attributes.as_deref()));
        }
        // A set that was met may have nests of its own.
        let mut written = Vec::new();
        while let Some(name) = nests.pop() {
            if written.contains(&name) {
                continue;
            }
            written.push(name);
            let set = self.spec.set(name)?;
            let attributes: Vec<_> = set.attributes.iter().collect();
            self.union(out, &self.policy(name, "nest"), set, &attributes);
            nests.extend((attributes.iter()).filter_map(|it| it.nested_attributes.as_deref()));
        }
        Ok(())
    }

    fn union(&self, out: &mut String, name: &str, set: &AttributeSet, of: &[&Attribute]) {
        let _ = writeln!(out, "\n{name} [");
        // An empty union is none; this is what a request without attributes has.
        if of.is_empty() {
            *out += "\tvoid\tvoid\n";
        }
        for attribute in of {
            let number = self.attribute(&set.name, &attribute.name);
            for (suffix, payload) in self.payloads(attribute) {
                let template = match attribute.kind {
                    AttributeKind::Nest => "nlnest",
                    _ => "nlattr",
                };
                let _ = writeln!(out, "\t{number}{suffix}\t{template}[{number}, {payload}]");
            }
        }
        *out += "] [varlen]\n";
    }

    /// What an attribute may hold, each with a suffix that tells it from the others.
    fn payloads(&self, attribute: &Attribute) -> Vec<(&'static str, String)> {
        let integer = |bits: u8| match (&attribute.enumeration, &*attribute.name) {
            (Some(name), _) => format!("flags[{}, int{bits}]", self.enumeration(name)),
            // Syzkaller has some to offer.
            (None, "fd") => "fd".to_owned(),
            (None, "pid") => "pid".to_owned(),
            _ => format!("int{bits}"),
        };
        match attribute.kind {
            AttributeKind::U8 => vec![("", integer(8))],
            AttributeKind::U16 => vec![("", integer(16))],
            AttributeKind::U32 | AttributeKind::S32 => vec![("", integer(32))],
            AttributeKind::U64 => vec![("", integer(64))],
            AttributeKind::Uint => vec![("", integer(32)), ("_LONG", integer(64))],
            AttributeKind::String => vec![("", "string".to_owned())],
            AttributeKind::Flag => vec![("", "void".to_owned())],
            AttributeKind::Nest => {
                let inner = attribute.nested_attributes.as_deref().unwrap_or_default();
                vec![("", format!("array[{}]", self.policy(inner, "nest")))]
            }
        }
    }

    /// Those that a request can carry; syzkaller wants no names that are not used.
    fn enumerations(&self, out: &mut String) {
        for definition in &self.spec.definitions {
            let name = self.enumeration(&definition.name);
            if !out.contains(&format!("flags[{name},")) {
                continue;
            }
            let values: Vec<_> = (definition.constants().iter())
                .map(|constant| constant.value.to_string())
                .collect();
            let _ = write!(out, "\n{name} = {}\n", values.join(", "));
        }
    }

    fn requests(&self) -> impl Iterator<Item = Request<'_>> {
        self.spec.operations.list.iter().flat_map(|operation| {
            [("do", &operation.doit), ("dump", &operation.dump)]
                .into_iter()
                .filter_map(move |(verb, exchange)| Some((operation, verb, exchange.as_ref()?)))
        })
    }

    fn command(&self, operation: &str) -> String {
        format!("{}_CMD_{}", self.spec.name, operation)
            .replace('-', "_")
            .to_uppercase()
    }

    fn attribute(&self, set: &str, attribute: &str) -> String {
        format!("{}_A_{set}_{attribute}", self.spec.name)
            .replace('-', "_")
            .to_uppercase()
    }

    fn policy(&self, of: &str, how: &str) -> String {
        format!("{}_{of}_{how}_policy", self.spec.name).replace('-', "_")
    }

    fn enumeration(&self, name: &str) -> String {
        format!("{}_{name}", self.spec.name).replace('-', "_")
    }
}

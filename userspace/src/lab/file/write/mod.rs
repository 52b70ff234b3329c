// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a [`Lab`] to a file that says the same: shapes and pools are written out,
//! and what is as it would be anyway is left out.

mod link;
mod node;

use toml_writer::{ToTomlKey, ToTomlValue};

use super::resolve::USUAL_FORWARD_DELAY;
use crate::lab::model::{Bridge, Lab};

/// A table in one line.
#[derive(Default)]
struct Inline(Vec<String>);

impl Inline {
    fn put(&mut self, key: &str, value: impl ToTomlValue) -> &mut Self {
        self.put_text(key, &value.to_toml_value())
    }

    /// `value` is TOML already.
    fn put_text(&mut self, key: &str, value: &str) -> &mut Self {
        self.0.push(format!("{} = {value}", key.to_toml_key()));
        self
    }

    fn put_some(&mut self, key: &str, value: Option<impl ToTomlValue>) -> &mut Self {
        if let Some(value) = value {
            self.put(key, value);
        }
        self
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn text(&self) -> String {
        match self.0.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{ {} }}", self.0.join(", ")),
        }
    }

    /// The same under a heading of its own, or without one, a line for each key.
    fn lines(&self) -> String {
        self.0.iter().map(|line| format!("{line}\n")).collect()
    }
}

/// A list, in one line where it is short.
fn list(items: &[String]) -> String {
    const ONE_LINE: usize = 80;
    let line = format!("[{}]", items.join(", "));
    match line.len() <= ONE_LINE {
        true => line,
        false => {
            let lines: String = items.iter().map(|item| format!("  {item},\n")).collect();
            format!("[\n{lines}]")
        }
    }
}

/// The file's text.
pub fn write(lab: &Lab) -> String {
    let mut head = Inline::default();
    head.put("name", lab.name.as_str());
    if lab.prefix != format!("{}.", lab.name) {
        head.put("prefix", &*lab.prefix);
    }
    let mut sections = vec![head.lines()];
    sections.extend(node::sections(lab));
    sections.extend(bridges(&lab.bridges));
    sections.extend(lab.links.iter().map(link::section));
    sections.join("\n")
}

fn bridges(bridges: &[Bridge]) -> Option<String> {
    let bridge = |bridge: &Bridge| {
        let mut table = Inline::default();
        for (key, flag) in [
            ("stp", bridge.stp),
            ("vlan-filtering", bridge.vlan_filtering),
            ("multicast-snooping", bridge.multicast_snooping),
        ] {
            table.put_some(key, flag.then_some(true));
        }
        let usual = if bridge.stp { USUAL_FORWARD_DELAY } else { 0 };
        let delay = (bridge.forward_delay != usual).then_some(bridge.forward_delay);
        table.put_some("forward-delay", delay);
        table.put_some("mtu", bridge.mtu);
        format!("{} = {}\n", bridge.name.to_toml_key(), table.text())
    };
    let lines: String = bridges.iter().map(bridge).collect();
    (!lines.is_empty()).then(|| format!("[bridges]\n{lines}"))
}

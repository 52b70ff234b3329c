// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the kernel was built with.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

use super::{Finding, Level, failure, ok, warning};

const CHECK: &str = "kernel-options";

/// No configuration is longer; a file that is, is none.
const LONGEST: u64 = 4 << 20;

/// An option, and what does not work without it.
struct Feature {
    option: &'static str,
    /// The file of its module, where it can be one.
    module: &'static str,
    level: Level,
    serves: &'static str,
}

const fn vital(option: &'static str, module: &'static str, serves: &'static str) -> Feature {
    Feature {
        option,
        module,
        level: Level::Failure,
        serves,
    }
}

const fn useful(option: &'static str, module: &'static str, serves: &'static str) -> Feature {
    Feature {
        level: Level::Warning,
        ..vital(option, module, serves)
    }
}

const FEATURES: &[Feature] = &[
    vital("NET_NS", "", "network namespaces"),
    vital("PID_NS", "", "nodes with processes"),
    vital("UTS_NS", "", "nodes with a host name"),
    vital("IPC_NS", "", "nodes with processes"),
    vital("INET", "", "addresses"),
    vital("VETH", "veth", "links"),
    vital("BRIDGE", "bridge", "bridges"),
    useful("USER_NS", "", "nodes of ordinary users"),
    useful("IPV6", "ipv6", "IPv6 addresses"),
    useful("BRIDGE_VLAN_FILTERING", "", "VLANs on bridges"),
    useful("VLAN_8021Q", "8021q", "VLANs of devices"),
    useful("NET_SCH_NETEM", "sch_netem", "links that delay and lose"),
    useful("MODULES", "", "the module pernet"),
    useful("NETFILTER", "", "the module pernet"),
    useful("RUST", "", "the module pernet"),
    useful("TRACEPOINTS", "", "the module's counts of drops"),
];

pub fn examine(release: &str) -> Result<Vec<Finding>> {
    let Some((path, text)) = configuration(release)? else {
        return Ok(vec![warning(
            CHECK,
            "the kernel's configuration is not to be found, in none of /proc/config.gz, /boot and /lib/modules",
            "install the package of the kernel's headers, or a kernel with CONFIG_IKCONFIG_PROC; what is missing shows only when it is used",
        )]);
    };
    let modules = fs::read_to_string(format!("/lib/modules/{release}/modules.dep")).ok();
    Ok(judge(&path, &parse(&text), modules.as_deref()))
}

/// The configuration of the kernel that runs, and where it was found.
fn configuration(release: &str) -> Result<Option<(PathBuf, String)>> {
    let places = [
        "/proc/config.gz".to_owned(),
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/lib/modules/{release}/build/.config"),
    ];
    let found = (places.iter()).map(Path::new).find(|path| path.exists());
    let Some(path) = found else {
        return Ok(None);
    };
    let reading = || format!("cannot read {}", path.display());
    let file = fs::File::open(path).with_context(reading)?;
    let mut text = String::new();
    match path.extension() {
        Some(_) if path.ends_with("config.gz") => {
            (GzDecoder::new(file).take(LONGEST)).read_to_string(&mut text)
        }
        _ => file.take(LONGEST).read_to_string(&mut text),
    }
    .with_context(reading)?;
    Ok(Some((path.to_owned(), text)))
}

/// The options that are set, without their prefix.
fn parse(text: &str) -> HashMap<&str, &str> {
    (text.lines())
        .filter_map(|line| line.strip_prefix("CONFIG_")?.split_once('='))
        .collect()
}

/// `modules` is what depmod(8) wrote of the modules there are.
fn judge(path: &Path, options: &HashMap<&str, &str>, modules: Option<&str>) -> Vec<Finding> {
    let mut findings: Vec<_> = (FEATURES.iter())
        .filter_map(|feature| feature.judge(options, modules))
        .collect();
    if findings.is_empty() {
        let all = FEATURES.len();
        findings.push(ok(
            CHECK,
            format!(
                "all {all} that pernet can use are on, says {}",
                path.display()
            ),
        ));
    }
    findings
}

impl Feature {
    /// What is wrong with it.
    fn judge(&self, options: &HashMap<&str, &str>, modules: Option<&str>) -> Option<Finding> {
        let Feature { option, serves, .. } = self;
        match options.get(option) {
            Some(&"y") => None,
            Some(&"m") if self.is_there(modules) => None,
            Some(&"m") => Some(self.finding(
                format!(
                    "CONFIG_{option}=m, which is needed for {serves}, and there is no module {}",
                    self.module
                ),
                "install the package that has all of this kernel's modules; where it was updated meanwhile, boot the new one".to_owned(),
            )),
            _ => Some(self.finding(
                format!("CONFIG_{option} is off, which is needed for {serves}"),
                format!("boot a kernel with CONFIG_{option}, if you want that"),
            )),
        }
    }

    fn is_there(&self, modules: Option<&str>) -> bool {
        let loaded = Path::new("/sys/module").join(self.module).exists();
        let listed = |modules: &str| has_module(modules, self.module);
        loaded || modules.is_some_and(listed)
    }

    fn finding(&self, found: String, advice: String) -> Finding {
        match self.level {
            Level::Failure => failure(CHECK, found, advice),
            _ => warning(CHECK, found, advice),
        }
    }
}

/// Whether depmod(8) lists a module, which may be compressed.
pub fn has_module(modules: &str, name: &str) -> bool {
    let file = format!("{name}.ko");
    (modules.lines()).any(|line| {
        let path = line.split(':').next().unwrap_or_default();
        let base = path.rsplit('/').next().unwrap_or_default();
        base.strip_prefix(&*file)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: &str = "kernel/drivers/net/veth.ko.xz:\nkernel/net/bridge/bridge.ko: kernel/net/llc/llc.ko\nkernel/net/sched/sch_netem.ko.zst:\nkernel/net/8021q/8021q.ko:\n";

    fn configured(change: impl Fn(&str) -> Option<&'static str>) -> Vec<Finding> {
        let text: Vec<String> = (FEATURES.iter())
            .filter_map(|feature| Some((feature.option, change(feature.option)?)))
            .map(|(option, value)| format!("CONFIG_{option}={value}\n"))
            .collect();
        let text = format!("# Linux\n{}# CONFIG_X is not set\n", text.concat());
        judge(Path::new("/boot/config"), &parse(&text), Some(MODULES))
    }

    #[test]
    fn all_built_in_or_there_as_modules_is_one_line() {
        let findings = configured(|option| match option {
            "VETH" | "BRIDGE" | "NET_SCH_NETEM" | "VLAN_8021Q" => Some("m"),
            _ => Some("y"),
        });
        assert_eq!(
            findings,
            [ok(
                CHECK,
                "all 16 that pernet can use are on, says /boot/config"
            )]
        );
    }

    #[test]
    fn what_is_off_or_not_installed_is_told() {
        let findings = configured(|option| match option {
            "VETH" => None,
            "NET_SCH_NETEM" => None,
            "IPV6" => Some("m"),
            _ => Some("y"),
        });
        let told: Vec<_> = (findings.iter())
            .map(|finding| (finding.level, &*finding.found))
            .collect();
        let mut expected = vec![(
            Level::Failure,
            "CONFIG_VETH is off, which is needed for links",
        )];
        // Where these tests run it may be loaded.
        if !Path::new("/sys/module/ipv6").exists() {
            expected.push((
                Level::Warning,
                "CONFIG_IPV6=m, which is needed for IPv6 addresses, and there is no module ipv6",
            ));
        }
        expected.push((
            Level::Warning,
            "CONFIG_NET_SCH_NETEM is off, which is needed for links that delay and lose",
        ));
        assert_eq!(told, expected);
    }

    #[test]
    fn a_module_is_known_by_its_whole_name() {
        assert!(has_module(MODULES, "veth"));
        assert!(!has_module(MODULES, "llc"));
        assert!(!has_module(MODULES, "netem"));
        assert!(!has_module(MODULES, "bridg"));
    }
}

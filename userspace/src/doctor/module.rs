// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel module: there, loaded, and of the same contract as this tool.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::kernel::{Kernel, OLDEST_FOR_MODULE, written};
use super::options::has_module;
use super::{Finding, failure, ok, warning};
use crate::netlink::pernet::uapi::{Cmd, FAMILY_VERSION};
use crate::netlink::pernet::{Family, NoModule, Offer};
use crate::netns::sysctl;

const CHECK: &str = "module";

const WITHOUT: &str =
    "what is counted comes from the kernel itself then, without hooks and drop reasons";

pub fn examine(kernel: &Kernel) -> Result<Vec<Finding>> {
    match Family::offered()? {
        Some(offer) => {
            let mut findings = vec![judge(&offer)];
            findings.extend(settings()?);
            Ok(findings)
        }
        None if Path::new("/sys/module/pernet").exists() => Ok(vec![failure(
            CHECK,
            "loaded, but its netlink family is not there",
            "look into `dmesg`; then `rmmod pernet` and load it again",
        )]),
        None => Ok(vec![absent(kernel, NoModule::can_be_mended())]),
    }
}

fn absent(kernel: &Kernel, loads_modules: bool) -> Finding {
    if !loads_modules {
        return warning(
            CHECK,
            format!("not there, and this kernel loads no modules; {WITHOUT}"),
            "boot a kernel with CONFIG_MODULES and CONFIG_RUST, and build it with `make kmod`",
        );
    }
    let list = format!("/lib/modules/{}/modules.dep", kernel.release);
    let installed = fs::read_to_string(list).is_ok_and(|list| has_module(&list, "pernet"));
    let too_old = kernel
        .version
        .is_some_and(|version| version < OLDEST_FOR_MODULE);
    if installed {
        return warning(
            CHECK,
            format!("installed and not loaded; {WITHOUT}"),
            "`modprobe pernet`",
        );
    }
    if too_old {
        let oldest = written(OLDEST_FOR_MODULE);
        return warning(
            CHECK,
            format!("not there, and this kernel is too old for it; {WITHOUT}"),
            format!("boot Linux {oldest} or later with CONFIG_RUST, and build it with `make kmod`"),
        );
    }
    warning(
        CHECK,
        format!("not installed for {}; {WITHOUT}", kernel.release),
        "`make kmod KDIR=` with this kernel's tree, `make install`, `modprobe pernet`",
    )
}

/// A module and a tool of one contract have the same version of it, and the module
/// knows every command.
fn judge(offer: &Offer) -> Finding {
    let needed = [Cmd::Get, Cmd::Set, Cmd::Reset].map(u8::from);
    let lacking = (needed.iter()).any(|&command| !offer.commands.contains(&command.into()));
    let version = u32::from(FAMILY_VERSION);
    if offer.version != version || lacking {
        let than = match offer.version > version {
            true => "newer",
            false => "older",
        };
        return failure(
            CHECK,
            format!(
                "loaded, and {than} than this tool: the version of its contract is {}, not {version}, or it lacks commands",
                offer.version
            ),
            "build and install both from one checkout, `make kmod cli install`; then `rmmod pernet` and `modprobe pernet`",
        );
    }
    ok(
        CHECK,
        format!("loaded, of the same contract as this tool (version {version})"),
    )
}

/// What this namespace counts.
fn settings() -> Result<Option<Finding>> {
    let on = |name: &str| -> Result<Option<bool>> {
        let name = format!("net/pernet/{name}");
        match sysctl::exists(&name) {
            true => Ok(Some(sysctl::read(&name)? != "0")),
            false => Ok(None),
        }
    };
    let switches = (on("traffic")?, on("drops")?);
    let (Some(traffic), Some(drops)) = switches else {
        return Ok(None);
    };
    let word = |on| if on { "on" } else { "off" };
    let found = format!(
        "this namespace counts: traffic {}, drops {}",
        word(traffic),
        word(drops)
    );
    Ok(Some(match traffic {
        true => ok("module-counts", found),
        false => warning(
            "module-counts",
            found,
            "`pernet set cookie:N --traffic on` for this namespace, or load the module with traffic=1 for all that come",
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn where_no_module_can_be_loaded_none_is_to_be() {
        let kernel = Kernel {
            release: "7.3.4".to_owned(),
            version: Some((7, 3, 4)),
        };
        let advice = |loads_modules| absent(&kernel, loads_modules).advice.unwrap();
        assert!(advice(true).contains("modprobe"));
        assert!(!advice(false).contains("modprobe"));
    }

    #[test]
    fn module_and_tool_are_of_one_contract() {
        let offer = |version, commands: &[u32]| Offer {
            id: 30,
            version,
            commands: commands.to_vec(),
            events: None,
        };
        let version = u32::from(FAMILY_VERSION);
        assert_eq!(judge(&offer(version, &[1, 2, 3, 9])).level, Level::Ok);
        for (offer, says) in [
            (offer(version, &[1, 2]), "older than"),
            (offer(version + 1, &[1, 2, 3]), "newer than"),
            (offer(version - 1, &[1, 2, 3]), "older than"),
        ] {
            let finding = judge(&offer);
            assert_eq!(finding.level, Level::Failure);
            assert!(finding.found.contains(says), "{finding:?}");
        }
    }
}

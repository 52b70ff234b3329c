// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which container a process is in: by its control group, whose path the container
//! engines make after their own patterns, and by the files in which they keep what
//! they run. No engine is asked.

use std::fs;
use std::path::Path;

use nix::unistd::Pid;
use serde::Serialize;
use serde_json::Value;

/// A container. Its name is that which people gave it, where it can be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    pub engine: &'static str,
    pub id: String,
    pub name: Option<String>,
}

/// What control groups begin with, in which engines put containers that they know
/// by a number.
const NUMBERED: &[(&str, &str)] = &[
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
];

/// And the groups that they are in, where their names are nothing but the number.
const PARENTS: &[(&str, &str)] = &[
    ("docker", "docker"),
    ("libpod_parent", "podman"),
    ("kubepods", "containerd"),
    ("pod", "containerd"),
];

/// What groups of containers begin with that have a name instead.
const NAMED: &[(&str, &str)] = &[
    ("lxc.payload.", "lxc"),
    ("machine-", "systemd-nspawn"),
    ("systemd-nspawn@", "systemd-nspawn"),
];

/// The container that a process is in.
pub fn of(pid: Pid) -> Option<Container> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let mut container = groups.lines().find_map(parse)?;
    container.name = name(Path::new("/"), &container);
    Some(container)
}

/// By one line of /proc/PID/cgroup. The innermost group counts.
fn parse(line: &str) -> Option<Container> {
    let path = line.splitn(3, ':').nth(2)?;
    let groups: Vec<&str> = path.split('/').collect();
    (0..groups.len()).rev().find_map(|at| {
        let parent = at.checked_sub(1).map_or("", |at| groups[at]);
        group(parent, groups[at])
    })
}

fn group(parent: &str, name: &str) -> Option<Container> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let name = name.strip_suffix(".service").unwrap_or(name);
    let container = |engine, id: &str| Container {
        engine,
        id: id.to_owned(),
        name: None,
    };
    for &(prefix, engine) in NUMBERED {
        if let Some(id) = name.strip_prefix(prefix).filter(|id| is_number(id)) {
            return Some(container(engine, id));
        }
    }
    for &(prefix, engine) in NAMED {
        if let Some(name) = name.strip_prefix(prefix).filter(|name| !name.is_empty()) {
            return Some(container(engine, &unescape(name)));
        }
    }
    if parent == "lxc" && !name.is_empty() {
        return Some(container("lxc", name));
    }
    let mut parents = PARENTS.iter().filter(|_| is_number(name));
    let (_, engine) = parents.find(|(prefix, _)| parent.starts_with(prefix))?;
    Some(container(engine, name))
}

/// 64 hexadecimal digits.
fn is_number(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// systemd writes what cannot be in a unit's name as `\xHH`.
fn unescape(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) if code.is_ascii() => {
                out.push(code.into());
                out += &part[2..];
            }
            _ => {
                out += "\\x";
                out += part;
            }
        }
    }
    out
}

/// What people call it, by the files below `root`.
fn name(root: &Path, container: &Container) -> Option<String> {
    let id = &container.id;
    match container.engine {
        "docker" => {
            let config = format!("var/lib/docker/containers/{id}/config.v2.json");
            let config = read(&root.join(config))?;
            Some(config["Name"].as_str()?.trim_start_matches('/').to_owned())
        }
        "podman" => ["run", "var/lib"].iter().find_map(|folder| {
            let list = format!("{folder}/containers/storage/overlay-containers");
            let list = root.join(list);
            let lists = ["containers.json", "volatile-containers.json"];
            (lists.iter()).find_map(|file| listed(&read(&list.join(file))?, id))
        }),
        "containerd" => ["k8s.io", "default", "moby"].iter().find_map(|space| {
            let bundle = format!("run/containerd/io.containerd.runtime.v2.task/{space}/{id}");
            annotated(&read(&root.join(bundle).join("config.json"))?)
        }),
        // It keeps them where podman does, but has no list of names.
        "cri-o" => ["run", "var/lib"].iter().find_map(|folder| {
            let bundle = format!("{folder}/containers/storage/overlay-containers/{id}/userdata");
            annotated(&read(&root.join(bundle).join("config.json"))?)
        }),
        // The others know it by nothing else.
        _ => Some(id.clone()),
    }
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// In podman's list of containers.
fn listed(list: &Value, id: &str) -> Option<String> {
    let container = list.as_array()?.iter().find(|it| it["id"] == *id)?;
    Some(container["names"][0].as_str()?.to_owned())
}

/// In what a runtime was told of a container: Kubernetes' pod and container, or
/// what nerdctl calls it.
fn annotated(config: &Value) -> Option<String> {
    let annotation = |name: &str| config["annotations"][name].as_str();
    // As containerd calls them, and CRI-O.
    let either = |a, b| annotation(a).or_else(|| annotation(b));
    let pod = either("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name");
    let container = either(
        "io.kubernetes.cri.container-name",
        "io.kubernetes.container.name",
    );
    // CRI-O's own name for what only holds the pod's namespaces.
    match (pod, container.filter(|&name| name != "POD")) {
        (Some(pod), Some(container)) => Some(format!("{pod}/{container}")),
        (Some(pod), None) => Some(pod.to_owned()),
        (None, _) => annotation("nerdctl/name").map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn engines_are_known_by_their_control_groups() {
        for (path, engine, id) in [
            (format!("/system.slice/docker-{ID}.scope"), "docker", ID),
            (format!("/docker/{ID}"), "docker", ID),
            (format!("/docker/{ID}/init.scope"), "docker", ID),
            (
                format!("/machine.slice/libpod-{ID}.scope/container"),
                "podman",
                ID,
            ),
            (format!("/libpod_parent/{ID}"), "podman", ID),
            (
                format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope"),
                "containerd",
                ID,
            ),
            (
                format!("/kubepods/besteffort/pod12-34/{ID}"),
                "containerd",
                ID,
            ),
            (format!("/kubepods.slice/crio-{ID}.scope"), "cri-o", ID),
            ("/lxc.payload.web/init.scope".to_owned(), "lxc", "web"),
            ("/lxc/web".to_owned(), "lxc", "web"),
            (
                r"/machine.slice/machine-my\x2dweb.scope".to_owned(),
                "systemd-nspawn",
                "my-web",
            ),
            (
                "/machine.slice/systemd-nspawn@web.service/payload".to_owned(),
                "systemd-nspawn",
                "web",
            ),
        ] {
            for line in [format!("0::{path}"), format!("4:cpu,cpuacct:{path}")] {
                let found = parse(&line).unwrap_or_else(|| panic!("{line}"));
                assert_eq!((found.engine, &*found.id), (engine, id), "{line}");
            }
        }
        for path in [
            "/",
            "/init.scope",
            "/user.slice/user-0.slice/session-1.scope",
            "/system.slice/docker.service",
            "/docker/short",
            "/machine.slice/libpod-conmon-0123.scope",
            "/system.slice/machine-.scope",
            r"/a\xff",
        ] {
            assert_eq!(parse(&format!("0::{path}")), None, "{path}");
        }
        assert_eq!(parse(""), None);
    }

    #[test]
    fn names_are_those_that_people_gave() {
        let root = std::env::temp_dir().join(format!("pernet-container-{}", std::process::id()));
        let write = |path: String, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let named = |engine| {
            let id = ID.to_owned();
            let name = None;
            name_of(&root, &Container { engine, id, name })
        };
        use super::name as name_of;
        for engine in ["docker", "podman", "containerd", "cri-o"] {
            assert_eq!(named(engine), None);
        }
        write(
            format!("var/lib/docker/containers/{ID}/config.v2.json"),
            r#"{"Name": "/web"}"#,
        );
        write(
            "var/lib/containers/storage/overlay-containers/containers.json".to_owned(),
            &format!(r#"[{{"id": "1"}}, {{"id": "{ID}", "names": ["db"]}}]"#),
        );
        write(
            format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}/config.json"),
            r#"{"annotations": {"io.kubernetes.cri.sandbox-name": "pod",
                "io.kubernetes.cri.container-name": "app"}}"#,
        );
        for (engine, name) in [
            ("docker", "web"),
            ("podman", "db"),
            ("containerd", "pod/app"),
        ] {
            assert_eq!(named(engine).as_deref(), Some(name));
        }
        for (container, name) in [("app", "web-0/app"), ("POD", "web-0")] {
            write(
                format!("run/containers/storage/overlay-containers/{ID}/userdata/config.json"),
                &format!(
                    r#"{{"annotations": {{"io.kubernetes.pod.name": "web-0",
                        "io.kubernetes.container.name": "{container}"}}}}"#
                ),
            );
            assert_eq!(named("cri-o").as_deref(), Some(name));
        }
        fs::remove_dir_all(&root).unwrap();
    }
}

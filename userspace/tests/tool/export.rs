// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet export` without the module: what it shows, to whom, and that Prometheus'
//! own programs agree. docs/prometheus/ and docs/systemd/ are tried as they are.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::lab::{Lab, PERNET, entries, eventually};

const ADDRESS: &str = "127.0.0.1:9479";
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

/// Two nodes of a lab, between which three pings went.
fn pinging_lab(lab: &Lab) {
    let text = "name = \"t\"\n[nodes.a]\n[nodes.b]\n[[links]]\nends = [\"a:eth0=10.0.0.1/24\", \"b:eth0=10.0.0.2/24\"]\n";
    fs::write("/run/t.toml", text).unwrap();
    lab.run(&["up", "/run/t.toml"]);
    let ping = [
        "exec", "t.a", "--", "ping", "-q", "-c3", "-i0.2", "10.0.0.2",
    ];
    lab.pernet(&ping);
}

/// What runs until the end of a test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server, when it can be asked.
fn server(lab: &Lab, arguments: &[&str]) -> Running {
    lab.command("ip", &["link", "set", "lo", "up"]);
    let server = lab.spawn(&[&["export", "--listen", ADDRESS], arguments].concat());
    eventually("it listens", || TcpStream::connect(ADDRESS).is_ok());
    Running(server)
}

/// The answer to a request, whole.
fn ask(request: &str) -> String {
    let mut stream = TcpStream::connect(ADDRESS).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of the one sample with all of these in its line.
fn sample(metrics: &str, parts: &[&str]) -> f64 {
    let is_it = |line: &&str| !line.starts_with('#') && parts.iter().all(|it| line.contains(it));
    let mut lines = metrics.lines().filter(is_it);
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {parts:?} in {metrics}"));
    assert_eq!(lines.next(), None, "{parts:?}");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

pub fn counts_and_labels_are_those_of_the_nodes(lab: &Lab) {
    pinging_lab(lab);
    let metrics = lab.pernet(&["export", "--print", "--devices", "1"]);
    let of_a = r#"name="t.a",lab="t",node="a""#;
    for (way, packets) in [("received", 3.0), ("originated", 3.0), ("forwarded", 0.0)] {
        let way = format!("family=\"ipv4\",way=\"{way}\"");
        let found = sample(&metrics, &["pernet_netns_ip_packets_total{", of_a, &way]);
        assert_eq!(found, packets, "{way}");
    }
    assert_eq!(sample(&metrics, &["pernet_netns_devices{", of_a]), 2.0);
    for (kind, held) in [("name", 1.0), ("process", 1.0), ("descriptor", 0.0)] {
        let kind = format!("kind=\"{kind}\"");
        let found = sample(&metrics, &["pernet_netns_holders{", of_a, &kind]);
        assert_eq!(found, held, "{kind}");
    }
    let _held = fs::File::open("/run/netns/t.a").unwrap();
    let metrics = lab.pernet(&["export", "--print", "--devices", "1"]);
    let descriptor = ["pernet_netns_holders{", of_a, "kind=\"descriptor\""];
    assert_eq!(sample(&metrics, &descriptor), 1.0);
    let bytes = ["pernet_netns_device_receive_bytes_total{", of_a];
    assert!(
        metrics
            .lines()
            .filter(|line| bytes.iter().all(|part| line.contains(part)))
            .count()
            == 1
    );
    let few = lab.pernet(&["export", "--print", "--limit", "1"]);
    let all = sample(&few, &["pernet_namespaces "]);
    assert!(all >= 3.0, "{few}");
    assert_eq!(sample(&few, &["pernet_namespaces_left_out "]), all - 1.0);
}

pub fn promtool_finds_nothing_wrong(lab: &Lab) {
    pinging_lab(lab);
    let metrics = lab.pernet(&["export", "--print", "--devices", "9"]);
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(metrics.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

pub fn prometheus_scrapes_it(lab: &Lab) {
    pinging_lab(lab);
    let _server = server(lab, &[]);
    let rules = format!("{DOCS}/prometheus/alerts.yml");
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{rules}']\nscrape_configs:\n- job_name: pernet\n  static_configs: [{{targets: ['{ADDRESS}']}}]\n"
    );
    fs::write("/run/prometheus.yml", configuration).unwrap();
    let prometheus = Command::new("prometheus")
        .args([
            "--config.file=/run/prometheus.yml",
            "--storage.tsdb.path=/run/prometheus",
            "--web.listen-address=127.0.0.1:9090",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _prometheus = Running(prometheus.unwrap());
    let query = |query: &str| {
        let server = "http://127.0.0.1:9090";
        let output = Command::new("promtool")
            .args(["query", "instant", server, query])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let received =
        r#"pernet_netns_ip_packets_total{node="a",lab="t",family="ipv4",way="received"}"#;
    let mut found = String::new();
    while !found.contains("=> 3 @") {
        assert!(Instant::now() < deadline, "Prometheus has: {found}");
        std::thread::sleep(Duration::from_millis(200));
        found = query(received);
    }
    assert!(found.contains("name=\"t.a\""), "{found}");
    assert!(query("up{job=\"pernet\"}").contains("=> 1 @"));
    assert_eq!(query("absent(pernet_namespaces)"), "\n");
}

pub fn it_speaks_openmetrics_too(lab: &Lab) {
    let mut server = server(lab, &[]);
    let plain = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(plain.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
    let open = ask(
        "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text;version=1.0.0,text/plain\r\n\r\n",
    );
    assert!(
        open.contains("Content-Type: application/openmetrics-text"),
        "{open}"
    );
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(ask("GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask("DELETE /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    let pid = Pid::from_raw(i32::try_from(server.0.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(ADDRESS).is_err());
}

pub fn who_is_slow_or_sends_too_much_harms_nobody(lab: &Lab) {
    let mut server = server(lab, &[]);
    let mut slow: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = TcpStream::connect(ADDRESS).unwrap();
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ");
            stream
        })
        .collect();
    let open = || entries(&format!("/proc/{}/fd", server.0.id())).len();
    // None of the others has said more by then: who waited for one would wait for ever.
    assert!(ask("GET /metrics HTTP/1.1\r\n\r\n").contains("\npernet_namespaces "));
    assert!(open() < 100, "{} files are open", open());
    // Somebody who sends without an end is stopped.
    let mut endless = TcpStream::connect(ADDRESS).unwrap();
    let mut sent = 0;
    while endless.write_all(&[b'x'; 1024]).is_ok() {
        sent += 1;
        assert!(sent < 1_000_000, "it is never stopped");
    }
    assert!(ask("GET / HTTP/1.1\r\n\r\n").contains("/metrics"));
    // All who came and said no more are gone in time.
    eventually("the slow ones are gone", || open() < 10);
    slow.clear();
    assert!(ask("HEAD /metrics HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
    assert_eq!(server.0.try_wait().unwrap(), None);
}

pub fn a_textfile_is_whole_or_as_it_was(lab: &Lab) {
    fs::create_dir("/run/textfile").unwrap();
    let path = "/run/textfile/pernet.prom";
    lab.pernet(&["export", "--textfile", path]);
    let text = fs::read_to_string(path).unwrap();
    assert!(
        text.starts_with("# HELP pernet_info ") && text.ends_with('\n'),
        "{text}"
    );
    assert_eq!(
        fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(entries("/run/textfile"), ["pernet.prom"]);
    // Who reads it is another user, whatever the umask is.
    fs::remove_file(path).unwrap();
    let careful = format!("umask 077; exec {PERNET} export --textfile {path}");
    lab.command("sh", &["-c", &careful]);
    let mode = || fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o644);
    let inode = |_| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(());
    lab.pernet(&["export", "--textfile", path]);
    assert_ne!(inode(()), before, "it was written over");
    lab.refuses(
        &["export", "--textfile", "/run/textfile/pernet.txt"],
        "ends in .prom",
    );
    lab.refuses(
        &["export", "--textfile", "/run/none/pernet.prom"],
        "cannot write /run/none/pernet.prom",
    );
    fs::create_dir("/run/textfile/other.prom").unwrap();
    lab.refuses(
        &["export", "--textfile", "/run/textfile/other.prom"],
        "cannot write",
    );
    assert_eq!(entries("/run/textfile"), ["other.prom", "pernet.prom"]);
}

pub fn what_cannot_be_listened_to_is_said(lab: &Lab) {
    let _server = server(lab, &[]);
    lab.refuses(
        &["export", "--listen", ADDRESS],
        "choose another with --listen",
    );
    lab.refuses(
        &["export", "--listen", "localhost:9479"],
        "as 127.0.0.1:9479 and",
    );
}

pub fn alert_rules_do_what_they_say(lab: &Lab) {
    let rules = format!("{DOCS}/prometheus/alerts.yml");
    let said = lab.command("promtool", &["check", "rules", &rules]);
    assert!(said.contains("SUCCESS: 4 rules found"), "{said}");
    let tests = format!("{DOCS}/prometheus/alerts.test.yml");
    let output = Command::new("promtool")
        .args(["test", "rules", &tests])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What Grafana asks for is what there is, as far as the tool shows it here, and the
/// rest is the module's.
pub fn the_dashboard_asks_for_what_there_is(lab: &Lab) {
    let text = fs::read_to_string(format!("{DOCS}/prometheus/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let metrics = lab.pernet(&["export", "--print"]);
    // Without the module, and without drops.
    let not_here = [
        "pernet_netns_packets_total",
        "pernet_netns_bytes_total",
        "pernet_netns_dropped_packets_total",
    ];
    let mut asked = 0;
    for target in panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let expression = target["expr"].as_str().unwrap();
        let names = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in names.filter(|name| name.starts_with("pernet_")) {
            asked += 1;
            let is_there = metrics.contains(&format!("# TYPE {name} "));
            assert!(
                is_there || not_here.contains(&name),
                "{name} in {expression}"
            );
        }
    }
    assert!(asked > 10, "{asked}");
}

pub fn the_service_is_right_and_confined(lab: &Lab) {
    let unit = fs::read_to_string(format!("{DOCS}/systemd/pernet-export.service")).unwrap();
    assert!(unit.contains("\nExecStart=/usr/local/bin/pernet export\n"));
    fs::create_dir("/run/units").unwrap();
    let path = "/run/units/pernet-export.service";
    fs::write(path, unit.replace("/usr/local/bin/pernet", PERNET)).unwrap();
    assert!(Path::new(path).exists());
    let said = lab.command("systemd-analyze", &["verify", "--man=no", path]);
    assert_eq!(said, "");
    // Of 100: what takes no care at all has 96.
    lab.command(
        "systemd-analyze",
        &["security", "--offline=true", "--threshold=30", path],
    );
}

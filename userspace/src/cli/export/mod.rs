// SPDX-License-Identifier: MIT OR Apache-2.0

//! `pernet export`: what namespaces count, for Prometheus.

mod pages;
mod textfile;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use self::pages::Pages;
use super::{argument, output};
use crate::http::{self, Request, Response, Status};
use crate::netlink::pernet::{Filter, NoModule};
use crate::netns::{discover, process};
use crate::node::interrupt::Deferred;
use crate::stat::Reader;
use crate::stat::exposition::{self, Format, Holders, Limits, Scrape};
use crate::stat::model::Source;

/// Show Prometheus what each namespace counts
///
/// Serves http://ADDRESS/metrics, in Prometheus' text format or as OpenMetrics, until
/// it is stopped. It listens on this machine alone unless told otherwise: whoever
/// reaches it may read everything, so let a reverse proxy see to TLS and to who may
/// come. Without the module the counts are the kernel's own. docs/operators.md has
/// the metrics, alert rules, a dashboard and a service for systemd.
#[derive(Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9479", value_parser = argument::address)]
    listen: SocketAddr,
    /// Write the metrics to a file once, for node_exporter's textfile collector; who
    /// reads it sees the old ones or the new ones, whole
    #[arg(long, value_name = "FILE.prom", conflicts_with = "listen")]
    textfile: Option<PathBuf>,
    /// Print the metrics once
    #[arg(long, conflicts_with_all = ["listen", "textfile"])]
    print: bool,
    /// Show N namespaces at most, the oldest
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
    /// Show each device too, N of a namespace at most; the module does not know them
    #[arg(long, value_name = "N", default_value_t = 0)]
    devices: usize,
    /// Whose counts to show; by default the module's, if it is loaded
    #[arg(long)]
    source: Option<Source>,
}

const AFTER: &str = "\
Example: pernet export --listen 127.0.0.1:9479
         pernet export --textfile /var/lib/node_exporter/pernet.prom

Exit status: 0 when it was stopped by SIGTERM, SIGINT or SIGHUP; 3 where the
module is asked for and not loaded.";

pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.print {
        return output::print(&metrics(arguments, Format::Prometheus)?);
    }
    match &arguments.textfile {
        Some(path) => textfile::write(path, &metrics(arguments, Format::Prometheus)?),
        None => serve(arguments),
    }
}

fn serve(arguments: &Arguments) -> Result<()> {
    let signals = Deferred::hold()?;
    let address = arguments.listen;
    let listener = TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address}; choose another with --listen"))?;
    let address = listener.local_addr().context("cannot examine a socket")?;
    if !address.ip().is_loopback() {
        let warning = format!("whoever reaches {address} can read what every namespace does");
        output::complain("pernet", warning);
    }
    output::print(&format!("http://{address}/metrics\n"))?;
    let mut pages = Pages::default();
    http::serve(&listener, signals.pending(), |request| {
        answer(arguments, &mut pages, request)
    })
}

fn answer(arguments: &Arguments, pages: &mut Pages, request: &Request) -> Response {
    match request.path {
        "/metrics" => {}
        "/" => return Response::text(Status::Ok, "the metrics are at /metrics"),
        _ => return Response::text(Status::NotFound, "there is /metrics and nothing else"),
    }
    let format = Format::accepted(request.accept);
    match pages.get(format, Instant::now(), || metrics(arguments, format)) {
        Ok(body) => Response {
            status: Status::Ok,
            kind: format.content_type(),
            body,
        },
        Err(error) => {
            output::complain("pernet", format!("{error:#}"));
            Response::text(Status::Failed, format!("{error:#}"))
        }
    }
}

/// Reads everything anew: the module may have come or gone since the last time.
fn metrics(arguments: &Arguments, format: Format) -> Result<String> {
    let began = Instant::now();
    let mut reader = Reader::open(arguments.source)?.ok_or(NoModule)?;
    let snapshot = reader.read(&[], &Filter::default())?;
    output::remark(&snapshot.unread);
    let holders = holders()?;
    let scrape = Scrape {
        snapshot: &snapshot,
        took: began.elapsed(),
        holders: holders.as_ref(),
        limits: Limits {
            namespaces: arguments.limit,
            devices: arguments.devices,
        },
    };
    Ok(exposition::render(&scrape, format))
}

/// What keeps each namespace; nothing, where processes of others hide theirs: then
/// none would seem to keep what they keep.
fn holders() -> Result<Option<HashMap<u64, Holders>>> {
    if !process::are_visible() {
        return Ok(None);
    }
    let found = discover::everything()?.into_iter();
    let holders = found.map(|it| (it.inode.number, Holders::of(&it)));
    Ok(Some(holders.collect()))
}

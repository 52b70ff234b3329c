// SPDX-License-Identifier: MIT OR Apache-2.0

//! How metrics are written: descriptions, samples and labels.

use std::fmt::{Display, Write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    /// What a reader wants that accepts this.
    pub fn accepted(accept: &str) -> Self {
        match accept.contains("application/openmetrics-text") {
            true => Format::OpenMetrics,
            false => Format::Prometheus,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What was written so far.
pub struct Page {
    out: String,
    format: Format,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Counter,
    Gauge,
    Info,
}

/// Writes the samples of one metric; its description comes with the first.
pub struct Samples<'a> {
    page: &'a mut Page,
    kind: Kind,
    name: &'static str,
    help: &'static str,
    described: bool,
}

impl Page {
    pub fn new(format: Format) -> Self {
        Page {
            out: String::new(),
            format,
        }
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.out += "# EOF\n";
        }
        self.out
    }

    /// The metric of this name, without the end that samples of its kind have.
    pub fn family(&mut self, kind: Kind, name: &'static str, help: &'static str) -> Samples<'_> {
        Samples {
            page: self,
            kind,
            name,
            help,
            described: false,
        }
    }
}

impl Samples<'_> {
    pub fn put(&mut self, labels: &str, value: impl Display) {
        let end = match self.kind {
            Kind::Counter => "_total",
            Kind::Gauge => "",
            Kind::Info => "_info",
        };
        if !self.described {
            self.describe(end);
            self.described = true;
        }
        let out = &mut self.page.out;
        let _ = match labels {
            "" => writeln!(out, "{}{end} {value}", self.name),
            labels => writeln!(out, "{}{end}{{{labels}}} {value}", self.name),
        };
    }

    /// OpenMetrics describes the metric without the end; Prometheus' format knows
    /// samples alone, and no information.
    fn describe(&mut self, end: &str) {
        let (end, kind) = match (self.page.format, self.kind) {
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
            (Format::Prometheus, Kind::Counter) => (end, "counter"),
            (_, Kind::Gauge | Kind::Info) => (end, "gauge"),
        };
        let Samples { name, help, .. } = self;
        let _ = writeln!(
            self.page.out,
            "# HELP {name}{end} {help}\n# TYPE {name}{end} {kind}"
        );
    }
}

/// Labels, as they are between braces.
pub fn pairs(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = (pairs.iter())
        .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
        .collect();
    pairs.join(",")
}

/// What a label may be worth.
pub fn escaped(value: &str) -> String {
    (value.replace('\\', r"\\").replace('"', r#"\""#)).replace('\n', r"\n")
}

// SPDX-License-Identifier: MIT OR Apache-2.0

//! A lab as SVG, for light and dark surroundings.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::fmt::Write;

use super::label::{Area, CHARACTER, Canvas, LINE, along};
use super::layout::{self, Point};
use super::{Counters, Edge, Picture, Vertex};
use crate::lab::model::Lab;

/// What is left free around the picture.
const MARGIN: f64 = 24.0;
/// The least length of an edge, and what one more at a vertex takes of a circle.
const LENGTH: f64 = 165.0;
const PLACE_AT_CIRCLE: f64 = 62.0;
/// The most that everything linked with everything is drawn apart.
const MAX_LENGTH: f64 = 420.0;
/// How far from an end of a link its label is.
const NEAR_END: f64 = 0.31;
/// Between links of the same two.
const BESIDE: f64 = 34.0;

const STYLE: &str = "\
.back{fill:#ffffff}
.node rect{fill:#e8f0fe;stroke:#3367d6}
.bridge rect{fill:#fef3d8;stroke:#b06000}
.name{font-size:14px;font-weight:600;fill:#202124}
.note{font-size:11px;fill:#5f6368}
.link{fill:none;stroke:#80868b;stroke-width:1.5}
.impaired{stroke:#c5221f;stroke-dasharray:6 4}
.label{font-size:11px;fill:#3c4043;stroke:#ffffff;stroke-width:3px;paint-order:stroke}
.device{fill:#5f6368}
.remark{fill:#c5221f}
@media (prefers-color-scheme:dark){
.back{fill:#1f1f1f}
.node rect{fill:#223355;stroke:#8ab4f8}
.bridge rect{fill:#4a3a17;stroke:#fdd663}
.name{fill:#e8eaed}
.note{fill:#bdc1c6}
.link{stroke:#9aa0a6}
.impaired{stroke:#f28b82}
.label{fill:#e8eaed;stroke:#1f1f1f}
.device{fill:#bdc1c6}
.remark{fill:#f28b82}
}
";

/// Words with their place.
struct Label {
    middle: Point,
    lines: Vec<String>,
    class: &'static str,
}

/// A link as it is drawn: from, by way of, to.
struct Line {
    from: Point,
    by: Point,
    to: Point,
}

/// Draws a lab.
pub fn render(lab: &Lab, counters: &Counters) -> String {
    let picture = Picture::of(lab, counters);
    let sizes: Vec<_> = picture.vertices.iter().map(size).collect();
    let (mut points, length) = place(&picture, &sizes);
    let areas: Vec<Area> = (points.iter().zip(&sizes))
        .map(|(&middle, &(width, height))| Area {
            middle,
            width,
            height,
        })
        .collect();
    let mut lines = lines(&picture, &points);
    let mut labels = labels(&picture, &areas, &lines, length * NEAR_END);

    // All of it is moved to where coordinates are not negative.
    let label_areas = labels
        .iter()
        .map(|label| Area::of_text(label.middle, &label.lines));
    let corners: Vec<Point> = (areas.iter().copied().chain(label_areas))
        .flat_map(corners)
        .chain(lines.iter().map(|line| line.by))
        .collect();
    let (low, high) = match corners.is_empty() {
        true => (Point::default(), Point { x: 100.0, y: 40.0 }),
        false => layout::bounds(&corners),
    };
    let shift = |point: &mut Point| {
        point.x += MARGIN - low.x;
        point.y += MARGIN - low.y;
    };
    points.iter_mut().for_each(shift);
    labels.iter_mut().for_each(|label| shift(&mut label.middle));
    for line in &mut lines {
        for point in [&mut line.from, &mut line.by, &mut line.to] {
            shift(point);
        }
    }
    let width = high.x - low.x + 2.0 * MARGIN;
    let height = high.y - low.y + 2.0 * MARGIN;
    let mut out = Writer(String::new());
    out.open(lab, width.ceil(), height.ceil());
    for (edge, line) in picture.edges.iter().zip(&lines) {
        out.line(edge, line);
    }
    for (index, vertex) in picture.vertices.iter().enumerate() {
        out.vertex(vertex, points[index], sizes[index]);
    }
    labels.iter().for_each(|label| out.label(label));
    out.0 += "</svg>\n";
    out.0
}

/// Width and height of a vertex.
fn size(vertex: &Vertex) -> (f64, f64) {
    let name = vertex.name.chars().count() as f64 * 8.4;
    let note = vertex.note.as_ref().map_or(0, |note| note.chars().count()) as f64 * 6.2;
    let height = if vertex.note.is_some() { 42.0 } else { 30.0 };
    (name.max(note).max(26.0) + 20.0, height)
}

/// Positions of the vertices, and how long a link is where it can be.
fn place(picture: &Picture, sizes: &[(f64, f64)]) -> (Vec<Point>, f64) {
    let edges: Vec<_> = (picture.edges.iter())
        .map(|edge| (edge.ends[0].vertex, edge.ends[1].vertex))
        .collect();
    let mut degrees = vec![0_u32; picture.vertices.len()];
    for &(a, b) in &edges {
        degrees[a] += 1;
        degrees[b] += 1;
    }
    let most = degrees.iter().max().copied().unwrap_or(0);
    let widest = sizes.iter().map(|(width, _)| *width).fold(0.0, f64::max);
    let around = f64::from(most) * PLACE_AT_CIRCLE / TAU;
    // Where everything is linked with everything, only half of the circle is used,
    // and labels are nearer to one end than to the middle.
    let dense = edges.len() * 4 > sizes.len() * sizes.len().saturating_sub(1);
    let around = match dense {
        true => (around * 2.0 / NEAR_END).min(MAX_LENGTH),
        false => around,
    };
    let words = picture.edges.iter().flat_map(|edge| &edge.notes);
    let words = words.map(|note| note.chars().count()).max();
    let between = words.map_or(0.0, |words| words as f64 * CHARACTER + 120.0);
    let beside = picture.edges.iter().map(|edge| {
        let ends = edge
            .ends
            .each_ref()
            .map(|end| Area::of_text(Point::default(), &end.lines()));
        ends.iter().map(|area| area.width).sum::<f64>() + 50.0
    });
    let beside = beside.fold(0.0, f64::max);
    let wanted = [LENGTH, around, between, beside, widest + 90.0];
    let length = wanted.into_iter().fold(0.0, f64::max);
    let points = layout::positions(picture.vertices.len(), &edges, length);
    (points, length)
}

/// Straight lines; those of the same two vertices bend away from each other, and
/// one from a vertex to itself goes out and comes back.
fn lines(picture: &Picture, points: &[Point]) -> Vec<Line> {
    let key = |edge: &Edge| {
        let [a, b] = edge.ends.each_ref().map(|end| end.vertex);
        (a.min(b), a.max(b))
    };
    let mut counts: HashMap<_, (usize, usize)> = HashMap::new();
    for edge in &picture.edges {
        counts.entry(key(edge)).or_default().0 += 1;
    }
    let mut line = |edge: &Edge| {
        let (count, drawn) = counts.entry(key(edge)).or_default();
        let beside = (*drawn as f64 - (*count as f64 - 1.0) / 2.0) * BESIDE;
        *drawn += 1;
        let [a, b] = edge.ends.each_ref().map(|end| end.vertex);
        let (from, to) = (points[a], points[b]);
        if a == b {
            let height = 90.0 + *drawn as f64 * 30.0;
            let by = Point {
                x: from.x,
                y: from.y - height,
            };
            return Line { from, by, to };
        }
        // The side does not depend on which end the file says first.
        let (first, second) = (points[a.min(b)], points[a.max(b)]);
        let (dx, dy) = (second.x - first.x, second.y - first.y);
        let length = dx.hypot(dy).max(1.0);
        let middle = along(from, to, 0.5);
        let by = Point {
            x: middle.x - dy / length * beside * 2.0,
            y: middle.y + dx / length * beside * 2.0,
        };
        Line { from, by, to }
    };
    picture.edges.iter().map(&mut line).collect()
}

impl Line {
    /// The point so far along the curve.
    fn at(&self, share: f64) -> Point {
        along(
            along(self.from, self.by, share),
            along(self.by, self.to, share),
            share,
        )
    }
}

fn labels(picture: &Picture, areas: &[Area], lines: &[Line], distance: f64) -> Vec<Label> {
    let mut segments = Vec::new();
    for line in lines {
        segments.push((line.from, line.at(0.5)));
        segments.push((line.at(0.5), line.to));
    }
    let mut canvas = Canvas::new(areas.to_vec(), segments);
    let mut labels = Vec::new();
    // What is at the ends has less room to go, and so goes first.
    for (edge, line) in picture.edges.iter().zip(lines) {
        for (end, a) in edge.ends.iter().zip([line.from, line.to]) {
            let text = end.lines();
            if text.is_empty() {
                continue;
            }
            let middle = canvas.place(a, line.at(0.5), &text, distance);
            labels.push(Label {
                middle,
                lines: text,
                class: "label",
            });
        }
    }
    for (edge, line) in picture.edges.iter().zip(lines) {
        if !edge.notes.is_empty() {
            let (a, b) = (line.at(0.25), line.at(0.75));
            let half = (b.x - a.x).hypot(b.y - a.y) / 2.0;
            let middle = canvas.place(a, b, &edge.notes, half);
            labels.push(Label {
                middle,
                lines: edge.notes.clone(),
                class: "label remark",
            });
        }
    }
    labels
}

fn corners(area: Area) -> [Point; 2] {
    let Area {
        middle,
        width,
        height,
    } = area;
    [-0.5, 0.5].map(|side| Point {
        x: middle.x + side * width,
        y: middle.y + side * height,
    })
}

struct Writer(String);

impl Writer {
    fn put(&mut self, text: std::fmt::Arguments) {
        self.0.write_fmt(text).expect("memory takes all");
    }

    fn open(&mut self, lab: &Lab, width: f64, height: f64) {
        let name = escape(lab.name.as_str());
        self.put(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\" text-anchor=\"middle\" role=\"img\">\n<title>lab {name}</title>\n<style>\n{STYLE}</style>\n<rect class=\"back\" width=\"100%\" height=\"100%\"/>\n"
        ));
    }

    fn line(&mut self, edge: &Edge, line: &Line) {
        let class = if edge.impaired {
            "link impaired"
        } else {
            "link"
        };
        let Line { from, by, to } = line;
        let is_loop = edge.ends[0].vertex == edge.ends[1].vertex;
        let curve = match is_loop {
            true => format!(
                "C{:.1} {:.1} {:.1} {:.1} ",
                by.x - 70.0,
                by.y,
                by.x + 70.0,
                by.y
            ),
            false => format!("Q{:.1} {:.1} ", by.x, by.y),
        };
        self.put(format_args!(
            "<path class=\"{class}\" d=\"M{:.1} {:.1} {curve}{:.1} {:.1}\"/>\n",
            from.x, from.y, to.x, to.y
        ));
    }

    fn vertex(&mut self, vertex: &Vertex, middle: Point, (width, height): (f64, f64)) {
        let (class, radius) = if vertex.bridge {
            ("bridge", 3)
        } else {
            ("node", 12)
        };
        let Point { x, y } = middle;
        self.put(format_args!(
            "<g class=\"{class}\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\"/>",
            x - width / 2.0,
            y - height / 2.0
        ));
        let (name, note) = match vertex.note {
            Some(_) => (y - 2.0, y + 13.0),
            None => (y + 5.0, y),
        };
        self.put(format_args!(
            "<text class=\"name\" x=\"{x:.1}\" y=\"{name:.1}\">{}</text>",
            escape(vertex.name)
        ));
        if let Some(text) = &vertex.note {
            self.put(format_args!(
                "<text class=\"note\" x=\"{x:.1}\" y=\"{note:.1}\">{}</text>",
                escape(text)
            ));
        }
        self.0 += "</g>\n";
    }

    fn label(&mut self, label: &Label) {
        let Point { x, y } = label.middle;
        let top = y - label.lines.len() as f64 * LINE / 2.0;
        for (index, line) in label.lines.iter().enumerate() {
            let y = top + (index as f64 + 0.8) * LINE;
            let device = if index == 0 && label.class == "label" {
                " device"
            } else {
                ""
            };
            self.put(format_args!(
                "<text class=\"{}{device}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>\n",
                label.class,
                escape(line)
            ));
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

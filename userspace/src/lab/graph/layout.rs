// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where the vertices of a graph go.
//!
//! Each connected part is laid out by itself: from the inside outwards at first,
//! so that trees begin without crossings, and then so that distances in the
//! picture are as near as possible to those in the graph (stress majorization).
//! Last it is turned so that its edges lie along the axes where they can.

use std::collections::VecDeque;
use std::f64::consts::TAU;

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Above this, time grows too large for what is too large to be looked at anyway.
const MAX_STRESS: usize = 400;
const ROUNDS: usize = 300;
/// Between parts that are not connected.
const GAP: f64 = 110.0;

/// Positions of `count` vertices, where an edge is `length` long if it can be.
pub fn positions(count: usize, edges: &[(usize, usize)], length: f64) -> Vec<Point> {
    let mut neighbours = vec![Vec::new(); count];
    for &(a, b) in edges.iter().filter(|(a, b)| a != b) {
        neighbours[a].push(b);
        neighbours[b].push(a);
    }
    let mut points = vec![Point::default(); count];
    let mut shelf = Shelf::default();
    for part in parts(&neighbours) {
        let mut placed = lay_out(&part, &neighbours, length);
        turn(&part, &neighbours, &mut placed);
        shelf.put(&mut placed);
        for (vertex, point) in part.iter().zip(placed) {
            points[*vertex] = point;
        }
    }
    points
}

/// The connected parts, each with its vertices in their order.
fn parts(neighbours: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut seen = vec![false; neighbours.len()];
    let mut parts = Vec::new();
    for start in 0..neighbours.len() {
        if seen[start] {
            continue;
        }
        seen[start] = true;
        let mut part = vec![start];
        let mut next = 0;
        while let Some(&vertex) = part.get(next) {
            next += 1;
            for &other in &neighbours[vertex] {
                if !std::mem::replace(&mut seen[other], true) {
                    part.push(other);
                }
            }
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

fn lay_out(part: &[usize], neighbours: &[Vec<usize>], length: f64) -> Vec<Point> {
    let count = part.len();
    // Vertices by their number in the part, from here on.
    let mut number = vec![usize::MAX; neighbours.len()];
    for (index, vertex) in part.iter().enumerate() {
        number[*vertex] = index;
    }
    let near: Vec<Vec<usize>> = (part.iter())
        .map(|vertex| {
            neighbours[*vertex]
                .iter()
                .map(|other| number[*other])
                .collect()
        })
        .collect();
    if count > MAX_STRESS {
        return radial(&near, 0, length);
    }
    let distances: Vec<Vec<usize>> = (0..count).map(|start| distances(&near, start)).collect();
    if is_dense(&near) {
        return circle(count, length);
    }
    let reach = |vertex: &usize| distances[*vertex].iter().max().copied().unwrap_or(0);
    let middle = (0..count).min_by_key(reach).unwrap_or(0);
    let mut points = radial(&near, middle, length);
    for _ in 0..ROUNDS {
        majorize(&mut points, &distances, length);
    }
    points
}

/// Whether more than half of what could be linked is.
fn is_dense(near: &[Vec<usize>]) -> bool {
    let count = near.len();
    let linked: usize = near.iter().map(Vec::len).sum();
    count > 3 && linked * 2 > count * (count - 1)
}

/// One beside the other, where nothing else would let edges be told apart.
fn circle(count: usize, length: f64) -> Vec<Point> {
    let step = TAU / count as f64;
    let radius = length / 2.0 / (step / 2.0).sin();
    let point = |index: usize| {
        let angle = step * (index as f64 + 0.5) - TAU / 4.0;
        Point {
            x: radius * angle.cos(),
            y: radius * angle.sin(),
        }
    };
    (0..count).map(point).collect()
}

/// How many edges lead from `start` to each vertex.
fn distances(near: &[Vec<usize>], start: usize) -> Vec<usize> {
    let mut distances = vec![usize::MAX; near.len()];
    distances[start] = 0;
    let mut queue = VecDeque::from([start]);
    while let Some(vertex) = queue.pop_front() {
        for &other in &near[vertex] {
            if distances[other] == usize::MAX {
                distances[other] = distances[vertex] + 1;
                queue.push_back(other);
            }
        }
    }
    distances
}

/// On circles around `middle`, each branch in a sector as wide as it has leaves.
fn radial(near: &[Vec<usize>], middle: usize, length: f64) -> Vec<Point> {
    let mut parent = vec![usize::MAX; near.len()];
    parent[middle] = middle;
    let mut order = vec![middle];
    let mut next = 0;
    while let Some(&vertex) = order.get(next) {
        next += 1;
        for &other in &near[vertex] {
            if parent[other] == usize::MAX {
                parent[other] = vertex;
                order.push(other);
            }
        }
    }
    let mut leaves = vec![0_usize; near.len()];
    for &vertex in order.iter().rev() {
        leaves[vertex] = leaves[vertex].max(1);
        if vertex != middle {
            leaves[parent[vertex]] += leaves[vertex];
        }
    }
    let mut points = vec![Point::default(); near.len()];
    // The sector of each vertex that is left for its children: its begin, and the
    // width of one leaf.
    let mut sector = vec![(0.0, TAU / leaves[middle] as f64); near.len()];
    let mut depth = vec![0.0; near.len()];
    for &vertex in order.iter().skip(1) {
        let above = parent[vertex];
        let (begin, leaf) = sector[above];
        let width = leaf * leaves[vertex] as f64;
        sector[above].0 = begin + width;
        sector[vertex] = (begin, leaf);
        depth[vertex] = depth[above] + 1.0;
        let angle = begin + width / 2.0;
        let radius = depth[vertex] * length;
        points[vertex] = Point {
            x: radius * angle.cos(),
            y: radius * angle.sin(),
        };
    }
    points
}

/// Moves each vertex to where its distances to all others would have it; the
/// nearer, the more they count.
fn majorize(points: &mut [Point], distances: &[Vec<usize>], length: f64) {
    for this in 0..points.len() {
        let (mut x, mut y, mut weights) = (0.0, 0.0, 0.0);
        for (other, point) in points.iter().enumerate() {
            if other == this {
                continue;
            }
            let wanted = distances[this][other] as f64 * length;
            let (dx, dy) = (points[this].x - point.x, points[this].y - point.y);
            let is = dx.hypot(dy).max(1e-9);
            let weight = 1.0 / (wanted * wanted);
            x += weight * (point.x + wanted * dx / is);
            y += weight * (point.y + wanted * dy / is);
            weights += weight;
        }
        if weights > 0.0 {
            points[this] = Point {
                x: x / weights,
                y: y / weights,
            };
        }
    }
}

/// Turns the part so that most edges are level or upright, and it is wider than
/// high.
fn turn(part: &[usize], neighbours: &[Vec<usize>], points: &mut [Point]) {
    let (mut sine, mut cosine) = (0.0, 0.0);
    let mut number = vec![usize::MAX; neighbours.len()];
    for (index, vertex) in part.iter().enumerate() {
        number[*vertex] = index;
    }
    for (index, vertex) in part.iter().enumerate() {
        for other in &neighbours[*vertex] {
            let (a, b) = (points[index], points[number[*other]]);
            let angle = 4.0 * (b.y - a.y).atan2(b.x - a.x);
            sine += angle.sin();
            cosine += angle.cos();
        }
    }
    // Where edges lead everywhere alike there is no better way to turn it.
    if f64::hypot(sine, cosine) > 1e-6 {
        rotate(points, -sine.atan2(cosine) / 4.0);
    }
    let (low, high) = bounds(points);
    if high.y - low.y > high.x - low.x + 1e-6 {
        rotate(points, TAU / 4.0);
    }
    // The first one is at the top left.
    if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
        if first.x > last.x + 1e-6 {
            points.iter_mut().for_each(|point| point.x = -point.x);
        }
        if first.y > last.y + 1e-6 {
            points.iter_mut().for_each(|point| point.y = -point.y);
        }
    }
}

fn rotate(points: &mut [Point], angle: f64) {
    let (sine, cosine) = angle.sin_cos();
    for point in points {
        *point = Point {
            x: point.x * cosine - point.y * sine,
            y: point.x * sine + point.y * cosine,
        };
    }
}

/// The least and the greatest coordinates.
pub fn bounds(points: &[Point]) -> (Point, Point) {
    let mut low = Point {
        x: f64::INFINITY,
        y: f64::INFINITY,
    };
    let mut high = Point {
        x: f64::NEG_INFINITY,
        y: f64::NEG_INFINITY,
    };
    for point in points {
        low = Point {
            x: low.x.min(point.x),
            y: low.y.min(point.y),
        };
        high = Point {
            x: high.x.max(point.x),
            y: high.y.max(point.y),
        };
    }
    (low, high)
}

/// Parts beside one another, in rows.
#[derive(Default)]
struct Shelf {
    x: f64,
    y: f64,
    row_height: f64,
}

impl Shelf {
    const WIDTH: f64 = 1200.0;

    fn put(&mut self, points: &mut [Point]) {
        let (low, high) = bounds(points);
        let (width, height) = (high.x - low.x, high.y - low.y);
        if self.x > 0.0 && self.x + width > Self::WIDTH {
            self.x = 0.0;
            self.y += self.row_height + GAP;
            self.row_height = 0.0;
        }
        for point in points {
            point.x += self.x - low.x;
            point.y += self.y - low.y;
        }
        self.x += width + GAP;
        self.row_height = self.row_height.max(height);
    }
}

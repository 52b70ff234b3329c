// SPDX-License-Identifier: MIT OR Apache-2.0

//! Where words go, so that they cover neither each other nor the vertices.

use super::layout::Point;

/// Height of a line, and usual width of a character, of labels.
pub const LINE: f64 = 13.0;
pub const CHARACTER: f64 = 6.3;

/// How much nearer or farther than it should be a label may be, the best first.
const NEARER_AND_FARTHER: [f64; 6] = [1.0, 1.18, 0.84, 1.36, 0.7, 1.6];

/// Above this many, looking for the best place takes too long for what nobody can
/// read.
const MAX_SEARCH: usize = 1500;

/// A rectangle by its middle.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub middle: Point,
    pub width: f64,
    pub height: f64,
}

impl Area {
    /// Of lines of text.
    pub fn of_text(middle: Point, lines: &[String]) -> Self {
        let longest = lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        Area {
            middle,
            width: longest as f64 * CHARACTER + 4.0,
            height: lines.len() as f64 * LINE + 2.0,
        }
    }

    /// How much of it another covers.
    fn overlap(&self, other: &Area) -> f64 {
        let across = (self.width + other.width) / 2.0 - (self.middle.x - other.middle.x).abs();
        let down = (self.height + other.height) / 2.0 - (self.middle.y - other.middle.y).abs();
        across.max(0.0) * down.max(0.0)
    }

    /// How much of a line from `a` to `b` is in it, roughly.
    fn crossed(&self, a: Point, b: Point) -> f64 {
        const STEPS: usize = 24;
        let length = (b.x - a.x).hypot(b.y - a.y);
        let inside = (0..=STEPS).filter(|step| {
            let at = along(a, b, *step as f64 / STEPS as f64);
            (at.x - self.middle.x).abs() < self.width / 2.0
                && (at.y - self.middle.y).abs() < self.height / 2.0
        });
        inside.count() as f64 / STEPS as f64 * length
    }
}

/// The point so far of the way from `a` to `b`.
pub fn along(a: Point, b: Point, share: f64) -> Point {
    Point {
        x: a.x + (b.x - a.x) * share,
        y: a.y + (b.y - a.y) * share,
    }
}

/// What is in the picture already.
pub struct Canvas {
    areas: Vec<Area>,
    lines: Vec<(Point, Point)>,
}

impl Canvas {
    pub fn new(areas: Vec<Area>, lines: Vec<(Point, Point)>) -> Self {
        Canvas { areas, lines }
    }

    /// Finds the place for a label beside the line from `a` to `b`, as far from `a`
    /// as `distance` if it can be.
    pub fn place(&mut self, a: Point, b: Point, lines: &[String], distance: f64) -> Point {
        let length = (b.x - a.x).hypot(b.y - a.y).max(1.0);
        let shares = NEARER_AND_FARTHER.map(|times| (distance * times / length).min(1.0));
        let (nx, ny) = (-(b.y - a.y) / length, (b.x - a.x) / length);
        let size = Area::of_text(a, lines);
        // So far beside the line its corner does not touch it.
        let beside = (nx.abs() * size.width + ny.abs() * size.height) / 2.0 + 3.0;
        // Above or left of a line first.
        let up = if ny > 0.0 || (ny == 0.0 && nx > 0.0) {
            -1.0
        } else {
            1.0
        };
        let sides = [up * beside, -up * beside, 0.0];
        let mut best: Option<(f64, Area)> = None;
        for (rank, share) in shares.iter().enumerate() {
            for (side, offset) in sides.iter().enumerate() {
                let on_line = along(a, b, *share);
                let middle = Point {
                    x: on_line.x + nx * offset,
                    y: on_line.y + ny * offset,
                };
                let area = Area { middle, ..size };
                let mut cost = rank as f64 * 8.0 + side as f64 * 12.0;
                if self.areas.len() < MAX_SEARCH {
                    cost += self.cost(&area);
                }
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, area));
                }
            }
        }
        let area = best.map_or(size, |(_, area)| area);
        self.areas.push(area);
        area.middle
    }

    fn cost(&self, area: &Area) -> f64 {
        let covered: f64 = self.areas.iter().map(|other| area.overlap(other)).sum();
        let near = |(a, b): &&(Point, Point)| {
            let reach = area.width / 2.0 + area.height / 2.0;
            let (low, high) = (a.x.min(b.x) - reach, a.x.max(b.x) + reach);
            (low..=high).contains(&area.middle.x)
        };
        let lines = self.lines.iter().filter(near);
        let crossed: f64 = lines.map(|(a, b)| area.crossed(*a, *b)).sum();
        covered * 4.0 + crossed
    }
}
